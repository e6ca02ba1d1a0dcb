// Multi-part ICMP messages, RFC 4884: behind the original datagram, whose length an octet of the ICMP header gives, stands an
// extension structure (§7).
//
//     +-------+-----------------------+-------------------------------+
//     |Version|      (Reserved)       |           Checksum            |
//     +-------+-----------------------+-------------------------------+
//     | objects: length, class, C-type, payload …                     |
//
// The length octet is number 5 of an ICMPv4 header, in units of 4 bytes, and number 4 of an ICMPv6 header, in units of 8.

import { sumBytes } from './checksum.ts';
import { ICMP_HEADER, TIME_EXCEEDED4, TIME_EXCEEDED6, UNREACHABLE4, UNREACHABLE6 } from './icmp.ts';
import type { Slab } from './slab.ts';

/** The original datagram is padded with zeros to at least this, RFC 4884 §5. */
export const MIN_ORIGINAL_DATAGRAM = 128;

const STRUCTURE_HEADER = 4;
const VERSION = 2;
const MAX_LENGTH_OCTET = 255;

/** Offset of the length octet within an ICMPv4 or ICMPv6 header. */
const LENGTH4 = 5;
const LENGTH6 = 4;

/** What follows an ICMP error's header: the original datagram, and perhaps an extension. Reused for every message. */
export interface ErrorParts {
  /** Byte after the original datagram (padding included). */
  innerEnd: number;
  /** Start and length of the extension structure; length 0: none. */
  extension: number;
  extensionLength: number;
}

/** Whether messages of this ICMPv4 type can be extended and have an extensible ICMPv6 counterpart. */
export const isExtensible4 = (type: number): boolean => type === UNREACHABLE4 || type === TIME_EXCEEDED4;
/** Likewise for ICMPv6. */
export const isExtensible6 = (type: number): boolean => type === UNREACHABLE6 || type === TIME_EXCEEDED6;

/**
 * Takes an error message apart. A malformed extension counts as none: the datagram then ends where its length says, or at `end`.
 * @param at offset of the ICMP header
 * @param end byte after the message, at least `at + 8`
 * @param unit bytes that the length octet counts in: 4 for ICMPv4, 8 for ICMPv6
 */
export function splitError(s: Slab, at: number, end: number, unit: number, parts: ErrorParts): void {
  const start = at + ICMP_HEADER;
  const length = s.view.getUint8(at + (unit === 4 ? LENGTH4 : LENGTH6)) * unit;
  const isInside = length !== 0 && start + length <= end;
  const extension = start + length;
  parts.innerEnd = isInside ? extension : end;
  parts.extension = extension;
  parts.extensionLength =
    isInside && length >= MIN_ORIGINAL_DATAGRAM && isStructure(s, extension, end) ? end - extension : 0;
}

/**
 * Room for the original datagram in front of an extension structure: a multiple of `unit` that the length octet can hold.
 * @param room bytes for both, and `extension` those of the structure
 * @returns bytes, or 0 when the two cannot stand together (the structure is left out then) or there is no structure
 */
export function roomBeforeExtension(room: number, extension: number, unit: number): number {
  if (extension === 0) return 0;
  const left = Math.min(room - extension, MAX_LENGTH_OCTET * unit);
  return left < MIN_ORIGINAL_DATAGRAM ? 0 : left - (left % unit);
}

function isStructure(s: Slab, at: number, end: number): boolean {
  if (end - at < STRUCTURE_HEADER || s.view.getUint8(at) >>> 4 !== VERSION) return false;
  // A checksum of zero means that none was sent (§7).
  return s.view.getUint16(at + 2) === 0 || sumBytes(s, at, end - at, 0) === 0xffff;
}
