// The addresses of the differential run, the same for both translators, and the sentinel that the injector sends.

import { sameBytes } from '../reference/bytes.ts';
import { ip6 } from './addresses.ts';
import { ipv4, udp } from './packets.ts';

/** What both translators are told. */
export const NETWORK = {
  prefix: '2001:db8:64::/96',
  /** One host, and a subnet of 64. */
  mappings: [
    ['192.0.2.33/32', '2001:db8::1/128'],
    ['192.0.2.64/26', '2001:db8:1::/122'],
  ],
  ownIpv4: '192.0.2.1',
  ownIpv6: '2001:db8:2::1',
  /** MTU of the interface and of the IPv6 side. tayga takes the IPv4 side to be 20 bytes narrower. */
  ipv6Mtu: 1500,
  ipv4Mtu: 1480,
} as const;

/** One packet and what it is there for. */
export interface Case {
  readonly name: string;
  readonly packet: Uint8Array;
}

/** Hosts with a form in both families: two behind mappings, two of the IPv4 world. */
export const MAPPED = [
  { ipv4: '192.0.2.33', ipv6: '2001:db8::1' },
  { ipv4: '192.0.2.70', ipv6: '2001:db8:1::6' },
] as const;
export const WORLD = [
  { ipv4: '198.51.100.7', ipv6: '2001:db8:64::c633:6407' },
  { ipv4: '8.8.8.8', ipv6: '2001:db8:64::808:808' },
] as const;

const SENTINEL = { src: '203.0.113.253', dst: '192.0.2.126', dst6: ip6('2001:db8:1::3e') } as const;

/** Where the sentinel's number stands in a translated sentinel: behind the IPv6 and the UDP header. */
export const SENTINEL_DATA = 48;

/** The datagram that follows packet `number`. No test packet uses its addresses. */
export function sentinel(number: number): Uint8Array {
  const data = Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
  return ipv4({ src: SENTINEL.src, dst: SENTINEL.dst, payload: udp({ srcPort: 7, dstPort: 7, data }) });
}

/** Whether a packet is a translated sentinel. */
export const isSentinel = (packet: Uint8Array): boolean =>
  packet.length === SENTINEL_DATA + 4 && sameBytes(packet.subarray(24, 40), SENTINEL.dst6);
