// Makes and undoes single changes. No decision is taken here: core/host says what, host.ts says when.

import { XlatError } from '../../contract/errors.ts';
import type { Change, RouteChange } from '../../core/host/change.ts';
import { describeChange, sysctlPath } from '../../core/host/change.ts';
import { inboundDropTable, removeTable } from '../../core/host/firewall.ts';
import { GATEWAY_TABLE } from '../../core/host/host-config.ts';
import { run } from './commands.ts';
import { writeSysctl } from './sysctl.ts';

function routeArguments(verb: 'add' | 'replace' | 'delete', change: RouteChange, name: string): string[] {
  const place = [`-${change.family}`, 'route', verb, change.destination, 'dev', name, 'metric', String(change.metric)];
  if (verb === 'delete') return place;
  const mtu = change.isMtuLocked ? ['mtu', 'lock'] : ['mtu'];
  return [...place, ...mtu, String(change.mtuBytes), ...(change.source === null ? [] : ['src', change.source])];
}

/** The commands stand in the argument: nft opens /dev/stdin by its name for JSON, which fails where that is a socket, as here. */
const runNft = (commands: object): Promise<string> => run('nft', ['-j', JSON.stringify(commands)]);

async function make(change: Change, name: string, isInPlace: boolean): Promise<void> {
  switch (change.kind) {
    case 'sysctl':
      return writeSysctl(sysctlPath(change, name), change.value);
    case 'mtu':
      return void (await run('ip', ['link', 'set', 'dev', name, 'mtu', String(change.value)]));
    case 'up':
      return void (await run('ip', ['link', 'set', 'dev', name, 'up']));
    case 'address':
      return void (await run('ip', ['address', 'add', change.address, 'dev', name]));
    case 'route':
      return void (await run('ip', routeArguments(isInPlace ? 'replace' : 'add', change, name)));
    case 'proxy':
      return void (await run('ip', ['-6', 'neighbour', 'add', 'proxy', change.address, 'dev', name]));
    case 'firewall':
      return void (await runNft(inboundDropTable(name)));
    case 'table':
      return void (await run('nft', ['-f', '-'], { input: change.ruleset }));
    default:
      return change satisfies never;
  }
}

async function undo(change: Change, name: string, between: () => void): Promise<void> {
  switch (change.kind) {
    case 'sysctl':
      writeSysctl(sysctlPath(change, name), change.was);
      if (change.alsoWas !== undefined) between();
      for (const [path, value] of change.alsoWas ?? []) restoreOther(path, value);
      return;
    case 'mtu':
      return void (await run('ip', ['link', 'set', 'dev', name, 'mtu', String(change.was)]));
    case 'up':
      return void (await run('ip', ['link', 'set', 'dev', name, 'down']));
    case 'address':
      return void (await run('ip', ['address', 'delete', change.address, 'dev', name]));
    case 'route':
      return void (await run('ip', routeArguments('delete', change, name)));
    case 'proxy':
      return void (await run('ip', ['-6', 'neighbour', 'delete', 'proxy', change.address, 'dev', name]));
    case 'firewall':
      return void (await runNft(removeTable()));
    case 'table':
      return void (await run('nft', ['delete', 'table', 'inet', GATEWAY_TABLE]));
    default:
      return change satisfies never;
  }
}

/** Writes back another interface's setting that the kernel had overwritten; the interface may be gone by now. */
function restoreOther(path: string, value: string): void {
  try {
    writeSysctl(path, value);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  }
}

/** An error of a change as the product's own: not permitted, or failed. XlatErrors pass. */
function changeError(operation: string, change: Change, cause: unknown): XlatError {
  if (cause instanceof XlatError) return cause;
  const { code, message } = cause as NodeJS.ErrnoException;
  const isRefused = code === 'EACCES' || code === 'EPERM';
  const what = `${operation} failed: ${describeChange(change)}: ${message}`;
  if (isRefused) return new XlatError('NOT_PERMITTED', operation, what, { advice: 'run it as root', cause });
  const advice = code === 'EROFS' ? { advice: 'in a container, /proc/sys must be writable' } : {};
  return new XlatError('HOST_CHANGE_FAILED', operation, what, { ...advice, cause });
}

/**
 * Makes a change.
 * @param name the interface's present name, "" for a change of the whole host
 * @param isInPlace whether it takes the place of one that was made before, which is replaced in one step
 * @throws XlatError
 */
export async function makeChange(change: Change, name: string, isInPlace: boolean): Promise<void> {
  try {
    await make(change, name, isInPlace);
  } catch (cause) {
    throw changeError('change a setting of this host', change, cause);
  }
}

/**
 * Undoes a change; name and errors as with {@link makeChange}.
 * @param between called within an undo that takes several steps
 */
export async function undoChange(change: Change, name: string, between: () => void): Promise<void> {
  try {
    await undo(change, name, between);
  } catch (cause) {
    throw changeError('restore a setting of this host', change, cause);
  }
}
