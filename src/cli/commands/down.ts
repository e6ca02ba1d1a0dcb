// `xlat464 down`: switches the running client off; the daemon goes on.

import { EXIT } from '../../contract/errors.ts';
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
        const text = isDown(status)
          ? 'down: everything on this host is as it was\n'
          : `not down yet: ${state.text} (${state.reason})\n`;
        terminal.out(json === true ? `${jsonText({ isDown: isDown(status), state })}\n` : text);
        finish(isDown(status) ? EXIT.done : EXIT.failed);
      });
    });
};
