// An answer in the form that the cache keeps and the hot path copies: a header of numbers, the message in wire form, and where its
// TTLs stand. The same form serves answers that are not cached.
//
//      0       4      8          12          16       20          24           28      32
//     +-------+------+----------+-----------+--------+-----------+------------+-------+---------+-------------+
//     | size  | hash | storedAt | expiresAt | marks  | lengths   | staleUntil | spare | message | TTL offsets |
//     +-------+------+----------+-----------+--------+-----------+------------+-------+---------+-------------+
//
// `size` counts all of it, in whole units of 8 bytes. Times are seconds of the caller's clock. `marks`: the variant (bits 0–2),
// DERIVED, REFERENCED, DEAD, and the extended error (RFC 8914) plus one (bits 8–15). `lengths`: the message's in bits 0–15, the number
// of TTLs in bits 16–31. A TTL offset is two bytes, counted from the message's start. The message has its question in lower case, no OPT,
// ID 0.

import { emitMessage, lowerQuestion } from './emit.ts';
import { type DnsMessage, parseMessage } from './message.ts';
import { FLAG, HEADER } from './numbers.ts';
import type { QueryView } from './query.ts';

/** Bytes in front of the message. */
export const PACKED_HEADER = 32;
/** The header's words. */
export const WORD = { SIZE: 0, HASH: 1, STORED: 2, EXPIRES: 3, MARKS: 4, LENGTHS: 5, STALE_UNTIL: 6 } as const;
/** In the word of marks; the variant is below. */
export const MARK = { VARIANT: 7, DERIVED: 8, REFERENCED: 16, DEAD: 32 } as const;
const EXTENDED_ERROR_SHIFT = 8;

