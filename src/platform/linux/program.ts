// A program that runs beside this process, with few rights, and ends with it however it ends: setpriv(1) gives it another user,
// the capabilities that it needs and no others, and a signal for when this process dies (prctl(2), PR_SET_PDEATHSIG).

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, fchownSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { XlatError } from '../../contract/errors.ts';
import type { ProgramEvents, RunningProgram } from '../gateway-platform.ts';

/** nobody and nogroup, which own nothing. */
const NOBODY = 65_534;
/** capabilities(7) of a DHCP server: port 67, raw packets to clients without an address, and its ARP entries. */
const CAPABILITIES = '-all,+net_admin,+net_raw,+net_bind_service';
/** After SIGTERM. */
const PATIENCE_MS = 5_000;

const RIGHTS: readonly string[] = [
  `--reuid=${NOBODY}`,
  `--regid=${NOBODY}`,
  '--clear-groups',
  `--inh-caps=${CAPABILITIES}`,
  `--ambient-caps=${CAPABILITIES}`,
  `--bounding-set=${CAPABILITIES}`,
  '--no-new-privs',
  '--pdeathsig=TERM',
];

const missing = (tool: string): XlatError =>
  new XlatError('TOOL_MISSING', `run ${tool}`, `the program "${tool}" is not installed`, {
    advice: `install it: apt-get install ${tool === 'dnsmasq' ? 'dnsmasq-base' : 'util-linux'}`,
  });

/** Opens the file that the program keeps, for it alone, as its standard input: the directory need not be open to it. */
function openKept(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const fd = openSync(path, 'a+', 0o600);
  try {
    fchownSync(fd, NOBODY, NOBODY);
    return fd;
  } catch (cause) {
    closeSync(fd);
    throw cause;
  }
}

/**
 * {@link GatewayPlatform.startDnsmasq} of Linux.
 * @throws XlatError TOOL_MISSING; the system's error when the lease file cannot be had
 */
export async function startDnsmasq(
  options: readonly string[],
  leaseFile: string,
  events: ProgramEvents,
): Promise<RunningProgram> {
  const args = [
    ...options,
    'keep-in-foreground',
    'log-facility=-',
    'pid-file=',
    'conf-file=/dev/null',
    'no-hosts',
    'no-resolv',
  ];
  const kept = openKept(leaseFile);
  try {
    const child = spawn(
      'setpriv',
      [...RIGHTS, 'dnsmasq', ...args.map((a) => `--${a}`), '--dhcp-leasefile=/proc/self/fd/0'],
      { stdio: [kept, 'pipe', 'pipe'], env: { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' } },
    );
    await spawned(child);
    return running(child, events);
  } finally {
    closeSync(kept);
  }
}

function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause: NodeJS.ErrnoException) => reject(cause.code === 'ENOENT' ? missing('setpriv') : cause));
  });
}

function running(child: ChildProcess, events: ProgramEvents): RunningProgram {
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => events.said(line));
  }
  const ended = new Promise<void>((resolve) => {
    child.once('close', (code, signal) => {
      resolve();
      events.ended(signal ?? `code ${code}`);
    });
  });
  return {
    stop: async () => {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
      await ended;
      clearTimeout(late);
    },
  };
}
