// Rates: two readings of the counters and the time between them. It runs while somebody is subscribed and never else, because
// an idle daemon does not wake up.

import { type Reading, ratesBetween } from '../contract/rates.ts';
import type { StatusCounters, StatusRates } from '../contract/status.ts';
import type { Clock } from './clock.ts';

/** The first rates come soon, so that `status` has some to show. */
const FIRST_MS = 250;
const EVERY_MS = 1000;

/** Reads the counters each second from `start` to `stop`. */
export class Sampler {
  readonly #clock: Clock;
  readonly #read: () => StatusCounters | null;
  readonly #sampled: () => void;
  #last: Reading | null = null;
  #rates: StatusRates | null = null;
  #cancel: (() => void) | null = null;

  /** @param sampled called after each reading */
  constructor(clock: Clock, read: () => StatusCounters | null, sampled: () => void) {
    this.#clock = clock;
    this.#read = read;
    this.#sampled = sampled;
  }

  /** The rates of the last interval; null while there are none. */
  get rates(): StatusRates | null {
    return this.#rates;
  }

  /** Begins, if it does not run. */
  start(): void {
    if (this.#cancel !== null) return;
    this.#last = this.#reading();
    this.#cancel = this.#clock.after(FIRST_MS, () => this.#sample());
  }

  /** Ends; the rates are forgotten. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#rates = null;
  }

  #reading(): Reading | null {
    const counters = this.#read();
    return counters === null ? null : { counters, atMs: this.#clock.nowMs() };
  }

  #sample(): void {
    const next = this.#reading();
    this.#rates = this.#last === null || next === null ? null : ratesBetween(this.#last, next);
    this.#last = next;
    this.#cancel = this.#clock.after(EVERY_MS, () => this.#sample());
    this.#sampled();
  }
}
