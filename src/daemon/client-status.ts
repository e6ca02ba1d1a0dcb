// The client's part of the snapshot, from what the client says about itself.

import type { ClientOffers } from '../client/offers.ts';
import type { ClientState, PrefixInUse, RunningClient } from '../client/running-client.ts';
import { formatPrefix6 } from '../config/addresses.ts';
import { REASONS } from '../contract/reasons.ts';
import { OFFERS_MAX, type Status, type StatusOffer, type StatusOffers, type StatusState } from '../contract/status.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { systemClock } from '../discovery/clock.ts';
import type { DataPath, RoleFacts } from './status-board.ts';

/** The client's data path as its owner keeps it. */
export interface ClientDataPath {
  settings: TranslatorSettings | null;
  dataPath: DataPath | null;
}

/** What a client knows about itself. */
export function clientFacts(
  { state, offers }: Pick<RunningClient, 'state' | 'offers'>,
  { settings, dataPath }: ClientDataPath,
): RoleFacts {
  const isRunning = state.state === 'running';
  return {
    state: stateOf(state),
    addresses: isRunning ? { ipv4: state.ipv4, ipv6: state.clat } : { ipv4: null, ipv6: null },
    uplink: isRunning
      ? { name: state.uplink, kind: state.uplinkKind, mtuBytes: settings?.ipv6Mtu ?? 0, source: state.source }
      : null,
    prefix: isRunning ? prefixOf(state.prefix) : null,
    offers: offersOf(offers),
    settings,
    dataPath,
  };
}

const SOURCES = { static: 'configuration', ra: 'router-advertisement', dns: 'dns' } as const;

/** The client's deadlines are on a clock that counts from the start of the host; the snapshot's are those of the calendar. */
function calendarMs(deadlineMs: number): number | null {
  const endsMs = Date.now() + deadlineMs - systemClock.now();
  // To the second: the two clocks tick differently, and what has not changed is not to look as if it had.
  return Number.isFinite(endsMs) ? 1000 * Math.round(endsMs / 1000) : null;
}

function prefixOf({ prefix, source, validUntilMs, isReachable }: PrefixInUse): Status['prefix'] {
  const checked = isReachable === null ? {} : { isReachable };
  return { prefix, source: SOURCES[source], validUntilMs: calendarMs(validUntilMs), ...checked };
}

const PREFERENCES: Readonly<Record<number, StatusOffer['preference']>> = { 1: 'high', 0: 'medium', [-1]: 'low' };

/** The chosen ones first: there may be more than fit. */
const byChoice = (chosen: ClientOffers['chosen'], candidates: readonly Candidate[]): Candidate[] =>
  [...candidates].sort((a, b) => Number(chosen.has(b)) - Number(chosen.has(a)));

const offersOf = ({ candidates, chosen, refused }: ClientOffers): StatusOffers => ({
  candidates: byChoice(chosen, candidates)
    .slice(0, OFFERS_MAX)
    .map((c) => offerOf(c, chosen.has(c))),
  refused: refused
    .slice(0, OFFERS_MAX)
    .map(({ interfaceName, count }) => ({ interface: interfaceName, prefixes: count })),
});

function offerOf(candidate: Candidate, isChosen: boolean): StatusOffer {
  const { interfaceName, prefix, source, origin, validUntilMs, isReachable, isDefaultRouter, isSilent } = candidate;
  const isRouters = source === 'ra';
  return {
    interface: interfaceName,
    prefix: formatPrefix6(prefix),
    source: SOURCES[source],
    origin,
    validUntilMs: calendarMs(validUntilMs),
    preference: isRouters ? (PREFERENCES[candidate.preference] ?? 'medium') : null,
    isDefaultRouter: isRouters ? isDefaultRouter : null,
    isSilent: isRouters ? isSilent : null,
    isReachable,
    isChosen,
  };
}

function stateOf(state: ClientState): Omit<StatusState, 'sinceMs'> {
  switch (state.state) {
    case 'starting':
      return described('starting', 'client-starting');
    case 'waiting':
      return { name: 'waiting', reason: state.reason, text: state.why, ...retryOf(state), ...problemsOf(state) };
    case 'running':
      return { ...described('running', 'client-ready'), ...problemsOf(state) };
    case 'stopping':
      return described('stopping', 'client-stopping');
    case 'stopped':
      return {
        name: 'stopped',
        reason: state.reason,
        text: state.reason === 'client-off' ? REASONS[state.reason] : state.why,
        ...problemsOf(state),
      };
    default:
      return state satisfies never;
  }
}

const problemsOf = ({ problems }: Extract<ClientState, { problems: unknown }>): Pick<StatusState, 'problems'> =>
  problems.length === 0 ? {} : { problems };

/** To the second: the two clocks do not go so exactly alike that it would be the same number each time. */
function retryOf({ retryAtMs }: Extract<ClientState, { state: 'waiting' }>): Pick<StatusState, 'retryMs'> {
  if (retryAtMs === null) return {};
  return { retryMs: 1000 * Math.ceil((Date.now() + retryAtMs - systemClock.now()) / 1000) };
}

const described = (name: string, reason: keyof typeof REASONS): Omit<StatusState, 'sinceMs'> => ({
  name,
  reason,
  text: REASONS[reason],
});
