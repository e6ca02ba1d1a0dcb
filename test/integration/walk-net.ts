// The machines of the walks in docs/: a gateway and a client, each with a shell, a folder, a resolv.conf and the commands `xlat464`
// (the bundle) and `sudo`, and the outside. Takes the steps of a walk as a reader would. Read first: support/walk.ts.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compareSnapshots, takeSnapshot } from '../../src/lab/snapshot.ts';
import { type CommandResult, type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import { type Machine, parseWalk, type Step, type Walk } from '../support/walk.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bundle/xlat464.js');

/** `ip netns exec` gives each command its own view of mounts. */
const SHELL = 'cd "$1" && mount --bind resolv.conf /etc/resolv.conf && eval "$2"';

/** What a role says when it runs. */
const READY = /code=(client-)?ready\b/;

/** The one thing by which `ip` tells a veth from an Ethernet interface: `eth0@if3`. */
const VETH_PEER = /@if\d+\b/g;

/** Makes the program that users start. Throws when that fails. */
export function makeBundle(): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'build/bundle.mjs')], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

/** Reads a document of docs/. */
export const readWalk = (name: string): Walk => parseWalk(readFileSync(join(ROOT, 'docs', name), 'utf8'));

/** A machine with a shell. */
export class Host {
  readonly ns: Netns;
  /** Where its commands run. */
  readonly folder: string;
  readonly #env: Readonly<Record<string, string>>;

  /** @param resolver what its resolv.conf names; null: nothing */
  constructor(ns: Netns, set: NetnsSet, resolver: string | null) {
    this.ns = ns;
    this.folder = join(set.directory, ns.name);
    const commands = join(this.folder, 'bin');
    mkdirSync(commands, { recursive: true });
    const command = (name: string, line: string): void => {
      writeFileSync(join(commands, name), `#!/bin/sh\nexec ${line} "$@"\n`);
      chmodSync(join(commands, name), 0o755);
    };
    command('xlat464', `"${process.execPath}" "${PROGRAM}"`);
    command('sudo', 'env');
    this.write('resolv.conf', resolver === null ? '' : `nameserver ${resolver}\n`);
    this.#env = { PATH: `${commands}:${process.env.PATH}`, XLAT464_STATE_DIR: join(this.folder, 'state') };
  }

  /** Writes a file into its folder. */
  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  /** Runs a line of shell. */
  run(line: string): Promise<CommandResult> {
    return this.ns.runAny(['sh', '-c', SHELL, 'sh', this.folder, line], { env: this.#env });
  }

  /** Runs a line that must succeed. @returns what it wrote */
  async succeed(line: string): Promise<string> {
    const { code, stdout, stderr } = await this.run(line);
    if (code !== 0) throw new Error(`${line}: ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Runs a command whose output is JSON. */
  async json(line: string): Promise<Record<string, never>> {
    return JSON.parse(await this.succeed(line));
  }

  /** Starts a command; it gets the signals itself. */
  start(line: string): Promise<Running> {
    return this.ns.start(['sh', '-c', SHELL, 'sh', this.folder, `exec ${line}`], this.#env);
  }
}

/** A step that was taken. */
export interface Taken {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A role that a walk has started, and its host's network before that. */
interface Started {
  readonly running: Running;
  readonly before: readonly string[];
}

/** Takes the steps of one walk. */
export class Walker {
  readonly gateway: Host;
  readonly client: Host;
  readonly #started = new Map<Machine, Started>();

  constructor(gateway: Host, client: Host) {
    this.gateway = gateway;
    this.client = client;
  }

  /** @param settled waits, after a role has started, for what takes a moment in a network */
  async take(steps: readonly Step[], settled: () => Promise<unknown>): Promise<Taken[]> {
    const taken: Taken[] = [];
    for (const step of steps) {
      if (step.mode !== 'background') {
        const { code, stdout, stderr } = await this[step.machine].run(step.command);
        taken.push({ code, stdout: stdout.replaceAll(VETH_PEER, ''), stderr });
        continue;
      }
      taken.push(await this.#start(step));
      await settled();
    }
    return taken;
  }

  async #start({ machine, command }: Step): Promise<Taken> {
    const host = this[machine];
    const before = await takeSnapshot(host.ns);
    const running = await host.start(command);
    this.#started.set(machine, { running, before });
    await waitFor(`"${command}"`, () => READY.test(running.output()) || running.hasEnded());
    return { code: running.child.exitCode, stdout: running.output(), stderr: '' };
  }

  /** Ends what runs on a machine as Ctrl-C does. @returns exit code, and what is different from before it was started */
  async interrupt(machine: Machine): Promise<{ readonly code: number | null; readonly left: readonly string[] }> {
    const started = this.#started.get(machine);
    if (started === undefined) throw new Error(`nothing runs on the ${machine}`);
    const code = await started.running.stop('SIGINT');
    return { code, left: compareSnapshots(started.before, await takeSnapshot(this[machine].ns)) };
  }

  /** What the role on a machine has logged. */
  log(machine: Machine): string {
    return this.#started.get(machine)?.running.output() ?? '';
  }
}
