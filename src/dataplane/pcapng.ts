// The pcapng blocks that a capture consists of: bytes in, bytes out (draft-ietf-opsawg-pcapng). Owns the format, nothing else.
// Read next: capture.ts, which fills these blocks in the packet worker.
//
//      block = | type 4 | total length 4 | body, padded to 4 | total length 4 |       all numbers little-endian
//      option = | code 2 | length 2 | value, padded to 4 |
//
// A file is one section header, one interface description for each interface, then packets. Timestamps are nanoseconds
// since 1970 (if_tsresol 9), as two 32-bit halves, because a number cannot hold them exactly.

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const INTERFACE_STATISTICS = 5;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
const ISB_IFRECV = 4;
const ISB_IFDROP = 5;
const NANOSECONDS = 9;

/** LINKTYPE_RAW: the packet starts with its IP header, the version says which. */
export const LINKTYPE_RAW = 101;

/** Direction bits of an enhanced packet's flags. */
export const INBOUND = 1;
export const OUTBOUND = 2;

/** Rounds up to the block alignment of 4 bytes. */
export const padded = (length: number): number => (length + 3) & ~3;

const EPB_HEADER = 28;
/** Bytes of an enhanced packet after its comment: flags option, end of options, total length. */
const EPB_TRAILER = 8 + 4 + 4;

/** Bytes of one enhanced packet block with `captured` bytes of packet and `comment` bytes of comment. */
export const enhancedPacketSize = (captured: number, comment: number): number =>
  EPB_HEADER + padded(captured) + 4 + padded(comment) + EPB_TRAILER;

/** Section header block of an unbounded section; `application` is what Wireshark shows as the capturing program. */
export function sectionHeader(application: string): Uint8Array {
  const options = optionList([SHB_USERAPPL, utf8(application)]);
  const body = new Uint8Array(16 + options.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true); // version 1.0
  view.setBigInt64(8, -1n, true); // section length unknown
  body.set(options, 16);
  return block(SECTION_HEADER, body);
}

/**
 * Interface description block with nanosecond timestamps.
 * @param snaplen most bytes kept of a packet; 0: all of it
 */
export function interfaceDescription(linkType: number, snaplen: number, name: string): Uint8Array {
  const options = optionList([IF_NAME, utf8(name)], [IF_TSRESOL, Uint8Array.of(NANOSECONDS)]);
  const body = new Uint8Array(8 + options.length);
  const view = new DataView(body.buffer);
  view.setUint16(0, linkType, true);
  view.setUint32(4, snaplen, true);
  body.set(options, 8);
  return block(INTERFACE_DESCRIPTION, body);
}

/** Interface statistics block: how many packets were wanted on an interface and how many of them were lost. */
export function interfaceStatistics(id: number, timeNs: bigint, received: number, lost: number): Uint8Array {
  const options = optionList([ISB_IFRECV, counter(received)], [ISB_IFDROP, counter(lost)]);
  const body = new Uint8Array(12 + options.length);
  const view = new DataView(body.buffer);
  view.setUint32(0, id, true);
  view.setUint32(4, Number(timeNs >> 32n), true);
  view.setUint32(8, Number(timeNs & 0xffff_ffffn), true);
  body.set(options, 12);
  return block(INTERFACE_STATISTICS, body);
}

/**
 * Writes the head of an enhanced packet block at `at` (4-aligned); its bytes come after it, at {@link packetStart}.
 * @param captured bytes of the packet that are kept
 * @param original bytes that it had
 */
export function emitPacketHead(
  v: DataView,
  at: number,
  id: number,
  timeHigh: number,
  timeLow: number,
  captured: number,
  original: number,
): void {
  v.setUint32(at, ENHANCED_PACKET, true);
  v.setUint32(at + 8, id, true);
  v.setUint32(at + 12, timeHigh, true);
  v.setUint32(at + 16, timeLow, true);
  v.setUint32(at + 20, captured, true);
  v.setUint32(at + 24, original, true);
  // The last word first, so that the padding is zero; the packet's own bytes come over it.
  if (captured > 0) v.setUint32(at + EPB_HEADER + padded(captured) - 4, 0);
}

/** Where the packet's bytes go in the block at `at`. */
export const packetStart = (at: number): number => at + EPB_HEADER;

/** Where the comment's text goes in the block at `at` whose packet has `captured` bytes. */
export const commentStart = (at: number, captured: number): number => at + EPB_HEADER + padded(captured) + 4;

/**
 * Completes an enhanced packet block whose head, packet and comment text stand: options, padding, lengths.
 * @param comment bytes of comment text
 * @param direction {@link INBOUND} or {@link OUTBOUND}
 * @returns the offset after the block
 */
export function emitPacketEnd(v: DataView, at: number, captured: number, comment: number, direction: number): number {
  const text = commentStart(at, captured);
  v.setUint16(text - 4, OPT_COMMENT, true);
  v.setUint16(text - 2, comment, true);
  for (let p = text + comment; p < text + padded(comment); p++) v.setUint8(p, 0);
  const flags = text + padded(comment);
  v.setUint16(flags, EPB_FLAGS, true);
  v.setUint16(flags + 2, 4, true);
  v.setUint32(flags + 4, direction, true);
  v.setUint32(flags + 8, OPT_END, true);
  const total = enhancedPacketSize(captured, comment);
  v.setUint32(at + 4, total, true);
  v.setUint32(at + total - 4, total, true);
  return at + total;
}

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

function counter(n: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n), true);
  return bytes;
}

function optionList(...options: readonly (readonly [code: number, value: Uint8Array])[]): Uint8Array {
  const bytes = new Uint8Array(options.reduce((size, [, value]) => size + 4 + padded(value.length), 4));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [code, value] of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    bytes.set(value, at + 4);
    at += 4 + padded(value.length);
  }
  return bytes; // ends in four zero bytes: OPT_END
}

function block(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(12 + padded(body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, bytes.length, true);
  bytes.set(body, 8);
  view.setUint32(bytes.length - 4, bytes.length, true);
  return bytes;
}
