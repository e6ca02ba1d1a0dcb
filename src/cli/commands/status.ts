// `xlat464 status`: what a daemon does and why, on one screen.

import type { Command } from 'commander';
import { EXIT, XlatError } from '../../contract/errors.ts';
import type { Snapshot } from '../../contract/methods.ts';
import type { ControlConnection } from '../../control/client.ts';
import { follow } from '../../control/follow.ts';
import type { AddCommand } from '../context.ts';
import { ambiguous, connectToAll, notRunning } from '../daemon.ts';
import { duration } from '../screens/format.ts';
import { showLive } from '../screens/live-screen.ts';
import { statusScreen } from '../screens/status.ts';
import { jsonText, printLines, type Terminal } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';

const HELP = `
Examples:
  xlat464 status
  xlat464 status --watch
  xlat464 status --json | jq .status.counters
  xlat464 status --name client-clat0      where several daemons run

It needs no special rights.`;

/** Rates are there 250 ms after they were asked for; without them after this long. */
const RATES_MS = 2000;

interface Parsed {
  readonly name?: string;
  readonly watch?: true;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program: Command, { terminal, finish }) => {
  program
    .command('status')
    .description('show what a daemon does and why')
    .option('-w, --watch', 'draw it anew each second, until Ctrl-C')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ name, watch, json }: Parsed) => {
      const connections = await connectToAll('read', name);
      const [first, ...others] = connections;
      try {
        if (first === undefined) throw notRunning(name);
        if (others.length > 0 && watch === true) throw ambiguous(connections);
        if (others.length > 0) await showList(connections, terminal, json === true);
        else if (watch === true) await watchOne(first, terminal, json === true);
        else await showOne(first, terminal, json === true);
      } finally {
        for (const connection of connections) connection.close();
      }
      finish(EXIT.done);
    });
};

async function showOne(connection: ControlConnection, terminal: Terminal, json: boolean): Promise<void> {
  const snapshot = await snapshotWithRates(connection);
  if (json) terminal.out(`${jsonText(snapshot)}\n`);
  else printLines(terminal, screenOf(snapshot, terminal, process.stdout.columns ?? 80, null));
}

/** A snapshot, and the rates that come a moment later, if there is anything to count. */
async function snapshotWithRates(connection: ControlConnection): Promise<Snapshot> {
  return new Promise((resolve, reject) => {
    const isEnough = ({ status }: Snapshot): boolean => status.rates !== null || status.counters === null;
    const changed = (snapshot: Snapshot): void => {
      latest = snapshot;
      if (isEnough(snapshot)) resolve(snapshot);
    };
    let latest: Snapshot | null = null;
    follow(connection, 10, changed).then((snapshot) => {
      changed(latest ?? snapshot);
      setTimeout(() => resolve(latest ?? snapshot), RATES_MS).unref();
      void connection.closed.then(() => resolve(latest ?? snapshot));
    }, reject);
  });
}

const screenOf = (snapshot: Snapshot, terminal: Terminal, columns: number, rows: number | null): readonly string[] =>
  statusScreen(snapshot, { columns, rows, colour: terminal.outColour, nowMs: Date.now() });

async function watchOne(connection: ControlConnection, terminal: Terminal, json: boolean): Promise<void> {
  if (!json && !process.stdout.isTTY) {
    const advice = 'Use --json for a stream of snapshots, or leave out --watch.';
    throw new XlatError('USAGE', 'watch the status', 'standard output is no terminal', { advice });
  }
  const interrupted = untilInterrupted();
  let draw = (): void => undefined;
  let snapshot = await follow(connection, 2, (next) => {
    snapshot = next;
    draw();
  });
  const screen = json
    ? null
    : showLive(process.stdout, ({ columns, rows }) => screenOf(snapshot, terminal, columns, rows), terminal.outColour);
  draw = screen?.draw ?? (() => terminal.out(`${jsonText(snapshot)}\n`));
  if (json) draw();
  try {
    const why = await Promise.race([interrupted.promise, connection.closed.then((reason) => ({ reason }))]);
    if (why !== null) throw ended(why.reason);
  } finally {
    interrupted.off();
    screen?.close();
  }
}

const ended = (reason: string | null): XlatError =>
  new XlatError('DAEMON_NOT_RUNNING', 'watch the status', `the daemon is gone${reason === null ? '' : `: ${reason}`}`);

/** Resolves with null at Ctrl-C or SIGTERM. */
export function untilInterrupted(): { readonly promise: Promise<null>; readonly off: () => void } {
  let stop: () => void = () => undefined;
  const promise = new Promise<null>((resolve) => {
    stop = () => resolve(null);
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
  const off = (): void => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
  };
  return { promise, off };
}

async function showList(connections: readonly ControlConnection[], terminal: Terminal, json: boolean): Promise<void> {
  const snapshots = await Promise.all(connections.map((connection) => connection.call('status', {})));
  if (json) {
    terminal.out(`${jsonText({ daemons: snapshots })}\n`);
    return;
  }
  for (const { status } of snapshots) {
    const { daemon, state, prefix } = status;
    const since = `${state.name} for ${duration(Date.now() - state.sinceMs)}`;
    terminal.out(`${daemon.name.padEnd(24)} ${since.padEnd(28)} ${prefix?.prefix ?? 'no prefix'}\n`);
  }
  terminal.out(`\nShow one with "xlat464 status --name ${connections[0]?.hello.name}".\n`);
}
