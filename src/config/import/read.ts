// The files of an import, from the disk or from standard input. The only file of this folder that reads.

import { readFileSync } from 'node:fs';
import { XlatError } from '../../contract/errors.ts';
import { readFailure } from '../read-failure.ts';
import type { Source } from './source.ts';

/** Larger files are no configuration of the programs that are imported from. */
const MAX_BYTES = 8 * 1024 * 1024;

const OPERATION = 'read a configuration to import';

/**
 * Reads files; `-` is standard input.
 * @throws XlatError CONFIG_NOT_FOUND or NOT_PERMITTED when one cannot be read, CONFIG_INVALID when it is no text or too large
 */
export const readSources = (files: readonly string[]): Source[] => files.map(readSource);

function readSource(file: string): Source {
  const name = file === '-' ? 'standard input' : file;
  const bytes = read(file, name);
  if (bytes.length > MAX_BYTES) {
    throw new XlatError('CONFIG_INVALID', OPERATION, `${name} is larger than ${MAX_BYTES / 1024 ** 2} MiB`);
  }
  if (bytes.includes(0)) throw new XlatError('CONFIG_INVALID', OPERATION, `${name} is no text`);
  return {
    name,
    text: bytes
      .toString('utf8')
      .replace(/^\uFEFF/, '')
      .replace(/\r\n?/g, '\n'),
  };
}

function read(file: string, name: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (cause) {
    throw readFailure(OPERATION, name, cause, 'Check the path; "-" reads standard input.');
  }
}
