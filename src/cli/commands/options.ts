// Options that several commands share.

import { type Command, Option } from 'commander';
import { LOG_LEVELS } from '../actions.ts';

/** `--json`. */
export const jsonOption = (): Option => new Option('--json', 'write JSON instead of text');

/** The options of a role that runs until it is stopped. */
export const addRoleOptions = (command: Command): Command =>
  command
    .addOption(new Option('--capture <file>', 'write both sides of every packet into this pcapng file'))
    .addOption(new Option('--log-level <level>', 'least level of log lines').choices(LOG_LEVELS).default('info'))
    .addOption(jsonOption());
