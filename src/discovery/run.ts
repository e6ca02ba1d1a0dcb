// `xlat464 discover`: discovery that runs until everybody has answered, or for as long as it is watched, and reports.

import type { DiscoveryReport } from '../contract/discovery.ts';
import { EXIT, XlatError } from '../contract/errors.ts';
import { type Discovery, type DiscoveryEvent, type DiscoveryOptions, startDiscovery } from './discovery.ts';
import type { LinkDiscovery } from './link-discovery.ts';
import { discoveryReport } from './report.ts';

/** A prefix that is found may have a rival; most routers answer within MAX_RA_DELAY_TIME, 0.5 s (RFC 4861 §10). */
const RIVALS_ANSWER_MS = 1000;
/** RFC 4861 §6.2.6: a router may keep to MIN_DELAY_BETWEEN_RAS, 3 s, and MAX_RA_DELAY_TIME before it answers. */
const ROUTERS_ANSWER_MS = 3500;
/** How often to see whether everybody has answered, and how often a watcher gets a report at most. */
const LOOK_MS = 250;
const WATCH_MS = 1000;

/** What of discovery's own options a run is told. */
type GivenOptions = Pick<DiscoveryOptions, 'platform' | 'only' | 'configured' | 'check' | 'clock' | 'exchange'>;

/** What to run. */
export interface RunOptions extends GivenOptions {
  /** How long to wait for answers. */
  readonly timeoutMs: number;
  /** Go on until `signal`, with a report after each change. */
  readonly isWatching: boolean;
  readonly signal: AbortSignal;
}

/** Whether the routers of a link have had the time to answer: all of it while the network has shown no prefix. */
function haveRoutersAnswered(discovery: Discovery, link: LinkDiscovery, startMs: number): boolean {
  if (link.listening.state !== 'yes') return true;
  if (link.routers.all.length === 0) return false;
  const nowMs = discovery.clock.now();
  if (discovery.candidates(link.link.name).some((c) => c.source !== 'static'))
    return nowMs - startMs >= RIVALS_ANSWER_MS;
  return nowMs - Math.max(startMs, link.solicitedAtMs) >= ROUTERS_ANSWER_MS;
}

/** Whether nobody is left to wait for. */
function hasSettled(discovery: Discovery, { check }: RunOptions, startMs: number): boolean {
  return discovery.links.every((link) => {
    const isAsking = link.probes.some((probe) => probe.isAsking);
    const isChecking = check !== null && discovery.candidates(link.link.name).some((c) => c.isReachable === null);
    return link.hasResolvers && !isAsking && !isChecking && haveRoutersAnswered(discovery, link, startMs);
  });
}

/** Resolves when everybody has answered, time is up, or the user has enough. */
function settled(discovery: Discovery, options: RunOptions): Promise<void> {
  const { timeoutMs, signal } = options;
  const { clock } = discovery;
  const startMs = clock.now();
  return new Promise((resolve) => {
    const look = (): void => {
      const isOver = clock.now() - startMs >= timeoutMs || signal.aborted;
      if (isOver || hasSettled(discovery, options, startMs)) resolve();
      else clock.after(LOOK_MS, look);
    };
    look();
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
  const { only, isWatching, signal } = options;
  const changes = new Changes();
  const discovery = startDiscovery({ ...options, asksDnsBesideRa: true, onEvent: changes.take });
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
