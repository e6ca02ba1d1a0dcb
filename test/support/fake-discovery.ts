// A clock that tests turn by hand, and a platform for discovery that sends nothing and hears what the test says.

import { connect, type Socket } from 'node:net';
import type { Clock } from '../../src/discovery/clock.ts';
import type { Exchange } from '../../src/discovery/dns-exchange.ts';
import type { DnsReading } from '../../src/discovery/dns-message.ts';
import type {
  DiscoveryLink,
  DiscoveryPlatform,
  Resolver,
  RouterSocketEvents,
} from '../../src/platform/discovery-platform.ts';
import { ip6 } from './addresses.ts';
import { messageOf, type RaOrder } from './ra-message.ts';

/** A clock that stands still until turned. */
export class TurnedClock implements Clock {
  #nowMs = 0;
  #timers: { atMs: number; call: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): { close(): void } {
    const timer = { atMs: this.#nowMs + ms, call };
    this.#timers.push(timer);
    return {
      close: () => {
        this.#timers = this.#timers.filter((t) => t !== timer);
      },
    };
  }

  /** Turns it on, timer by timer; what is under way between two of them (promises) gets its turn. */
  async turn(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const next = this.#timers.sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > endMs) break;
      this.#timers.shift();
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.call();
    }
    this.#nowMs = endMs;
  }

  /** Sets it forward without a timer, as sleep does. */
  jump(ms: number): void {
    this.#nowMs += ms;
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }
}

/** One question that was asked. */
export interface Asked {
  readonly resolver: string;
  readonly atMs: number;
}

/** A host whose links, routers and resolvers are the test's. */
export class FakeNetwork implements DiscoveryPlatform {
  readonly clock = new TurnedClock();
  readonly solicitedAtMs: number[] = [];
  readonly asked: Asked[] = [];
  present: DiscoveryLink[] = [link('eth0')];
  systemResolvers: Resolver[] = [];
  /** What each resolver answers; one that is not here does not answer. */
  answers = new Map<string, DnsReading>();
  openFailure: Error | null = null;
  solicitFailure: Error | null = null;
  readonly sockets = new Map<string, RouterSocketEvents>();
  #changed: () => void = () => undefined;

  links(): readonly DiscoveryLink[] {
    return this.present;
  }

  openRouterSocket(on: DiscoveryLink, events: RouterSocketEvents) {
    if (this.openFailure !== null) throw this.openFailure;
    this.sockets.set(on.name, events);
    return {
      close: () => void this.sockets.delete(on.name),
      solicit: () => {
        if (this.solicitFailure !== null) throw this.solicitFailure;
        this.solicitedAtMs.push(this.clock.now());
      },
    };
  }

  async resolvers(): Promise<readonly Resolver[]> {
    return this.systemResolvers;
  }

  tieToLink(): void {
    // The fake exchange has no socket to tie.
  }

  /** No namespace, so no link to tie it to. */
  connectTcp(_link: unknown, address: string, port: number): Socket {
    return connect(port, address);
  }

  watchNetwork(changed: () => void) {
    this.#changed = changed;
    return { close: () => undefined };
  }

  readonly exchange: Exchange = (resolver, timeoutMs, { clock }, done) => {
    this.asked.push({ resolver: resolver.address, atMs: clock.now() });
    const answer = this.answers.get(resolver.address);
    return clock.after(answer === undefined ? timeoutMs : 10, () =>
      done(answer ?? { kind: 'failed', why: 'no answer' }),
    );
  };

  /** Hands an advertisement to who listens on eth0. */
  ra(order: Omit<RaOrder, 'device'>, source = 'fe80::1', hopLimit = 255): void {
    this.sockets.get('eth0')?.received({ bytes: messageOf(order), source: ip6(source), hopLimit });
  }

  networkChanged(): void {
    this.#changed();
  }
}

/** A link with a MAC address. */
export const link = (name: string, addresses: readonly string[] = ['2001:db8::10', 'fe80::10']): DiscoveryLink => ({
  name,
  index: 2,
  linkAddress: Uint8Array.of(2, 0, 0, 0, 0, 1),
  addresses,
});
