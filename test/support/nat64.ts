// NAT64 in memory for tests: settings, and packets read back as text.

import { DEFAULT_LIMITS, DEFAULT_NAT64, type Nat64Settings, type PoolRange } from '../../src/core/nat64/settings.ts';
import { DEFAULT_SETTINGS, type TranslatorSettings } from '../../src/core/translate/settings.ts';
import { read16, read32 } from '../reference/bytes.ts';
import { ip4, ip6, prefix6, text4, text6 } from './addresses.ts';
import { Engine, type EngineOptions } from './engine.ts';

export const PREFIX = '2001:db8:64::/96';
/** The pool's address, and as IPv6 hosts see it. */
export const POOL = '192.0.2.1';
export const POOL6 = '2001:db8:64::c000:201';
/** The two hosts behind NAT64, and a server in both families. */
export const HOST_A = '2001:db8:a::a';
export const HOST_B = '2001:db8:b::b';
export const SERVER = '198.51.100.7';
export const SERVER6 = '2001:db8:64::c633:6407';

/** A pool of one address for all three protocols. */
export const poolOf = (address: string, firstPort = 1024, lastPort = 65_535): PoolRange[] =>
  (['tcp', 'udp', 'icmp'] as const).map((protocol) => ({
    protocol,
    address: ip4(address),
    addresses: 1,
    firstPort,
    lastPort,
  }));

/** With small tables, which are made in no time. */
export const NAT64: Nat64Settings = {
  ...DEFAULT_NAT64,
  pool: poolOf(POOL),
  limits: { ...DEFAULT_LIMITS, sessions: 1000 },
};
export const TRANSLATOR: TranslatorSettings = {
  ...DEFAULT_SETTINGS,
  prefix: prefix6(PREFIX),
  ownIpv4: ip4('192.0.2.9'),
  ownIpv6: ip6('2001:db8:6464::1'),
};

/** An engine with tables. */
export const nat64Engine = (
  nat64: Partial<Nat64Settings> = {},
  translator: Partial<TranslatorSettings> = {},
  options: EngineOptions = {},
): Engine => new Engine({ ...TRANSLATOR, ...translator }, { nat64: { ...NAT64, ...nat64 }, ...options });

/** What a packet says about its ends: addresses, and the two words behind the headers (ports; of ICMP type and code, checksum). */
export interface Seen {
  readonly src: string;
  readonly dst: string;
  readonly protocol: number;
  readonly hops: number;
  readonly srcPort: number;
  readonly dstPort: number;
  /** Of an echo. */
  readonly identifier: number;
  /** From the upper layer on. */
  readonly upper: Uint8Array;
}

/** Reads a packet as the translator writes it: no options, a Fragment Header at most. */
export function seen(packet: Uint8Array): Seen {
  const is6 = (packet[0] as number) >> 4 === 6;
  const isFragment = is6 && packet[6] === 44;
  const upper = packet.slice(is6 ? (isFragment ? 48 : 40) : 20);
  const ends = is6
    ? { src: text6(packet.slice(8, 24)), dst: text6(packet.slice(24, 40)) }
    : { src: text4(read32(packet, 12)), dst: text4(read32(packet, 16)) };
  const protocol = packet[is6 ? (isFragment ? 40 : 6) : 9] as number;
  const word = (at: number): number => (at + 2 > upper.length ? -1 : read16(upper, at));
  const hops = packet[is6 ? 7 : 8] as number;
  return { ...ends, protocol, hops, srcPort: word(0), dstPort: word(2), identifier: word(4), upper };
}

/** The only packet that went on. */
export function only(result: { readonly out: readonly Uint8Array[]; readonly verdict: string }): Uint8Array {
  if (result.out.length !== 1) throw new Error(`${result.verdict}: ${result.out.length} packets`);
  return result.out[0] as Uint8Array;
}
