// What a role can be told beside its configuration: by the command line, or whoever starts it.

import type { LogLevel, LogPart } from './log-parts.ts';

/** What decides about the lines of a log and their looks. */
export interface LogOptions {
  /** Least level of the lines that are written. */
  readonly level: LogLevel;
  /** Of these parts every line is written, whatever the level. */
  readonly verbose: readonly LogPart[];
  readonly json: boolean;
  readonly colour: boolean;
}

/** What every long-running role can be told. */
export interface RoleOptions extends LogOptions {
  /** Path of a pcapng file for both sides of every translated packet. */
  readonly capture?: string;
  /** A client with a configured prefix waits for a network, instead of failing with NO_UPLINK. */
  readonly waits?: boolean;
}
