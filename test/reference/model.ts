// The words of the reference translator: packets as objects, what it is given, and how a packet is refused.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import type { VerdictName } from '../../src/core/translate/verdict.ts';

/** An IPv4 packet, RFC 791 §3.1. */
export interface Ipv4Packet {
  readonly tos: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly options: Uint8Array;
  /** What is there of the payload: less than `payloadLength` in a packet that an ICMP error quotes in part. */
  readonly payload: Uint8Array;
  /** The payload's length as the header tells it. */
  readonly payloadLength: number;
}

/** A Fragment Header, RFC 8200 §4.5. */
export interface FragmentHeader {
  readonly identification: number;
  /** In bytes. */
  readonly offset: number;
  readonly more: boolean;
}

/** An IPv6 packet without its extension headers but the Fragment Header, RFC 8200 §3. */
export interface Ipv6Packet {
  readonly trafficClass: number;
  readonly hopLimit: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly fragment: FragmentHeader | null;
  /** Next Header of the last header. */
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** Length of what follows the last extension header, as the header tells it. */
  readonly payloadLength: number;
}

/** An IPv6 packet as it came. */
export interface ParsedIpv6 extends Ipv6Packet {
  /** Where the payload stands: 40 without extension headers. */
  readonly payloadAt: number;
  /** Where the first Routing header's Segments Left octet stands that is not zero; 0: nowhere. */
  readonly segmentsLeftAt: number;
}

/** What the translator cannot know from packet and settings. */
export interface ReferenceEnvironment {
  /** RFC 7915 §5.1: the Fragment Identification generator, 0–65535. */
  nextIdentification(): number;
  /** RFC 6791 §3.1: the pool's IPv4 address for an IPv6 source of 16 bytes. Left out: the pool's first address. */
  readonly icmpPoolPick?: (source: Uint8Array) => number;
  /** The same in the other direction, for an IPv4 source. Left out: the pool's first address. */
  readonly icmpPoolPick6?: (source: number) => Uint8Array;
}

/** What became of a packet. */
export interface ReferenceResult {
  readonly verdict: VerdictName;
  /** The translated packet, or its fragments in order. */
  readonly out: Uint8Array[];
  /** An ICMP message from the translator itself to the packet's sender, in the sender's family. */
  readonly reply: Uint8Array | null;
}

/** Everything that a step needs. */
export interface Context {
  readonly settings: TranslatorSettings;
  readonly env: ReferenceEnvironment;
  /** RFC 7757 §4.2.2: the second half of a packet that goes back to the side it came from. */
  readonly isHairpin: boolean;
}

/** What the settings allow and the link takes: the largest ICMPv4 error in bytes. */
export const errorSize4 = (settings: TranslatorSettings): number =>
  Math.min(settings.icmpv4ErrorSize, settings.ipv4Mtu);

/** The first eight bytes of an ICMP error, without its checksum. */
export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  /** Bytes 4–7. */
  readonly rest: Uint8Array;
}

/** A packet that is not translated: the verdict and the ICMP error that its sender gets, if the rules allow one. */
export class Refusal extends Error {
  readonly verdict: VerdictName;
  readonly problem: IcmpHeader | null;

  constructor(verdict: VerdictName, problem: IcmpHeader | null = null) {
    super(verdict);
    this.verdict = verdict;
    this.problem = problem;
  }
}

export const ICMPV4 = 1;
export const TCP = 6;
export const UDP = 17;
export const DCCP = 33;
export const ICMPV6 = 58;
export const UDP_LITE = 136;

/** Numbers that IANA gives an IPv6 header alone, so that what follows them in an IPv4 packet is payload to IPv4 and a header to IPv6. */
const IPV6_HEADERS = [0, 43, 44, 60, 135, 139, 140];

/** Whether IPv6 would take an IPv4 packet of this protocol for something else. ESP and AH are the same in both. */
export const isIpv6Header = (protocol: number): boolean => protocol === ICMPV6 || IPV6_HEADERS.includes(protocol);

/** RFC 792, RFC 4884 §3: ICMPv4 types that are errors; an error is never sent about one of these (RFC 1122 §3.2.2). */
export const isIcmpv4Error = (type: number): boolean => [3, 4, 5, 11, 12].includes(type);

/** RFC 4443 §2.1: types below 128 are errors; §2.4 (e.2): none about a redirect (137) either. */
export const isIcmpv6Error = (type: number): boolean => type < 128 || type === 137;

/** Whether a packet is a piece of a larger one. A Fragment Header alone does not make it one (RFC 6946). */
export const isPiece4 = (p: Ipv4Packet): boolean => p.moreFragments || p.fragmentOffset > 0;
export const isPiece6 = (p: Ipv6Packet): boolean => p.fragment !== null && (p.fragment.more || p.fragment.offset > 0);
