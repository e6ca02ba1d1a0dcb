// What a running instance keeps on disk beside the journal: the mark that it is running, and the secret behind its stable
// addresses. Owns the default places.

import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { XlatError } from '../contract/errors.ts';
import type { Closable } from './platform.ts';

/** This process' user, in its user namespace; 0 is root. */
const ownUser = (): number => process.getuid?.() ?? 0;

/**
 * Where the journal goes by default: gone after a restart of the machine, as the changes are.
 * @param user of this process
 * @param runtimeDir where directories of users go; that may be one where everybody can make them
 * @throws XlatError NOT_PERMITTED when the directory is there and another user could have put something into it
 */
export function defaultStateDir(user = ownUser(), runtimeDir = process.env.XDG_RUNTIME_DIR ?? tmpdir()): string {
  if (user === 0) return '/run/xlat464';
  const directory = join(runtimeDir, `xlat464-${user}`);
  makeDirectory(directory);
  const entry = lstatSync(directory);
  if (entry.isDirectory() && entry.uid === user && (entry.mode & 0o077) === 0) return directory;
  throw new XlatError('NOT_PERMITTED', 'use the state directory', `${directory} may be somebody else's`, {
    advice: `Remove it, or name a directory of your own in XLAT464_STATE_DIR; it must be a directory of yours with mode 0700.`,
  });
}

/** Where the secret goes by default: kept for good, so a network gets the same address each time. */
export const defaultSecretDir = (): string => (ownUser() === 0 ? '/var/lib/xlat464' : defaultStateDir());

const MARK = /^instance-(\d+)-(\d+)$/;
const START_TIME_FIELD = 19; // of those after the command's closing parenthesis; proc_pid_stat(5) field 22

/** When a process started, in clock ticks since boot; null if there is none, or it has ended and nobody has reaped it yet. Tells a process from a later one with its number. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[START_TIME_FIELD] ?? null);
  } catch {
    return null; // no such process
  }
}

/**
 * Marks a state directory as used by this process. The mark is a file of its own for each process, written before the others
 * are looked at: of two that start at the same moment at least one sees the other, and a mark left by kill -9 is nobody's.
 * @throws XlatError ALREADY_RUNNING
 */
export function takeStateDir(stateDir: string): Closable {
  const mine = `instance-${process.pid}-${startTime(process.pid) ?? 0}`;
  makeDirectory(stateDir);
  const inUse = readdirSync(stateDir).includes(mine);
  if (!inUse) writeFileSync(join(stateDir, mine), '');
  const other = inUse ? String(process.pid) : otherInstance(stateDir, mine);
  if (other === null) return { close: () => rmSync(join(stateDir, mine), { force: true }) };
  if (!inUse) rmSync(join(stateDir, mine));
  throw new XlatError(
    'ALREADY_RUNNING',
    'start',
    `xlat464 is already running as process ${other}, with the state directory ${stateDir}`,
    { advice: 'Stop that one first, or set XLAT464_STATE_DIR to a directory of its own for this one.' },
  );
}

function makeDirectory(stateDir: string): void {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new XlatError('NOT_PERMITTED', 'make the state directory', `cannot make the directory ${stateDir}`, {
      advice: 'run as root, or name a directory that you may write to',
      cause,
    });
  }
}

/** Process number of another live instance, or null. Marks of dead ones are removed. */
function otherInstance(stateDir: string, mine: string): string | null {
  for (const name of readdirSync(stateDir)) {
    const [, pid, started] = MARK.exec(name) ?? [];
    if (pid === undefined || name === mine) continue;
    if (startTime(Number(pid)) === started) return pid;
    rmSync(join(stateDir, name), { force: true });
  }
  return null;
}

/** Reads the secret of a directory, 32 bytes, and makes one at the first time. Throws when the directory cannot be written. */
export function readSecret(dir: string): Uint8Array {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = join(dir, 'secret');
  try {
    writeFileSync(file, randomBytes(32), { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
  }
  const secret = readFileSync(file);
  if (secret.length === 32) return secret;
  writeFileSync(file, randomBytes(32), { mode: 0o600 }); // cut short by a crash while it was made
  return readFileSync(file);
}
