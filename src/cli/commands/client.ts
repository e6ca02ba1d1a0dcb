// `xlat464 client`: the CLAT of this host. Its options are the keys of its configuration.

import { XlatError } from '../../contract/errors.ts';
import type { GivenKeys } from '../actions.ts';
import { type AddCommand, type ParsedRoleOptions, roleOptions } from '../context.ts';
import { addKeyOption, addRoleOptions, givenKeys } from './options.ts';

const HELP = `
Examples:
  xlat464 client --prefix 64:ff9b::/96
  xlat464 client --prefix 2001:db8:64::/96 --uplink wlan0 --allow-inbound
  xlat464 client -c /etc/xlat464/client.yaml

Everything that it changes on this host is undone when it ends, and by
"xlat464 cleanup" after a crash.`;

interface Parsed extends ParsedRoleOptions {
  readonly config?: string;
  readonly wait?: true;
}

/** Adds the command. */
export const add: AddCommand = async (program, { actions, terminal, finish }) => {
  const command = program
    .command('client')
    .description('make IPv4 work on this IPv6-only host (CLAT, RFC 6877)')
    .option('-c, --config <file>', 'configuration file instead of the options below')
    .option('--wait', 'wait for a network where there is none, as without --prefix')
    .addHelpText('after', HELP);
  const keys = await actions.clientKeys();
  for (const key of keys) addKeyOption(command, key);
  addRoleOptions(command, 'client').action(async (parsed: Parsed) => {
    const given = givenKeys(command, keys);
    const options = { ...roleOptions('client', parsed, terminal), waits: parsed.wait === true };
    if (parsed.config === undefined) return finish(await actions.client({ keys: given }, options));
    refuseBoth(given);
    finish(await actions.client({ file: parsed.config }, options));
  });
};

function refuseBoth(given: GivenKeys): void {
  const [first] = Object.keys(given);
  if (first === undefined) return;
  throw new XlatError('USAGE', 'read the command line', `--${first} and -c are given together`, {
    advice: 'Put the option into the file, or leave out -c.',
  });
}
