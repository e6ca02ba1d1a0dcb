// What the commands ask of the rest of the program. The command line knows nothing of daemon, platform or lab: main.ts, the
// composition root, hands in these functions and loads what is behind each one only when it is called.

import type { DiscoveryReport } from '../contract/discovery.ts';
import type { RoleOptions } from '../contract/role-options.ts';

/** Values of configuration keys as given on the command line. */
export interface GivenKeys {
  readonly [key: string]: string | number | boolean;
}

/** What `xlat464 lab` can be told. */
export interface LabOptions {
  readonly only?: readonly string[];
  readonly keep: boolean;
  readonly interop: boolean;
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
export const FILE_ROLES = ['translator', 'client', 'gateway'] as const;

/** One of the roles that have a file. */
export type FileRole = (typeof FILE_ROLES)[number];

/** What `config init gateway` can be told; empty lists leave the choice to the machine. */
export interface LinkChoices {
  readonly lan: readonly string[];
  readonly wan: readonly string[];
}

/** A first file for this machine. */
export interface GatewayFile {
  readonly text: string;
  /** What the operator should look at before using it. */
  readonly doubts: readonly string[];
}

/** What `config import` can be told. */
export interface ImportRequest extends LinkChoices {
  /** `-` is standard input. */
  readonly files: readonly string[];
  /** One of {@link IMPORT_FORMATS}; null: each file's format is told from its content. */
  readonly from: string | null;
}

/** The formats that `config import` reads. */
export const IMPORT_FORMATS = ['vyos', 'jool', 'unbound', 'radvd', 'pdns', 'tayga'] as const;

/** A line that an import could not take over. */
export interface ImportNote {
  /** `warning`: it is lost or changed; `host`: it is not a matter of this program. */
  readonly kind: 'warning' | 'host';
  readonly at: { readonly file: string; readonly line: number; readonly column: number } | null;
  readonly text: string;
  readonly reason: string;
}

/** What became of the files of an import. */
export interface ImportedConfig {
  readonly role: string;
  readonly text: string;
  readonly notes: readonly ImportNote[];
}

/** One option of `xlat464 client`, from the table of its configuration keys. */
export interface KeyOption {
  readonly key: string;
  readonly description: string;
  /** A switch: its value when it is not given. Otherwise null: it takes a value. */
  readonly flagDefault: boolean | null;
  /** As text, for the help; undefined when there is none. */
  readonly byDefault: string | undefined;
  /** The words that it takes; empty: others, too. */
  readonly choices: readonly string[];
}

/** What `xlat464 discover` can be told. */
export interface DiscoverRequest {
  /** Only this interface; null: all. */
  readonly only: string | null;
  /** A prefix to take for configured, as text; null: none. */
  readonly prefix: string | null;
  /** An IPv4 address and port to reach through each prefix, as text; null: none. */
  readonly check: string | null;
  readonly timeoutMs: number;
  readonly isWatching: boolean;
}

/** The roles that can be a service. */
export const SERVICE_ROLES = ['client', 'gateway', 'translate'] as const;

/** One of the roles that can be a service. */
export type ServiceRole = (typeof SERVICE_ROLES)[number];

/** A role as a service. */
export interface ServiceRequest {
  readonly role: ServiceRole;
  /** Its configuration file, or null. */
  readonly config: string | null;
  /** Options for its log, as on the role's command line. */
  readonly logging: readonly string[];
}

/** What the system says of a service. */
export interface ServiceReport {
  readonly name: string;
  readonly isInstalled: boolean;
  readonly isEnabled: boolean;
  readonly isRunning: boolean;
  /** The service manager's words. */
  readonly state: string;
  readonly pid: number | null;
  readonly file: string | null;
}

/** Roles as services of the system. */
export interface ServiceActions {
  /** The definition that `install` would write. */
  describe(request: ServiceRequest): Promise<string>;
  install(
    request: ServiceRequest,
    isStarted: boolean,
  ): Promise<ServiceReport & { readonly warnings: readonly string[] }>;
  /** @returns whether there was one */
  uninstall(role: ServiceRole): Promise<boolean>;
  status(role: ServiceRole): Promise<ServiceReport>;
}

/** What can be chosen for option 108. */
export const OPTION108_CHOICES = ['on', 'off', 'default'] as const;

/** One of the choices. */
export type Option108Choice = (typeof OPTION108_CHOICES)[number];

/** An interface that gets its IPv4 address by DHCP, and whether it asks for option 108. */
export interface Option108Link {
  readonly interfaceName: string;
  /** Who runs its DHCP client. */
  readonly program: string;
  readonly version: string;
  readonly profile: string;
  readonly setting: string;
  /** Why it cannot be changed; null: it can. */
  readonly obstacle: string | null;
}

/** Option 108 (RFC 8925) in the host's DHCP clients. */
export interface Option108Actions {
  links(): Promise<readonly Option108Link[]>;
  /** @param interfaceName one of `links` */
  set(interfaceName: string, choice: Option108Choice): Promise<void>;
}

/** Everything that commands do. Functions that return a number return the exit code. All may throw XlatError. */
export interface Actions {
  /** The product's version, such as 0.1.0. */
  version(): string;
  translate(file: string, options: RoleOptions): Promise<number>;
  gateway(file: string, options: RoleOptions): Promise<number>;
  client(from: { readonly file: string } | { readonly keys: GivenKeys }, options: RoleOptions): Promise<number>;
  clientKeys(): Promise<readonly KeyOption[]>;
  lab(options: LabOptions): Promise<number>;
  /** Looks for NAT64 prefixes. @param show called with the report, when watching after each change */
  discover(request: DiscoverRequest, show: (report: DiscoveryReport) => void): Promise<number>;
  /** Undoes what a killed run left behind. @returns what was undone, one line each */
  cleanup(): Promise<readonly string[]>;
  readonly service: ServiceActions;
  readonly option108: Option108Actions;
  configCheck(file: string): Promise<CheckedConfig>;
  configSchema(): Promise<object>;
  dhcp4Keys(): Promise<readonly KeyOption[]>;
  /** What a DHCP server has to be told for option 108. */
  configDhcp4(keys: GivenKeys): Promise<string>;
  configInit(role: FileRole): Promise<string>;
  /** A gateway's file for this machine. Changes nothing, needs no privilege. */
  configInitGateway(choices: LinkChoices): Promise<GatewayFile>;
  configImport(request: ImportRequest): Promise<ImportedConfig>;
}
