// `xlat464 discover`: discovery that runs until everybody has answered, or for as long as it is watched, and reports.

import type { DiscoveryReport } from '../contract/discovery.ts';
import { EXIT, XlatError } from '../contract/errors.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
import type { CheckTarget } from './connectivity.ts';
import { type Discovery, type DiscoveryEvent, startDiscovery } from './discovery.ts';
import { discoveryReport } from './report.ts';

/** RFC 4861 §10: routers answer within MAX_RA_DELAY_TIME, 0.5 s; after twice that, who wanted to has. */
const ROUTERS_ANSWER_MS = 1000;
/** How often to see whether everybody has answered, and how often a watcher gets a report at most. */
const LOOK_MS = 250;
const WATCH_MS = 1000;

/** What to run. */
export interface RunOptions {
  readonly platform: DiscoveryPlatform;
  readonly only: string | null;
  /** The prefix to take for configured, or null. */
  readonly configured: Prefix6 | null;
  /** Whom to reach through each prefix (rule D-08); null: no check. */
  readonly check: CheckTarget | null;
  /** How long to wait for answers. */
  readonly timeoutMs: number;
  /** Go on until `signal`, with a report after each change. */
  readonly isWatching: boolean;
  readonly signal: AbortSignal;
}

/** Whether nobody is left to wait for. */
function hasSettled(discovery: Discovery, { check }: RunOptions, elapsedMs: number): boolean {
  return discovery.links.every((link) => {
    const hasRouters = link.routers.all.length > 0 && elapsedMs >= ROUTERS_ANSWER_MS;
    const isAsking = link.probes.some((probe) => probe.isAsking);
    const isChecking = check !== null && discovery.candidates(link.link.name).some((c) => c.isReachable === null);
    return link.hasResolvers && !isAsking && !isChecking && (hasRouters || link.listening.state !== 'yes');
  });
}

/** Resolves when everybody has answered, time is up, or the user has enough. */
function settled(discovery: Discovery, options: RunOptions): Promise<void> {
  const { timeoutMs, signal } = options;
  const startMs = performance.now();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startMs;
      if (elapsedMs < timeoutMs && !signal.aborted && !hasSettled(discovery, options, elapsedMs)) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
  });
}

/** Reports after changes, at most one a second, until the signal. */
async function watch(discovery: Discovery, changes: Changes, signal: AbortSignal, show: () => void): Promise<void> {
  let pending: NodeJS.Timeout | null = null;
  const later = (): void => {
    pending ??= setTimeout(() => {
      pending = null;
      show();
    }, WATCH_MS);
  };
  changes.listen(later);
  show();
  if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  if (pending !== null) clearTimeout(pending);
  discovery.close();
}

/** Hands 'changed' events to whoever listens at the time. */
class Changes {
  #listener: () => void = () => undefined;

  listen(listener: () => void): void {
    this.#listener = listener;
  }

  readonly take = (event: DiscoveryEvent): void => {
    if (event.kind === 'changed' || event.kind === 'link-down') this.#listener();
  };
}

/** Whether nobody could be asked for lack of rights. */
function isForbidden({ interfaces }: DiscoveryReport): boolean {
  return interfaces.length > 0 && interfaces.every((i) => i.listening === 'not-permitted' && i.resolvers.length === 0);
}

function noInterface(only: string | null): XlatError {
  const what = only === null ? 'no interface is up and speaks IPv6' : `${only} is not there, is down, or has no IPv6`;
  const advice = 'Connect to a network; "ip -6 address" shows the IPv6 addresses of this host.';
  return new XlatError('NO_UPLINK', 'discover the NAT64 prefix', what, { advice });
}

/**
 * Runs discovery and shows what it finds; nothing on the host is changed.
 * @param show called once, or when watching after each change
 * @returns the exit code: 3 when nothing could be asked for lack of rights, 1 when no prefix was found, else 0; when watching, 0
 * @throws XlatError NO_UPLINK when there is no interface to look at, unless it watches for one
 */
export async function runDiscover(options: RunOptions, show: (report: DiscoveryReport) => void): Promise<number> {
  const { platform, only, configured, check, isWatching, signal } = options;
  const changes = new Changes();
  const settings = { configured, check, asksDnsBesideRa: true, onEvent: changes.take };
  const discovery = startDiscovery({ platform, only, ...settings });
  try {
    if (discovery.links.length === 0 && !isWatching) throw noInterface(only);
    if (isWatching) await watch(discovery, changes, signal, () => show(discoveryReport(discovery)));
    else await settled(discovery, options);
    const report = discoveryReport(discovery);
    if (!isWatching) show(report);
    if (isForbidden(report)) return EXIT.notPermitted;
    return isWatching || report.interfaces.some(({ chosen }) => chosen !== null) ? EXIT.done : EXIT.failed;
  } finally {
    discovery.close();
  }
}
