// Discovery as the client's source of prefixes.

import { formatPrefix6 } from '../config/addresses.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import type { DiscoveryEvent, DiscoveryOptions } from '../discovery/discovery.ts';
import { startDiscovery } from '../discovery/discovery.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
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
  // Events may come before startDiscovery() returns; what they say is read right after it.
  let isStarted = false;
  const onEvent = (event: DiscoveryEvent): void => {
    if (!isStarted || event.kind === 'link-up') return;
    tellTrouble();
    if (event.kind === 'checked') tell.checked(event);
    const all = discovery.links.flatMap(({ link }) => discovery.candidates(link.name));
    listener.offers(all.filter((candidate) => context.check === null || isKnown(candidate)));
  };
  const tellTrouble = (): void => {
    for (const { link, listening, trouble, counts } of discovery.links) {
      const text = listening.state === 'yes' ? trouble : listening.cause.message;
      if (text !== null) tell.trouble(link.name, text);
      tell.flood(link.name, counts.floods, discovery.clock.now());
    }
  };
  const discovery = startDiscovery({ ...context, configured: null, asksDnsBesideRa: false, onEvent });
  isStarted = true;
  onEvent({ kind: 'changed' });
  return discovery;
}

/** Rule D-08: a check comes before the use of what only DNS says; a router's word counts without. */
const isKnown = ({ source, isReachable }: Candidate): boolean => source !== 'dns' || isReachable !== null;

/** Outcomes that are remembered. */
const OUTCOMES_MAX = 256;
/** A flood that goes on, or another one, is said again after this long. */
const FLOOD_AGAIN_MS = 60_000;

/** Says each trouble once, a flood now and then, and each outcome of a check when it is another one than before. */
function onlyNews(listener: PrefixListener) {
  const troubles = new Set<string>();
  const outcomes = new Map<string, boolean>();
  const floods = new Map<string, { readonly count: number; readonly saidAtMs: number }>();
  return {
    flood: (interfaceName: string, count: number, nowMs: number): void => {
      const said = floods.get(interfaceName) ?? { count: 0, saidAtMs: Number.NEGATIVE_INFINITY };
      if (count === said.count || nowMs - said.saidAtMs < FLOOD_AGAIN_MS) return;
      floods.set(interfaceName, { count, saidAtMs: nowMs });
      listener.flooded({ interface: interfaceName }, `${interfaceName}: more advertisements than are looked at`);
    },
    trouble: (interfaceName: string, text: string): void => {
      if (troubles.has(`${interfaceName} ${text}`)) return;
      troubles.add(`${interfaceName} ${text}`);
      listener.trouble({ interface: interfaceName }, `${interfaceName}: ${text}`);
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
