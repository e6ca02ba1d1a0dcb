// `xlat464 bindings`: the ports of a gateway's NAT64, and those that are open from outside.

import { type Command, Option } from 'commander';
import { EXIT, XlatError } from '../../contract/errors.ts';
import type { Params } from '../../contract/methods.ts';
import type { AddCommand, CommandContext } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { bindingLines } from '../screens/sessions.ts';
import { jsonText, printLines } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';
import { listLimit, protocolOption } from './sessions.ts';

const HELP = `
Examples:
  xlat464 bindings list --static
  sudo xlat464 bindings add tcp 203.0.113.1:8080 [2001:db8::5]:80
  sudo xlat464 bindings remove tcp 203.0.113.1:8080 [2001:db8::5]:80

Changing is for root and the group xlat464. What is added here ends with the
gateway; for good it stands in nat64.static of the configuration.`;

const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;
const LIMIT = 50;

interface Common {
  readonly name?: string;
  readonly json?: true;
}

interface Listed extends Common {
  readonly static?: true;
  readonly proto?: (typeof PROTOCOLS)[number];
  readonly host?: string;
  readonly limit: number;
}

/** Adds the command. */
export const add: AddCommand = (program, context) => {
  const bindings = program
    .command('bindings')
    .description('list the ports of a NAT64, open and close ports from outside')
    .addHelpText('after', HELP);
  addList(bindings, context);
  addChange(bindings, context, 'add', 'open a port from outside');
  addChange(bindings, context, 'remove', 'close a port that was opened');
};

function addList(bindings: Command, { terminal, finish }: CommandContext): void {
  bindings
    .command('list')
    .description('list which host has which port')
    .option('--static', 'only those that were opened from outside')
    .addOption(protocolOption())
    .option('--host <address>', 'only of this host or network of the LAN')
    .addOption(new Option('--limit <n>', 'list so many').argParser(listLimit).default(LIMIT))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExample:\n  xlat464 bindings list --host 2001:db8:1::5')
    .action(async (parsed: Listed) => {
      const found = await withDaemon('read', { name: parsed.name, role: 'gateway' }, (gateway) =>
        gateway.call('bindings.list', wanted(parsed)),
      );
      if (parsed.json === true) terminal.out(`${jsonText(found)}\n`);
      else printLines(terminal, bindingLines(found, terminal.outColour));
      finish(EXIT.done);
    });
}

const wanted = ({ static: isStatic, proto, host, limit }: Listed): Params<'bindings.list'> => ({
  ...(isStatic === undefined ? {} : { staticOnly: true }),
  ...(proto === undefined ? {} : { protocol: proto }),
  ...(host === undefined ? {} : { host }),
  limit,
});

function addChange(
  bindings: Command,
  { terminal, finish }: CommandContext,
  verb: 'add' | 'remove',
  about: string,
): void {
  const example = `xlat464 bindings ${verb} tcp 203.0.113.1:8080 [2001:db8::5]:80`;
  bindings
    .command(verb)
    .description(about)
    .argument('<protocol>', PROTOCOLS.join(', '))
    .argument('<outside>', 'what the far end sees: IPV4:PORT')
    .argument('<inside>', 'the host: [IPV6]:PORT')
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', `\nExample:\n  sudo ${example}`)
    .action(async (protocol: string, mapped: string, host: string, { name, json }: Common) => {
      const ends = { protocol: protocolOf(protocol), mapped, host };
      await withDaemon('admin', { name, role: 'gateway' }, (gateway) => gateway.call(`bindings.${verb}`, ends));
      if (json === true) terminal.out(`${jsonText({ [verb === 'add' ? 'added' : 'removed']: ends })}\n`);
      else terminal.out(`${verb === 'add' ? 'opened' : 'closed'} ${ends.protocol} ${mapped} → ${host}\n`);
      finish(EXIT.done);
    });
}

function protocolOf(text: string): (typeof PROTOCOLS)[number] {
  const found = PROTOCOLS.find((protocol) => protocol === text.toLowerCase());
  if (found !== undefined) return found;
  const advice = `Write one of ${PROTOCOLS.join(', ')}.`;
  throw new XlatError('USAGE', 'read the command line', `"${text}" is not a protocol`, { advice });
}
