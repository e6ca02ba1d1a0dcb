// What a command gets to do its work with.

import type { Command } from 'commander';
import type { LogLevel } from '../contract/log-parts.ts';
import { type LogPart, partsOfRole } from '../contract/log-parts.ts';
import type { RoleOptions } from '../contract/role-options.ts';
import type { Actions, ServiceRole } from './actions.ts';
import type { Terminal } from './terminal.ts';

/** Handed to each command's file. `finish` takes the exit code of a command that ran to its end. */
export interface CommandContext {
  readonly actions: Actions;
  readonly terminal: Terminal;
  readonly finish: (exitCode: number) => void;
}

/** What each command's file exports: adds its command to the program. */
export type AddCommand = (program: Command, context: CommandContext) => void | Promise<void>;

/** The options of all roles, as commander parses them. */
export interface ParsedRoleOptions {
  readonly logLevel: LogLevel;
  /** true: all parts. */
  readonly verbose?: readonly LogPart[] | true;
  readonly json?: true;
  readonly capture?: string;
}

/** The roles' options, from what commander parsed. */
export const roleOptions = (role: ServiceRole, parsed: ParsedRoleOptions, terminal: Terminal): RoleOptions => ({
  level: parsed.logLevel,
  verbose: parsed.verbose === true ? partsOfRole(role) : (parsed.verbose ?? []),
  json: parsed.json === true,
  colour: terminal.errColour,
  ...(parsed.capture === undefined ? {} : { capture: parsed.capture }),
});
