// What the commands ask of the rest of the program. The command line knows nothing of daemon, platform or lab: main.ts, the
// composition root, hands in these functions and loads what is behind each one only when it is called.

import type { DiscoveryReport } from '../contract/discovery.ts';

/** Levels of log lines, from all to the worst. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** One of the log levels. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What every long-running role can be told. */
export interface RoleOptions {
  /** Least level of the log lines that are written. */
  readonly level: LogLevel;
  readonly json: boolean;
  readonly colour: boolean;
  /** Write both sides of every translated packet into this pcapng file. */
  readonly capture?: string;
}

/** Values of the client's keys as given on the command line. */
export interface ClientKeys {
  readonly [key: string]: string | number | boolean;
}

/** What `xlat464 lab` can be told. */
export interface LabOptions {
  readonly only?: readonly string[];
  readonly keep: boolean;
  readonly verbose: boolean;
  readonly json: boolean;
  readonly colour: boolean;
}

/** What `config check` found out about a good file. */
export interface CheckedConfig {
  readonly role: string;
  readonly warnings: readonly string[];
}

/** The roles that have a configuration file. */
export const FILE_ROLES = ['translator', 'client'] as const;

/** One of the roles that have a file. */
export type FileRole = (typeof FILE_ROLES)[number];

/** One option of `xlat464 client`, from the table of its configuration keys. */
export interface KeyOption {
  readonly key: string;
  readonly description: string;
  /** A switch: its value when it is not given. Otherwise null: it takes a value. */
  readonly flagDefault: boolean | null;
  /** As text, for the help; undefined when there is none. */
  readonly byDefault: string | undefined;
}

/** What `xlat464 discover` can be told. */
export interface DiscoverRequest {
  /** Only this interface; null: all. */
  readonly only: string | null;
  /** A prefix to take for configured, as text; null: none. */
  readonly prefix: string | null;
  readonly timeoutMs: number;
  readonly isWatching: boolean;
}

/** Everything that commands do. Functions that return a number return the exit code. All may throw XlatError. */
export interface Actions {
  /** The product's version, such as 0.1.0. */
  version(): string;
  translate(file: string, options: RoleOptions): Promise<number>;
  client(from: { readonly file: string } | { readonly keys: ClientKeys }, options: RoleOptions): Promise<number>;
  clientKeys(): Promise<readonly KeyOption[]>;
  lab(options: LabOptions): Promise<number>;
  /** Looks for NAT64 prefixes. @param show called with the report, when watching after each change */
  discover(request: DiscoverRequest, show: (report: DiscoveryReport) => void): Promise<number>;
  /** Undoes what a killed run left behind. @returns what was undone, one line each */
  cleanup(): Promise<readonly string[]>;
  configCheck(file: string): Promise<CheckedConfig>;
  configSchema(): Promise<object>;
  configInit(role: FileRole): Promise<string>;
}
