// `xlat464 cleanup`: undoes what a killed run left on this host.

import { EXIT } from '../../contract/errors.ts';
import type { AddCommand } from '../context.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption } from './options.ts';

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  program
    .command('cleanup')
    .description('undo what a run that was killed left on this host')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 cleanup\n\nWithout anything to undo it does nothing.')
    .action(async ({ json }: { readonly json?: true }) => {
      const undone = await actions.cleanup();
      if (json === true) terminal.out(`${jsonText({ undone })}\n`);
      else terminal.out(undone.length === 0 ? 'nothing to undo\n' : undone.map((line) => `${line}\n`).join(''));
      finish(EXIT.done);
    });
};
