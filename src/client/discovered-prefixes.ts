// Discovery as the client's source of prefixes.

import { formatPrefix6 } from '../config/addresses.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import type { DiscoveryEvent, DiscoveryOptions } from '../discovery/discovery.ts';
import { startDiscovery } from '../discovery/discovery.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
import { detailDiscovery } from './details.ts';
import type { Checking, PrefixListener, PrefixSource } from './prefix-source.ts';

/** What discovery needs. */
export interface DiscoveryContext extends Checking, Pick<DiscoveryOptions, 'exchange'> {
  readonly platform: DiscoveryPlatform;
  /** Only this interface; null: all. */
  readonly only: string | null;
}

/** Discovers the prefixes of all links. */
export function discoveredPrefixes(context: DiscoveryContext, listener: PrefixListener): PrefixSource {
  const tell = onlyNews(listener);
  const sayDetails = detailDiscovery(listener.detail ?? (() => undefined));
  // Events may come before startDiscovery() returns; what they say is read right after it.
  let isStarted = false;
  const onEvent = (event: DiscoveryEvent): void => {
    if (!isStarted || event.kind === 'link-up') return;
    tellTrouble();
    sayDetails(discovery, event);
    if (event.kind === 'checked') tell.checked(event);
    const all = discovery.links.flatMap(({ link }) => discovery.candidates(link.name));
    listener.offers(all.filter((candidate) => context.check === null || isKnown(candidate)));
  };
  const tellTrouble = (): void => {
    for (const { link, listening, trouble, counts } of discovery.links) {
      const now = discovery.clock.now();
      if (listening.state === 'yes') tell.passing(link.name, trouble, now);
      else tell.trouble(link.name, listening.cause.message);
      tell.flood(link.name, counts.floods, now);
      tell.refused(link.name, counts.prefixes, now);
    }
  };
  const discovery = startDiscovery({ ...context, configured: null, asksDnsBesideRa: false, onEvent });
  isStarted = true;
  onEvent({ kind: 'changed' });
  return {
    refresh: (isFromEmpty) => discovery.refresh(isFromEmpty),
    close: () => discovery.close(),
    get refused() {
      const all = discovery.links.map(({ link, counts }) => ({ interfaceName: link.name, count: counts.prefixes }));
      return all.filter(({ count }) => count > 0);
    },
  };
}

/** Rule D-08: a check comes before the use of what only DNS says; a router's word counts without. */
const isKnown = ({ source, isReachable }: Candidate): boolean => source !== 'dns' || isReachable !== null;

/** Outcomes that are remembered. */
const OUTCOMES_MAX = 256;
/** What a stranger may cause as often as he likes is said again after this long. */
const AGAIN_MS = 60_000;

/** Lets a rising count through now and then, for each interface. @returns by how much it rose, or 0 where nothing is to be said */
function seldom(): (interfaceName: string, count: number, nowMs: number) => number {
  const said = new Map<string, { readonly count: number; readonly atMs: number }>();
  return (interfaceName, count, nowMs) => {
    const last = said.get(interfaceName) ?? { count: 0, atMs: Number.NEGATIVE_INFINITY };
    // A link that came anew counts from 0.
    const rise = count < last.count ? count : count - last.count;
    if (rise === 0 || nowMs - last.atMs < AGAIN_MS) return 0;
    said.set(interfaceName, { count, atMs: nowMs });
    return rise;
  };
}

/** A link that comes up cannot be asked for a second or two (duplicate address detection): only what lasts so long is a trouble. */
const PASSING_MS = 3000;

/** Says each trouble once, floods and refusals now and then, and each outcome of a check when it is another one than before. */
function onlyNews(listener: PrefixListener) {
  const troubles = new Set<string>();
  const outcomes = new Map<string, boolean>();
  /** Since when something is wrong with an interface. */
  const begun = new Map<string, number>();
  const [floods, refusals] = [seldom(), seldom()];
  return {
    flood: (interfaceName: string, count: number, nowMs: number): void => {
      if (floods(interfaceName, count, nowMs) === 0) return;
      listener.flooded({ interface: interfaceName }, `${interfaceName}: more advertisements than are looked at`);
    },
    refused: (interfaceName: string, count: number, nowMs: number): void => {
      const prefixes = refusals(interfaceName, count, nowMs);
      if (prefixes === 0) return;
      const what = prefixes === 1 ? '1 prefix' : `${prefixes} prefixes`;
      listener.refused(
        { interface: interfaceName, prefixes },
        `${interfaceName}: ${what} not kept, unusable or too many`,
      );
    },
    trouble: (interfaceName: string, text: string): void => {
      if (troubles.has(`${interfaceName} ${text}`)) return;
      troubles.add(`${interfaceName} ${text}`);
      listener.trouble({ interface: interfaceName }, `${interfaceName}: ${text}`);
    },
    /** What may pass by itself, where it has lasted; null: nothing is wrong. */
    passing(interfaceName: string, text: string | null, nowMs: number): void {
      if (text === null) begun.delete(interfaceName);
      else if (!begun.has(interfaceName)) begun.set(interfaceName, nowMs);
      else if (nowMs - (begun.get(interfaceName) ?? nowMs) >= PASSING_MS) this.trouble(interfaceName, text);
    },
    checked: ({
      interfaceName,
      prefix: { address, length },
      isReachable,
    }: DiscoveryEvent & { kind: 'checked' }): void => {
      const prefix = formatPrefix6({ address, length });
      const key = `${interfaceName} ${prefix}`;
      if (outcomes.get(key) === isReachable) return;
      if (outcomes.size >= OUTCOMES_MAX) outcomes.clear(); // told again at worst
      outcomes.set(key, isReachable);
      listener.checked({ prefix, interface: interfaceName }, isReachable);
    },
  };
}
