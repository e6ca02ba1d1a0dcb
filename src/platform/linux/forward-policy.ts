// Looks for firewalls on this host that would drop what the kernel forwards for us: Docker's FORWARD policy, for one.

import { readFileSync } from 'node:fs';
import { XlatError } from '../../contract/errors.ts';
import type { ForwardDrop } from '../../core/host/firewall.ts';
import { findForwardDrops, findLegacyForwardDrop } from '../../core/host/firewall.ts';
import { run, runJson } from './commands.ts';

/** What a tool says, or `otherwise` where it is not installed: then it made no rules either. */
async function ifInstalled<T>(answer: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    if (cause instanceof XlatError && cause.code === 'TOOL_MISSING') return otherwise;
    throw cause;
  }
}

/** Whether the older ip6tables has a filter table; asking its own tool would make one. */
function hasLegacyFilter(): boolean {
  try {
    return readFileSync('/proc/net/ip6_tables_names', 'utf8').split('\n').includes('filter');
  } catch {
    return false; // the kernel does not have it
  }
}

/** {@link HostControl.forwardDrops} of Linux. */
export async function forwardDrops(device: string): Promise<readonly ForwardDrop[]> {
  const ruleset = await ifInstalled(runJson('nft', ['-j', 'list', 'ruleset']), []);
  const drops = findForwardDrops(ruleset, device);
  if (!hasLegacyFilter()) return drops;
  const legacy = await ifInstalled(run('ip6tables-legacy', ['-S', 'FORWARD']), '');
  return [...drops, ...findLegacyForwardDrop(legacy, device)];
}
