// `cleanup`: undoes what a killed run left on this host, and says what it did.

import type { Log } from '../contract/reasons.ts';
import { cleanUpHost } from '../platform/select.ts';
import { stateDir } from './role.ts';

/**
 * Undoes what the journal of the state directory names.
 * @returns one line for each thing that was done or could not be
 * @throws XlatError as {@link cleanUpHost}
 */
export async function cleanUp(): Promise<readonly string[]> {
  const lines: string[] = [];
  const add = (_reason: unknown, _fields: unknown, text: string): void => void lines.push(text);
  const log: Log = { info: add, warn: add, error: add };
  await cleanUpHost(stateDir(), log);
  return lines;
}
