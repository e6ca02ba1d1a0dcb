// The kernel's connection tracking table as text, for those who look for its translations. nf_conntrack's proc file where the
// kernel has one (CONFIG_NF_CONNTRACK_PROCFS), else conntrack(8); both write the same lines.

import { readFile } from 'node:fs/promises';
import { run } from './commands.ts';

const PROC_FILE = '/proc/net/nf_conntrack';

/** The table's lines. @throws XlatError TOOL_MISSING, NOT_PERMITTED; CommandError; the system's error */
export async function readConntrack(): Promise<string> {
  try {
    return await readFile(PROC_FILE, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    return run('conntrack', ['-L', '-o', 'extended']);
  }
}
