// Files that are replaced as a whole, by rename, so that a crash leaves the old one or the new one.

import { closeSync, constants, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { type WriteSome, writeAll } from '../platform/write-all.ts';

/** A file of our own, never one that somebody else laid there, nor one that a symbolic link leads to. */
const OWN_NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes a file, readable by its owner only.
 * @param write tests give one that fails
 * @throws Error when it cannot be written; the old one is untouched then
 */
export function replaceFile(file: string, content: string | Uint8Array, write?: WriteSome): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true }); // what a crash left
  const fd = openSync(temporary, OWN_NEW_FILE, 0o600);
  try {
    writeAll(fd, content, write);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, file);
}
