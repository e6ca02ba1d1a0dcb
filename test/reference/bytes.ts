// Reading and building byte arrays, for the reference translator and the packet builders.

/** The two bytes at `at`, big-endian. The caller has checked that they are there. */
export const read16 = (bytes: Uint8Array, at: number): number => bytes[at] * 256 + bytes[at + 1];

/** The four bytes at `at`, big-endian, unsigned. The caller has checked that they are there. */
export const read32 = (bytes: Uint8Array, at: number): number => read16(bytes, at) * 65536 + read16(bytes, at + 2);

/** A number as two bytes. */
export const bytes16 = (value: number): Uint8Array => Uint8Array.of((value >>> 8) & 0xff, value & 0xff);

/** A number as four bytes. */
export const ipv4Bytes = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff);

/** All parts behind one another. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A copy of `bytes` with `values` written at `at`. */
export function withBytes(bytes: Uint8Array, at: number, values: Uint8Array | readonly number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

/** A copy of `bytes` with zeros appended up to `length`. */
export function padded(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length >= length ? bytes : concat(bytes, new Uint8Array(length - bytes.length));
}

/** Whether two addresses are the same bytes. */
export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);
