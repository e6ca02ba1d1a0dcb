// `xlat464 gateway`: a router that makes an IPv6-mostly network.

import type { AddCommand, ParsedRoleOptions } from '../context.ts';
import { roleOptions } from '../context.ts';
import { addRoleOptions } from './options.ts';

const HELP = `
Examples:
  xlat464 config init gateway > gateway.yaml
  sudo xlat464 gateway -c gateway.yaml
  sudo xlat464 gateway -c gateway.yaml --capture /tmp/both-sides.pcapng

SIGHUP reads the configuration again without losing a session; SIGTERM and
Ctrl-C end it. Everything that it changes on this host is undone then, and by
"xlat464 cleanup" after a crash.
What it does: xlat464 status, sessions, bindings.`;

/** Adds the command. */
export const add: AddCommand = (program, { actions, terminal, finish }) => {
  const command = program
    .command('gateway')
    .description('run a gateway: NAT64, DNS64, router advertisements with PREF64, option 108, NAT66')
    .requiredOption('-c, --config <file>', 'configuration file')
    .addHelpText('after', HELP);
  addRoleOptions(command, 'gateway').action(async (parsed: ParsedRoleOptions & { readonly config: string }) => {
    finish(await actions.gateway(parsed.config, roleOptions('gateway', parsed, terminal)));
  });
};
