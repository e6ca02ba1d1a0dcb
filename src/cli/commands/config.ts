// `xlat464 config`: check a file, print the JSON Schema, write a first file.

import { Argument, type Command, Option } from 'commander';
import { EXIT, XlatError } from '../../contract/errors.ts';
import { FILE_ROLES, type FileRole, IMPORT_FORMATS, type ImportNote } from '../actions.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { jsonText, paint, type Terminal } from '../terminal.ts';
import { addKeyOption, givenKeys, jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 config init > siit.yaml
  xlat464 config init gateway > gateway.yaml
  xlat464 config import /config/config.boot > gateway.yaml
  xlat464 config check siit.yaml
  xlat464 config schema > xlat464.schema.json`;

const INIT_HELP = `
Examples:
  xlat464 config init --role client > client.yaml
  xlat464 config init gateway --lan eth1 > gateway.yaml`;

const DHCP4_HELP = `
Example:
  xlat464 config dhcp4 --for kea --interface eth1 --address 192.168.64.1/24`;

const IMPORT_HELP = `
Examples:
  xlat464 config import /config/config.boot > gateway.yaml
  xlat464 config import --lan eth1 jool.sh unbound.conf > gateway.yaml
  ssh router show configuration commands | xlat464 config import - > gw.yaml`;

/** Adds the command. */
export const add: AddCommand = async (program, context) => {
  const config = program
    .command('config')
    .description('check and write configuration files')
    .addHelpText('after', HELP);
  addCheck(config, context);
  addSchema(config, context);
  addInit(config, context);
  addImport(config, context);
  await addDhcp4(config, context);
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
        terminal.out(`${jsonText({ file, role, warnings })}\n`);
      } else {
        for (const warning of warnings) terminal.err(`${paint('warning:', 33, terminal.errColour)} ${warning}\n`);
        terminal.out(`${file}: ${paint('good', 32, terminal.outColour)} (role ${role})\n`);
      }
      finish(EXIT.done);
    });
}

async function addDhcp4(config: Command, { actions, terminal, finish }: CommandContext): Promise<void> {
  const command = config
    .command('dhcp4')
    .description('print what a DHCP server has to be told, so that it offers option 108 (RFC 8925)')
    .addHelpText('after', DHCP4_HELP);
  const keys = await actions.dhcp4Keys();
  for (const key of keys) addKeyOption(command, key);
  command.action(async () => {
    terminal.out(await actions.configDhcp4(givenKeys(command, keys)));
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
  const command = config
    .command('init')
    .description(
      'print a first configuration file; that of a gateway fits this machine, those of the others have every key',
    )
    .addArgument(new Argument('[role]', 'what the file configures').choices(FILE_ROLES))
    .addOption(new Option('--role <role>', 'the same').choices(FILE_ROLES).default('translator'))
    .addOption(new Option('--all', "a gateway's file with every key, whatever the machine is like"));
  addLinkOptions(command)
    .addOption(jsonOption())
    .addHelpText('after', INIT_HELP)
    .action(async (argument: FileRole | undefined, { role: option, all, json, lan, wan }: InitOptions) => {
      const role = argument ?? option;
      const fits = role === 'gateway' && all !== true;
      if (!fits && lan.length + wan.length > 0) refuseLinks();
      const file = fits
        ? await actions.configInitGateway({ lan, wan })
        : { text: await actions.configInit(role), doubts: [] };
      warn(file.doubts, terminal);
      terminal.out(json === true ? `${jsonText({ role, ...file })}\n` : file.text);
      finish(EXIT.done);
    });
}

const refuseLinks = (): never => {
  const message = '--lan and --wan go into the file of a gateway that fits this machine';
  throw new XlatError('USAGE', 'write a first configuration', message, {
    advice: 'Write: xlat464 config init gateway',
  });
};

interface LinkOptions {
  readonly lan: readonly string[];
  readonly wan: readonly string[];
}

interface InitOptions extends LinkOptions {
  readonly role: FileRole;
  readonly all?: true;
  readonly json?: true;
}

/** Names with commas between; the option may be given again. */
const names = (list: string, before: readonly string[]): string[] => [
  ...before,
  ...list.split(',').filter((name) => name !== ''),
];

const addLinkOptions = (command: Command): Command =>
  command
    .addOption(new Option('--lan <names>', 'interfaces of the hosts, eth1,eth2').argParser(names).default([], 'found'))
    .addOption(new Option('--wan <names>', 'interfaces that lead outside').argParser(names).default([], 'found'));

function warn(sentences: readonly string[], { err, errColour }: Terminal): void {
  for (const sentence of sentences) err(`${paint('warning:', 33, errColour)} ${sentence}\n`);
}

interface ImportOptions extends LinkOptions {
  readonly from?: string;
  readonly strict?: true;
  readonly json?: true;
}

function addImport(config: Command, { actions, terminal, finish }: CommandContext): void {
  const command = config
    .command('import')
    .description('print a configuration made from those of VyOS, Jool, Unbound, radvd, PowerDNS Recursor or TAYGA')
    .argument('[files...]', 'files to read, several become one; - is standard input', ['-'])
    .addOption(
      new Option('--from <program>', 'what the files are for; default: told from them').choices(IMPORT_FORMATS),
    )
    .addOption(new Option('--strict', 'exit code 1 when a line could not be taken over'));
  addLinkOptions(command)
    .addOption(jsonOption())
    .addHelpText('after', IMPORT_HELP)
    .action(async (files: readonly string[], { from, strict, json, lan, wan }: ImportOptions) => {
      const imported = await actions.configImport({ files, from: from ?? null, lan, wan });
      const lost = imported.notes.filter(({ kind }) => kind === 'warning');
      warn(lost.map(sentenceOf), terminal);
      const left = imported.notes.length - lost.length;
      if (left > 0) terminal.err(`${left} more are left to the host or to other programs; the file lists them\n`);
      terminal.out(json === true ? `${jsonText(imported)}\n` : imported.text);
      finish(strict === true && lost.length > 0 ? EXIT.failed : EXIT.done);
    });
}

/** `file:line: statement: reason` */
function sentenceOf({ at, text, reason }: ImportNote): string {
  const where = at === null ? '' : `${at.file}:${at.line}: `;
  return `${where}${text === '' ? '' : `${text}: `}${reason}`;
}
