// The translator of one worker among several: its share of what the settings allow all of them together, and what lasts when new
// settings replace it.

import type { Lease } from '../core/address/dynamic-pool.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { Translator } from '../core/translate/translator.ts';

/** Who a translator is made for. */
export interface WorkerShare {
  readonly settings: TranslatorSettings;
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
  const translator = new Translator(settingsOf(share), seed);
  translator.map.pool.restore(leases);
  return translator;
}

/** The translator after `before`, between two packets: identifications, leases and rate limits go on where they were. */
export function replaceTranslator(before: Translator, share: WorkerShare): Translator {
  const next = makeTranslator(share, before.nextIdentification(0), before.map.pool.leases());
  next.continueLimits(before);
  return next;
}
