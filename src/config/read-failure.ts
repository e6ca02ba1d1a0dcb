// Why a file could not be read, for everyone who reads one that the user named.

import { XlatError } from '../contract/errors.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder',
};

/**
 * The failure of a read.
 * @param advice what to do where the path is wrong
 * @returns CONFIG_NOT_FOUND, or NOT_PERMITTED where this user may not
 */
export function readFailure(operation: string, name: string, cause: unknown, advice: string): XlatError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
  const message = `${name} ${WORDS[code] ?? `cannot be read (${code})`}`;
  if (code !== 'EACCES' && code !== 'EPERM')
    return new XlatError('CONFIG_NOT_FOUND', operation, message, { advice, cause });
  return new XlatError('NOT_PERMITTED', operation, message, { advice: 'Use sudo, or have it made readable.', cause });
}
