// Asks one resolver again and again: until it answers, and then before its answer expires (rule D-06).
//
//     asking ──answer──▶ answered ──10 s before its end──▶ asking
//        │ no answer                                         ▲
//        └──▶ failed ──after 5, 10, 20, 40, 60, 60 … s───────┘

import type { Prefix6 } from '../core/translate/settings.ts';
import type { Resolver } from '../platform/discovery-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { Exchange, ExchangeContext } from './dns-exchange.ts';
import type { DnsReading } from './dns-message.ts';

/** Waiting for an answer, try by try; each has an ID and a port of its own. */
const TRY_TIMEOUTS_MS: readonly number[] = [1000, 2000];
/** After a failure; doubled each time up to the second. */
const RETRY_MIN_MS = 5000;
const RETRY_MAX_MS = 60_000;
/** After "there is no NAT64". */
const NO_NAT64_MS = 300_000;
/** How long before its end an answer is asked for anew. */
const REFRESH_BEFORE_MS = 10_000;
/** A shorter TTL counts as this: it would only make the prefix come and go. */
const TTL_MIN_SECONDS = 60;
/** A longer one counts as this. */
const TTL_MAX_SECONDS = 86_400;

/** What a resolver said last. */
export type ProbeState =
  | { readonly state: 'asking' }
  | { readonly state: 'prefixes'; readonly prefixes: readonly Prefix6[]; readonly validUntilMs: number }
  | { readonly state: 'no-nat64'; readonly why: string }
  | { readonly state: 'failed'; readonly why: string };

/** Probes one resolver until closed. */
export class ResolverProbe {
  /** Whom it asks; its owner may change who names it, not where it is. */
  resolver: Resolver;
  readonly #context: ExchangeContext;
  readonly #exchange: Exchange;
  readonly #changed: (state: ProbeState) => void;
  #pending: Closable | null = null;
  #failures = 0;
  /** Whether a question is under way. */
  isAsking = false;
  /** The last outcome. It stays while the next question is under way. */
  state: ProbeState = { state: 'asking' };

  /** @param changed told of each outcome, also of one like the last */
  constructor(resolver: Resolver, context: ExchangeContext, exchange: Exchange, changed: (state: ProbeState) => void) {
    this.resolver = resolver;
    this.#context = context;
    this.#exchange = exchange;
    this.#changed = changed;
  }

  /** Whether nothing is under way or planned. */
  get isIdle(): boolean {
    return this.#pending === null;
  }

  /** Asks now, whatever was planned. */
  ask(): void {
    this.close();
    this.isAsking = true;
    this.#try(0);
  }

  /** Ends what is under way. `ask()` begins anew. */
  close(): void {
    this.#pending?.close();
    this.#pending = null;
    this.isAsking = false;
  }

  #try(attempt: number): void {
    const timeoutMs = TRY_TIMEOUTS_MS[attempt] ?? RETRY_MIN_MS;
    this.#pending = this.#exchange(this.resolver, timeoutMs, this.#context, (reading) => {
      if (reading.kind === 'failed' && attempt + 1 < TRY_TIMEOUTS_MS.length) this.#try(attempt + 1);
      else this.#outcome(reading);
    });
  }

  #outcome(reading: DnsReading): void {
    const { state, againMs } = this.#judge(reading);
    this.state = state;
    this.isAsking = false;
    this.#pending = this.#context.clock.after(againMs, () => this.ask());
    this.#changed(state);
  }

  /** What an outcome means, and when to ask again. */
  #judge(reading: DnsReading): { readonly state: ProbeState; readonly againMs: number } {
    if (reading.kind === 'prefixes' || reading.kind === 'no-nat64') this.#failures = 0;
    switch (reading.kind) {
      case 'prefixes': {
        const ttlMs = Math.min(Math.max(reading.ttlSeconds, TTL_MIN_SECONDS), TTL_MAX_SECONDS) * 1000;
        const validUntilMs = this.#context.clock.now() + ttlMs;
        return {
          state: { state: 'prefixes', prefixes: reading.prefixes, validUntilMs },
          againMs: ttlMs - REFRESH_BEFORE_MS,
        };
      }
      case 'no-nat64':
        return { state: { state: 'no-nat64', why: reading.why }, againMs: NO_NAT64_MS };
      default: {
        const againMs = Math.min(RETRY_MIN_MS * 2 ** this.#failures, RETRY_MAX_MS);
        this.#failures += 1;
        return { state: { state: 'failed', why: reading.kind === 'failed' ? reading.why : reading.kind }, againMs };
      }
    }
  }
}
