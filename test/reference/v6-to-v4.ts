// RFC 7915 §5: one IPv6 packet → IPv4, rule by rule, and back to IPv6 where RFC 7757 §4.2.2 wants it.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { isMartian6 } from './addresses.ts';
import { ipv4Bytes, sameBytes } from './bytes.ts';
import { isChecksumRight, pseudoHeader4, pseudoHeader6 } from './checksum.ts';
import { emitIpv4, fragmentIpv4 } from './emit.ts';
import { echoReply6 } from './errors.ts';
import { checkIcmp6, icmpTo4 } from './icmp.ts';
import { isRefusedAsNonGlobal, mapErrorSourceTo4, mapTo4, refuseBothEmbedded } from './mapping.ts';
import * as m from './model.ts';
import { checkPiece, parseIpv6, refuseExtensionAfterFragment, refuseSegmentsLeft } from './parse.ts';
import { checkTransport, isUdpWithoutChecksum, moveTransport } from './transport.ts';
import { ipv4ToIpv6 } from './v4-to-v6.ts';

/** Translates, or answers for the translator itself. Throws Refusal. */
export function ipv6ToIpv4(bytes: Uint8Array, context: m.Context): m.ReferenceResult {
  const { settings } = context;
  const p = parseIpv6(bytes, { isQuoted: false });
  refuseMartians(p);
  if (isToTranslator(p, settings)) return answerForSelf(p);
  refuseSegmentsLeft(p); // T-5.1-04
  if (p.protocol === m.ICMPV4) throw new m.Refusal('protocol'); // T-5.1-01
  refuseExtensionAfterFragment(p); // T-5.1-03
  if (p.fragment !== null) checkPiece(p.fragment.offset, p.fragment.more, p.payloadLength);
  if (p.protocol === m.ICMPV6 && m.isPiece6(p)) throw new m.Refusal('fragmented-icmp'); // T-5.1-03
  if (p.protocol === m.ICMPV6) checkIcmp6(p, context);
  if (settings.decrementHopLimit && p.hopLimit <= 1) {
    throw new m.Refusal('hop-limit', { type: 3, code: 0, rest: new Uint8Array(4) }); // T-5.1-01
  }
  const { packet, isHairpin } = translateHeader(p, context);
  if (isHairpin) return sendBack(packet, context);
  const out = fitToLink(packet, context);
  return { verdict: out.length > 1 ? 'fragmented' : 'translated', out, reply: null };
}

/** */
function refuseMartians(p: m.Ipv6Packet): void {
  if (isMartian6(p.source)) throw new m.Refusal('martian-source');
  if (isMartian6(p.destination)) throw new m.Refusal('martian-destination');
}

/** A CLAT's own address is its host's: what comes for it goes on. */
const isToTranslator = (p: m.Ipv6Packet, { ownIpv6, ownIpv6IsShared }: TranslatorSettings): boolean =>
  ownIpv6 !== null && !ownIpv6IsShared && sameBytes(p.destination, ownIpv6);

function answerForSelf(p: m.ParsedIpv6): m.ReferenceResult {
  const isEcho = p.protocol === m.ICMPV6 && p.payloadAt === 40 && p.payload.length >= 8 && p.payload[0] === 128;
  if (!isEcho) throw new m.Refusal('to-translator');
  const pseudo = pseudoHeader6(p.source, p.destination, m.ICMPV6, p.payload.length);
  if (!isChecksumRight(pseudo, p.payload)) throw new m.Refusal('bad-icmp-checksum');
  return { verdict: 'answered', out: [], reply: echoReply6(p) };
}

interface Translated {
  readonly packet: m.Ipv4Packet;
  readonly isHairpin: boolean;
}

/** RFC 7915 §5.1, §5.1.1 */
function translateHeader(p: m.Ipv6Packet, context: m.Context): Translated {
  const { settings, env } = context;
  const upper = translateUpper(p, context);
  const packet: m.Ipv4Packet = {
    tos: settings.tos === 'copy' ? p.trafficClass : settings.tos, // T-5.1-01
    // T-5.1-02, T-5.1-03
    identification: (p.fragment === null ? env.nextIdentification() : p.fragment.identification) & 0xffff,
    dontFragment: p.fragment === null && upper.payload.length + 20 > 1260,
    moreFragments: p.fragment?.more ?? false,
    fragmentOffset: p.fragment?.offset ?? 0,
    ttl: settings.decrementHopLimit ? p.hopLimit - 1 : p.hopLimit,
    protocol: p.protocol === m.ICMPV6 ? m.ICMPV4 : p.protocol,
    source: upper.source,
    destination: upper.destination,
    options: new Uint8Array(),
    payload: upper.payload,
    payloadLength: upper.payload.length,
  };
  return { packet, isHairpin: upper.isHairpin };
}

