// `xlat464 config`: check a file, print the JSON Schema, write a first file.

import { type Command, Option } from 'commander';
import { EXIT } from '../../contract/errors.ts';
import { FILE_ROLES, type FileRole } from '../actions.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { paint } from '../terminal.ts';
import { jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 config init > siit.yaml
  xlat464 config check siit.yaml
  xlat464 config schema > xlat464.schema.json`;

/** Adds the command. */
export const add: AddCommand = (program, context) => {
  const config = program
    .command('config')
    .description('check and write configuration files')
    .addHelpText('after', HELP);
  addCheck(config, context);
  addSchema(config, context);
  addInit(config, context);
};

function addCheck(config: Command, { actions, terminal, finish }: CommandContext): void {
  config
    .command('check <file>')
    .description('check a configuration file; every error is named at once')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 config check /etc/xlat464/siit.yaml')
    .action(async (file: string, { json }: { readonly json?: true }) => {
      const { role, warnings } = await actions.configCheck(file);
      if (json === true) {
        terminal.out(`${JSON.stringify({ file, role, warnings })}\n`);
      } else {
        for (const warning of warnings) terminal.err(`${paint('warning:', 33, terminal.errColour)} ${warning}\n`);
        terminal.out(`${file}: ${paint('good', 32, terminal.outColour)} (role ${role})\n`);
      }
      finish(EXIT.done);
    });
}

function addSchema(config: Command, { actions, terminal, finish }: CommandContext): void {
  config
    .command('schema')
    .description('print the JSON Schema of configuration files')
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 config schema > xlat464.schema.json')
    .action(async () => {
      terminal.out(`${JSON.stringify(await actions.configSchema(), null, 2)}\n`);
      finish(EXIT.done);
    });
}

function addInit(config: Command, { actions, terminal, finish }: CommandContext): void {
  config
    .command('init')
    .description('print a first configuration file with every key, its default and what it means')
    .addOption(new Option('--role <role>', 'what the file configures').choices(FILE_ROLES).default('translator'))
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 config init --role client > client.yaml')
    .action(async ({ role, json }: { readonly role: FileRole; readonly json?: true }) => {
      const text = await actions.configInit(role);
      terminal.out(json === true ? `${JSON.stringify({ role, text })}\n` : text);
      finish(EXIT.done);
    });
}
