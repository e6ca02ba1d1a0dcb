// Neighbour discovery messages, RFC 4861 §4: Router Advertisement, Neighbour Solicitation, Neighbour Advertisement and the
// options the product reads. All of it is cold path: records in, bytes out. Offsets count from the ICMPv6 header.
//
//     Neighbour Solicitation §4.3, Advertisement §4.4        Router Advertisement §4.2
//     +---------+---------+-------------------+              +---------+---------+-------------------+
//     |  Type   |  Code 0 |     Checksum      |              |  134    |  Code 0 |     Checksum      |
//     +-+-+-+---+---------+-------------------+              +---------+-+-+-----+-------------------+
//     |R|S|O|            Reserved             |  (NA)        |Hop Limit|M|O|Prf  |  Router Lifetime  |
//     +-+-+-+---------------------------------+              +---------+-+-+-----+-------------------+
//     |            Target, 16 bytes           |              |             Reachable Time            |
//     +---------------------------------------+              +---------------------------------------+
//     |  options: type, length in 8 bytes, …  |              |             Retrans Timer             |
//     +---------------------------------------+              +---------------------------------------+
//                                                            |  options: type, length in 8 bytes, …  |
//                                                            +---------------------------------------+

import { complement, sumBytes, sumWord } from './checksum.ts';
import { emitIpv6Start, IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE } from './ipv6.ts';
import { ICMPV6 } from './protocol.ts';
import { slabOver } from './slab.ts';

export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
export const NEIGHBOUR_SOLICITATION = 135;
export const NEIGHBOUR_ADVERTISEMENT = 136;

/** Hop limit of every valid neighbour discovery packet (RFC 4861 §7.1). */
export const NDP_HOP_LIMIT = 255;

const OPTION_SOURCE_LINK_ADDRESS = 1;
export const OPTION_TARGET_LINK_ADDRESS = 2;
export const OPTION_PREFIX_INFORMATION = 3;
export const OPTION_MTU = 5;
/** RFC 3971 §5.3.2; RFC 7527 uses it to tell a looped-back DAD probe from a real one. */
export const OPTION_NONCE = 14;

const TARGET = 8;
const NEIGHBOUR_OPTIONS = 24;
const RA_OPTIONS = 16;
const RS_OPTIONS = 8;
const PREFIX_OPTION_LENGTH = 32;

/** One option: its type, and its body without the type and length octets (so 8·n − 2 bytes). */
export interface NdpOption {
  readonly type: number;
  readonly body: Uint8Array;
}

/** A Neighbour Solicitation. */
export interface NeighbourSolicitation {
  readonly kind: 'solicitation';
  readonly target: Uint8Array;
  readonly options: readonly NdpOption[];
}

/** A Neighbour Advertisement. */
export interface NeighbourAdvertisement {
  readonly kind: 'advertisement';
  readonly target: Uint8Array;
  readonly isRouter: boolean;
  readonly isSolicited: boolean;
  readonly overrides: boolean;
  readonly options: readonly NdpOption[];
}

/** A Router Advertisement. */
export interface RouterAdvertisement {
  readonly kind: 'router';
  readonly hopLimit: number;
  readonly isManaged: boolean;
  readonly isOther: boolean;
  /** Default router preference, RFC 4191 §2.2: 0 medium, 1 high, −1 low (the reserved value 2 reads as 0, and any of a router lifetime of 0). */
  readonly preference: number;
  readonly lifetimeSeconds: number;
  readonly reachableMs: number;
  readonly retransMs: number;
  readonly options: readonly NdpOption[];
}

/** Any message of this file. */
export type NdpMessage = NeighbourSolicitation | NeighbourAdvertisement | RouterAdvertisement;

/** A Prefix Information option, RFC 4861 §4.6.2. */
export interface PrefixInformation {
  readonly prefixLength: number;
  readonly isOnLink: boolean;
  readonly isAutonomous: boolean;
  readonly validSeconds: number;
  readonly preferredSeconds: number;
  readonly prefix: Uint8Array;
}

/** First octet after the fixed part, or 0 for a type that is not of this file. */
function optionsStart(type: number): number {
  switch (type) {
    case ROUTER_ADVERTISEMENT:
      return RA_OPTIONS;
    case NEIGHBOUR_SOLICITATION:
    case NEIGHBOUR_ADVERTISEMENT:
      return NEIGHBOUR_OPTIONS;
    default:
      return 0;
  }
}

/**
 * Checks the message rules of RFC 4861 §6.1.2, §7.1.1 and §7.1.2 that can be seen in its bytes: code 0, long enough, no option of
 * length zero or beyond the end, no multicast target. Hop limit, checksum and source are the receiver's to check.
 * @param m an ICMPv6 message from its type octet on
 */
