// A client's query, read where it lies: no record is made of it (RFC 1035 §4.1, RFC 6891 §6.1). One QueryView is used again and
// again. Whatever it says of the rest, `id`, `flags` and the question are right for every verdict but DROP.

import { NAME_MAX } from './name.ts';
import { CLASS_IN, FLAG, HEADER, OPCODE_MASK, TYPE } from './numbers.ts';

/** What to do with a query. */
export const QUERY = {
  /** Answer it. */
  GOOD: 0,
  /** No query at all: say nothing. */
  DROP: 1,
  FORMERR: 2,
  NOTIMP: 3,
  REFUSED: 4,
  BADVERS: 5,
} as const;

/** One of {@link QUERY}. */
export type QueryVerdict = (typeof QUERY)[keyof typeof QUERY];

/** Bits that tell questions of the same name and type apart. The upstream's own answer to an AAAA question is RAW. */
export const VARIANT = { DO: 1, CD: 2, RAW: 4 } as const;

/** RFC 6891 §6.2.3. */
const UDP_SIZE_MIN = 512;
/** Records of the additional section that are looked at. */
const ADDITIONAL_MAX = 4;

/** The parts of a query that an answer depends on. */
export class QueryView {
  id = 0;
  flags = 0;
  /** Offset behind the question's name, which starts behind the header; 0: the question could not be read. */
  nameEnd = 0;
  type = 0;
  class = 0;
  hasEdns = false;
  isDnssecOk = false;
  /** What a UDP answer may have, ≥ 512. */
  udpSize = UDP_SIZE_MIN;

  /** {@link VARIANT} bits. */
  get variant(): number {
    return (this.isDnssecOk ? VARIANT.DO : 0) | ((this.flags & FLAG.CD) !== 0 ? VARIANT.CD : 0);
  }

  /**
   * Reads a query.
   * @param start offset of the message, inclusive; `end` exclusive
   * @returns a verdict, never throws
   */
  read(bytes: Uint8Array, start: number, end: number): QueryVerdict {
    this.nameEnd = 0;
    this.hasEdns = false;
    this.isDnssecOk = false;
    this.udpSize = UDP_SIZE_MIN;
    if (end - start < HEADER) return QUERY.DROP;
    this.id = (bytes[start] << 8) | bytes[start + 1];
    this.flags = (bytes[start + 2] << 8) | bytes[start + 3];
    // Answering an answer would let two servers keep each other busy.
    if ((this.flags & FLAG.QR) !== 0) return QUERY.DROP;
    if ((this.flags & OPCODE_MASK) !== 0) return QUERY.NOTIMP;
    if (bytes[start + 4] !== 0 || bytes[start + 5] !== 1) return QUERY.FORMERR;
    // No query that is answered here has records in its answer or authority section.
    if ((bytes[start + 6] | bytes[start + 7] | bytes[start + 8] | bytes[start + 9]) !== 0) return QUERY.FORMERR;
    const at = this.readQuestion(bytes, start, end);
    return at < 0 ? QUERY.FORMERR : this.readAdditional(bytes, start, at, end);
  }

  /** @returns the offset behind the question, or −1 */
  private readQuestion(bytes: Uint8Array, start: number, end: number): number {
    const first = start + HEADER;
    let at = first;
    while (at < end && bytes[at] !== 0) {
      if (bytes[at] > 63) return -1;
      at += 1 + bytes[at];
    }
    if (at + 5 > end || at + 1 - first > NAME_MAX) return -1;
    this.type = (bytes[at + 1] << 8) | bytes[at + 2];
    this.class = (bytes[at + 3] << 8) | bytes[at + 4];
    this.nameEnd = at + 1 - start;
    return at + 5;
  }

  private readAdditional(bytes: Uint8Array, start: number, from: number, end: number): QueryVerdict {
    const count = (bytes[start + 10] << 8) | bytes[start + 11];
    let at = from;
    if (count > ADDITIONAL_MAX) return QUERY.FORMERR;
    let version = 0;
    for (let i = 0; i < count; i++) {
      const owner = at;
      while (at < end && bytes[at] !== 0 && bytes[at] < 0xc0) at += 1 + bytes[at];
      at += bytes[at] >= 0xc0 ? 2 : 1;
      if (at + 10 > end) return QUERY.FORMERR;
      if (((bytes[at] << 8) | bytes[at + 1]) === TYPE.OPT) {
        // RFC 6891 §6.1.1: one, and its owner is the root.
        if (this.hasEdns || at !== owner + 1) return QUERY.FORMERR;
        this.hasEdns = true;
        this.udpSize = Math.max(UDP_SIZE_MIN, (bytes[at + 2] << 8) | bytes[at + 3]);
        version = bytes[at + 5];
        this.isDnssecOk = (bytes[at + 6] & 0x80) !== 0;
      }
      at += 10 + ((bytes[at + 8] << 8) | bytes[at + 9]);
      if (at > end) return QUERY.FORMERR;
    }
    return version === 0 ? this.judge() : QUERY.BADVERS;
  }

  /** What is well formed and not served all the same. */
  private judge(): QueryVerdict {
    if (this.class !== CLASS_IN) return QUERY.REFUSED;
    // Zone transfers are for those who own the zone; without RD only the cache could answer, which is nobody's business.
    if (this.type === TYPE.AXFR || this.type === TYPE.IXFR || (this.flags & FLAG.RD) === 0) return QUERY.REFUSED;
    return this.type === TYPE.OPT ? QUERY.FORMERR : QUERY.GOOD;
  }
}

const MULTIPLIER = 0x9e3779b1;

/**
 * A name's hash, case aside, with all that makes a question. Seeded, so that nobody outside can choose names that collide.
 * @param start offset of the name, inclusive; `end` exclusive
 */
export function hashQuestion(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
  variant: number,
  seed: number,
): number {
  let hash = Math.imul(seed ^ type ^ (variant << 16), MULTIPLIER);
  let at = start;
  // Four at a time, with the bit set that tells capitals from small letters: what differs in nothing else may collide.
  for (; at + 4 <= end; at += 4) {
    const four = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24) | 0x20202020;
    hash = Math.imul(hash ^ four, MULTIPLIER);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] | 0x20), MULTIPLIER);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
