// Explicit address mappings, RFC 7757 §3: an IPv4 prefix and an IPv6 prefix whose suffixes map bit for bit. The IPv6
// suffix may be longer than the IPv4 one; what is left over is zero one way and ignored the other.

import type { Mapping } from '../translate/settings.ts';
import { PrefixTable } from './prefix-table.ts';
import { addressWord } from './rfc6052.ts';

/** The table of one translator. Lookups return an entry number, or -1. Never throws after construction. */
export class MappingTable {
  private readonly byIpv4: PrefixTable;
  private readonly byIpv6: PrefixTable;
  private readonly ipv4Address: Int32Array;
  private readonly ipv4Length: Int32Array;
  private readonly ipv6Words: Int32Array;
  private readonly ipv6Length: Int32Array;

  constructor(mappings: readonly Mapping[]) {
    const n = mappings.length;
    const ipv4Keys = new Int32Array(n * 4);
    this.ipv4Address = Int32Array.from(mappings, (m) => m.ipv4.address | 0);
    this.ipv4Length = Int32Array.from(mappings, (m) => m.ipv4.length);
    this.ipv6Length = Int32Array.from(mappings, (m) => m.ipv6.length);
    this.ipv6Words = new Int32Array(n * 4);
    mappings.forEach((m, i) => {
      ipv4Keys[i * 4] = m.ipv4.address | 0;
      for (let w = 0; w < 4; w++) this.ipv6Words[i * 4 + w] = addressWord(m.ipv6.address, w);
    });
    this.byIpv4 = new PrefixTable(ipv4Keys, Array.from(this.ipv4Length));
    this.byIpv6 = new PrefixTable(this.ipv6Words, Array.from(this.ipv6Length));
  }

  /** Entry for an IPv4 address, or -1. */
  findIpv4(ipv4: number): number {
    return this.byIpv4.lookup(ipv4, 0, 0, 0);
  }

  /** Entry for an IPv6 address, or -1. */
  findIpv6(w0: number, w1: number, w2: number, w3: number): number {
    return this.byIpv6.lookup(w0, w1, w2, w3);
  }

  /** Word `i` (0–3) of the IPv6 address that `entry` makes of `ipv4`. */
  toIpv6Word(entry: number, ipv4: number, i: number): number {
    const length4 = this.ipv4Length[entry];
    const base = this.ipv6Words[entry * 4 + i];
    if (length4 === 32) return base;
    const suffix = ipv4 << length4; // left-aligned
    const position = this.ipv6Length[entry] - i * 32; // of the suffix's first bit in this word
    if (position >= 32 || position <= -32) return base;
    return base | (position >= 0 ? suffix >>> position : suffix << -position);
  }

  /** The IPv4 address that `entry` makes of an IPv6 address. */
  toIpv4(entry: number, w0: number, w1: number, w2: number, w3: number): number {
    const length4 = this.ipv4Length[entry];
    if (length4 === 32) return this.ipv4Address[entry];
    const length6 = this.ipv6Length[entry];
    const first = length6 >>> 5;
    const shift = length6 & 31;
    const a = first === 0 ? w0 : first === 1 ? w1 : first === 2 ? w2 : w3;
    const b = first === 0 ? w1 : first === 1 ? w2 : w3;
    const suffix = shift === 0 ? a : (a << shift) | (b >>> (32 - shift));
    return this.ipv4Address[entry] | (suffix >>> length4);
  }
}

/** Whether the IPv6 suffix holds the IPv4 one, as RFC 7757 §3.1 demands of each mapping. */
export const hasRoomForSuffix = ({ ipv4, ipv6 }: Mapping): boolean => 128 - ipv6.length >= 32 - ipv4.length;
