// Writing to a file so that all of it is there, or an error is thrown: write(2) may write less than it was asked to, as on a
// filesystem that is getting full.

import { writeSync } from 'node:fs';

/** write(2): writes from `offset` on at the file's position. @returns bytes written */
export type WriteSome = (fd: number, bytes: Uint8Array, offset: number, length: number) => number;

const writeSome: WriteSome = (fd, bytes, offset, length) => writeSync(fd, bytes, offset, length);

/**
 * Writes all of a text, or of bytes.
 * @returns its length in bytes
 * @throws the system's error, ENOSPC above all; a part may be written then
 */
export function writeAll(fd: number, content: string | Uint8Array, write: WriteSome = writeSome): number {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; ) {
    const written = write(fd, bytes, at, bytes.length - at);
    if (written <= 0) throw new Error(`write(2) wrote nothing of the last ${bytes.length - at} bytes`);
    at += written;
  }
  return bytes.length;
}
