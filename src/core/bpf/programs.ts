// The programs of the redirect uplink as functions of their parameters. Addresses and interfaces are immediates, so there is
// neither a map nor type information to load with them.
//
//     network ──▶ uplink ingress ──▶ TUN ──▶ translator           IPv6 for the CLAT address
//     network ◀── uplink egress ◀── TUN ingress ◀── translator    IPv6 from the CLAT address
//
// r6 holds the packet's context throughout; what is read of a packet stands on the stack: its IPv6 header from HEADER on, what
// follows it from PAYLOAD on. Read first: assembler.ts.

import type { Prefix6 } from '../translate/settings.ts';
import { PACKET_TOO_BIG6, PARAMETER_PROBLEM6, TIME_EXCEEDED6, UNREACHABLE6 } from '../wire/icmp.ts';
import { IPV6_DESTINATION, IPV6_HEADER, IPV6_SOURCE } from '../wire/ipv6.ts';
import { NDP_HOP_LIMIT, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION } from '../wire/ndp.ts';
import { ICMPV6 } from '../wire/protocol.ts';
import type { Item } from './assembler.ts';
import {
  add,
  and,
  assemble,
  call,
  exit,
  jump,
  jumpIfAbove,
  jumpIfDiffers,
  jumpIfEqual,
  jumpIfNot,
  label,
  load,
  move,
  set,
  setWide,
  shiftLeft,
  store,
} from './assembler.ts';
import {
  AF_INET6,
  HEADER_START_NETWORK,
  HELPER,
  NEXT_HOP,
  PACKET_HOST,
  PACKET_OTHERHOST,
  PROTOCOL_IPV6,
  SKB,
  TCX,
} from './kernel.ts';

/** Offsets from the frame pointer. */
const HEADER = -72;
const PAYLOAD = HEADER + IPV6_HEADER;
const NEXT_HEADER = HEADER + 6;
const HOP_LIMIT = HEADER + 7;
/** Where a next hop is written, over what was read: its address has to be 8-aligned. */
const NEXT_HOP_AT = HEADER + 4;

/** ICMPv6 types of neighbour discovery, RFC 4861 §4: Router Solicitation to Redirect. */
const NDP_FIRST = 133;
const NDP_LAST = 137;
/** Where a Neighbour Solicitation or Advertisement has its target, and how much is read to see it. */
const NDP_TARGET = 8;
const NDP_TO_TARGET = 24;

/** The VLAN's number in a tag; 0 means that the tag holds a priority only (IEEE 802.1Q §9.6). */
const VLAN_NUMBER = 0x0fff;

/** Ethernet header that a packet from a TUN lacks, and that its neighbour's address is written to. */
const ETHERNET_HEADER = 14;

/** A number as a little-endian machine loads it from bytes. */
const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, octet) => (sum << 8n) | BigInt(octet), 0n);

/** Ends with a fixed result. */
const leave = (result: number): Item[] => [set(0, result), exit()];

/** Goes to `otherwise` unless this is IPv6. */
const onlyIpv6 = (otherwise: string): Item[] => [load(32, 2, 6, SKB.protocol), jumpIfNot(2, PROTOCOL_IPV6, otherwise)];

/** Copies `length` bytes of the packet, from `offset` after the network header, to the stack; to `otherwise` if it is shorter. */
const read = (offset: number, to: number, length: number, otherwise: string): Item[] => [
  move(1, 6),
  set(2, offset),
  move(3, 10),
  add(3, to),
  set(4, length),
  set(5, HEADER_START_NETWORK),
  call(HELPER.skbLoadBytesRelative),
  jumpIfNot(0, 0, otherwise),
];

/** Goes to `otherwise` unless the 16 bytes at `at` on the stack are `address`. */
const onlyAddress = (address: Uint8Array, at: number, otherwise: string): Item[] =>
  [0, 8].flatMap((half) => [
    load(64, 2, 10, at + half),
    setWide(3, littleEndian(address.subarray(half, half + 8))),
    jumpIfDiffers(2, 3, otherwise),
  ]);

