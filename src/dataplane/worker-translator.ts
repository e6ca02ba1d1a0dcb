// The translator of one worker among several: its share of what the settings allow all of them together, and what lasts when new
// settings replace it.

import type { Lease } from '../core/address/dynamic-pool.ts';
import { FragmentTable } from '../core/nat64/fragments.ts';
import { Nat64State } from '../core/nat64/nat64-state.ts';
import { Nat64Path } from '../core/nat64/packet-path.ts';
import type { Nat64Settings } from '../core/nat64/settings.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { Translator } from '../core/translate/translator.ts';
import { clockMs } from './clock.ts';
import { makeRandomWords } from './random-words.ts';

/** Who a translator is made for. */
export interface WorkerShare {
  readonly settings: TranslatorSettings;
  /** Stateful NAT64; its tables are not shared, so there is one worker then. */
  readonly nat64?: Nat64Settings | undefined;
  /** Workers that translate by these settings. */
  readonly workers: number;
}

/** Rule T-E-02: the rate of own errors is that of the translator as a whole, whatever its number of queues. */
const settingsOf = ({ settings, workers }: WorkerShare): TranslatorSettings => ({
  ...settings,
  errorsPerSecond: settings.errorsPerSecond / workers,
});

/**
 * A worker's first translator.
 * @param seed initial IPv4 identification
 * @param leases of an earlier run
 */
export function makeTranslator(share: WorkerShare, seed: number, leases: readonly Lease[]): Translator {
  return madeWith(share, seed, leases, makeNat64(share));
}

/**
 * The translator after `before`, between two packets: identifications, leases, rate limits and NAT64's sessions go on where they
 * were; sessions that the new settings have no room for end (rule N-12).
 */
export function replaceTranslator(before: Translator, share: WorkerShare): Translator {
  const nat64 = before.nat64 === null ? makeNat64(share) : continueNat64(before.nat64, share);
  const next = madeWith(share, before.nextIdentification(0), before.map.pool.leases(), nat64);
  next.continueLimits(before);
  return next;
}

function madeWith(share: WorkerShare, seed: number, leases: readonly Lease[], nat64: Nat64Path | null): Translator {
  const translator = new Translator(settingsOf(share), seed, nat64);
  translator.map.pool.restore(leases);
  return translator;
}

function makeNat64({ nat64, settings }: WorkerShare): Nat64Path | null {
  if (nat64 === undefined) return null;
  const random = makeRandomWords();
  const fragments = new FragmentTable(fragmentLimits(nat64), random);
  return new Nat64Path(new Nat64State(nat64, random, clockMs()), fragments, nat64, settings);
}

function continueNat64({ state, fragments }: Nat64Path, { nat64, settings }: WorkerShare): Nat64Path | null {
  if (nat64 === undefined) return null;
  state.reconfigure(nat64, clockMs());
  fragments.reconfigure(fragmentLimits(nat64));
  return new Nat64Path(state, fragments, nat64, settings);
}

const fragmentLimits = ({ timers, limits }: Nat64Settings) => ({ ...limits, fragmentMs: timers.fragmentMs });
