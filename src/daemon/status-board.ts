// What a role knows about itself, as the control API's snapshot. Nothing is computed until somebody asks.

import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { Status, StatusCounters, StatusState } from '../contract/status.ts';
import type { Prefix4, TranslatorSettings } from '../core/translate/settings.ts';
import { isDrop, VERDICTS } from '../core/translate/verdict.ts';
import type { CounterSnapshot } from '../dataplane/counters.ts';
import type { DataPlane } from '../dataplane/dataplane.ts';
import type { TunDevice } from '../platform/select.ts';

/** A data path that runs. */
export interface DataPath {
  readonly device: TunDevice;
  readonly dataPlane: DataPlane;
  /** Whether merging was asked for. */
  readonly coalesce: boolean;
}

/** Who this daemon is. */
export type Identity = Status['daemon'];

/** What a role knows about itself at a moment. */
export interface RoleFacts {
  readonly state: Omit<StatusState, 'sinceMs'>;
  /** null: the translator's own, as the settings have them. */
  readonly addresses: Status['addresses'] | null;
  readonly uplink: Status['uplink'];
  /** Where the prefix came from; left out: the configuration names it. */
  readonly prefix?: Status['prefix'];
  /** What a client has to choose from; left out: it is none. */
  readonly offers?: Status['offers'];
  /** What the translator works by; null before it does. */
  readonly settings: TranslatorSettings | null;
  /** Left out: it is no gateway. */
  readonly gateway?: Status['gateway'];
  /** null: no data path runs. */
  readonly dataPath: DataPath | null;
}

/** The snapshot of one role. */
export class StatusBoard {
  readonly identity: Identity;
  readonly #facts: () => RoleFacts;
  #state: StatusState;

  /** @param facts reads what the role knows now */
  constructor(identity: Identity, facts: () => RoleFacts) {
    this.identity = identity;
    this.#facts = facts;
    this.#state = { ...facts().state, sinceMs: Date.now() };
  }

  /** The data path, if one runs. */
  get dataPath(): DataPath | null {
    return this.#facts().dataPath;
  }

  /** Looks at the role's state, so that it is known since when it is so. To be called when it may have changed. */
  look(): void {
    const { state } = this.#facts();
    const isSame = state.name === this.#state.name && state.reason === this.#state.reason;
    this.#state = { ...state, sinceMs: isSame ? this.#state.sinceMs : Date.now() };
  }

  /** The snapshot but for its rates. */
  status(): Omit<Status, 'rates'> {
    this.look();
    const { settings, dataPath, addresses, uplink, prefix, offers = null, gateway = null } = this.#facts();
    return {
      daemon: this.identity,
      state: this.#state,
      prefix: prefix === undefined && settings !== null ? prefixOf(settings) : (prefix ?? null),
      offers,
      addresses: addresses ?? ownAddresses(settings),
      mappings: mappingsOf(settings),
      device: dataPath === null || settings === null ? null : deviceOf(dataPath, settings),
      uplink,
      gateway,
      counters: dataPath === null ? null : countersOf(dataPath.dataPlane.counters()),
    };
  }
}

const prefixOf = ({ prefix }: TranslatorSettings): Status['prefix'] =>
  prefix === null ? null : { prefix: formatPrefix6(prefix), source: 'configuration', validUntilMs: null };

function ownAddresses(settings: TranslatorSettings | null): Status['addresses'] {
  if (settings === null) return { ipv4: null, ipv6: null };
  const { ownIpv4, ownIpv6 } = settings;
  return { ipv4: ownIpv4 === 0 ? null : formatIpv4(ownIpv4), ipv6: ownIpv6 === null ? null : formatIpv6(ownIpv6) };
}

const addressCount = (ranges: readonly Prefix4[]): number =>
  ranges.reduce((sum, { length }) => sum + 2 ** (32 - length), 0);

const mappingsOf = (settings: TranslatorSettings | null): Status['mappings'] => ({
  explicit: settings?.mappings.length ?? 0,
  poolAddresses: addressCount(settings?.dynamicPool ?? []),
});

function deviceOf({ device, coalesce }: DataPath, settings: TranslatorSettings): Status['device'] {
  const { vnetHeader, tcpSegmentation, udpSegmentation } = device.capabilities;
  return {
    name: device.name,
    ipv4MtuBytes: settings.ipv4Mtu,
    ipv6MtuBytes: settings.ipv6Mtu,
    queues: device.queues.length,
    offload: { vnetHeader, tcpSegmentation, udpSegmentation },
    isCoalescing: coalesce && (tcpSegmentation || udpSegmentation),
    notes: device.notes,
  };
}

function countersOf(snapshot: CounterSnapshot): StatusCounters {
  const { batches: _batches, verdicts: byName, ...counters } = snapshot;
  const verdicts = VERDICTS.flatMap(([name, rule, text], verdict) => {
    const count = byName[name];
    return count === undefined ? [] : [{ name, rule, text, isDrop: isDrop(verdict), ...count }];
  });
  return { ...counters, verdicts };
}
