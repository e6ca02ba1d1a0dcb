// What the translator sends itself: echo replies, and ICMP errors where RFC 1122 §3.2.2 and RFC 4443 §2.4 (e) allow one.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { isMartian4, isMartian6 } from './addresses.ts';
import { bytes16, withBytes } from './bytes.ts';
import { internetChecksum, pseudoHeader6 } from './checksum.ts';
import { emitIpv4, emitIpv6 } from './emit.ts';
import { icmpMessage, withoutChecksum } from './extensions.ts';
import * as m from './model.ts';

/** ICMPv4 from `source`: TTL 64, an atomic datagram (RFC 6864 §4.1). */
function sendIcmp4(source: number, destination: number, message: Uint8Array): Uint8Array {
  const payload = withBytes(message, 2, bytes16(internetChecksum(message)));
  return emitIpv4({
    ...{ tos: 0, identification: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0, ttl: 64 },
    protocol: m.ICMPV4,
    source,
    destination,
    options: new Uint8Array(),
    payload,
    payloadLength: payload.length,
  });
}

/** ICMPv6 from `source`: hop limit 64. */
function sendIcmp6(source: Uint8Array, destination: Uint8Array, message: Uint8Array): Uint8Array {
  const pseudo = pseudoHeader6(source, destination, m.ICMPV6, message.length);
  const payload = withBytes(message, 2, bytes16(internetChecksum(pseudo, message)));
  return emitIpv6({
    ...{ trafficClass: 0, hopLimit: 64, fragment: null, protocol: m.ICMPV6 },
    source,
    destination,
    payload,
    payloadLength: payload.length,
  });
}

/** RFC 792: the echo request comes back as a reply. */
export const echoReply4 = (p: m.Ipv4Packet): Uint8Array =>
  sendIcmp4(p.destination, p.source, withBytes(withoutChecksum(p.payload), 0, [0]));

/** RFC 4443 §4.2 */
export const echoReply6 = (p: m.Ipv6Packet): Uint8Array =>
  sendIcmp6(p.destination, p.source, withBytes(withoutChecksum(p.payload), 0, [129]));

/** T-E-01 … T-E-03: the ICMPv4 error about a packet, or null where none may be sent. `bytes` parses. */
export function ownError4(
  bytes: Uint8Array,
  packet: m.Ipv4Packet,
  problem: m.IcmpHeader,
  settings: TranslatorSettings,
): Uint8Array | null {
  // An ICMP message without its type could be an error.
  const type = packet.payload[0];
  const isAboutError = packet.protocol === m.ICMPV4 && (type === undefined || m.isIcmpv4Error(type));
  const isToOneHost = !isMartian4(packet.source, false) && !isMartian4(packet.destination, false);
  if (isAboutError || packet.fragmentOffset > 0 || !isToOneHost) return null;
  if (settings.ownIpv4 === 0 || settings.errorsPerSecond === 0) return null;
  const totalLength = 20 + packet.options.length + packet.payloadLength;
  const quoted = bytes.slice(0, Math.min(totalLength, m.errorSize4(settings) - 28));
  return sendIcmp4(settings.ownIpv4, packet.source, icmpMessage(problem, 0, quoted));
}

/** The same in IPv6. `isFirst`: not a fragment other than the first. */
export function ownError6(
  bytes: Uint8Array,
  upperLayer: { readonly protocol: number; readonly type: number | undefined; readonly isFirst: boolean },
  problem: m.IcmpHeader,
  settings: TranslatorSettings,
): Uint8Array | null {
  const { protocol, type, isFirst } = upperLayer;
  const isAboutError = protocol === m.ICMPV6 && (type === undefined || m.isIcmpv6Error(type));
  const source = bytes.slice(8, 24);
  if (isAboutError || !isFirst || isMartian6(source) || isMartian6(bytes.slice(24, 40))) return null;
  if (settings.ownIpv6 === null || settings.errorsPerSecond === 0) return null;
  const totalLength = 40 + bytes[4] * 256 + bytes[5];
  const quoted = bytes.slice(0, Math.min(totalLength, settings.icmpv6ErrorSize - 48));
  return sendIcmp6(settings.ownIpv6, source, icmpMessage(problem, 0, quoted));
}
