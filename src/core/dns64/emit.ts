// Messages out of records, RFC 1035 §4.1.4 compression included. What is written here is all that ever reaches a client: whatever
// an upstream resolver sent was read into records first.

import type { DnsMessage, DnsRecord } from './message.ts';
import { isSameName, LOWER } from './name.ts';
import { HEADER, TYPE } from './numbers.ts';
import { dataLayout } from './record-data.ts';

/** The longest message, RFC 1035 §4.2.2. */
export const MESSAGE_MAX = 65_535;
/** Pointers reach this far. */
const POINTER_MAX = 0x3fff;
const POINTER_TO_QUESTION = 0xc000 | HEADER;

/** A written message. */
export interface Emitted {
  readonly bytes: Uint8Array;
  /** Where the TTLs stand, in their order; none for OPT. */
  readonly ttlOffsets: readonly number[];
}

/** A message that grows. Writing behind the longest message is remembered and otherwise ignored. */
class Writer {
  readonly ttlOffsets: number[] = [];
  private bytes = new Uint8Array(512);
  private at = 0;
  private readonly known = new Map<string, number>();
  private question: Uint8Array | null = null;

  /** The message, or null when it became too long. */
  end(): Emitted | null {
    return this.at > MESSAGE_MAX ? null : { bytes: this.bytes.slice(0, this.at), ttlOffsets: this.ttlOffsets };
  }

  u16(value: number): void {
    this.raw(Uint8Array.of(value >>> 8, value));
  }

  raw(octets: Uint8Array): void {
    const end = this.at + octets.length;
    if (end > this.bytes.length) this.grow(end);
    this.bytes.set(octets, this.at);
    this.at = end;
  }

  private grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(atLeast, this.bytes.length * 2));
    larger.set(this.bytes);
    this.bytes = larger;
  }

  /** The question's name stands right behind the header. */
  questionName(name: Uint8Array): void {
    this.question = name;
    this.name(name);
  }

  /** A name that may be compressed. The question's own is pointed to in any case, so that it follows the client's spelling. */
  name(name: Uint8Array): void {
    if (this.question !== null && this.at > HEADER && isSameName(name, this.question)) {
      this.u16(POINTER_TO_QUESTION);
      return;
    }
    const text = String.fromCharCode(...name);
    for (let start = 0; name[start] > 0; start += 1 + name[start]) {
      const rest = text.slice(start);
      const pointer = this.known.get(rest);
      if (pointer !== undefined) {
        this.u16(0xc000 | pointer);
        return;
      }
      if (this.at <= POINTER_MAX) this.known.set(rest, this.at);
      this.raw(name.subarray(start, start + 1 + name[start]));
    }
    this.raw(Uint8Array.of(0));
  }

  record({ name, type, class: recordClass, ttl, data }: DnsRecord): void {
    this.name(name);
    this.u16(type);
    this.u16(recordClass);
    if (type !== TYPE.OPT) this.ttlOffsets.push(this.at);
    this.u16(ttl >>> 16);
    this.u16(ttl & 0xffff);
    const lengthAt = this.at;
    this.u16(0);
    this.data(type, data);
    const length = this.at - lengthAt - 2;
    this.bytes[lengthAt] = length >>> 8;
    this.bytes[lengthAt + 1] = length;
  }

  private data(type: number, data: Uint8Array): void {
    const layout = dataLayout(type);
    if (layout === null || layout.size >= 0 || !layout.isCompressible) {
      this.raw(data);
      return;
    }
    let at = layout.skip(data, 0, data.length);
    this.raw(data.subarray(0, at));
    for (let i = 0; i < layout.names; i++) {
      const end = nameEnd(data, at);
      this.name(data.subarray(at, end));
      at = end;
    }
    this.raw(data.subarray(at));
  }
}

/** Offset behind the uncompressed name at `at`. */
function nameEnd(data: Uint8Array, at: number): number {
  let end = at;
  while (data[end] > 0) end += 1 + data[end];
  return end + 1;
}

/**
 * Writes a message. `edns` is written as the last additional record.
 * @returns null when it would be longer than 65,535 bytes
 */
export function emitMessage(message: DnsMessage): Emitted | null {
  const { id, flags, question, answers, authority, additional, edns } = message;
  const writer = new Writer();
  const counts = [question === null ? 0 : 1, answers.length, authority.length, additional.length + (edns ? 1 : 0)];
  for (const word of [id, flags, ...counts]) writer.u16(word);
  if (question !== null) {
    writer.questionName(question.name);
    writer.u16(question.type);
    writer.u16(question.class);
  }
  for (const record of [...answers, ...authority, ...additional]) writer.record(record);
  if (edns !== null) writer.record(optRecord(edns));
  return writer.end();
}

/** RFC 6891 §6.1.2. */
const optRecord = (edns: NonNullable<DnsMessage['edns']>): DnsRecord => ({
  name: Uint8Array.of(0),
  type: TYPE.OPT,
  class: edns.udpSize,
  ttl: ((edns.extendedRcode << 24) | (edns.version << 16) | (edns.isDnssecOk ? 0x8000 : 0)) >>> 0,
  data: edns.options,
});

/** A message's question in lower case, as the cache keeps it. */
export const lowerQuestion = (message: DnsMessage): DnsMessage =>
  message.question === null
    ? message
    : { ...message, question: { ...message.question, name: message.question.name.map((octet) => LOWER[octet]) } };