/** Goes to `otherwise` unless the address at `at` on the stack is in `prefix`, whose length is a multiple of 8 up to 128. */
function onlyPrefix(prefix: Prefix6, at: number, otherwise: string): Item[] {
  const octets = prefix.length / 8;
  const starts = [0, 8].filter((half) => half < octets);
  return starts.flatMap((half) => {
    const end = Math.min(octets, half + 8);
    // The first octets are the low ones; what is behind them is shifted out at the top, on both sides.
    const unused = (half + 8 - end) * 8;
    return [
      load(64, 2, 10, at + half),
      ...(unused === 0 ? [] : [shiftLeft(2, unused)]),
      setWide(3, littleEndian(prefix.address.subarray(half, end)) << BigInt(unused)),
      jumpIfDiffers(2, 3, otherwise),
    ];
  });
}

/** Goes to `otherwise` for a packet of a VLAN: the VLAN's own device is another network. */
const onlyUntagged = (otherwise: string): Item[] => [
  load(32, 2, 6, SKB.vlanPresent),
  jumpIfEqual(2, 0, 'untagged'),
  load(32, 2, 6, SKB.vlanTci),
  and(2, VLAN_NUMBER),
  jumpIfNot(2, 0, otherwise),
  label('untagged'),
];

/** What the program on the uplink's ingress is made from. */
export interface UplinkIngress {
  /** The CLAT's IPv6 address, 16 bytes. */
  readonly clat: Uint8Array;
  /** The NAT64 prefix, one of the six lengths of RFC 6052 §2.2. */
  readonly prefix: Prefix6;
  /** Index of the TUN interface. */
  readonly tunIndex: number;
}

/**
 * The uplink's ingress. Packets for the CLAT address go to the TUN if they come from the NAT64, or are ICMPv6 errors, which any
 * router on the way may send; neighbour discovery goes on to the kernel; nothing else for that address reaches this host.
 * Frames for other machines, which a bridge or a capture brings by, are left alone.
 * @returns the program's bytes
 */
export function uplinkIngress({ clat, prefix, tunIndex }: UplinkIngress): Uint8Array {
  return assemble([
    move(6, 1),
    ...onlyIpv6('next'),
    load(32, 2, 6, SKB.packetType),
    jumpIfNot(2, PACKET_HOST, 'next'),
    ...onlyUntagged('next'),
    ...read(0, HEADER, IPV6_HEADER, 'next'),
    ...onlyAddress(clat, HEADER + IPV6_DESTINATION, 'next'),
    ...onlyPrefix(prefix, HEADER + IPV6_SOURCE, 'foreign'),
    label('redirect'),
    ...redirectTo(tunIndex),
    label('foreign'),
    load(8, 2, 10, NEXT_HEADER),
    jumpIfNot(2, ICMPV6, 'drop'),
    ...read(IPV6_HEADER, PAYLOAD, 1, 'drop'),
    load(8, 2, 10, PAYLOAD),
    ...[UNREACHABLE6, PACKET_TOO_BIG6, TIME_EXCEEDED6, PARAMETER_PROBLEM6].map((type) =>
      jumpIfEqual(2, type, 'redirect'),
    ),
    jumpIfAbove(2, NDP_LAST, 'drop'),
    jumpIfAbove(2, NDP_FIRST - 1, 'next'),
    label('drop'),
    ...leave(TCX.drop),
    label('next'),
    ...leave(TCX.next),
  ]);
}

/** What the program on the TUN's ingress is made from. */
export interface TunIngress {
  /** The CLAT's IPv6 address, 16 bytes. */
  readonly clat: Uint8Array;
  /** Index of the uplink. */
  readonly uplinkIndex: number;
  /** Whether the uplink has link-layer addresses; false for point-to-point links. */
  readonly hasNeighbours: boolean;
  /** The router that every packet goes to, 16 bytes; null: the one of the kernel's route. Links with neighbours only. */
  readonly router: Uint8Array | null;
}

