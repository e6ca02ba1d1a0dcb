// `xlat464 discover`: what each source of the NAT64 prefix says on each interface, and which would be chosen.

import type { WriteStream } from 'node:tty';
import type { DiscoveryReport } from '../../contract/discovery.ts';
import type { AddCommand } from '../context.ts';
import { agedReport, discoveryScreen } from '../screens/discovery.ts';
import { showLive } from '../screens/live-screen.ts';
import type { Terminal } from '../terminal.ts';
import { jsonOption, timeoutOption } from './options.ts';

const TIMEOUT_SECONDS = 6;

const HELP = `
Examples:
  xlat464 discover                     ask on every interface
  xlat464 discover --interface wlan0 --watch
  xlat464 discover --connectivity-check 192.0.2.1:443
  xlat464 discover --json

Routers are heard as root only (CAP_NET_RAW); resolvers are asked without it.
Nothing on this host is changed.
Exit code 0: a prefix was found. 1: none was. 3: without root nobody could be
asked. With --watch: 0, found or not.`;

interface Parsed {
  readonly watch?: true;
  readonly json?: true;
  readonly timeout: number;
  readonly interface?: string;
  readonly prefix?: string;
  readonly connectivityCheck?: string;
}

/** Something that shows reports, one after another. */
interface Display {
  show(report: DiscoveryReport): void;
  close(): void;
}

/** One JSON object a line, or the screen as text; on a terminal that is watched, one screen that is drawn anew. */
function displayFor(terminal: Terminal, { json, watch }: Parsed): Display {
  if (json === true) {
    return { show: (report) => terminal.out(`${JSON.stringify(report)}\n`), close: () => undefined };
  }
  if (watch === true && process.stdout.isTTY) return liveDisplay(process.stdout, terminal.outColour);
  const show = (report: DiscoveryReport): void => {
    const text = discoveryScreen(report, terminal.outColour).join('\n').trimEnd();
    terminal.out(`${text}\n${watch === true ? '\n' : ''}`);
  };
  return { show, close: () => undefined };
}

/** Ages and lifetimes of the last report go on until there is another one. */
function liveDisplay(stdout: WriteStream, colour: boolean): Display {
  let latest: { readonly report: DiscoveryReport; readonly atMs: number } | null = null;
  const render = (): readonly string[] =>
    latest === null ? [] : discoveryScreen(agedReport(latest.report, performance.now() - latest.atMs), colour);
  const screen = showLive(stdout, render, colour);
  const show = (report: DiscoveryReport): void => {
    latest = { report, atMs: performance.now() };
    screen.draw();
  };
  return { show, close: screen.close };
}

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  program
    .command('discover')
    .description('show which NAT64 prefix the network offers, and by whom (RFC 8781, RFC 7050)')
    .option('--interface <name>', 'look at this interface only')
    .option('--prefix <prefix>', 'choose as if this prefix were configured')
    .option('--connectivity-check <ipv4:port>', 'whom to reach through each prefix (RFC 7050 §3.1)')
    .addOption(timeoutOption('wait this long for answers', TIMEOUT_SECONDS))
    .option('--watch', 'go on, and show every change, until Ctrl-C')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (parsed: Parsed) => {
      const { prefix = null, connectivityCheck: check = null, timeout, watch } = parsed;
      const display = displayFor(terminal, parsed);
      if (process.stderr.isTTY && watch !== true) terminal.err(`asking routers and resolvers, up to ${timeout} s …\n`);
      const request = {
        only: parsed.interface ?? null,
        prefix,
        check,
        timeoutMs: timeout * 1000,
        isWatching: watch === true,
      };
      try {
        finish(await actions.discover(request, display.show));
      } finally {
        display.close();
      }
    });
};
