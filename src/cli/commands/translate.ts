// `xlat464 translate`: the plain stateless translator.

import type { AddCommand, ParsedRoleOptions } from '../context.ts';
import { roleOptions } from '../context.ts';
import { addRoleOptions } from './options.ts';

const HELP = `
Examples:
  xlat464 translate -c /etc/xlat464/siit.yaml
  xlat464 translate -c siit.yaml --capture /tmp/both-sides.pcapng

SIGHUP reads configuration and mappings again without losing a packet; SIGTERM
and Ctrl-C end it.`;

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  const command = program
    .command('translate')
    .description('run a stateless translator between IPv4 and IPv6 (RFC 7915, RFC 7757)')
    .requiredOption('-c, --config <file>', 'configuration file')
    .addHelpText('after', HELP);
  addRoleOptions(command, 'translate').action(async (parsed: ParsedRoleOptions & { readonly config: string }) => {
    finish(await actions.translate(parsed.config, roleOptions('translate', parsed, terminal)));
  });
};
