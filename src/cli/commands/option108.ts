// `xlat464 option108`: whether this host's DHCP client asks to be left without IPv4 (RFC 8925, rule D-14).

import { Argument } from 'commander';
import { EXIT, XlatError } from '../../contract/errors.ts';
import { OPTION108_CHOICES, type Option108Actions, type Option108Choice, type Option108Link } from '../actions.ts';
import type { AddCommand } from '../context.ts';
import { connectToAll } from '../daemon.ts';
import { wrap } from '../screens/format.ts';
import { jsonText, type Terminal } from '../terminal.ts';
import { jsonOption } from './options.ts';

const HELP = `
Examples:
  xlat464 option108
  sudo xlat464 option108 on
  sudo xlat464 option108 off --interface wlan0

On an IPv6-mostly network a host that asks for option 108 gets no IPv4 address,
and works by its CLAT instead. NetworkManager (1.52) and systemd-networkd (255)
can ask; nothing is changed unless you say so, and "default" leaves it to their
own configuration again. "on" needs a running client, for without a CLAT the
host would be without IPv4.`;

const NOBODY =
  'No interface gets its IPv4 address from NetworkManager or systemd-networkd, so nobody here can be told to ask. ' +
  'Other DHCP clients: dhcpcd 10 asks with "option ipv6_only_preferred" in dhcpcd.conf; dhclient cannot.';

/** Why there is nobody to tell. */
const nobody = ({ interface: only }: Parsed): string =>
  only === undefined ? NOBODY : `${only} does not get its IPv4 address from NetworkManager or systemd-networkd.`;

const OPERATION = 'set option 108';
const COLUMNS = 80;

interface Parsed {
  readonly interface?: string;
  readonly anyway?: true;
  readonly json?: true;
}

/** Adds the command. */
export const add: AddCommand = (program, { actions: { option108 }, terminal, finish }) => {
  program
    .command('option108')
    .description('have DHCP ask to be left without IPv4 where the network offers it (RFC 8925)')
    .addArgument(
      new Argument('[what]', 'show it, or change it').choices(['status', ...OPTION108_CHOICES]).default('status'),
    )
    .option('--interface <name>', 'this interface only')
    .option('--anyway', 'switch it on without a running client')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(async (what: 'status' | Option108Choice, parsed: Parsed) => {
      if (what !== 'status') await change(what, parsed, option108);
      const links = meant(await option108.links(), parsed);
      if (parsed.json === true) terminal.out(`${jsonText({ interfaces: links })}\n`);
      else show(links, nobody(parsed), terminal);
      finish(EXIT.done);
    });
};

const meant = (links: readonly Option108Link[], { interface: only }: Parsed): readonly Option108Link[] =>
  links.filter(({ interfaceName }) => only === undefined || interfaceName === only);

async function change(choice: Option108Choice, parsed: Parsed, { links, set }: Option108Actions): Promise<void> {
  if (choice === 'on' && parsed.anyway !== true) await requireClient();
  const all = meant(await links(), parsed);
  if (all.length === 0) throw new XlatError('HOST_CHANGE_FAILED', OPERATION, nobody(parsed));
  const able = all.filter(({ obstacle }) => obstacle === null);
  const [refused] = all;
  if (able.length === 0 && refused !== undefined) throw tooOld(refused);
  for (const { interfaceName } of able) await set(interfaceName, choice);
}

function tooOld({ program, version, obstacle, interfaceName }: Option108Link): XlatError {
  const message = `${program} ${version} has ${interfaceName}, and ${obstacle}`;
  return new XlatError('HOST_CHANGE_FAILED', OPERATION, message);
}

/** Rule D-14: asked for only where a CLAT can run. */
async function requireClient(): Promise<void> {
  const connections = await connectToAll('read');
  const hasClient = connections.some(({ hello }) => hello.role === 'client');
  for (const connection of connections) connection.close();
  if (hasClient) return;
  const advice = 'Start one first: "sudo xlat464 service install". --anyway leaves it to another CLAT of this host.';
  const message = 'no client runs here, and without a CLAT this host would be without IPv4';
  throw new XlatError('DAEMON_NOT_RUNNING', OPERATION, message, { advice });
}

const MEANING: Readonly<Record<string, string>> = {
  on: 'asks to be left without IPv4 where the network offers that',
  off: 'does not ask',
  default: 'does what the configuration of all networks says; unless changed, it does not ask',
  auto: 'asks where its own CLAT is on',
};

function show(links: readonly Option108Link[], otherwise: string, terminal: Terminal): void {
  const lines = links.flatMap(({ interfaceName, program, version, setting, obstacle }) => [
    `${interfaceName}: option 108 ${setting}, by ${program} ${version}`,
    `  ${obstacle ?? MEANING[setting] ?? ''}`,
  ]);
  for (const line of links.length === 0 ? wrap(otherwise, COLUMNS) : lines) terminal.out(`${line}\n`);
}
