// Our own program as the lab starts it: the bundle or the compiled modules that this file is part of, with directories of the
// lab in the place of the machine's.

import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetnsSet } from './netns.ts';

/** The path of a module beside this one. */
export const compiled = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The command line that runs the program as a user starts it; its arguments follow. */
export const PROGRAM: readonly string[] = [
  process.execPath,
  ['../main.js', './xlat464.js'].map(compiled).find(existsSync) ?? compiled('../main.js'),
];

/**
 * The command line of a program with directories of the lab in the place of /run and /var/lib: its journal and its secrets stay
 * out of the machine's, and out of XLAT464_STATE_DIR, which would be the same for all of them. They are bound in the private mount
 * namespace that `ip netns exec` makes, so nobody else sees them.
 * @param name of the directory; programs with the same one see each other
 */
export function isolated(set: NetnsSet, name: string, argv: readonly string[]): string[] {
  const state = path.join(set.directory, name);
  for (const directory of ['run', 'lib']) mkdirSync(path.join(state, directory), { recursive: true });
  // /run last: the scratch directory itself may be below it.
  const bind = 'unset XLAT464_STATE_DIR; mount --bind "$0/lib" /var/lib && mount --bind "$0/run" /run && exec "$@"';
  return ['sh', '-c', bind, state, ...argv];
}
