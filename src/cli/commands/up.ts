// `xlat464 up`: switches the running client on, and says what came of it.

import { EXIT } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { prefixWords } from '../screens/status.ts';
import { isUpDecided, switchClient } from '../switching.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption, nameOption, timeoutOption } from './options.ts';

const HELP = `
Examples:
  sudo xlat464 up
  sudo xlat464 up --timeout 30 && ping 192.0.2.1

It switches a client on that runs and was switched off with "xlat464 down".
Exit code 1: it is on, and IPv4 does not work yet; it goes on trying.
For root and members of the group xlat464.`;

const TIMEOUT_SECONDS = 10;

interface Parsed {
  readonly timeout: number;
  readonly name?: string;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('up')
    .description('switch the running client on, and wait until IPv4 works')
    .addOption(timeoutOption('wait this long for it', TIMEOUT_SECONDS))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ timeout, name, json }: Parsed) => {
      await withDaemon('admin', { name, role: 'client' }, async (connection) => {
        const status = await switchClient(connection, 'up', isUpDecided, timeout * 1000);
        const isUp = status.state.name === 'running';
        const { state, prefix, addresses, uplink } = status;
        if (json === true) terminal.out(`${jsonText({ isUp, state, prefix, addresses, uplink })}\n`);
        else terminal.out(isUp ? `up: ${describeWay(status)}\n` : notYet(status));
        finish(isUp ? EXIT.done : EXIT.failed);
      });
    });
};

function describeWay({ prefix, uplink }: Status): string {
  const source = prefix === null ? 'no prefix' : prefixWords(prefix);
  return `${source}${uplink === null ? '' : ` on ${uplink.name}`}`;
}

function notYet({ state: { name, reason, text } }: Status): string {
  if (name === 'stopped') return `not up: ${text} (${reason})\n`;
  const isNative = reason === 'native-ipv4';
  const then = isNative
    ? 'It comes up when that is gone; started with --force (or "force: true") it runs beside it.'
    : 'It goes on trying; "xlat464 status" shows how far it is.';
  return `not up yet: ${text} (${reason})\n${then}\n`;
}
