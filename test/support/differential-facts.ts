// What the explanations ask about the packet that was sent.

import ipaddr from 'ipaddr.js';
import { read16 } from '../reference/bytes.ts';
import { ip6, text4 } from './addresses.ts';
import type { Difference } from './differential-compare.ts';
import type { Dissection } from './differential-dissect.ts';

const PREFIX = ip6('2001:db8:64::').slice(0, 12);

/** Whether a difference is one in the answer as a whole: `ours` and `tayga` by their kinds, either of several. */
export function isAnswer(d: Difference, ours: string | RegExp, tayga: string | RegExp): boolean {
  const fits = (pattern: string | RegExp, value: string) =>
    typeof pattern === 'string' ? pattern === value : pattern.test(value);
  return d.field === 'answer' && fits(ours, d.ours) && fits(tayga, d.tayga);
}

/** One or more translated packets. */
export const TRANSLATED = /^IPv[46] packet/;
/** An ICMP error back to the sender. */
export const ERROR = /^error/;

/** The IPv4 address in an address of the prefix, an IPv4 address itself, or null. */
export function ipv4Of(address: string): string | null {
  if (!address.includes(':')) return address;
  const bytes = ip6(address);
  if (!PREFIX.every((octet, i) => bytes[i] === octet)) return null;
  return text4(read16(bytes, 12) * 65536 + read16(bytes, 14));
}

/** Whether source or destination, in either form, lies in one of the IPv4 ranges. */
export function hasAddressIn(packet: Dissection | null | undefined, ...ranges: readonly string[]): boolean {
  const addresses = [packet?.source, packet?.destination].map((text) => (text === undefined ? null : ipv4Of(text)));
  return addresses.some(
    (text) => text !== null && ranges.some((range) => ipaddr.IPv4.parse(text).match(ipaddr.IPv4.parseCIDR(range))),
  );
}

/** What no packet may be from or to, rule A-04. */
export const MARTIANS = ['0.0.0.0/8', '127.0.0.0/8', '224.0.0.0/4', '240.0.0.0/4'] as const;

/** Whether the packet carries the beginning of its upper layer. */
export const isFirst = (packet: Dissection): boolean => (packet.fragment?.offset ?? 0) === 0;

/** A UDP datagram, or its first fragment, without a checksum. */
export const isZeroUdp = (packet: Dissection | null | undefined): boolean =>
  packet?.protocol === 17 && isFirst(packet) && packet.upper.length >= 8 && read16(packet.upper, 6) === 0;

/** A TCP, UDP or ICMP header that is not there as a whole. */
export function isTransportCutShort(packet: Dissection | null | undefined): boolean {
  if (packet === null || packet === undefined || !isFirst(packet)) return false;
  const isShort = (protocols: readonly number[], length: number) =>
    protocols.includes(packet.protocol) && packet.upper.length < length;
  return isShort([6], 20) || isShort([17, packet.family === 4 ? 1 : 58], 8);
}

/** What is the matter with IPv4 options: an unexpired source route, malformed ones (RFC 791 §3.1), or nothing. */
export function optionFault(options: Uint8Array): 'source route' | 'malformed' | null {
  for (let at = 0; at < options.length && options[at] !== 0; ) {
    const [type, length] = [options[at], options[at + 1] ?? 0];
    if (type === 1) {
      at++;
      continue;
    }
    if (length < 2 || at + length > options.length) return 'malformed';
    const isSourceRoute = type === 131 || type === 137;
    if (isSourceRoute && length >= 3 && options[at + 2] <= length) return 'source route';
    at += length;
  }
  return null;
}

/** What RFC 7915 §5.1.1 means by an extension header: ESP is none, the Authentication Header is one. */
const EXTENSIONS_BEHIND_FRAGMENT: readonly number[] = [0, 43, 44, 51, 60, 135, 139, 140];

/** Whether an IPv6 packet has another extension header behind its Fragment Header. */
export function hasExtensionBehindFragment(packet: Dissection | null | undefined): boolean {
  if (packet?.family !== 6 || packet.fragment === null) return false;
  const isFollowed = packet.extensions.indexOf(44) < packet.extensions.length - 1;
  return isFollowed || EXTENSIONS_BEHIND_FRAGMENT.includes(packet.protocol);
}
