// `xlat464 sessions`: what a gateway translates now.

import { InvalidArgumentError, Option } from 'commander';
import { EXIT } from '../../contract/errors.ts';
import { LIST_LIMIT, SESSION_ORDERS } from '../../contract/gateway.ts';
import type { Params } from '../../contract/methods.ts';
import type { AddCommand } from '../context.ts';
import { withDaemon } from '../daemon.ts';
import { sessionLines } from '../screens/sessions.ts';
import { jsonText, printLines } from '../terminal.ts';
import { jsonOption, nameOption } from './options.ts';

const HELP = `
Examples:
  xlat464 sessions
  xlat464 sessions --kind nat64 --proto tcp --state established --sort expires
  xlat464 sessions --host 2001:db8:1::/64 --remote 198.51.100.7
  xlat464 sessions --limit 1000 --json | jq -r '.sessions[].host.address'

The kernel's own translations (NAT66, NAT44) are listed, too.
It needs no special rights.`;

const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;
const KINDS = ['nat64', 'nat66', 'nat44'] as const;
const LIMIT = 50;

interface Parsed {
  readonly kind?: (typeof KINDS)[number];
  readonly proto?: (typeof PROTOCOLS)[number];
  readonly host?: string;
  readonly remote?: string;
  readonly state?: string;
  readonly sort?: (typeof SESSION_ORDERS)[number];
  readonly limit: number;
  readonly name?: string;
  readonly json?: true;
}

/** A number of lines. */
export function listLimit(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && value <= LIST_LIMIT) return value;
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${LIST_LIMIT}.`);
}

/** `--proto`. */
export const protocolOption = (): Option => new Option('--proto <protocol>', 'only these').choices(PROTOCOLS);

/** Adds the command. */
export const add: AddCommand = (program, { terminal, finish }) => {
  program
    .command('sessions')
    .description('list the sessions that a gateway translates')
    .addOption(new Option('--kind <kind>', 'only these').choices(KINDS))
    .addOption(protocolOption())
    .option('--host <address>', 'only of this host or network of the LAN')
    .option('--remote <address>', 'only with this far end or network')
    .option('--state <state>', 'only TCP sessions in this state, as established')
    .addOption(new Option('--sort <order>', 'order of the list').choices(SESSION_ORDERS))
    .addOption(new Option('--limit <n>', 'list so many').argParser(listLimit).default(LIMIT))
    .addOption(nameOption())
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (parsed: Parsed) => {
      const found = await withDaemon('read', { name: parsed.name, role: 'gateway' }, (gateway) =>
        gateway.call('sessions', wanted(parsed)),
      );
      if (parsed.json === true) terminal.out(`${jsonText(found)}\n`);
      else printLines(terminal, sessionLines(found, terminal.outColour));
      finish(EXIT.done);
    });
};

const wanted = ({ kind, proto, host, remote, state, sort, limit }: Parsed): Params<'sessions'> => ({
  ...(kind === undefined ? {} : { kind }),
  ...(proto === undefined ? {} : { protocol: proto }),
  ...(host === undefined ? {} : { host }),
  ...(remote === undefined ? {} : { remote }),
  ...(state === undefined ? {} : { state }),
  ...(sort === undefined ? {} : { sort }),
  limit,
});
