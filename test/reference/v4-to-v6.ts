// RFC 7915 §4: one IPv4 packet → IPv6, rule by rule.

import type { VerdictName } from '../../src/core/translate/verdict.ts';
import { isInPrefix4, isMartian4 } from './addresses.ts';
import { bytes16, concat, read32 } from './bytes.ts';
import { isChecksumRight, pseudoHeader4, pseudoHeader6 } from './checksum.ts';
import { emitIpv6, fragmentIpv6 } from './emit.ts';
import { echoReply4 } from './errors.ts';
import { checkIcmp4, icmpTo6 } from './icmp.ts';
import { mapErrorSourceTo6, mapTo6, refuseBothEmbedded } from './mapping.ts';
import * as m from './model.ts';
import { hasUnexpiredSourceRoute } from './options.ts';
import { checkPiece, parseIpv4 } from './parse.ts';
import { checkTransport, isUdpWithoutChecksum, moveTransport, supplyUdpChecksum } from './transport.ts';

/** Translates, or answers for the translator itself. Throws Refusal. */
export function ipv4ToIpv6(bytes: Uint8Array, context: m.Context): m.ReferenceResult {
  const { settings } = context;
  const p = parseIpv4(bytes, { isQuoted: false, toleratesHeaderChecksum: settings.tolerate.headerChecksum });
  refuseMartians(p, settings.tolerate.martians);
  if (settings.ownIpv4 !== 0 && p.destination === settings.ownIpv4 && !context.isHairpin) return answerForSelf(p);
  // T-4.1-03
  if (hasUnexpiredSourceRoute(p.options) && !settings.tolerate.sourceRoute) throw refusal('source-route', 3, 5);
  if (m.isIpv6Header(p.protocol)) throw new m.Refusal('protocol'); // T-4.1-09
  if (m.isPiece4(p)) checkPiece(p.fragmentOffset, p.moreFragments, p.payloadLength);
  if (p.protocol === m.ICMPV4 && m.isPiece4(p)) throw new m.Refusal('fragmented-icmp'); // T-4.1-08
  if (p.protocol === m.ICMPV4) checkIcmp4(p.payload, context);
  if (isDecrementing(context) && p.ttl <= 1) throw refusal('hop-limit', 11, 0); // T-4.1-02
  const translated = translateHeader(p, context);
  const out = fitToLink(p, translated, context);
  return { verdict: out.length > 1 ? 'fragmented' : 'translated', out, reply: null };
}

/** A packet that goes back passed one router, not two: its hop limit fell on its way in. */
const isDecrementing = (context: m.Context): boolean => context.settings.decrementHopLimit && !context.isHairpin;

const refusal = (verdict: VerdictName, type: number, code: number): m.Refusal =>
  new m.Refusal(verdict, { type, code, rest: new Uint8Array(4) });

/** */
function refuseMartians(p: m.Ipv4Packet, tolerated: boolean): void {
  if (isMartian4(p.source, tolerated)) throw new m.Refusal('martian-source');
  if (isMartian4(p.destination, tolerated)) throw new m.Refusal('martian-destination');
}

function answerForSelf(p: m.Ipv4Packet): m.ReferenceResult {
  const isEcho = p.protocol === m.ICMPV4 && !m.isPiece4(p) && p.payload.length >= 8 && p.payload[0] === 8;
  if (!isEcho || p.options.length > 0) throw new m.Refusal('to-translator');
  if (!isChecksumRight(p.payload)) throw new m.Refusal('bad-icmp-checksum');
  return { verdict: 'answered', out: [], reply: echoReply4(p) };
}

/** RFC 7915 §4.1 */
function translateHeader(p: m.Ipv4Packet, context: m.Context): m.Ipv6Packet {
  const { settings } = context;
  const { source, destination } = translateAddresses(p, context);
  if (!isError(p)) refuseTooBig(p, context);
  const payload = translatePayload(p, source, destination, context);
  return {
    trafficClass: settings.trafficClass === 'copy' ? p.tos : 0, // T-4.1-01
    hopLimit: isDecrementing(context) ? p.ttl - 1 : p.ttl, // T-4.1-02
    source,
    destination,
    // T-4.1-07
    fragment: m.isPiece4(p)
      ? { identification: p.identification, offset: p.fragmentOffset, more: p.moreFragments }
      : null,
    protocol: p.protocol === m.ICMPV4 ? m.ICMPV6 : p.protocol,
    payload,
    payloadLength: payload.length,
  };
}

const isError = (p: m.Ipv4Packet): boolean => p.protocol === m.ICMPV4 && m.isIcmpv4Error(p.payload[0]);

function translateAddresses(p: m.Ipv4Packet, context: m.Context) {
  const usesEam = !context.isHairpin || (isError(p) && !isFromInnerDestination(p));
  const source = isError(p)
    ? mapErrorSourceTo6(p.source, context, usesEam)
    : mapTo6(p.source, 'source', context, usesEam);
  const destination = mapTo6(p.destination, 'destination', context);
  refuseBothEmbedded(source, destination, context.settings);
  return { source: source.address, destination: destination.address };
}

/** RFC 7757 §4.2: an error of the inner destination itself must come from the address that the receiver knows. */
const isFromInnerDestination = (p: m.Ipv4Packet): boolean =>
  p.payload.length >= 28 && isInPrefix4(p.source, 32, read32(p.payload, 24));

function translatePayload(
  p: m.Ipv4Packet,
  source: Uint8Array,
  destination: Uint8Array,
  context: m.Context,
): Uint8Array {
  if (p.protocol === m.ICMPV4) return icmpTo6(p.payload, source, destination, context);
  if (p.fragmentOffset > 0) return p.payload;
  if (!m.isPiece4(p)) checkTransport(p.payload, p.protocol);
  const pseudo6 = (length: number) => pseudoHeader6(source, destination, p.protocol, length);
  if (isUdpWithoutChecksum(p.payload, p.protocol)) {
    return supplyUdpChecksum(p.payload, m.isPiece4(p), context.settings.udpZeroChecksum, pseudo6);
  }
  const before = pseudoHeader4(p.source, p.destination, p.protocol, p.payloadLength);
  return moveTransport(p.payload, p.protocol, before, pseudo6(p.payloadLength)); // T-4.1-09: others as they are
}

/** T-4.1-05 */
function refuseTooBig(p: m.Ipv4Packet, context: m.Context): void {
  const { ipv6Mtu } = context.settings;
  const fragmentHeader = m.isPiece4(p) ? 8 : 0;
  if (!p.dontFragment || 40 + fragmentHeader + p.payloadLength <= ipv6Mtu) return;
  const mtu = ipv6Mtu - 20 - fragmentHeader;
  throw new m.Refusal('too-big', { type: 3, code: 4, rest: concat(bytes16(0), bytes16(mtu)) });
}

/** T-4.1-06 */
function fitToLink(p: m.Ipv4Packet, translated: m.Ipv6Packet, context: m.Context): Uint8Array[] {
  const { ipv6Mtu, lowestIpv6Mtu } = context.settings;
  const whole = emitIpv6(translated);
  if (p.dontFragment) return [whole];
  const limit = Math.min(ipv6Mtu, lowestIpv6Mtu);
  if (whole.length <= limit) return [whole];
  const fragment = translated.fragment ?? { identification: p.identification, offset: 0, more: false };
  return fragmentIpv6({ ...translated, fragment }, limit);
}
