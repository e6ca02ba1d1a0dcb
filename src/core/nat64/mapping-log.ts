// The log of mappings (rule N-11, RFC 6888 REQ-12): a ring that the data path writes and somebody else empties. When nobody does,
// new records are lost and counted; the data path never waits.

import { BIB_PROTOCOLS } from './bib-protocol.ts';
import type { Nat64Protocol } from './settings.ts';

/** What was logged, by number. */
export const MAPPING_MADE = 0;
export const MAPPING_ENDED = 1;
export const BLOCK_TAKEN = 2;
export const BLOCK_LEFT = 3;

const KIND_NAMES = ['mapping-made', 'mapping-ended', 'block-taken', 'block-left'] as const;

/** One record as the log's reader gets it. */
export interface MappingRecord {
  readonly kind: (typeof KIND_NAMES)[number];
  /** On the clock that the NAT64 is given. */
  readonly timeMs: number;
  readonly protocol: Nat64Protocol;
  /** Four signed words. */
  readonly ipv6: readonly [number, number, number, number];
  /** 0 for a block. */
  readonly port6: number;
  /** Unsigned. */
  readonly ipv4: number;
  /** The mapped port, or the first and last of the block. */
  readonly firstPort: number;
  readonly lastPort: number;
}

const WORDS = 9;

/** Records that wait to be read. */
const CAPACITY = 8192;

/** The log of one NAT64. Never throws. */
export class MappingLog {
  /** Records that found no room. */
  lost = 0;
  /** The time that records are written with. */
  nowMs = 0;
  private readonly words = new Int32Array(CAPACITY * WORDS);
  private readonly times = new Float64Array(CAPACITY);
  private first = 0;
  private count = 0;

  /** Writes a record. `what`: MAPPING_* or BLOCK_*; addresses in signed words. */
  write(
    what: number,
    proto: number,
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    port6: number,
    ipv4: number,
    firstPort: number,
    lastPort: number,
  ): void {
    if (this.count === CAPACITY) {
      this.lost++;
      return;
    }
    const row = (this.first + this.count++) & (CAPACITY - 1);
    this.times[row] = this.nowMs;
    const { words } = this;
    const at = row * WORDS;
    words[at] = what | (proto << 8);
    words[at + 1] = w0;
    words[at + 2] = w1;
    words[at + 3] = w2;
    words[at + 4] = w3;
    words[at + 5] = port6;
    words[at + 6] = ipv4;
    words[at + 7] = firstPort;
    words[at + 8] = lastPort;
  }

  /** Takes the oldest records out, at most `limit`. */
  take(limit: number): MappingRecord[] {
    const taken: MappingRecord[] = [];
    for (; this.count > 0 && taken.length < limit; this.count--) {
      taken.push(this.record(this.first));
      this.first = (this.first + 1) & (CAPACITY - 1);
    }
    return taken;
  }

  private record(row: number): MappingRecord {
    const w = this.words;
    const at = row * WORDS;
    return {
      kind: KIND_NAMES[w[at] & 0xff] as MappingRecord['kind'],
      timeMs: this.times[row],
      protocol: BIB_PROTOCOLS[w[at] >> 8] as Nat64Protocol,
      ipv6: [w[at + 1], w[at + 2], w[at + 3], w[at + 4]],
      port6: w[at + 5],
      ipv4: w[at + 6] >>> 0,
      firstPort: w[at + 7],
      lastPort: w[at + 8],
    };
  }
}
