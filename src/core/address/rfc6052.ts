// IPv4-embedded IPv6 addresses, RFC 6052 §2.2: a prefix of 32, 40, 48, 56, 64 or 96 bits, the IPv4 address behind it, and
// bits 64–71 ("u") kept zero.
//
//     PL   0-------------32--40--48--56--64--72--80--88--96--104---------
//     32   |  prefix     | v4(32)        | u | suffix                   |
//     40   |  prefix         | v4(24)    | u |(8)| suffix               |
//     48   |  prefix             |v4(16) | u | (16)  | suffix           |
//     56   |  prefix                 |(8)| u |  v4(24)   | suffix       |
//     64   |  prefix                     | u |   v4(32)      | suffix   |
//     96   |  prefix                                     | v4(32)       |
//
// Addresses are four signed 32-bit words; an IPv4 address is one. Slow twin: test/reference/.

import type { Prefix6 } from '../translate/settings.ts';

/** The prefix lengths that RFC 6052 §2.2 allows. */
export const EMBEDDING_LENGTHS: readonly number[] = [32, 40, 48, 56, 64, 96];

/** A prefix in words, with the word masks that a match needs. */
export interface EmbeddingPrefix {
  readonly length: number;
  readonly p0: number;
  readonly p1: number;
  readonly p2: number;
  /** Mask of the prefix bits in word 1; word 0 always counts whole. */
  readonly mask1: number;
  /** Mask of the prefix bits in word 2. */
  readonly mask2: number;
}

/** Reads word `i` (0–3) of a 16-byte address as a signed number. */
export function addressWord(address: Uint8Array, i: number): number {
  const at = i * 4;
  return (address[at] << 24) | (address[at + 1] << 16) | (address[at + 2] << 8) | address[at + 3];
}

/** Whether the prefix may carry IPv4 addresses: one of the six lengths, bits 64–71 and all bits behind the prefix zero. */
export function isEmbeddingPrefix(prefix: Prefix6): boolean {
  if (!EMBEDDING_LENGTHS.includes(prefix.length) || prefix.address.length !== 16 || prefix.address[8] !== 0)
    return false;
  return prefix.address.every((octet, i) => i < prefix.length / 8 || octet === 0);
}

/** Prepares a prefix for the packet path. Throws RangeError if it may not carry IPv4 addresses. */
export function makeEmbeddingPrefix(prefix: Prefix6): EmbeddingPrefix {
  if (!isEmbeddingPrefix(prefix)) throw new RangeError(`not an RFC 6052 prefix: length ${prefix.length}`);
  const bits1 = Math.min(32, prefix.length - 32);
  return {
    length: prefix.length,
    p0: addressWord(prefix.address, 0),
    p1: addressWord(prefix.address, 1),
    p2: addressWord(prefix.address, 2),
    mask1: bits1 === 0 ? 0 : -1 << (32 - bits1),
    mask2: prefix.length === 96 ? -1 : 0,
  };
}

/** Word 1 of the embedded address. */
export function embedWord1(p: EmbeddingPrefix, ipv4: number): number {
  switch (p.length) {
    case 32:
      return ipv4;
    case 40:
      return p.p1 | (ipv4 >>> 8);
    case 48:
      return p.p1 | (ipv4 >>> 16);
    case 56:
      return p.p1 | (ipv4 >>> 24);
    default:
      return p.p1;
  }
}

/** Word 2 of the embedded address; its top octet is "u". */
export function embedWord2(p: EmbeddingPrefix, ipv4: number): number {
  switch (p.length) {
    case 40:
      return (ipv4 & 0xff) << 16;
    case 48:
      return (ipv4 & 0xffff) << 8;
    case 56:
      return ipv4 & 0xffffff;
    case 64:
      return ipv4 >>> 8;
    default:
      return p.p2;
  }
}

/** Word 3 of the embedded address. */
export function embedWord3(p: EmbeddingPrefix, ipv4: number): number {
  if (p.length === 96) return ipv4;
  return p.length === 64 ? ipv4 << 24 : 0;
}

/** The embedded address as 16 bytes; for configuration, not for packets. Throws RangeError as makeEmbeddingPrefix. */
export function embedAddress(prefix: Prefix6, ipv4: number): Uint8Array {
  const p = makeEmbeddingPrefix(prefix);
  const view = new DataView(new ArrayBuffer(16));
  view.setInt32(0, p.p0);
  view.setInt32(4, embedWord1(p, ipv4));
  view.setInt32(8, embedWord2(p, ipv4));
  view.setInt32(12, embedWord3(p, ipv4));
  return new Uint8Array(view.buffer);
}

/** Whether an address lies inside the prefix. */
export const isInside = (p: EmbeddingPrefix, w0: number, w1: number, w2: number): boolean =>
  w0 === p.p0 && (w1 & p.mask1) === p.p1 && (w2 & p.mask2) === p.p2;

/** The IPv4 address embedded in an address inside the prefix; "u" and the suffix are ignored (RFC 6052 §2.3). */
export function extract(p: EmbeddingPrefix, w1: number, w2: number, w3: number): number {
  switch (p.length) {
    case 32:
      return w1;
    case 40:
      return (w1 << 8) | ((w2 >>> 16) & 0xff);
    case 48:
      return (w1 << 16) | ((w2 >>> 8) & 0xffff);
    case 56:
      return (w1 << 24) | (w2 & 0xffffff);
    case 64:
      return (w2 << 8) | (w3 >>> 24);
    default:
      return w3;
  }
}
