// Network namespaces of this process: made under one prefix that carries its pid, entered by `ip netns exec`, and gone
// with it. Owns the guarantee that nothing stays: on close, on exit, on a signal, and after kill -9 by `removeStale()`.
// The tests use the same code through test/support/netns.ts.

import { type ChildProcess, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { type CommandOptions, type CommandResult, type Running, run, runAny, start } from './command.ts';

const OWNED = /^x464-(\d+)-/;

/** One network namespace. It lives as long as its set. */
export interface Netns {
  readonly name: string;
  /** The command line that runs `argv` inside. */
  command(argv: readonly string[]): string[];
  /** Runs a program inside; throws XlatError LAB_FAILED when it fails. @returns its standard output */
  run(argv: readonly string[], options?: CommandOptions): Promise<string>;
  /** Runs a program inside and gives back the exit code, whatever it is. */
  runAny(argv: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** Starts a program inside; it is killed with the set at the latest. */
  start(argv: readonly string[], env?: Readonly<Record<string, string>>): Promise<Running>;
  /** Runs lines of `ip -batch` inside. Throws when one fails. */
  ip(...lines: readonly string[]): Promise<void>;
  /** Writes a sysctl, by its path below /proc/sys. */
  sysctl(key: string, value: string): Promise<void>;
}

/** The namespaces, processes and the scratch directory of one user of this module. */
export interface NetnsSet {
  /** "x464-<pid>-": starts the name of everything in the set. */
  readonly prefix: string;
  /** A directory of this set, removed with it. */
  readonly directory: string;
  /** Makes a namespace with loopback up. */
  add(name: string): Promise<Netns>;
  /** Connects two namespaces by a veth pair, both ends up and without duplicate address detection. */
  connect(a: Netns, deviceA: string, b: Netns, deviceB: string): Promise<void>;
  /** Kills every process inside, deletes namespaces and directory. A second call does nothing. Never throws. */
  close(): void;
}

const openSets = new Set<NetnsSet>();
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
let handlersAreInstalled = false;

/** Ends the process by its exit code, so that the exit handler clears up. */
function installHandlers(): void {
  if (handlersAreInstalled) return;
  handlersAreInstalled = true;
  process.on('exit', () => {
    for (const set of openSets) set.close();
  });
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => process.exit(code));
}

/** Opens an empty set. Needs the right to make network namespaces. */
export function openNetnsSet(): NetnsSet {
  installHandlers();
  const prefix = `x464-${process.pid}-`;
  const directory = mkdtempSync(path.join(tmpdir(), prefix));
  const namespaces = new Set<string>();
  const children = new Set<ChildProcess>();
  const track = (child: ChildProcess) => {
    children.add(child);
    child.once('close', () => children.delete(child));
  };
  const set: NetnsSet = {
    prefix,
    directory,
    add: async (name) => {
      const full = prefix + name;
      namespaces.add(full);
      addNamespace(full);
      const ns = netns(full, track);
      await ns.ip('link set lo up');
      return ns;
    },
    connect: (a, deviceA, b, deviceB) => connect(a, deviceA, b, deviceB),
    close: () => {
      if (!openSets.delete(set)) return;
      for (const child of children) child.kill('SIGKILL');
      for (const name of namespaces) removeNamespace(name);
      rmSync(directory, { recursive: true, force: true });
    },
  };
  openSets.add(set);
  return set;
}

/** Synchronous, so that no signal finds it half done: a namespace that came up after the clean-up would stay. */
function addNamespace(name: string): void {
  const { status, stderr, error } = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' });
  if (status === 0) return;
  const message = error?.message ?? stderr.trim();
  throw new XlatError('LAB_FAILED', 'make a network namespace', message, { advice: 'Run it as root.', cause: error });
}

/** An object that runs things in a namespace that exists already. */
function netns(name: string, track: (child: ChildProcess) => void): Netns {
  const command = (argv: readonly string[]) => ['ip', 'netns', 'exec', name, ...argv];
  return {
    name,
    command,
    run: (argv, options) => run(command(argv), { ...options, onStart: track }),
    runAny: (argv, options) => runAny(command(argv), { ...options, onStart: track }),
    start: async (argv, env) => {
      const running = await start(command(argv), env);
      track(running.child);
      return running;
    },
    ip: async (...lines) => {
      await run(['ip', '-n', name, '-batch', '-'], { input: `${lines.join('\n')}\n` });
    },
    sysctl: async (key, value) => {
      await run(command(['tee', `/proc/sys/${key}`]), { input: value });
    },
  };
}

async function connect(a: Netns, deviceA: string, b: Netns, deviceB: string): Promise<void> {
  await run(['ip', 'link', 'add', deviceA, 'netns', a.name, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b.name]);
  for (const [ns, device] of [
    [a, deviceA],
    [b, deviceB],
  ] as const) {
    await ns.sysctl(`net/ipv6/conf/${device}/accept_dad`, '0');
    await ns.ip(`link set ${device} up`);
  }
}

/** Kills what runs in a namespace and deletes it. Synchronous, because it also runs while the process exits. Never throws. */
function removeNamespace(name: string): void {
  for (const pid of words(quietly(['ip', 'netns', 'pids', name]))) killPid(Number(pid));
  quietly(['ip', 'netns', 'delete', name]);
}

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');

function killPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime, which is what we want.
  }
}

/** Runs a clean-up command; clean-up goes on when one step has nothing to do, so a failure gives an empty answer. */
function quietly(argv: readonly [string, ...string[]]): string {
  try {
    return execFileSync(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'ignore'], timeout: 10_000 }).toString();
  } catch {
    return '';
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether a name was made by this module in a process that is gone. */
function isStale(name: string): boolean {
  const pid = OWNED.exec(name)?.[1];
  return pid !== undefined && !isAlive(Number(pid));
}

/**
 * Removes what killed processes left: their namespaces with all processes inside, and their scratch directories.
 * Leaves alone everything whose owner runs, and what belongs to another user. @returns the names of what was removed
 */
export function removeStale(): string[] {
  const uid = process.geteuid?.();
  const isOurs = (name: string) => statSync(path.join(tmpdir(), name), { throwIfNoEntry: false })?.uid === uid;
  const namespaces = uid === 0 ? words(quietly(['ip', 'netns', 'list'])).filter(isStale) : [];
  const directories = readdirSync(tmpdir()).filter((name) => isStale(name) && isOurs(name));
  for (const name of namespaces) removeNamespace(name);
  for (const name of directories) rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  return [...namespaces, ...directories];
}
