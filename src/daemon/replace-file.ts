// Files that are replaced as a whole, by rename, so that a crash leaves the old one or the new one.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { type WriteSome, writeAll } from '../platform/write-all.ts';

/**
 * Writes a file, readable by its owner only.
 * @param write tests give one that fails
 * @throws Error when it cannot be written; the old one is untouched then
 */
export function replaceFile(file: string, content: string | Uint8Array, write?: WriteSome): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.new`;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeAll(fd, content, write);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
}