interface Upper {
  readonly source: number;
  readonly destination: number;
  readonly payload: Uint8Array;
  readonly isHairpin: boolean;
}

/** Addresses and payload; whether the packet goes back: RFC 7757 §4.2.2, conditions A and B. */
function translateUpper(p: m.Ipv6Packet, context: m.Context): Upper {
  const isIcmp = p.protocol === m.ICMPV6;
  const isError = isIcmp && m.isIcmpv6Error(p.payload[0]);
  // T-5.1-06, T-5.2-10
  const source = isError ? mapErrorSourceTo4(p.source, context) : mapTo4(p.source, 'source', context);
  const destination = mapTo4(p.destination, 'destination', context);
  refuseBothEmbedded(source, destination, context.settings);
  const addresses = { source: source.address, destination: destination.address };
  if (!isError) (destination.isHairpin ? refuseTurn : refuseTooBig)(p, addresses.source, context);
  if (isIcmp) {
    const icmp = icmpTo4(p, context);
    const isHairpin = isError ? icmp.isHairpin : destination.isHairpin;
    return { ...addresses, payload: icmp.message, isHairpin };
  }
  const payload = translateTransport(p, addresses.source, addresses.destination);
  return { ...addresses, payload, isHairpin: destination.isHairpin };
}

function translateTransport(p: m.Ipv6Packet, source: number, destination: number): Uint8Array {
  if (p.fragment !== null && p.fragment.offset > 0) return p.payload;
  if (!m.isPiece6(p)) checkTransport(p.payload, p.protocol);
  if (isUdpWithoutChecksum(p.payload, p.protocol)) return p.payload; // RFC 6935: none before, none after
  const before = pseudoHeader6(p.source, p.destination, p.protocol, p.payloadLength);
  return moveTransport(p.payload, p.protocol, before, pseudoHeader4(source, destination, p.protocol, p.payloadLength));
}

/** T-5.1-05 */
function refuseTooBig(p: m.Ipv6Packet, _source: number, context: m.Context): void {
  const { ipv4Mtu } = context.settings;
  const length = 20 + p.payloadLength;
  if (p.fragment === null && length > 1260 && length > ipv4Mtu) throw tooBig(Math.max(1280, ipv4Mtu + 20));
}

/** Packets with DF=0 are fragmented by RFC 791. */
function fitToLink(packet: m.Ipv4Packet, context: m.Context): Uint8Array[] {
  const { ipv4Mtu } = context.settings;
  const isWhole = packet.dontFragment || 20 + packet.payloadLength <= ipv4Mtu;
  return isWhole ? [emitIpv4(packet)] : fragmentIpv4(packet, ipv4Mtu);
}

const tooBig = (mtu: number): m.Refusal => new m.Refusal('too-big', { type: 2, code: 0, rest: ipv4Bytes(mtu) });

/** What the second half of the way (below) would refuse. It meets no IPv4 link, so no IPv4 MTU either. */
function refuseTurn(p: m.Ipv6Packet, source: number, context: m.Context): void {
  const { settings } = context;
  const isNonGlobal = isRefusedAsNonGlobal(source, settings);
  if (isNonGlobal) throw new m.Refusal('non-global', { type: 1, code: 5, rest: new Uint8Array(4) });
  const isUndivided = p.fragment === null && p.payloadLength + 40 > settings.ipv6Mtu;
  if (isUndivided || p.payloadLength > 65515) throw tooBig(settings.ipv6Mtu);
}

/** RFC 7757 §4.2.2: the IPv4 packet is translated back at once. Its sender speaks IPv6 and gets no ICMPv4 error. */
function sendBack(packet: m.Ipv4Packet, context: m.Context): m.ReferenceResult {
  try {
    return ipv4ToIpv6(emitIpv4(packet), { ...context, isHairpin: true });
  } catch (error) {
    throw error instanceof m.Refusal ? new m.Refusal(error.verdict) : error;
  }
}