/**
 * The TUN's ingress: what the translator writes. IPv6 from the CLAT address leaves through the uplink, by the kernel's routes
 * and neighbours of that interface; everything else, the translated IPv4 above all, goes on to the kernel.
 * @returns the program's bytes
 */
export function tunIngress({ clat, uplinkIndex, hasNeighbours, router }: TunIngress): Uint8Array {
  return assemble([
    move(6, 1),
    ...onlyIpv6('next'),
    ...read(IPV6_SOURCE, HEADER + IPV6_SOURCE, 16, 'next'),
    ...onlyAddress(clat, HEADER + IPV6_SOURCE, 'next'),
    ...(hasNeighbours ? redirectToNeighbour(uplinkIndex, router) : redirectTo(uplinkIndex)),
    label('next'),
    ...leave(TCX.next),
  ]);
}

/** Sends the packet out of an interface as it is; the end. */
const redirectTo = (index: number): Item[] => [set(1, index), set(2, 0), call(HELPER.redirect), exit()];

/**
 * Makes room for the Ethernet header, which redirect_neigh fills in; the end. Without a router it asks the routing table, and that not
 * strictly for this interface: where a VPN has taken the default route, the packet would look for the NAT64 on the link itself.
 */
const redirectToNeighbour = (uplinkIndex: number, router: Uint8Array | null): Item[] => [
  move(1, 6),
  set(2, ETHERNET_HEADER),
  set(3, 0),
  call(HELPER.skbChangeHead),
  jumpIfNot(0, 0, 'drop'),
  set(1, uplinkIndex),
  ...(router === null ? [set(2, 0), set(3, 0)] : nextHop(router)),
  set(4, 0),
  call(HELPER.redirectNeigh),
  exit(),
  label('drop'),
  ...leave(TCX.drop),
];

/** Writes a struct bpf_redir_neigh to the stack; r2 and r3: its place and size. */
const nextHop = (router: Uint8Array): Item[] => [
  set(2, AF_INET6),
  store(32, 10, NEXT_HOP_AT + NEXT_HOP.family, 2),
  ...[0, 8].flatMap((half) => [
    setWide(2, littleEndian(router.subarray(half, half + 8))),
    store(64, 10, NEXT_HOP_AT + NEXT_HOP.address + half, 2),
  ]),
  move(2, 10),
  add(2, NEXT_HOP_AT),
  set(3, NEXT_HOP.size),
];

/** What the socket filter of the neighbour watch is made from. */
export interface NeighbourFilter {
  /** The CLAT's IPv6 address, 16 bytes. */
  readonly clat: Uint8Array;
  /** Let solicitations pass as well: nobody else answers them. */
  readonly withSolicitations: boolean;
}

/**
 * A filter for a packet socket without link-layer headers: neighbour advertisements about the CLAT address, and
 * solicitations where they are ours to answer. Both with hop limit 255 only (RFC 4861 §7.1).
 * @returns the program's bytes; its result is how many bytes of the packet pass
 */
export function neighbourFilter({ clat, withSolicitations }: NeighbourFilter): Uint8Array {
  return assemble([
    move(6, 1),
    ...onlyIpv6('drop'),
    load(32, 2, 6, SKB.packetType),
    jumpIfEqual(2, PACKET_OTHERHOST, 'drop'),
    ...read(0, HEADER, IPV6_HEADER + NDP_TO_TARGET, 'drop'),
    load(8, 2, 10, NEXT_HEADER),
    jumpIfNot(2, ICMPV6, 'drop'),
    load(8, 2, 10, HOP_LIMIT),
    jumpIfNot(2, NDP_HOP_LIMIT, 'drop'),
    ...onlyAddress(clat, PAYLOAD + NDP_TARGET, 'drop'),
    load(8, 2, 10, PAYLOAD),
    jumpIfEqual(2, NEIGHBOUR_ADVERTISEMENT, 'accept'),
    ...(withSolicitations ? [jumpIfEqual(2, NEIGHBOUR_SOLICITATION, 'accept')] : []),
    jump('drop'),
    label('accept'),
    ...leave(-1),
    label('drop'),
    ...leave(0),
  ]);
}
