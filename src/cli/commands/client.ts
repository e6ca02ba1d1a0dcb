// `xlat464 client`: the CLAT of this host. Its options are the keys of its configuration.

import { type Command, Option } from 'commander';
import { XlatError } from '../../contract/errors.ts';
import type { ClientKeys, KeyOption } from '../actions.ts';
import { type AddCommand, type ParsedRoleOptions, roleOptions } from '../context.ts';
import { addRoleOptions } from './options.ts';

const HELP = `
Examples:
  xlat464 client --prefix 64:ff9b::/96
  xlat464 client --prefix 2001:db8:64::/96 --uplink wlan0 --allow-inbound
  xlat464 client -c /etc/xlat464/client.yaml

Everything that it changes on this host is undone when it ends, and by "xlat464 cleanup" after a crash.`;

/** Adds the command. */
export const add: AddCommand = async (program, { actions, terminal, finish }) => {
  const command = program
    .command('client')
    .description('make IPv4 work on this IPv6-only host (CLAT, RFC 6877)')
    .option('-c, --config <file>', 'configuration file instead of the options below')
    .addHelpText('after', HELP);
  const keys = await actions.clientKeys();
  for (const key of keys) addKey(command, key);
  addRoleOptions(command).action(async (parsed: ParsedRoleOptions & { readonly config?: string }) => {
    const given = givenKeys(command, keys);
    const options = roleOptions(parsed, terminal);
    if (parsed.config === undefined) return finish(await actions.client({ keys: given }, options));
    refuseBoth(given);
    finish(await actions.client({ file: parsed.config }, options));
  });
};

function addKey(command: Command, { key, description, flagDefault, byDefault }: KeyOption): void {
  const fallback = byDefault === undefined ? '' : ` (default: ${byDefault})`;
  if (flagDefault === true)
    command.addOption(
      new Option(`--no-${key}`, `do not ${description.charAt(0).toLowerCase()}${description.slice(1)}`),
    );
  else if (flagDefault === false) command.addOption(new Option(`--${key}`, description));
  else command.addOption(new Option(`--${key} <value>`, `${description}${fallback}`));
}

/** Commander names `--clat-ipv4` clatIpv4. Only what the user gave counts: defaults are the configuration's. */
function givenKeys(command: Command, keys: readonly KeyOption[]): ClientKeys {
  const given: Record<string, string | number | boolean> = {};
  for (const { key } of keys) {
    const name = key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    given[key] = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : (value as string | boolean);
  }
  return given;
}

function refuseBoth(given: ClientKeys): void {
  const [first] = Object.keys(given);
  if (first === undefined) return;
  throw new XlatError('USAGE', 'read the command line', `--${first} and -c are given together`, {
    advice: 'Put the option into the file, or leave out -c.',
  });
}
