// Kernel settings, read and written as files below /proc/sys (proc_sys(5)), which show the process's own network namespace.

import { readFileSync, writeFileSync } from 'node:fs';
import { hostAction } from './trace.ts';

/** Reads a setting by its path, such as "net/ipv6/conf/eth0/forwarding"; null when this kernel or interface does not have it. */
export function readSysctl(path: string): string | null {
  try {
    return readFileSync(`/proc/sys/${path}`, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Some settings of an interface without IPv6 exist and answer EINVAL.
    if (code === 'ENOENT' || code === 'EINVAL') return null;
    throw cause;
  }
}

/** Writes a setting, "" too. Throws the system's error: EACCES, EROFS in a container, ENOENT, EINVAL. */
export function writeSysctl(path: string, value: string): void {
  const ended = hostAction('setting', [`${path.replaceAll('/', '.')}=${value}`]);
  try {
    writeFileSync(`/proc/sys/${path}`, `${value}\n`, { flag: 'r+' });
    ended(null);
  } catch (cause) {
    ended((cause as Error).message);
    throw cause;
  }
}
