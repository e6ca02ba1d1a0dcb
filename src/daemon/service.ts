// A role of this program as a service: what it runs, checked before anything is installed.

import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Config, loadConfig } from '../config/load.ts';
import { XlatError } from '../contract/errors.ts';
import { selectServices } from '../platform/select.ts';
import type { ServiceRole, ServiceSpec, ServiceStatus } from '../platform/service.ts';

/** What is asked for. */
export interface ServiceRequest {
  readonly role: ServiceRole;
  readonly config: string | null;
  readonly logging: readonly string[];
}

const OPERATION = 'install the service';

/** Which role a file must configure. */
const CONFIG_ROLE = { client: 'client', gateway: 'gateway', translate: 'translator' } as const;

/**
 * The definition that {@link installService} would write.
 * @throws XlatError as {@link specOf}
 */
export async function describeService(request: ServiceRequest): Promise<string> {
  return (await selectServices()).describe(specOf(request));
}

/**
 * Installs a role as a service.
 * @returns its status, and what is doubtful about it, one sentence each
 * @throws XlatError as {@link specOf} and the service manager
 */
export async function installService(
  request: ServiceRequest,
  isStarted: boolean,
): Promise<ServiceStatus & { readonly warnings: readonly string[] }> {
  const spec = specOf(request);
  const services = await selectServices();
  const warnings = [spec.node, spec.program].flatMap(othersMayChange);
  return { ...(await services.install(spec, isStarted)), warnings };
}

/** @throws XlatError USAGE without a file where the role needs one; ConfigError when the file is wrong */
function specOf({ role, config, logging }: ServiceRequest): ServiceSpec {
  const program = realpathSync(process.argv[1] ?? '');
  const node = realpathSync(process.execPath);
  refuseTemporary([node, program]);
  if (config === null) {
    if (role === 'client') return { role, config, logging, node, program, writes: [] };
    throw new XlatError('USAGE', OPERATION, `a ${role} needs a configuration file`, {
      advice: 'Name it with -c FILE.',
    });
  }
  const file = resolve(config);
  refuseTemporary([file]);
  const loaded = loadConfig(file);
  if (loaded.role === CONFIG_ROLE[role])
    return { role, config: file, logging, node, program, writes: directoriesOf(loaded) };
  const text = `${file} configures the role ${loaded.role}, not ${CONFIG_ROLE[role]}`;
  throw new XlatError('CONFIG_INVALID', OPERATION, text);
}

/** A service has a /tmp of its own. */
function refuseTemporary(paths: readonly string[]): void {
  const path = paths.find((each) => /^\/(var\/)?tmp\//.test(each));
  if (path === undefined) return;
  const advice = 'Move it to a place that stays, such as /etc/xlat464 or /opt.';
  throw new XlatError('USAGE', OPERATION, `${path} is in a directory for temporary files`, { advice });
}

/** Directories of the files that a role writes. */
function directoriesOf(config: Config): readonly string[] {
  const directories = filesOf(config).flatMap((file) => (file === null ? [] : [dirname(file)]));
  return [...new Set(directories)];
}

function filesOf(config: Config): readonly (string | null)[] {
  switch (config.role) {
    case 'translator':
      return [config.leaseFile];
    case 'gateway':
      return config.nat64 === null ? [] : [config.nat64.saveFile, config.nat64.mappingLogFile];
    case 'client':
      return [];
    default:
      return config satisfies never;
  }
}

/** A service runs as root: who may change its program may do everything. */
function othersMayChange(path: string): readonly string[] {
  const { uid, mode } = statSync(path);
  if (uid === 0 && (mode & 0o022) === 0) return [];
  return [`${path} runs as root from now on, and others than root may change it`];
}
