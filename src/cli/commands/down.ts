// `xlat464 down`: switches the running client off; the daemon goes on.

import { EXIT } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { isDown, switchClient } from '../switching.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption, nameOption, timeoutOption } from './options.ts';

const HELP = `
Example:
  sudo xlat464 down

The client puts everything on this host back and waits for "xlat464 up". Its
daemon goes on; "xlat464 stop" ends that. For root and the group xlat464.`;

const TIMEOUT_SECONDS = 10;

interface Parsed {
  readonly timeout: number;
  readonly name?: string;
  readonly json?: true;
}

/** Whether it is off, but not all could be put back. */
const isSomethingLeft = ({ state }: Status): boolean => state.reason === 'host-trouble';

function textOf(status: Status): string {
  const { text, reason } = status.state;
  if (!isDown(status)) return `not down yet: ${text} (${reason})\n`;
  if (isSomethingLeft(status)) return `down, but ${text} (${reason}); "xlat464 down" tries again\n`;
  return 'down: everything on this host is as it was\n';
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('down')
    .description('switch the running client off, and wait until everything is put back')
    .addOption(timeoutOption('wait this long for it', TIMEOUT_SECONDS))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ timeout, name, json }: Parsed) => {
      await withDaemon('admin', { name, role: 'client' }, async (connection) => {
        const status = await switchClient(connection, 'down', isDown, timeout * 1000);
        const { state } = status;
        terminal.out(json === true ? `${jsonText({ isDown: isDown(status), state })}\n` : textOf(status));
        finish(isDown(status) && !isSomethingLeft(status) ? EXIT.done : EXIT.failed);
      });
    });
};
