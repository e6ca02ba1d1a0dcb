// Where the control sockets of a daemon are, and how those of this host are found.
//
// Each daemon has two: NAME.sock, which everyone on the host may connect to and which answers the reading methods, and
// NAME.admin, for root and the group xlat464, which answers all. Two, because Node cannot ask a socket who is at its other end
// (SO_PEERCRED): the file system's permissions are the check. They also have separate limits, so a user who takes all
// connections of the one never locks an administrator out of the other.

import { lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { XlatError } from '../contract/errors.ts';
import type { Access } from '../contract/methods.ts';

/** The two sockets of one daemon. */
export interface Endpoint {
  readonly name: string;
  readonly path: Readonly<Record<Access, string>>;
}

/** Where the system's daemon keeps its sockets, and its journal. */
export const SYSTEM_DIRECTORY = '/run/xlat464';

/** Where paths have backslashes, sockets are named pipes, which live in a directory of their own. */
const USES_PIPES = sep === '\\';
const PIPE_PREFIX = '\\\\.\\pipe\\';

const SUFFIX: Readonly<Record<Access, string>> = { read: '.sock', admin: '.admin' };

/** The name of a daemon: its role and its virtual interface, so that one host can have several. */
export const endpointName = (role: string, tun: string): string => `${role}-${tun}`.replaceAll(/[^\w.-]/g, '_');

/** The endpoint of a name in a directory. @param usesPipes for tests */
export function endpointIn(directory: string, name: string, usesPipes = USES_PIPES): Endpoint {
  const path = (access: Access): string =>
    usesPipes ? `${PIPE_PREFIX}xlat464-${name}${SUFFIX[access]}` : join(directory, `${name}${SUFFIX[access]}`);
  return { name, path: { read: path('read'), admin: path('admin') } };
}

/** What decides about directories. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** null where the system has no user numbers. */
  readonly uid: number | null;
}

/** This process' surroundings. */
export const surroundings = (): Surroundings => ({ env: process.env, uid: process.getuid?.() ?? null });

/**
 * Where daemons that concern this user may be: the chosen directory alone, or the system's and the user's own.
 * @throws XlatError NOT_PERMITTED when the user's own could be somebody else's, who would answer as a daemon does
 */
export function controlDirectories({ env, uid }: Surroundings): readonly string[] {
  if (USES_PIPES) return [PIPE_PREFIX];
  if (env.XLAT464_STATE_DIR !== undefined) return [env.XLAT464_STATE_DIR];
  if (uid === 0 || uid === null) return [SYSTEM_DIRECTORY];
  const own = join(env.XDG_RUNTIME_DIR ?? tmpdir(), `xlat464-${uid}`);
  checkOwn(own, uid);
  return [SYSTEM_DIRECTORY, own];
}

/** Everybody can make a directory of that name in /tmp; where none is, there is no daemon. */
function checkOwn(directory: string, uid: number): void {
  const entry = lstatSync(directory, { throwIfNoEntry: false });
  if (entry === undefined || (entry.isDirectory() && entry.uid === uid && (entry.mode & 0o077) === 0)) return;
  throw new XlatError('NOT_PERMITTED', 'look for daemons', `${directory} may be somebody else's`, {
    advice: `Remove it, or name the daemon's directory in XLAT464_STATE_DIR; the system's is ${SYSTEM_DIRECTORY}.`,
  });
}

/**
 * The endpoints whose sockets are there, in the order of their names. The daemon behind one may be gone.
 * @throws Error EACCES and others when a directory is there and cannot be read
 */
export function findEndpoints(directories: readonly string[]): readonly Endpoint[] {
  const found = directories.flatMap((directory) => namesIn(directory).map((name) => endpointIn(directory, name)));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function namesIn(directory: string): readonly string[] {
  const prefix = USES_PIPES ? 'xlat464-' : '';
  return filesIn(directory)
    .filter((file) => file.startsWith(prefix) && file.endsWith(SUFFIX.read))
    .map((file) => file.slice(prefix.length, -SUFFIX.read.length));
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // no daemon ever ran
    throw error;
  }
}