export function checkNdp(m: Uint8Array): boolean {
  const start = m.length < 4 ? 0 : optionsStart(m[0]);
  if (start === 0 || m.length < start || m[1] !== 0) return false;
  if (start === NEIGHBOUR_OPTIONS && m[TARGET] === 0xff) return false;
  let at = start;
  while (at + 2 <= m.length && m[at + 1] !== 0) at += m[at + 1] * 8;
  return at === m.length;
}

/**
 * Whether a message is a Router Solicitation to answer, RFC 4861 §6.1.1: code 0, 8 bytes or more, sound options, and no link-layer
 * address from a host that has no address yet. Hop limit and checksum are the receiver's to check. Never throws.
 * @param m an ICMPv6 message from its type octet on
 * @param source of the packet, 16 bytes
 */
export function isRouterSolicitation(m: Uint8Array, source: Uint8Array): boolean {
  if (m.length < RS_OPTIONS || m[0] !== ROUTER_SOLICITATION || m[1] !== 0) return false;
  const isUnspecified = source.every((octet) => octet === 0);
  let at = RS_OPTIONS;
  for (; at + 2 <= m.length && m[at + 1] !== 0; at += m[at + 1] * 8) {
    if (isUnspecified && m[at] === OPTION_SOURCE_LINK_ADDRESS) return false;
  }
  return at === m.length;
}

/** Reads the options from `start`; `checkNdp` has passed. */
function parseOptions(m: Uint8Array, start: number): NdpOption[] {
  const options: NdpOption[] = [];
  for (let at = start; at < m.length; at += m[at + 1] * 8) {
    options.push({ type: m[at], body: m.slice(at + 2, at + m[at + 1] * 8) });
  }
  return options;
}

/** Reads a message, or null if it breaks a rule of {@link checkNdp}. The record owns its bytes. Never throws. */
export function parseNdp(m: Uint8Array): NdpMessage | null {
  if (!checkNdp(m)) return null;
  const options = parseOptions(m, optionsStart(m[0]));
  if (m[0] === ROUTER_ADVERTISEMENT) return parseRouterAdvertisement(m, options);
  const target = m.slice(TARGET, TARGET + 16);
  if (m[0] === NEIGHBOUR_SOLICITATION) return { kind: 'solicitation', target, options };
  const flags = m[4];
  return {
    kind: 'advertisement',
    target,
    isRouter: (flags & 0x80) !== 0,
    isSolicited: (flags & 0x40) !== 0,
    overrides: (flags & 0x20) !== 0,
    options,
  };
}

function parseRouterAdvertisement(m: Uint8Array, options: NdpOption[]): RouterAdvertisement {
  const view = slabOver(m).view;
  const lifetimeSeconds = view.getUint16(6);
  // RFC 4191 §2.2: the preference of a router that is no default router is ignored.
  const preference = lifetimeSeconds === 0 ? 0 : (m[5] >> 3) & 3;
  return {
    kind: 'router',
    hopLimit: m[4],
    isManaged: (m[5] & 0x80) !== 0,
    isOther: (m[5] & 0x40) !== 0,
    preference: preference === 1 ? 1 : preference === 3 ? -1 : 0,
    lifetimeSeconds,
    reachableMs: view.getUint32(8),
    retransMs: view.getUint32(12),
    options,
  };
}

/** Writes a message; the checksum field stays zero ({@link emitNdpPacket} or the kernel fills it in). Bodies must be 8·n − 2 bytes. */
export function emitNdp(message: NdpMessage): Uint8Array {
  const start = message.kind === 'router' ? RA_OPTIONS : NEIGHBOUR_OPTIONS;
  const m = new Uint8Array(start + message.options.reduce((sum, o) => sum + o.body.length + 2, 0));
  if (message.kind === 'router') emitRouterAdvertisement(m, message);
  else emitNeighbour(m, message);
  let at = start;
  for (const option of message.options) {
    if ((option.body.length + 2) % 8 !== 0)
      throw new RangeError(`NDP option ${option.type} of ${option.body.length} bytes`);
    m[at] = option.type;
    m[at + 1] = (option.body.length + 2) / 8;
    m.set(option.body, at + 2);
    at += option.body.length + 2;
  }
  return m;
}

function emitNeighbour(m: Uint8Array, message: NeighbourSolicitation | NeighbourAdvertisement): void {
  m[0] = message.kind === 'solicitation' ? NEIGHBOUR_SOLICITATION : NEIGHBOUR_ADVERTISEMENT;
  m.set(message.target, TARGET);
  if (message.kind === 'solicitation') return;
  m[4] = (message.isRouter ? 0x80 : 0) | (message.isSolicited ? 0x40 : 0) | (message.overrides ? 0x20 : 0);
}

