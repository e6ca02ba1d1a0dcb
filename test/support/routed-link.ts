// Discovery on one link with routers that answer solicitations, until they vanish, on a turned clock.

import type { TestContext } from 'node:test';
import {
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
  startDiscovery,
} from '../../src/discovery/discovery.ts';
import { discoveryReport } from '../../src/discovery/report.ts';
import { text6 } from './addresses.ts';
import { FakeNetwork } from './fake-discovery.ts';
import type { RaOrder } from './ra-message.ts';

/** RFC 4861 §6.2.6: a router answers within MAX_RA_DELAY_TIME, or MIN_DELAY_BETWEEN_RAS after its last advertisement. */
const ANSWER_MS = 3500;

/** An advertisement of one prefix. */
export const offer = (prefix: string, lifetimeSeconds = 60_000) => ({ pref64: [{ prefix, lifetimeSeconds }] });

/** The link, with discovery that has just started on it. */
export class Link {
  readonly net = new FakeNetwork();
  readonly discovery: Discovery;
  readonly events: DiscoveryEvent[] = [];
  readonly #answers = new Map<string, Omit<RaOrder, 'device'>>();
  #answered = 0;

  constructor(t: TestContext, options: Partial<DiscoveryOptions> = {}) {
    this.discovery = startDiscovery({
      platform: this.net,
      clock: this.net.clock,
      exchange: this.net.exchange,
      only: null,
      configured: null,
      check: null,
      asksDnsBesideRa: false,
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    t.after(() => this.discovery.close());
  }

  /** A router that advertises now and answers from now on. */
  async join(router: string, says: Omit<RaOrder, 'device'>): Promise<void> {
    this.#answers.set(router, says);
    this.net.ra(says, router);
    await this.turn(0);
  }

  /** It answers from now on; what was solicited before, it did not hear. */
  comeBack(router: string, says: Omit<RaOrder, 'device'>): void {
    this.#answers.set(router, says);
    this.#answered = this.net.solicitedAtMs.length;
  }

  vanish(router: string): void {
    this.#answers.delete(router);
  }

  /** Turns the clock in steps of half a second; solicitations are answered so long after they came. */
  async turn(ms: number): Promise<void> {
    const { clock, solicitedAtMs } = this.net;
    for (const endMs = clock.now() + ms; ; ) {
      const due = solicitedAtMs.findLastIndex((atMs) => atMs + ANSWER_MS <= clock.now()) + 1;
      if (due > this.#answered) for (const [router, says] of this.#answers) this.net.ra(says, router);
      this.#answered = Math.max(this.#answered, due);
      if (clock.now() >= endMs) break;
      await clock.turn(Math.min(500, endMs - clock.now()));
    }
  }

  /** The prefix on eth0; without one the reason. */
  get chosen(): string {
    const { candidate, reason } = this.discovery.choice('eth0');
    return candidate === null ? reason : `${text6(candidate.prefix.address)}/${candidate.prefix.length}`;
  }

  get silent(): string[] {
    const routers = discoveryReport(this.discovery).interfaces[0]?.routers ?? [];
    return routers.filter((r) => r.isSilent).map((r) => r.router);
  }

  /** Prefixes that were chosen, one after the other. */
  get choices(): string[] {
    return this.events.flatMap((e) =>
      e.kind === 'chosen' && e.choice.candidate !== null ? [text6(e.choice.candidate.prefix.address)] : [],
    );
  }
}
