// A role as a service of the system: started with the host, watched, ended with it. One implementation per service manager beside it;
// select.ts chooses.

/** The roles that can be a service: commands of the program. */
export type ServiceRole = 'client' | 'gateway' | 'translate';

/** What a service runs. */
export interface ServiceSpec {
  readonly role: ServiceRole;
  /** The configuration file's absolute path; null: none, which a client does not need. */
  readonly config: string | null;
  /** Absolute path of the Node executable, and of the program that it runs. */
  readonly node: string;
  readonly program: string;
  /** Options for its log, as on the role's command line. */
  readonly logging?: readonly string[];
  /** Directories beside its own that it writes to. */
  readonly writes: readonly string[];
}

/** What the service manager says of a service. */
export interface ServiceStatus {
  /** Its name there. */
  readonly name: string;
  readonly isInstalled: boolean;
  /** Whether it starts with the host. */
  readonly isEnabled: boolean;
  /** The manager's words: "active (running)". */
  readonly state: string;
  readonly isRunning: boolean;
  /** null: no process. */
  readonly pid: number | null;
  /** The file that defines it, or null. */
  readonly file: string | null;
}

/** The service manager of this system. All but `describe` throw XlatError TOOL_MISSING where it does not run. */
export interface Services {
  /** The definition that `install` would write. */
  describe(spec: ServiceSpec): string;
  /**
   * Writes the definition, has it start with the host, and starts it anew unless told otherwise.
   * @throws XlatError NOT_PERMITTED; HOST_CHANGE_FAILED when a file that is not ours is in the way, or it does not start
   */
  install(spec: ServiceSpec, isStarted: boolean): Promise<ServiceStatus>;
  /** Stops it and takes it away. @returns whether there was one. @throws XlatError as `install` */
  uninstall(role: ServiceRole): Promise<boolean>;
  status(role: ServiceRole): Promise<ServiceStatus>;
}
