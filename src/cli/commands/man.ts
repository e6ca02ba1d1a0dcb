// `xlat464 man`: the manual page, made from the command line's definitions.

import { EXIT } from '../../contract/errors.ts';
import type { AddCommand } from '../context.ts';
import { manualPage } from '../manual-page.ts';
import { outlineOf } from '../outline.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 man | man -l -
  xlat464 man > /usr/local/share/man/man1/xlat464.1`;

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  program
    .command('man')
    .description('print the manual page')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ json }: { readonly json?: true }) => {
      const page = manualPage(outlineOf(program), actions.version());
      terminal.out(json === true ? `${jsonText({ page })}\n` : page);
      finish(EXIT.done);
    });
};
