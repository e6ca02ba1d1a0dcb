// `cleanup`: undoes what a killed run left on this host, and says what it did.

import type { Log } from '../contract/reasons.ts';
import { removeStaleSockets } from '../control/stale.ts';
import { cleanUpHost } from '../platform/select.ts';
import { stateDir } from './role.ts';

/**
 * Undoes what the journal of the state directory names, and removes the sockets of daemons that are gone.
 * @returns one line for each thing that was done or could not be
 * @throws XlatError as {@link cleanUpHost}
 */
export async function cleanUp(): Promise<readonly string[]> {
  const lines: string[] = [];
  const add = (_reason: unknown, _fields: unknown, text: string): void => void lines.push(text);
  const log: Log = { debug: () => undefined, info: add, warn: add, error: add };
  const directory = stateDir();
  await cleanUpHost(directory, log);
  for (const name of await removeStaleSockets(directory))
    lines.push(`removed the sockets of ${name}, which was killed`);
  return lines;
}
