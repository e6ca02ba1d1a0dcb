// DNS messages, RFC 1035 §4, with the OPT record of RFC 6891 §6.1, as plain records: for questions that are not answered from the
// cache. What comes in is hostile; what is not a whole, well-formed message is no message.
//
//      0  1  2  3  4  5  6  7  8  9  0  1  2  3  4  5
//     +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//   0 |                      ID                       |
//   2 |QR|   Opcode  |AA|TC|RD|RA| Z|AD|CD|   RCODE   |
//   4 |  QDCOUNT   6 ANCOUNT   8 NSCOUNT   10 ARCOUNT |
//     +--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+--+
//
// Emission: emit.ts. The hot path reads queries without making records: query.ts.

import { readName } from './name.ts';
import { HEADER, RCODE_MASK, TYPE } from './numbers.ts';
import { dataLayout } from './record-data.ts';

/** What is asked for. */
export interface DnsQuestion {
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
}

/** One resource record; names in it, also inside `data`, are uncompressed. */
export interface DnsRecord {
  readonly name: Uint8Array;
  readonly type: number;
  readonly class: number;
  /** Seconds, 0 – 2³¹−1. */
  readonly ttl: number;
  readonly data: Uint8Array;
}

/** The OPT record, RFC 6891 §6.1.3. */
export interface Edns {
  readonly udpSize: number;
  readonly extendedRcode: number;
  readonly version: number;
  readonly isDnssecOk: boolean;
  readonly options: Uint8Array;
}

/** A whole message. */
export interface DnsMessage {
  readonly id: number;
  /** The second word of the header. */
  readonly flags: number;
  /** null: the message has none (some errors). */
  readonly question: DnsQuestion | null;
  readonly answers: readonly DnsRecord[];
  readonly authority: readonly DnsRecord[];
  /** Without OPT. */
  readonly additional: readonly DnsRecord[];
  readonly edns: Edns | null;
}

/** The 12-bit RCODE of a message. */
export const rcodeOf = (message: DnsMessage): number =>
  (message.flags & RCODE_MASK) | ((message.edns?.extendedRcode ?? 0) << 4);

/** RFC 2181 §8. */
const TTL_MAX = 0x7fffffff;
/** Bytes of a record behind its name and before its data. */
const RECORD_FIXED = 10;

const u16 = (bytes: Uint8Array, at: number): number => (bytes[at] << 8) | bytes[at + 1];
const u32 = (bytes: Uint8Array, at: number): number => u16(bytes, at) * 0x10000 + u16(bytes, at + 2);

/** A record and where reading goes on. */
interface ReadRecord {
  readonly record: DnsRecord;
  readonly next: number;
}

function readRecord(bytes: Uint8Array, start: number, end: number): ReadRecord | null {
  const owner = readName(bytes, start, end);
  if (owner === null || owner.next + RECORD_FIXED > end) return null;
  const at = owner.next;
  const type = u16(bytes, at);
  const rawTtl = u32(bytes, at + 4);
  const dataEnd = at + RECORD_FIXED + u16(bytes, at + 8);
  if (dataEnd > end) return null;
  const data = readData(bytes, at + RECORD_FIXED, dataEnd, end, type);
  if (data === null) return null;
  // OPT keeps flags where the others keep the TTL.
  const ttl = rawTtl > TTL_MAX && type !== TYPE.OPT ? 0 : rawTtl;
  return { record: { name: owner.name, type, class: u16(bytes, at + 2), ttl, data }, next: dataEnd };
}

/** The data of a record with its names uncompressed; null where it does not have the form of its type. */
function readData(bytes: Uint8Array, start: number, end: number, messageEnd: number, type: number): Uint8Array | null {
  const layout = dataLayout(type);
  if (layout === null) return bytes.slice(start, end);
  if (layout.size >= 0) return end - start === layout.size ? bytes.slice(start, end) : null;
  const pieces: Uint8Array[] = [];
  let at = layout.skip(bytes, start, end);
  if (at < 0) return null;
  pieces.push(bytes.subarray(start, at));
  for (let i = 0; i < layout.names; i++) {
    const read = readName(bytes, at, messageEnd);
    if (read === null || read.next > end) return null;
    pieces.push(read.name);
    at = read.next;
  }
  if (layout.tail >= 0 && end - at !== layout.tail) return null;
  pieces.push(bytes.subarray(at, end));
  return concat(pieces);
}

/** The pieces one after another. */
export function concat(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function readRecords(bytes: Uint8Array, start: number, end: number, count: number): [DnsRecord[], number] | null {
  const records: DnsRecord[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    const read = readRecord(bytes, at, end);
    if (read === null) return null;
    records.push(read.record);
    at = read.next;
  }
  return [records, at];
}

const ednsOf = (opt: DnsRecord): Edns => ({
  udpSize: opt.class,
  extendedRcode: Math.floor(opt.ttl / 0x1000000),
  version: (opt.ttl >>> 16) & 0xff,
  isDnssecOk: (opt.ttl & 0x8000) !== 0,
  options: opt.data,
});

/**
 * Reads a message.
 * @param message one datagram, or one message of a stream without its length; octets behind the last record are ignored
 * @returns null when it is malformed, has more than one question, or more than one OPT record
 */
export function parseMessage(message: Uint8Array): DnsMessage | null {
  // A plain view: the slices of other kinds of arrays (a Buffer's) would be views, too, and keep what is borrowed.
  const bytes = new Uint8Array(message.buffer, message.byteOffset, message.length);
  const end = bytes.length;
  if (end < HEADER || u16(bytes, 4) > 1) return null;
  const asked = u16(bytes, 4) === 0 ? { question: null, next: HEADER } : readQuestion(bytes, end);
  const answers = asked && readRecords(bytes, asked.next, end, u16(bytes, 6));
  const authority = answers && readRecords(bytes, answers[1], end, u16(bytes, 8));
  const additional = authority && readRecords(bytes, authority[1], end, u16(bytes, 10));
  if (additional === null) return null;
  const opts = additional[0].filter((record) => record.type === TYPE.OPT);
  if (opts.length > 1 || asked === null || answers === null || authority === null) return null;
  return {
    id: u16(bytes, 0),
    flags: u16(bytes, 2),
    question: asked.question,
    answers: answers[0],
    authority: authority[0],
    additional: additional[0].filter((record) => record.type !== TYPE.OPT),
    edns: opts[0] === undefined ? null : ednsOf(opts[0]),
  };
}

function readQuestion(bytes: Uint8Array, end: number): { question: DnsQuestion; next: number } | null {
  const read = readName(bytes, HEADER, end);
  if (read === null || read.next + 4 > end) return null;
  const { name, next } = read;
  return { question: { name, type: u16(bytes, next), class: u16(bytes, next + 2) }, next: next + 4 };
}
