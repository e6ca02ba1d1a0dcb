// `xlat464 reload`: a daemon reads its configuration again.

import { EXIT } from '../../contract/errors.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { jsonText, paint } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';

const HELP = `
Examples:
  sudo xlat464 reload
  sudo xlat464 reload --name translator-xlat0

No packet is lost. Of a configuration with an error nothing is used: the daemon
goes on with the one before, and every error is named. A client takes changes
at its next start; its file is checked now. For root and the group xlat464.`;

interface Parsed {
  readonly name?: string;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('reload')
    .description('have a daemon read its configuration again, as SIGHUP does')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async ({ name, json }: Parsed) => {
      await withDaemon('admin', { name }, async (connection) => {
        const { isReloaded, problems, notes = [] } = await connection.call('reload', {});
        const label = paint('xlat464:', 31, terminal.errColour);
        if (json === true) terminal.out(`${jsonText({ isReloaded, problems, notes })}\n`);
        else if (isReloaded) terminal.out(`${connection.hello.name}: the configuration was read again\n`);
        else for (const problem of problems) terminal.err(`${label} ${problem}\n`);
        if (json !== true) for (const note of notes) terminal.out(`${note}\n`);
        finish(isReloaded ? EXIT.done : EXIT.failed);
      });
    });
};
