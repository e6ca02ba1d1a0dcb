// Sources for ICMP errors whose sender has no address in the other family: RFC 6791 §3.1, rule T-5.2-10. The same router
// gets the same address each time, so that a traceroute shows it as one hop.

import type { AddressMap } from '../address/address-map.ts';
import { addressWord } from '../address/rfc6052.ts';
import { sumWord } from '../wire/checksum.ts';
import type { TranslatorSettings } from './settings.ts';

/** The pools of one translator. Never throws. */
export class IcmpSources {
  private readonly first: Int32Array;
  private readonly sizes: Float64Array;
  private readonly total: number;
  private readonly fallback4: number;
  private readonly words: Int32Array | null;
  private readonly hostBits6: number;

  constructor(settings: TranslatorSettings) {
    const pool = settings.icmpPoolIpv4;
    this.first = Int32Array.from(pool, (p) => p.address | 0);
    this.sizes = Float64Array.from(pool, (p) => 2 ** (32 - p.length));
    this.total = this.sizes.reduce((sum, n) => sum + n, 0);
    this.fallback4 = settings.ownIpv4 | 0;
    const ipv6 = settings.icmpPoolIpv6?.address ?? settings.ownIpv6;
    this.words =
      ipv6 === null || ipv6 === undefined ? null : Int32Array.from([0, 1, 2, 3], (i) => addressWord(ipv6, i));
    this.hostBits6 = settings.icmpPoolIpv6 === null ? 0 : Math.min(32, 128 - settings.icmpPoolIpv6.length);
  }

  /** IPv4 source for an IPv6 router, signed; 0: there is none. */
  pickIpv4(w0: number, w1: number, w2: number, w3: number): number {
    if (this.total === 0) return this.fallback4;
    let n = hashWords(w0, w1, w2, w3) % this.total;
    for (let i = 0; i < this.sizes.length; i++) {
      if (n < this.sizes[i]) return (this.first[i] + n) | 0;
      n -= this.sizes[i];
    }
    return this.fallback4;
  }

  /** IPv6 source for an IPv4 router, put into the map's result words; false: there is none. */
  pickIpv6(ipv4: number, map: AddressMap): boolean {
    const words = this.words;
    if (words === null) return false;
    const mask = this.hostBits6 === 32 ? -1 : (1 << this.hostBits6) - 1;
    map.w0 = words[0];
    map.w1 = words[1];
    map.w2 = words[2];
    map.w3 = words[3] | (ipv4 & mask);
    return true;
  }
}

/** A small unsigned hash of an IPv6 address: the folded sum times an odd constant, mixed. */
export function hashWords(w0: number, w1: number, w2: number, w3: number): number {
  const h = Math.imul(w0 ^ Math.imul(w1, 0x85ebca6b) ^ Math.imul(w2, 0xc2b2ae35) ^ w3, 0x9e3779b1);
  return ((h ^ (h >>> 16)) >>> 0) + sumWord(w3);
}
