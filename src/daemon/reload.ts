// SIGHUP: the configuration and the files that it names are read again. A bad one is logged and changes nothing; a good one
// goes to the workers between two batches, so no packet is lost.

import { loadRole } from '../config/load.ts';
import type { TranslatorConfig } from '../config/translator.ts';
import type { TunConfig } from '../config/tun.ts';
import type { DataPlane } from '../dataplane/dataplane.ts';
import type { TunPlatform } from '../platform/select.ts';
import type { DaemonLog } from './log.ts';
import { setupOf } from './tun.ts';

/** What a reload works on. */
export interface Reloadable {
  readonly platform: TunPlatform;
  readonly dataPlane: DataPlane;
  readonly file: string;
  readonly log: DaemonLog;
}

/**
 * Makes the SIGHUP handler. Reloads run one after the other; signals that come during one lead to one more.
 * @param initial the configuration that runs now
 */
export function makeReload(target: Reloadable, initial: TranslatorConfig): () => void {
  let current = initial;
  let isRunning = false;
  let isAskedAgain = false;
  const work = async (): Promise<void> => {
    do {
      isAskedAgain = false;
      current = await reload(target, current);
    } while (isAskedAgain);
    isRunning = false;
  };
  return () => {
    isAskedAgain = isRunning;
    if (isRunning) return;
    isRunning = true;
    void work();
  };
}

/** One reload. @returns the configuration that runs afterwards. Never throws. */
async function reload(target: Reloadable, current: TranslatorConfig): Promise<TranslatorConfig> {
  const { file, log, dataPlane, platform } = target;
  try {
    const next = loadRole(file, 'translator');
    for (const warning of next.warnings) log.warn('config-warning', {}, warning);
    sayWhatWaits(current.tun, next.tun, log);
    // The workers know new mappings before packets for them arrive.
    await dataPlane.reconfigure(next.settings);
    const was = setupOf(current.tun).routes;
    if (!current.tun.attach) await platform.changeTunRoutes(current.tun.name, was, setupOf(next.tun).routes);
    const { length } = next.settings.mappings;
    log.info('translator-reloaded', { file, mappings: length }, `configuration read again, ${length} mappings`);
    // Everything of the interface but its routes stays as it was opened.
    return { ...next, tun: { ...current.tun, routes: next.tun.routes } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    for (const line of message.split('\n')) {
      log.error('translator-reload-failed', { file }, `the new configuration is not used: ${line}`);
    }
    return current;
  }
}

/** Keys of `tun` that only a restart changes. */
const FIXED = ['name', 'mtu', 'queues', 'offload', 'coalesce', 'attach', 'persist'] as const;

function sayWhatWaits(current: TunConfig, next: TunConfig, log: DaemonLog): void {
  const changed: string[] = FIXED.filter((key) => current[key] !== next[key]);
  if (JSON.stringify(current.addresses) !== JSON.stringify(next.addresses)) changed.push('addresses');
  if (changed.length === 0) return;
  const keys = changed.map((key) => `tun.${key}`).join(', ');
  log.warn('config-warning', { keys }, `${keys} changed; that takes effect at the next start`);
}
