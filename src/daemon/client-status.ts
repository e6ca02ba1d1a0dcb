// The client's part of the snapshot, from what the client says about itself.

import type { ClientState, PrefixInUse } from '../client/running-client.ts';
import { REASONS } from '../contract/reasons.ts';
import type { Status, StatusState } from '../contract/status.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { systemClock } from '../discovery/clock.ts';
import type { DataPath, RoleFacts } from './status-board.ts';

/** The client's data path as its owner keeps it. */
export interface ClientDataPath {
  settings: TranslatorSettings | null;
  dataPath: DataPath | null;
}

/** What a client knows about itself. */
export function clientFacts(state: ClientState, { settings, dataPath }: ClientDataPath): RoleFacts {
  const isRunning = state.state === 'running';
  return {
    state: stateOf(state),
    addresses: isRunning ? { ipv4: state.ipv4, ipv6: state.clat } : { ipv4: null, ipv6: null },
    uplink: isRunning
      ? { name: state.uplink, kind: state.uplinkKind, mtuBytes: settings?.ipv6Mtu ?? 0, source: state.source }
      : null,
    prefix: isRunning ? prefixOf(state.prefix) : null,
    settings,
    dataPath,
  };
}

const SOURCES = { static: 'configuration', ra: 'router-advertisement', dns: 'dns' } as const;

/** The client's deadlines are on a clock that counts from the start of the host; the snapshot's are those of the calendar. */
function prefixOf({ prefix, source, validUntilMs, isReachable }: PrefixInUse): Status['prefix'] {
  const endsMs = Date.now() + validUntilMs - systemClock.now();
  const untilMs = Number.isFinite(endsMs) ? Math.round(endsMs) : null;
  const checked = isReachable === null ? {} : { isReachable };
  return { prefix, source: SOURCES[source], validUntilMs: untilMs, ...checked };
}

function stateOf(state: ClientState): Omit<StatusState, 'sinceMs'> {
  switch (state.state) {
    case 'starting':
      return described('starting', 'client-starting');
    case 'waiting':
      return { name: 'waiting', reason: state.reason, text: state.why };
    case 'running':
      return described('running', 'client-ready');
    case 'stopping':
      return described('stopping', 'client-stopping');
    case 'stopped':
      return {
        name: 'stopped',
        reason: state.reason,
        text: state.reason === 'client-failed' ? state.why : REASONS[state.reason],
      };
    default:
      return state satisfies never;
  }
}

const described = (name: string, reason: keyof typeof REASONS): Omit<StatusState, 'sinceMs'> => ({
  name,
  reason,
  text: REASONS[reason],
});
