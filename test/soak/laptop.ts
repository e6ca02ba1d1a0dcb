// The laptop: a namespace with a link to each place, the real client in it, and what a user's programs see. Owns the client's process
// and everything read from it.

import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REASONS } from '../../src/contract/reasons.ts';
import type { Status } from '../../src/contract/status.ts';
import { snapshot } from '../integration/client-net.ts';
import { type CommandResult, type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import { SERVER } from './place.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const FLOW = fileURLToPath(new URL('./flow.js', import.meta.url));

/** Copies the bundle and its addon, so that a build in the meantime changes nothing. @returns the program's path */
export function copyBundle(directory: string): string {
  for (const part of ['dist/bundle', 'native-shims/build']) {
    cpSync(join(ROOT, part), join(directory, 'program', part), { recursive: true });
  }
  return join(directory, 'program/dist/bundle/xlat464.js');
}

/** Codes that a log line may carry beside the reasons: the daemon's own, see LogCode. */
const DAEMON_CODES: ReadonlySet<string> = new Set(['ready', 'client-unchanged', 'client-reload-failed']);

interface LogLine {
  readonly code?: string;
  readonly level?: string;
  readonly text?: string;
}

const ERRORS_MAX = 20;

/** The laptop. */
export class Laptop {
  readonly ns: Netns;
  readonly #program: string;
  readonly #stateDir: string;
  readonly #resolvConf: string;
  #client: Running | null = null;
  #flow: Running | null = null;
  #rest = '';
  /** How often each code was logged. */
  readonly codes = new Map<string, number>();
  /** What was logged as an error: the first texts, each once. */
  readonly errors = new Set<string>();
  /** The last lines of the log, as written. */
  readonly log: string[] = [];
  /** The most memory that a client had. */
  residentKiB = 0;
  /** Whether the user has switched the client off. */
  isOff = false;

  /** @param program what Node runs: the bundle, or the modules as tsc has compiled them */
  constructor(set: NetnsSet, ns: Netns, program: string) {
    this.ns = ns;
    this.#program = program;
    this.#stateDir = join(set.directory, 'state');
    this.#resolvConf = join(set.directory, 'resolv.conf');
    writeFileSync(this.#resolvConf, ''); // the machine's own resolvers are none of this laptop's
  }

  get pid(): number {
    return this.#client?.child.pid ?? 0;
  }

  #argv(...args: readonly string[]): string[] {
    const bind = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
    return ['sh', '-c', bind, this.#resolvConf, process.execPath, this.#program, ...args];
  }

  get #env(): Record<string, string> {
    return { XLAT464_STATE_DIR: this.#stateDir };
  }

  /** Starts the client; it need not get anywhere. */
  async start(): Promise<void> {
    const client = await this.ns.start(this.#argv('client', '--json'), this.#env);
    client.child.stderr?.on('data', (chunk: Buffer) => this.#read(chunk.toString()));
    this.#client = client;
    await waitFor('the client to answer', async () => {
      if (client.hasEnded()) throw new Error(`the client has ended:\n${client.output()}`);
      return (await this.status()) !== null;
    });
  }

  #read(chunk: string): void {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#readLine(line);
  }

  #readLine(line: string): void {
    this.log.push(line);
    if (this.log.length > 200) this.log.shift();
    const { code, level, text = '' } = (line.startsWith('{') ? JSON.parse(line) : {}) as LogLine;
    if (level === 'error' && this.errors.size < ERRORS_MAX) this.errors.add(`${code}: ${text}`);
    const key = code ?? `not JSON: ${line.slice(0, 80)}`;
    this.codes.set(key, (this.codes.get(key) ?? 0) + 1);
  }

  /** Codes that nobody explains. */
  unexplained(): string[] {
    return [...this.codes.keys()].filter((code) => !(code in REASONS) && !DAEMON_CODES.has(code));
  }

  /** Ends the client and waits. @returns its exit code */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const code = (await this.#client?.stop(signal)) ?? null;
    this.#client = null;
    return code;
  }

  signal(name: NodeJS.Signals): void {
    this.#client?.child.kill(name);
  }

  /** Runs a command of the program. */
  run(...args: readonly string[]): Promise<CommandResult> {
    return this.ns.runAny(this.#argv(...args), { env: this.#env });
  }

  /** Whether the program has a command of that name. */
  async knows(name: string): Promise<boolean> {
    const { stdout } = await this.run('--help');
    return stdout.includes(`\n  ${name} `);
  }

  /** The client's snapshot, or null while it does not answer. */
  async status(): Promise<Status | null> {
    const { code, stdout } = await this.run('status', '--json');
    return code === 0 ? (JSON.parse(stdout) as { status: Status }).status : null;
  }

  /** Whether one ping to an IPv4 address comes back. */
  async doesPing(): Promise<boolean> {
    return (await this.ns.runAny(['ping', '-n', '-c', '1', '-W', '1', SERVER])).code === 0;
  }

  /** Starts one UDP flow that goes on for as long as the laptop does. */
  async startFlow(): Promise<void> {
    this.#flow = await this.ns.start([process.execPath, FLOW, SERVER]);
  }

  /** Datagrams of the flow that came back so far. */
  get answered(): number {
    return Number(/(\d+)\n$/.exec(this.#flow?.output() ?? '')?.[1] ?? 0);
  }

  async stopFlow(): Promise<void> {
    await this.#flow?.stop();
  }

  /** Memory of the client now, in KiB. */
  resident(): number {
    const kib = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1] ?? 0);
    this.residentKiB = Math.max(this.residentKiB, kib);
    return kib;
  }

  /** Everything about the host that a client might leave behind. */
  snapshot(): Promise<string[]> {
    return snapshot(this.ns);
  }
}
