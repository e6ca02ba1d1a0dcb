// Options that several commands share.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { type GivenKeys, type KeyOption, LOG_LEVELS } from '../actions.ts';

/** `--json`. */
export const jsonOption = (): Option => new Option('--json', 'write JSON instead of text');

/** `--name`, for all commands that talk to a daemon. */
export const nameOption = (): Option => new Option('--name <name>', 'which daemon, where several run');

const TIMEOUT_MAX_SECONDS = 3600;

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value > 0 && value <= TIMEOUT_MAX_SECONDS) return value;
  throw new InvalidArgumentError(`Write a number of seconds up to ${TIMEOUT_MAX_SECONDS}.`);
}

/** `--timeout`, in seconds. */
export const timeoutOption = (description: string, byDefault: number): Option =>
  new Option('--timeout <seconds>', description).argParser(seconds).default(byDefault);

/** The options of a role that runs until it is stopped. */
export const addRoleOptions = (command: Command): Command =>
  command
    .addOption(new Option('--capture <file>', 'write both sides of every packet into this pcapng file'))
    .addOption(new Option('--log-level <level>', 'least level of log lines').choices(LOG_LEVELS).default('info'))
    .addOption(jsonOption());

/** Adds a configuration key as an option. */
export function addKeyOption(command: Command, { key, description, flagDefault, byDefault, choices }: KeyOption): void {
  const fallback = byDefault === undefined ? '' : ` (default: ${byDefault})`;
  if (flagDefault === true)
    command.addOption(
      new Option(`--no-${key}`, `do not ${description.charAt(0).toLowerCase()}${description.slice(1)}`),
    );
  else if (flagDefault === false) command.addOption(new Option(`--${key}`, description));
  else {
    const option = new Option(`--${key} <value>`, `${description}${fallback}`);
    command.addOption(choices.length === 0 ? option : option.choices(choices));
  }
}

/** The keys that were given. Commander names `--clat-ipv4` clatIpv4. Only what the user gave counts: defaults are the configuration's. */
export function givenKeys(command: Command, keys: readonly KeyOption[]): GivenKeys {
  const given: Record<string, string | number | boolean> = {};
  for (const { key } of keys) {
    const name = key.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    if (command.getOptionValueSource(name) !== 'cli') continue;
    const value: unknown = command.getOptionValue(name);
    given[key] = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : (value as string | boolean);
  }
  return given;
}
