// `xlat464 completion`: what a shell needs to complete this command line, made from its definitions.

import { Argument } from 'commander';
import { EXIT } from '../../contract/errors.ts';
import { bashCompletion } from '../completion/bash.ts';
import { fishCompletion } from '../completion/fish.ts';
import { zshCompletion } from '../completion/zsh.ts';
import type { AddCommand } from '../context.ts';
import { outlineOf } from '../outline.ts';
import { jsonText } from '../terminal.ts';
import { jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 completion bash > /etc/bash_completion.d/xlat464
  xlat464 completion zsh > /usr/local/share/zsh/site-functions/_xlat464
  xlat464 completion fish > ~/.config/fish/completions/xlat464.fish`;

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('completion')
    .description('print what a shell needs to complete this command line')
    .addArgument(new Argument('<shell>', 'which one').choices(Object.keys(SHELLS)))
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action((shell: keyof typeof SHELLS, { json }: { readonly json?: true }) => {
      const script = SHELLS[shell](outlineOf(program));
      terminal.out(json === true ? `${jsonText({ shell, script })}\n` : script);
      finish(EXIT.done);
    });
};
