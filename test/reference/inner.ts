// The packet inside an ICMP error (RFC 7915 §4.3, §5.3): translated once like a packet, but without a change of TTL, never
// dropped for its length, and cut short wherever the error's sender cut it.

import { isMartian4, isMartian6 } from './addresses.ts';
import { bytes16, read16, withBytes } from './bytes.ts';
import { carriedChecksum, pseudoHeader4, pseudoHeader6 } from './checksum.ts';
import { emitIpv4, emitIpv6 } from './emit.ts';
import { echoTypeTo4, echoTypeTo6 } from './icmp-types.ts';
import { mapTo4, mapTo6, refuseBothEmbedded } from './mapping.ts';
import * as m from './model.ts';
import { parseIpv4, parseIpv6, refuseExtensionAfterFragment, refuseSegmentsLeft } from './parse.ts';
import { moveTransport } from './transport.ts';

const untranslatable = (): never => {
  throw new m.Refusal('icmp-inner');
};

/** Any refusal of an inner packet has one verdict, and nobody is told (T-E-01). */
function asInner<T>(translate: () => T): T {
  try {
    return translate();
  } catch (error) {
    if (error instanceof m.Refusal && error.verdict !== 'icmp-nested') return untranslatable();
    throw error;
  }
}

/** T-4.2-12: IPv4 → IPv6. Throws Refusal. */
export const innerTo6 = (datagram: Uint8Array, context: m.Context): Uint8Array =>
  asInner(() => translateTo6(datagram, context));

function translateTo6(datagram: Uint8Array, context: m.Context): Uint8Array {
  const { settings } = context;
  const p = parseIpv4(datagram, { isQuoted: true });
  refuseInnerIcmp(p.protocol === m.ICMPV4, m.isPiece4(p), p.payload, m.isIcmpv4Error);
  const isMartian = (address: number) => isMartian4(address, settings.tolerate.martians);
  if (isMartian(p.source) || isMartian(p.destination)) return untranslatable();
  const mappedSource = mapTo6(p.source, 'source', context);
  // RFC 7757 §4.2: on the way back the inner destination is the hairpinning host as the other host knows it.
  const mappedDestination = mapTo6(p.destination, 'destination', context, !context.isHairpin);
  refuseBothEmbedded(mappedSource, mappedDestination, settings);
  const source = mappedSource.address;
  const destination = mappedDestination.address;
  const protocol = p.protocol === m.ICMPV4 ? m.ICMPV6 : p.protocol;
  const before = pseudoHeader4(p.source, p.destination, p.protocol, p.payloadLength);
  const after = pseudoHeader6(source, destination, protocol, p.payloadLength);
  return emitIpv6({
    trafficClass: settings.trafficClass === 'copy' ? p.tos : 0,
    hopLimit: p.ttl,
    source,
    destination,
    fragment: m.isPiece4(p)
      ? { identification: p.identification, offset: p.fragmentOffset, more: p.moreFragments }
      : null,
    protocol,
    payload: moveInnerPayload(p.payload, p.fragmentOffset, p.protocol, before, after),
    payloadLength: p.payloadLength,
  });
}

/** An inner packet in IPv4 form. */
export interface Inner4 {
  readonly datagram: Uint8Array;
  /** RFC 7757 §4.2.2, condition B: the error goes back to the side it came from. */
  readonly isHairpin: boolean;
}

/** T-5.2-11: IPv6 → IPv4. Throws Refusal. */
export const innerTo4 = (datagram: Uint8Array, context: m.Context): Inner4 =>
  asInner(() => translateTo4(datagram, context));

function translateTo4(datagram: Uint8Array, context: m.Context): Inner4 {
  const { settings, env } = context;
  const p = parseIpv6(datagram, { isQuoted: true });
  if (p.payloadLength > 65515) return untranslatable();
  refuseSegmentsLeft(p);
  refuseExtensionAfterFragment(p);
  refuseInnerIcmp(p.protocol === m.ICMPV6, m.isPiece6(p), p.payload, m.isIcmpv6Error);
  if (isMartian6(p.source) || isMartian6(p.destination)) return untranslatable();
  const source = mapTo4(p.source, 'source', context);
  const mappedDestination = mapTo4(p.destination, 'destination', context);
  refuseBothEmbedded(source, mappedDestination, settings);
  const destination = mappedDestination.address;
  const protocol = p.protocol === m.ICMPV6 ? m.ICMPV4 : p.protocol;
  const before = pseudoHeader6(p.source, p.destination, p.protocol, p.payloadLength);
  const after = pseudoHeader4(source.address, destination, protocol, p.payloadLength);
  const packet: m.Ipv4Packet = {
    tos: settings.tos === 'copy' ? p.trafficClass : settings.tos,
    identification: (p.fragment === null ? env.nextIdentification() : p.fragment.identification) & 0xffff,
    dontFragment: p.fragment === null && p.payloadLength + 20 > 1260,
    moreFragments: p.fragment?.more ?? false,
    fragmentOffset: p.fragment?.offset ?? 0,
    ttl: p.hopLimit,
    protocol,
    source: source.address,
    destination,
    options: new Uint8Array(),
    payload: moveInnerPayload(p.payload, p.fragment?.offset ?? 0, p.protocol, before, after),
    payloadLength: p.payloadLength,
  };
  return { datagram: emitIpv4(packet), isHairpin: source.isHairpin };
}

/** T-4.1-08 and the rule that an error about an error is not translated. */
function refuseInnerIcmp(
  isIcmp: boolean,
  isPiece: boolean,
  payload: Uint8Array,
  isError: (type: number) => boolean,
): void {
  if (!isIcmp) return;
  if (isPiece) untranslatable();
  if (payload.length > 0 && isError(payload[0])) throw new m.Refusal('icmp-nested');
}

/** Length of an IPv4 pseudo-header. */
const PSEUDO_HEADER4 = 12;

/** The upper layer of a quoted packet. `before` and `after` are the pseudo-headers. */
function moveInnerPayload(
  payload: Uint8Array,
  offset: number,
  protocol: number,
  before: Uint8Array,
  after: Uint8Array,
): Uint8Array {
  if (offset > 0) return payload;
  const isTo6 = before.length === PSEUDO_HEADER4;
  if (isTo6 && protocol === m.ICMPV4) return moveInnerEcho(payload, echoTypeTo6(payload[0]), new Uint8Array(), after);
  if (!isTo6 && protocol === m.ICMPV6) return moveInnerEcho(payload, echoTypeTo4(payload[0]), before, new Uint8Array());
  // A quoted UDP datagram without a checksum keeps none: there is not enough of it to compute one.
  if (protocol === m.UDP && payload.length >= 8 && read16(payload, 6) === 0) return payload;
  return moveTransport(payload, protocol, before, after);
}

/** ICMPv4 has no pseudo-header: an empty one stands for it. */
function moveInnerEcho(
  payload: Uint8Array,
  type: number | undefined,
  before: Uint8Array,
  after: Uint8Array,
): Uint8Array {
  if (payload.length === 0) return payload;
  if (type === undefined) return untranslatable();
  const retyped = withBytes(payload, 0, [type]);
  if (payload.length < 4) return retyped;
  const old = [before, payload.slice(0, 2)];
  const checksum = carriedChecksum(read16(payload, 2), old, [after, retyped.slice(0, 2)]);
  return withBytes(retyped, 2, bytes16(checksum));
}
