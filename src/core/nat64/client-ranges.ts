// The IPv6 sources that NAT64 serves: rule O-04.

import { addressWord } from '../address/rfc6052.ts';
import type { Prefix6 } from '../translate/settings.ts';

/** A few ranges, looked at one after the other. Never throws. */
export class ClientRanges {
  /** Four words and four masks each. */
  private readonly ranges: Int32Array;

  /** @param clients none: all are served */
  constructor(clients: readonly Prefix6[]) {
    this.ranges = Int32Array.from(clients.flatMap(wordsAndMasks));
  }

  /** Whether the address of these words is served. */
  has(w0: number, w1: number, w2: number, w3: number): boolean {
    const r = this.ranges;
    if (r.length === 0) return true;
    for (let i = 0; i < r.length; i += 8) {
      if ((w0 & r[i + 4]) !== r[i] || (w1 & r[i + 5]) !== r[i + 1]) continue;
      if ((w2 & r[i + 6]) === r[i + 2] && (w3 & r[i + 7]) === r[i + 3]) return true;
    }
    return false;
  }
}

function wordsAndMasks({ address, length }: Prefix6): number[] {
  const masks = [0, 1, 2, 3].map((i) => maskOf(length - i * 32));
  return [...masks.map((mask, i) => addressWord(address, i) & mask), ...masks];
}

const maskOf = (bits: number): number => (bits <= 0 ? 0 : bits >= 32 ? -1 : -1 << (32 - bits));
