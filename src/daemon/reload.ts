// SIGHUP: the configuration and the files that it names are read again. A bad one is logged and changes nothing; a good one
// goes to the workers between two batches, so no packet is lost.

import { loadRole } from '../config/load.ts';
import type { TranslatorConfig } from '../config/translator.ts';
import type { TunConfig } from '../config/tun.ts';
import { XlatError } from '../contract/errors.ts';
import type { DataPlane } from '../dataplane/dataplane.ts';
import type { TunPlatform } from '../platform/select.ts';
import type { DaemonLog } from './log.ts';
import { oneAtATime } from './serial.ts';
import { setupOf } from './tun.ts';

/** What a reload works on. */
export interface Reloadable {
  readonly platform: TunPlatform;
  readonly dataPlane: DataPlane;
  readonly file: string;
  readonly log: DaemonLog;
  /** Told of each configuration that came into use. */
  readonly reloaded: (config: TranslatorConfig) => void;
}

/**
 * Makes the SIGHUP handler. Reloads run one after the other; calls that come during one lead to one more.
 * @param initial the configuration that runs now
 * @returns a function that resolves, after the reload that it led to, with what was wrong; nothing: it is in use
 */
export function makeReload(target: Reloadable, initial: TranslatorConfig): () => Promise<readonly string[]> {
  let current = initial;
  return oneAtATime(async () => {
    const { config, problems } = await reload(target, current);
    current = config;
    return problems;
  }, []);
}

interface Outcome {
  /** The configuration that runs afterwards. */
  readonly config: TranslatorConfig;
  readonly problems: readonly string[];
}

/** One reload. Never throws. */
async function reload(target: Reloadable, current: TranslatorConfig): Promise<Outcome> {
  const { file, log } = target;
  try {
    const next = loadRole(file, 'translator');
    for (const warning of next.warnings) log.warn('config-warning', {}, warning);
    checkPool(current.tun, next);
    sayWhatWaits(current.tun, next.tun, log);
    await bringIntoUse(target, current, next);
    // Everything of the interface but its routes stays as it was opened.
    const config = { ...next, tun: { ...current.tun, routes: next.tun.routes } };
    target.reloaded(config);
    const { length } = next.settings.mappings;
    log.info('translator-reloaded', { file, mappings: length }, `configuration read again, ${length} mappings`);
    return { config, problems: [] };
  } catch (error) {
    const problems = problemsOf(error);
    for (const line of problems) {
      log.error('translator-reload-failed', { file }, `the new configuration is not used: ${line}`);
    }
    return { config: current, problems };
  }
}

/** What was wrong, a line each; behind the last what to do about it. */
function problemsOf(error: unknown): string[] {
  const message = error instanceof Error ? error.message : String(error);
  const advice = error instanceof XlatError && error.advice !== undefined ? `. ${error.advice}` : '';
  return `${message}${advice}`.split('\n');
}

/** The file is right by itself, but the queues are those of the start: two workers must not lend one address to two hosts. */
function checkPool(running: TunConfig, next: TranslatorConfig): void {
  if (next.settings.dynamicPool.length === 0 || running.queues === 1) return;
  throw new XlatError(
    'CONFIG_INVALID',
    'reload the configuration',
    `a dynamic pool needs one queue, and this run was started with ${running.queues}; restart to use it`,
  );
}

/** Settings and routes, both or none. @throws as `changeTunRoutes`; what ran before runs on then */
async function bringIntoUse(
  { dataPlane, platform }: Reloadable,
  current: TranslatorConfig,
  next: TranslatorConfig,
): Promise<void> {
  // The workers know new mappings before packets for them arrive.
  await dataPlane.reconfigure(next.settings);
  if (current.tun.attach) return;
  try {
    await platform.changeTunRoutes(current.tun.name, setupOf(current.tun).routes, setupOf(next.tun).routes);
  } catch (error) {
    await dataPlane.reconfigure(current.settings);
    throw error;
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
