// Discovery as the client's source of prefixes.

import type { Clock } from '../discovery/clock.ts';
import type { DiscoveryEvent } from '../discovery/discovery.ts';
import { startDiscovery } from '../discovery/discovery.ts';
import type { DiscoveryPlatform } from '../platform/discovery-platform.ts';
import type { PrefixListener, PrefixSource } from './prefix-source.ts';

/** What discovery needs. */
export interface DiscoveryContext {
  readonly platform: DiscoveryPlatform;
  readonly clock: Clock;
  /** Only this interface; null: all. */
  readonly only: string | null;
}

/** Discovers the prefixes of all links. */
export function discoveredPrefixes(context: DiscoveryContext, listener: PrefixListener): PrefixSource {
  const told = new Set<string>();
  // Events may come before startDiscovery() returns; what they say is read right after it.
  let isStarted = false;
  const onEvent = ({ kind }: DiscoveryEvent): void => {
    if (!isStarted || kind === 'link-up') return;
    tellTrouble();
    listener.offers(discovery.links.flatMap(({ link }) => discovery.candidates(link.name)));
  };
  const tellTrouble = (): void => {
    for (const { link, listening, trouble } of discovery.links) {
      const text = listening.state === 'yes' ? trouble : listening.cause.message;
      if (text === null || told.has(`${link.name} ${text}`)) continue;
      told.add(`${link.name} ${text}`);
      listener.trouble({ interface: link.name }, `${link.name}: ${text}`);
    }
  };
  const discovery = startDiscovery({ ...context, configured: null, check: null, asksDnsBesideRa: false, onEvent });
  isStarted = true;
  onEvent({ kind: 'changed' });
  return discovery;
}