function emitRouterAdvertisement(m: Uint8Array, ra: RouterAdvertisement): void {
  const view = slabOver(m).view;
  m[0] = ROUTER_ADVERTISEMENT;
  m[4] = ra.hopLimit;
  m[5] = (ra.isManaged ? 0x80 : 0) | (ra.isOther ? 0x40 : 0) | ((ra.preference & 3) << 3);
  view.setUint16(6, ra.lifetimeSeconds);
  view.setUint32(8, ra.reachableMs);
  view.setUint32(12, ra.retransMs);
}

/** Writes a Router Solicitation, RFC 4861 §4.1, checksum zero. @param linkAddress the sender's, 6 bytes; null: none is told */
export function emitRouterSolicitation(linkAddress: Uint8Array | null): Uint8Array {
  const m = new Uint8Array(linkAddress === null ? 8 : 16);
  m[0] = ROUTER_SOLICITATION;
  if (linkAddress !== null) m.set([OPTION_SOURCE_LINK_ADDRESS, 1, ...linkAddress], 8);
  return m;
}

/** Reads a Prefix Information option; null if it is not one or has the wrong length. */
export function parsePrefixInformation(option: NdpOption): PrefixInformation | null {
  if (option.type !== OPTION_PREFIX_INFORMATION || option.body.length !== PREFIX_OPTION_LENGTH - 2) return null;
  const view = slabOver(option.body).view;
  return {
    prefixLength: option.body[0],
    isOnLink: (option.body[1] & 0x80) !== 0,
    isAutonomous: (option.body[1] & 0x40) !== 0,
    validSeconds: view.getUint32(2),
    preferredSeconds: view.getUint32(6),
    prefix: option.body.slice(14, 30),
  };
}

/** Writes a Prefix Information option. `prefix`: 16 bytes, zero behind its length. */
export function emitPrefixInformation(information: PrefixInformation): NdpOption {
  const body = new Uint8Array(PREFIX_OPTION_LENGTH - 2);
  const view = slabOver(body).view;
  body[0] = information.prefixLength;
  body[1] = (information.isOnLink ? 0x80 : 0) | (information.isAutonomous ? 0x40 : 0);
  view.setUint32(2, information.validSeconds);
  view.setUint32(6, information.preferredSeconds);
  body.set(information.prefix, 14);
  return { type: OPTION_PREFIX_INFORMATION, body };
}

/** Reads an MTU option, RFC 4861 §4.6.4, in bytes; null if it is not one or has the wrong length. */
export function parseMtuOption(option: NdpOption): number | null {
  return option.type === OPTION_MTU && option.body.length === 6 ? slabOver(option.body).view.getUint32(2) : null;
}

/** Writes an MTU option. */
export function emitMtuOption(mtuBytes: number): NdpOption {
  const body = new Uint8Array(6);
  slabOver(body).view.setUint32(2, mtuBytes);
  return { type: OPTION_MTU, body };
}

/** Writes a Source Link-Layer Address option, RFC 4861 §4.6.1, of a 6-byte address. */
export const emitSourceLinkAddress = (linkAddress: Uint8Array): NdpOption => ({
  type: OPTION_SOURCE_LINK_ADDRESS,
  body: linkAddress,
});

/** The solicited-node group of an address, ff02::1:ffXX:XXXX, RFC 4291 §2.7.1. 16 bytes in, 16 bytes out. */
export function solicitedNodeGroup(address: Uint8Array): Uint8Array {
  const group = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0);
  group.set(address.subarray(13, 16), 13);
  return group;
}

/** The Ethernet address of an IPv6 group, 33:33 and its last four bytes, RFC 2464 §7. */
export const groupLinkAddress = (group: Uint8Array): Uint8Array =>
  Uint8Array.of(0x33, 0x33, group[12], group[13], group[14], group[15]);

/**
 * Puts a message into an IPv6 packet with hop limit 255 and fills in its checksum.
 * @param source and `destination`: 16 bytes each
 */
export function emitNdpPacket(source: Uint8Array, destination: Uint8Array, message: NdpMessage): Uint8Array {
  const m = emitNdp(message);
  const packet = new Uint8Array(IPV6_HEADER + m.length);
  const slab = slabOver(packet);
  emitIpv6Start(slab, 0, 0, m.length, ICMPV6, NDP_HOP_LIMIT);
  packet.set(source, IPV6_SOURCE);
  packet.set(destination, IPV6_DESTINATION);
  packet.set(m, IPV6_HEADER);
  // RFC 8200 §8.1: the pseudo-header is both addresses, the upper-layer length and the next header.
  const sum = sumBytes(slab, IPV6_SOURCE, 32 + m.length, sumWord(m.length) + ICMPV6);
  slab.view.setUint16(IPV6_HEADER + 2, complement(sum));
  return packet;
}
