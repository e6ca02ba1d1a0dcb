// Roles as services of systemd. Read first: systemd-unit.ts, which has the units' text.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { XlatError } from '../../contract/errors.ts';
import type { ServiceRole, ServiceSpec, ServiceStatus, Services } from '../service.ts';
import { CommandError, run } from './commands.ts';
import { MARK, serviceUnit, unitName } from './systemd-unit.ts';

/** The administrator's units, systemd.unit(5). */
const UNITS = '/etc/systemd/system';
/** It is there while systemd runs, sd_booted(3). */
const BOOTED = '/run/systemd/system';
/** A stop takes as long as a unit's TimeoutStopSec, and a moment more. */
const STOP_LIMIT_MS = 40_000;

/** systemd of this host. */
export const systemdServices: Services = {
  describe: serviceUnit,

  async install(spec, isStarted) {
    const operation = `install ${unitName(spec.role)}`;
    requireSystemd(operation);
    writeUnit(spec, operation);
    await systemctl(operation, ['daemon-reload']);
    await systemctl(operation, ['enable', unitName(spec.role)]);
    if (isStarted) await systemctl(operation, ['restart', unitName(spec.role)]);
    return statusOf(spec.role);
  },

  async uninstall(role) {
    const operation = `uninstall ${unitName(role)}`;
    requireSystemd(operation);
    const file = join(UNITS, unitName(role));
    if (!existsSync(file)) return false;
    requireOurs(file, operation);
    await systemctl(operation, ['disable', '--now', unitName(role)]);
    permitted(operation, file, () => rmSync(file));
    await systemctl(operation, ['daemon-reload']);
    return true;
  },

  status(role) {
    requireSystemd('ask for the service');
    return statusOf(role);
  },
};

function requireSystemd(operation: string): void {
  if (existsSync(BOOTED)) return;
  const advice =
    'Have the service manager of this host run "xlat464 client"; --print shows what systemd would be told.';
  throw new XlatError('TOOL_MISSING', operation, 'systemd does not run on this host', { advice });
}

/** Replaced as a whole, so that a crash leaves the old unit or the new one. */
function writeUnit(spec: ServiceSpec, operation: string): void {
  const file = join(UNITS, unitName(spec.role));
  if (existsSync(file)) requireOurs(file, operation);
  permitted(operation, file, () => {
    mkdirSync(UNITS, { recursive: true });
    writeFileSync(`${file}.new`, serviceUnit(spec), { mode: 0o644 });
    renameSync(`${file}.new`, file);
  });
}

/** @throws XlatError HOST_CHANGE_FAILED for a unit that somebody else wrote */
function requireOurs(file: string, operation: string): void {
  if (readFileSync(file, 'utf8').startsWith(MARK)) return;
  const advice = 'Move it away first, if it is not needed.';
  throw new XlatError('HOST_CHANGE_FAILED', operation, `${file} was not made by this program`, { advice });
}

/** Changes a file. @throws XlatError NOT_PERMITTED, HOST_CHANGE_FAILED */
function permitted(operation: string, file: string, change: () => void): void {
  try {
    change();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'EACCES' && code !== 'EPERM') {
      throw new XlatError('HOST_CHANGE_FAILED', operation, `cannot change ${file}: ${message}`, { cause });
    }
    throw new XlatError('NOT_PERMITTED', operation, `this user may not change ${file}`, { advice: 'Use sudo.', cause });
  }
}

/** @throws XlatError HOST_CHANGE_FAILED with systemd's words */
async function systemctl(operation: string, args: readonly string[]): Promise<string> {
  try {
    return await run('systemctl', ['--no-ask-password', '--quiet', ...args], { timeLimitMs: STOP_LIMIT_MS });
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    const advice = `"journalctl -u ${args.at(-1)}" may say more.`;
    throw new XlatError('HOST_CHANGE_FAILED', operation, cause.message, { advice, cause });
  }
}

const PROPERTIES = 'LoadState,ActiveState,SubState,MainPID,UnitFileState,FragmentPath';

async function statusOf(role: ServiceRole): Promise<ServiceStatus> {
  const name = unitName(role);
  const text = await systemctl('ask for the service', ['show', '--property', PROPERTIES, name]);
  return parseStatus(name, text);
}

/** Reads the `Key=value` lines of `systemctl show`. */
export function parseStatus(name: string, text: string): ServiceStatus {
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const pid = Number(value('MainPID'));
  return {
    name,
    isInstalled: value('LoadState') === 'loaded',
    isEnabled: value('UnitFileState') === 'enabled',
    state: `${value('ActiveState')} (${value('SubState')})`,
    isRunning: value('ActiveState') === 'active',
    pid: pid > 0 ? pid : null,
    file: value('FragmentPath') === '' ? null : value('FragmentPath'),
  };
}
