// RFC 4884: the original datagram inside an ICMP error, and the extension structure behind it.

import { bytes16, concat, padded, read16, withBytes } from './bytes.ts';
import { isChecksumRight } from './checksum.ts';
import type { IcmpHeader } from './model.ts';

/** An error's body in its two parts. */
export interface ErrorBody {
  readonly datagram: Uint8Array;
  readonly extension: Uint8Array | null;
}

/** RFC 4884 §3: the shortest original datagram field before an extension structure. */
const MINIMUM_FIELD = 128;

/**
 * T-4.2-13: splits the body of an ICMP error at its length attribute. A malformed extension is removed and the error kept.
 * @param attribute the length attribute's value, 0 for none; `unit`: what it counts, in bytes
 */
export function splitBody(body: Uint8Array, attribute: number, unit: number): ErrorBody {
  const length = attribute * unit;
  if (length === 0 || length > body.length) return { datagram: body, extension: null };
  const extension = body.slice(length);
  // RFC 4884 §7: a checksum of zero means that none was sent.
  const isUnchecked = extension.length >= 4 && read16(extension, 2) === 0;
  const isSound = extension.length >= 4 && extension[0] >> 4 === 2 && (isUnchecked || isChecksumRight(extension));
  const isWellFormed = length >= MINIMUM_FIELD && isSound;
  return { datagram: body.slice(0, length), extension: isWellFormed ? extension : null };
}

/** A body again, and its length attribute. */
export interface JoinedBody {
  readonly bytes: Uint8Array;
  readonly attribute: number;
}

/** Puts a body together in at most `room` bytes: the datagram is cut, the extension kept whole or left out. */
export function joinBody(body: ErrorBody, unit: number, room: number): JoinedBody {
  const { datagram, extension } = body;
  if (extension === null) return { bytes: datagram.slice(0, room), attribute: 0 };
  const field = padded(datagram, Math.max(MINIMUM_FIELD, Math.ceil(datagram.length / unit) * unit));
  const most = Math.min(Math.floor((room - extension.length) / unit), 255) * unit;
  if (most < MINIMUM_FIELD) return { bytes: datagram.slice(0, room), attribute: 0 };
  const kept = field.slice(0, most);
  return { bytes: concat(kept, extension), attribute: kept.length / unit };
}

/** The ICMPv4 length attribute, RFC 4884 §4.1–4.3: byte 5, in 32-bit units, of types 3, 11 and 12. */
export const attribute4 = (message: Uint8Array): number => ([3, 11, 12].includes(message[0]) ? message[5] : 0);

/** The ICMPv6 length attribute, RFC 4884 §4.4–4.5: byte 4, in 64-bit units, of types 1 and 3. */
export const attribute6 = (message: Uint8Array): number => (hasAttribute6(message[0]) ? message[4] : 0);

/** RFC 4884 §4.6: ICMPv6 Packet Too Big and Parameter Problem have no room for a length attribute. */
export const hasAttribute6 = (type: number): boolean => type === 1 || type === 3;

/** An ICMP message from its parts. */
export const icmpMessage = (header: IcmpHeader, checksum: number, body: Uint8Array): Uint8Array =>
  concat(Uint8Array.of(header.type, header.code), bytes16(checksum), header.rest, body);

/** The message with its checksum field cleared. */
export const withoutChecksum = (message: Uint8Array): Uint8Array => withBytes(message, 2, [0, 0]);
