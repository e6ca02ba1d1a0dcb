// Sockets that killed daemons left in a directory. A start replaces its own; the rest stays until somebody removes it.

import { lstatSync, rmSync } from 'node:fs';
import { findEndpoints } from './endpoint.ts';
import { isAlive, isPipe } from './listen.ts';

/**
 * Removes sockets that nobody listens on.
 * @returns the names of the daemons that they belonged to
 * @throws Error EACCES and others when the directory cannot be read or changed
 */
export async function removeStaleSockets(directory: string): Promise<readonly string[]> {
  const removed: string[] = [];
  for (const { name, path } of findEndpoints([directory])) {
    const left = Object.values(path).filter(isSocket);
    if ((await Promise.all(left.map(isAlive))).some(Boolean)) continue;
    for (const socket of left) rmSync(socket, { force: true });
    if (left.length > 0) removed.push(name);
  }
  return removed;
}

/** A named pipe goes with its process. */
const isSocket = (path: string): boolean =>
  !isPipe(path) && lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true;
