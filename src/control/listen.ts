// One listening control socket: its directory, its permissions from the first moment on, and what a killed daemon left there.

import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { XlatError } from '../contract/errors.ts';
import type { Access } from '../contract/methods.ts';
import { SYSTEM_DIRECTORY } from './endpoint.ts';

/** sockaddr_un on the systems that have the shortest one, less its terminator. */
const PATH_LIMIT = 103;
/** Others beside root who may change things. */
const GROUP = 'xlat464';
const OPERATION = 'open the control socket';

/**
 * Listens on a path. A socket that nobody listens on any more is replaced, a living one is not.
 * @param accept called for each connection
 * @throws XlatError ALREADY_RUNNING when another daemon listens there; CONTROL_FAILED when it cannot be made
 */
export async function listenOn(path: string, access: Access, accept: (socket: Socket) => void): Promise<Server> {
  const server = createServer(accept);
  try {
    prepare(path);
    await listenReplacing(server, path, access);
  } catch (cause) {
    server.close();
    if (cause instanceof XlatError) throw cause;
    throw new XlatError('CONTROL_FAILED', OPERATION, `cannot listen on ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
  // Accepting fails where the process has no descriptor left; that ends nothing, the next one may be taken again.
  server.on('error', () => undefined);
  return server;
}

/** Whether a path is that of a named pipe. */
export const isPipe = (path: string): boolean => path.startsWith('\\\\');

function prepare(path: string): void {
  if (isPipe(path)) return;
  if (Buffer.byteLength(path) > PATH_LIMIT) {
    const advice = 'Set XLAT464_STATE_DIR to a shorter directory.';
    throw new XlatError('CONTROL_FAILED', OPERATION, `${path} is too long for a socket's path`, { advice });
  }
  const directory = dirname(path);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  // Users have to get at the socket. The system's directory belongs to us, and nothing in it that is secret is readable;
  // one that was chosen by someone stays as it is.
  if (directory === SYSTEM_DIRECTORY && (statSync(directory).mode & 0o055) !== 0o055) chmodSync(directory, 0o755);
}

async function listenReplacing(server: Server, path: string, access: Access): Promise<void> {
  try {
    await listen(server, path, access);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    if (await isAlive(path)) {
      const advice = 'Stop that one first, or give this one a directory of its own with XLAT464_STATE_DIR.';
      throw new XlatError('ALREADY_RUNNING', OPERATION, `another daemon listens on ${path}`, { advice, cause: error });
    }
    if (!isPipe(path) && lstatSync(path).isSocket()) rmSync(path, { force: true });
    await listen(server, path, access);
  }
}

function listen(server: Server, path: string, access: Access): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const listening = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (isPipe(path)) {
      const forAll = access === 'read';
      server.listen({ path, readableAll: forAll, writableAll: forAll }, listening);
      return;
    }
    // bind(2) happens inside the call, so nobody else ever finds the socket with other permissions.
    const umask = process.umask(0o177);
    try {
      server.listen(path, listening);
    } finally {
      process.umask(umask);
    }
    if (server.listening) open(path, access);
  });
}

/** Lets in those who may. */
function open(path: string, access: Access): void {
  if (access === 'read') {
    chmodSync(path, 0o666);
    return;
  }
  const group = groupNumber();
  if (group === null || process.getuid?.() !== 0) return; // its owner alone
  chownSync(path, 0, group);
  chmodSync(path, 0o660);
}

/** The number of the group of administrators, from group(5); Node has no getgrnam(3). null: there is none. */
function groupNumber(): number | null {
  try {
    const line = readFileSync('/etc/group', 'utf8')
      .split('\n')
      .find((row) => row.startsWith(`${GROUP}:`));
    const number = Number(line?.split(':')[2]);
    return Number.isSafeInteger(number) ? number : null;
  } catch {
    return null; // without that file there is no such group
  }
}

/** Whether somebody listens. */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    // Any other failure is no proof that it is dead: EAGAIN is a full queue, EACCES another user's.
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