/** Bytes, and the same bytes as words: what is copied by words is copied four times as fast. */
export interface AlignedBytes {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** Fresh bytes, all zero. @param size rounded up to whole words */
export function alignedBytes(size: number): AlignedBytes {
  const words = new Int32Array(Math.ceil(size / 4));
  return { words, bytes: new Uint8Array(words.buffer) };
}

/** What is packed beside the message. */
export interface Packing {
  /** VARIANT bits of the question. */
  readonly variant: number;
  /** Whether another configuration would have given another answer. */
  readonly isDerived: boolean;
  /** RFC 8914, or −1. */
  readonly extendedError: number;
  readonly nowS: number;
  /** How long it may be given. */
  readonly lifetimeS: number;
  /** How long after that it may be given as stale. */
  readonly staleS: number;
}

/** Packs a message; null when it has no question or is too long. */
export function packAnswer(message: DnsMessage, packing: Packing): AlignedBytes | null {
  const emitted = message.question === null ? null : emitMessage({ ...lowerQuestion(message), id: 0, edns: null });
  if (emitted === null) return null;
  const { bytes: wire, ttlOffsets } = emitted;
  const size = Math.ceil((PACKED_HEADER + wire.length + ttlOffsets.length * 2) / 8) * 8;
  const { bytes, words } = alignedBytes(size);
  const { variant, isDerived, extendedError, nowS, lifetimeS, staleS } = packing;
  words[WORD.SIZE] = size;
  words[WORD.STORED] = nowS;
  words[WORD.EXPIRES] = nowS + lifetimeS;
  words[WORD.STALE_UNTIL] = nowS + lifetimeS + staleS;
  words[WORD.MARKS] = variant | (isDerived ? MARK.DERIVED : 0) | ((extendedError + 1) << EXTENDED_ERROR_SHIFT);
  words[WORD.LENGTHS] = wire.length | (ttlOffsets.length << 16);
  bytes.set(wire, PACKED_HEADER);
  let at = PACKED_HEADER + wire.length;
  for (const offset of ttlOffsets) {
    bytes[at++] = offset >>> 8;
    bytes[at++] = offset;
  }
  return { bytes, words };
}

/** Length of a packed answer's message in bytes. */
export const messageLength = ({ words }: AlignedBytes, at: number): number => words[(at >> 2) + WORD.LENGTHS] & 0xffff;

/** The message again, with the TTLs that are left. */
export function unpackAnswer(packed: AlignedBytes, at: number, nowS: number): DnsMessage {
  const start = at + PACKED_HEADER;
  const wire = packed.bytes.slice(start, start + messageLength(packed, at));
  patchTtls(packed, at, wire, 0, nowS - packed.words[(at >> 2) + WORD.STORED], -1);
  const message = parseMessage(wire);
  if (message === null) throw new Error('a packed answer does not parse');
  return message;
}

/** Lowers each TTL by `age`, or sets all to `fixed` unless that is negative. */
function patchTtls(source: AlignedBytes, at: number, out: Uint8Array, outAt: number, age: number, fixed: number): void {
  const lengths = source.words[(at >> 2) + WORD.LENGTHS];
  const { bytes } = source;
  let table = at + PACKED_HEADER + (lengths & 0xffff);
  for (let i = lengths >>> 16; i > 0; i--, table += 2) {
    const to = outAt + ((bytes[table] << 8) | bytes[table + 1]);
    const ttl = (out[to] << 24) | (out[to + 1] << 16) | (out[to + 2] << 8) | out[to + 3];
    const left = fixed >= 0 ? fixed : Math.max(0, ttl - age);
    out[to] = left >>> 24;
    out[to + 1] = left >>> 16;
    out[to + 2] = left >>> 8;
    out[to + 3] = left;
  }
}

/** The payload size that this server names, and never exceeds over UDP: no fragments (RFC 9715 §3). */
export const UDP_PAYLOAD = 1232;
/** Bytes of an OPT record without options, and of an extended error option. */
const OPT_SIZE = 11;
const EXTENDED_ERROR_SIZE = 6;
/** RFC 8914 §2. */
const EXTENDED_ERROR_OPTION = 15;
/** RFC 8767 §4: the TTL of stale data. */
const STALE_TTL = 30;

/**
 * Writes an OPT record with an optional extended error.
 * @returns its length
 */
export function writeOpt(
  out: Uint8Array,
  at: number,
  isDnssecOk: boolean,
  extendedRcode: number,
  extendedError: number,
): number {
  const options = extendedError < 0 ? 0 : EXTENDED_ERROR_SIZE;
  out[at] = 0;
  out[at + 1] = 0;
  out[at + 2] = 41;
  out[at + 3] = UDP_PAYLOAD >>> 8;
  out[at + 4] = UDP_PAYLOAD & 0xff;
  out[at + 5] = extendedRcode;
  out[at + 6] = 0;
  out[at + 7] = isDnssecOk ? 0x80 : 0;
  out[at + 8] = 0;
  out[at + 9] = 0;
  out[at + 10] = options;
  if (options === 0) return OPT_SIZE;
  out[at + 11] = 0;
  out[at + 12] = EXTENDED_ERROR_OPTION;
  out[at + 13] = 0;
  out[at + 14] = 2;
  out[at + 15] = 0;
  out[at + 16] = extendedError;
  return OPT_SIZE + EXTENDED_ERROR_SIZE;
}

/**
 * Writes the answer to a query from a packed answer: the query's ID and spelling, the TTLs that are left, OPT if the query had one;
 * header and question alone, with TC, if it would be longer than `limit`.
 * @param at offset of the packed answer
 * @param queryAt offset of the query in `query`; both have the same question but for its case
 * @param limit bytes that the transport carries, at least 512
 * @param outAt offset in `to`, divisible by 4; there is room for `limit` bytes, rounded up to whole words
 * @returns bytes written
 */
export function writeAnswer(
  source: AlignedBytes,
  at: number,
  nowS: number,
  view: QueryView,
  query: Uint8Array,
  queryAt: number,
  to: AlignedBytes,
  outAt: number,
  limit: number,
): number {
  const { words } = source;
  const out = to.bytes;
  const word = at >> 2;
  const whole = words[word + WORD.LENGTHS] & 0xffff;
  const isStale = words[word + WORD.EXPIRES] <= nowS && words[word + WORD.STALE_UNTIL] > nowS;
  const extendedError = isStale ? 3 : ((words[word + WORD.MARKS] >>> EXTENDED_ERROR_SHIFT) & 0xff) - 1;
  const opt = view.hasEdns ? OPT_SIZE + (extendedError < 0 ? 0 : EXTENDED_ERROR_SIZE) : 0;
  const isCut = whole + opt > limit;
  const length = isCut ? view.nameEnd + 4 : whole;
  const from = (at + PACKED_HEADER) >> 2;
  for (let i = ((length + 3) >> 2) - 1; i >= 0; i--) to.words[(outAt >> 2) + i] = words[from + i];
  if (isCut) cut(out, outAt);
  else patchTtls(source, at, out, outAt, nowS - words[word + WORD.STORED], isStale ? STALE_TTL : -1);
  for (let i = HEADER; i < view.nameEnd; i++) out[outAt + i] = query[queryAt + i];
  out[outAt] = view.id >>> 8;
  out[outAt + 1] = view.id;
  // RFC 6840 §5.8: AD is for those who ask for it.
  if (!view.isDnssecOk && (view.flags & FLAG.AD) === 0) out[outAt + 3] &= ~FLAG.AD;
  if (!view.hasEdns) return length;
  const count = ((out[outAt + 10] << 8) | out[outAt + 11]) + 1;
  out[outAt + 10] = count >>> 8;
  out[outAt + 11] = count;
  return length + writeOpt(out, outAt + length, view.isDnssecOk, 0, extendedError);
}

/** RFC 2181 §9: nothing but the question, and TC. */
function cut(out: Uint8Array, at: number): void {
  out[at + 2] |= FLAG.TC >>> 8;
  for (let i = 6; i < HEADER; i++) out[at + i] = 0;
}
