// Options that several commands share.

import { type Command, InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS, LOG_PARTS, type LogPart, partsOfRole } from '../../contract/log-parts.ts';
import type { GivenKeys, KeyOption, ServiceRole } from '../actions.ts';

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

/** `--log-level`. */
export const logLevelOption = (): Option =>
  new Option('--log-level <level>', 'least level of log lines').choices(LOG_LEVELS).default('info');

/** `--verbose`, of parts of a role; alone it means all of them. */
export function verboseOption(role: ServiceRole): Option {
  return new Option('--verbose [parts]', 'log every detail, of all parts or of these, with commas between')
    .choices(partsOfRole(role))
    .argParser<readonly LogPart[]>((text) => partsIn(text, role));
}

/** The parts of a role that a text names. @throws InvalidArgumentError, with all of them */
export function partsIn(text: string, role: ServiceRole): readonly LogPart[] {
  const parts = partsOfRole(role);
  const words = text.split(',').map((word) => word.trim());
  const wrong = words.find((word) => !(parts as readonly string[]).includes(word));
  if (wrong === undefined) return parts.filter((part) => words.includes(part));
  throw new InvalidArgumentError(`there is no part "${wrong}"; the parts are ${parts.join(', ')}.`);
}

/** What `--verbose` can be asked for, for the help. */
const partsHelp = (role: ServiceRole): string =>
  partsOfRole(role)
    .map((part) => `  ${part.padEnd(10)} ${LOG_PARTS[part].about}`)
    .join('\n');

/** The options of a role that runs until it is stopped. */
export const addRoleOptions = (command: Command, role: ServiceRole): Command =>
  command
    .addOption(new Option('--capture <file>', 'write both sides of every packet into this pcapng file'))
    .addOption(logLevelOption())
    .addOption(verboseOption(role))
    .addOption(jsonOption())
    .addHelpText('after', `\nParts for --verbose:\n${partsHelp(role)}`);

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
