// What the lab needs of the machine: the right to make network namespaces, as root or in a user namespace, and its tools.
// Without root the whole command runs again inside `unshare`, in a world of its own that ends with it.

import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { run, runAny } from './command.ts';
import type { FarSide } from './environment.ts';

/** In the environment of the command that runs inside: the pid of its `unshare`, as seen from outside. */
const INSIDE = 'XLAT464_LAB_INSIDE';

/** A user, network, mount and process namespace; all processes in it end with the first one, and that one with us. */
const UNSHARE = ['unshare', '-Urnm', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** The programs that stand in for our own gateway, with their Debian packages. */
const INTEROP_TOOLS: Readonly<Record<string, string>> = { tayga: 'tayga', unbound: 'unbound' };

/** The programs that every lab runs, with their Debian packages. */
const TOOLS: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  ss: 'iproute2',
  nstat: 'iproute2',
  ping: 'iputils-ping',
  curl: 'curl',
  traceroute: 'traceroute',
  mtr: 'mtr-tiny',
  socat: 'socat',
  nft: 'nftables',
  ethtool: 'ethtool',
  sysctl: 'procps',
};

/** Debian's directories for the administrator's programs are not in every user's PATH. */
function extendPath(): void {
  process.env.PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
}

const isInstalled = (tool: string) =>
  (process.env.PATH ?? '').split(':').some((directory) => directory !== '' && existsSync(path.join(directory, tool)));

/** The programs of a lab, each with its Debian package. */
export const toolsOf = (farSide: FarSide): Readonly<Record<string, string>> =>
  farSide === 'interop' ? { ...TOOLS, ...INTEROP_TOOLS } : TOOLS;

/** @throws XlatError TOOL_MISSING that names all missing packages at once */
export function checkTools(farSide: FarSide): void {
  extendPath();
  const tools = toolsOf(farSide);
  const missing = Object.keys(tools).filter((tool) => !isInstalled(tool));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => tools[tool]))].join(' ');
  const advice = `Install them: apt-get install --no-install-recommends ${packages}`;
  throw new XlatError('TOOL_MISSING', 'start the lab', `not installed: ${missing.join(', ')}`, { advice });
}

function checkTun(): void {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch (cause) {
    const isMissing = !existsSync('/dev/net/tun');
    throw new XlatError(
      isMissing ? 'TUN_UNAVAILABLE' : 'NOT_PERMITTED',
      'start the lab',
      isMissing ? '/dev/net/tun does not exist' : 'this user may not open /dev/net/tun',
      { cause, advice: isMissing ? 'Load the kernel module: modprobe tun' : 'Run the lab as root.' },
    );
  }
}

const isRoot = () => process.geteuid?.() === 0;

/**
 * Makes sure that namespaces can be made.
 * @returns undefined when this process may go on; otherwise the whole command has run again inside a user namespace, and this
 * is its exit code
 * @throws XlatError NOT_PERMITTED or TUN_UNAVAILABLE with what to do about it
 */
export async function enterNamespaces(): Promise<number | undefined> {
  extendPath();
  if (process.env[INSIDE] !== undefined) {
    await prepareInside();
    return undefined;
  }
  const probe = await runAny(isRoot() ? ['unshare', '-nm', 'true'] : [...UNSHARE, 'true']);
  if (probe.code !== 0) {
    const advice = isRoot()
      ? 'In a container, give it the capabilities NET_ADMIN and SYS_ADMIN.'
      : 'Run the lab as root, or allow unprivileged user namespaces.';
    throw new XlatError('NOT_PERMITTED', 'start the lab', `no namespaces: ${probe.stderr.trim()}`, { advice });
  }
  checkTun();
  return isRoot() ? undefined : runInside();
}

/** What has to stand before a command so that it runs where the lab's namespaces are known; empty for root. */
export function entryCommand(): string[] {
  const pid = process.env[INSIDE];
  return pid === undefined ? [] : ['nsenter', '-t', pid, '-U', '-m', '-n', '--preserve-credentials'];
}

/** Runs this very command line again as root of a user namespace. @returns its exit code */
function runInside(): Promise<number> {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const argv = ['setpriv', '--pdeathsig', 'KILL', ...UNSHARE, ...again];
  // exec keeps the pid, so $$ becomes that of unshare.
  const child = spawn('sh', ['-c', `${INSIDE}=$$ exec "$@"`, 'sh', ...argv], { stdio: 'inherit' });
  // Ctrl-C reaches the child by the terminal as well; it clears up, and its exit code becomes ours.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

/** Gives the new mount namespace a /run of its own, where `ip netns` keeps its names and the lab its scratch directory. */
async function prepareInside(): Promise<void> {
  const resolver = existsSync('/etc/resolv.conf') ? realpathSync('/etc/resolv.conf') : '';
  const content = resolver.startsWith('/run/') ? readFileSync(resolver) : undefined;
  await run(['mount', '-t', 'tmpfs', 'tmpfs', '/run']);
  process.env.TMPDIR = '/run';
  if (content === undefined) return;
  mkdirSync(path.dirname(resolver), { recursive: true });
  writeFileSync(resolver, content);
}
