// A hundred thousand random lives with a fake clock: prefixes, routes, native IPv4, sleep, failures, duplicates, the user, in any
// order and at any time, on a host that carries the effects out one by one. Whatever happens: no invalid state, no change that
// stays behind, no effect after the end, always back to idle. A failure names the seed of its life.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASONS } from '../../src/contract/reasons.ts';
import type { Effect } from '../../src/core/lifecycle/effect.ts';
import type { ClatEvent } from '../../src/core/lifecycle/event.ts';
import { initialLifecycle, type Lifecycle } from '../../src/core/lifecycle/state.ts';
import { step } from '../../src/core/lifecycle/step.ts';
import type { Target } from '../../src/core/lifecycle/way.ts';
import type { Candidate } from '../../src/core/pref64/candidate.ts';
import { Random } from '../fuzz/random.ts';
import { address, FAILURE, type Net, offer, SETTINGS, uplink, viewOf } from '../support/lifecycle.ts';

const LIVES = Number(process.env.XLAT464_LIVES ?? 100_000);
/** Events of one life, at most. */
const EVENTS_MAX = 40;
/** Effects of one event, at most: a look, a change of state with its reports, and the timer. */
const EFFECTS_MAX = 8;

type Ticketed = Extract<Effect, { readonly ticket: number }>;

/** Effects that work on the host wait for those before them. */
const isOnHost = (effect: Effect): boolean => effect.effect !== 'claim';

const FAILURES = [
  FAILURE,
  { code: 'REDIRECT_UNAVAILABLE', message: 'refused', isFinal: false },
  { code: 'NOT_PERMITTED', message: 'not permitted', isFinal: true },
];

/** One life: the lifecycle, the host under it, and the world around. */
class Life {
  readonly random: Random;
  life: Lifecycle;
  nowMs = 0;
  net: Net = { route: null };
  pending: Ticketed[] = [];
  /** What is on the host: the interface, and the way that is set up. */
  hasInterface = false;
  hasWay = false;
  /** Whether the user wants it, as far as the lifecycle was told. */
  isWanted = false;

  constructor(seed: number) {
    this.random = new Random(seed);
    this.life = initialLifecycle({
      ...SETTINGS,
      force: this.random.oneIn(8),
      isPatient: !this.random.oneIn(4),
      uplinkMode: this.random.pick(['auto', 'auto', 'redirect', 'forwarding']),
      uplinkName: this.random.oneIn(8) ? 'eth0' : null,
    });
  }

  take(event: ClatEvent): void {
    if (event.event === 'up') this.isWanted = true;
    if (event.event === 'down') this.isWanted = false;
    const { life, effects, reason } = step(this.life, event, this.nowMs);
    this.life = life;
    assert.ok(Object.hasOwn(REASONS, reason), `reason ${reason}`);
    assert.ok(effects.length <= EFFECTS_MAX, effects.map((e) => e.effect).join());
    for (const effect of effects) this.collect(effect);
    this.check(event);
  }

  collect(effect: Effect): void {
    const { state } = this.life.state;
    const isOver = state === 'idle' || state === 'stopping' || state === 'backoff';
    if (!('ticket' in effect)) {
      assert.ok(effect.effect !== 'discover' || !isOver, 'nobody is asked when it is off');
      if (effect.effect === 'set-timer') assert.ok(effect.atMs === null || effect.atMs > this.nowMs);
      if (effect.effect === 'report') assert.ok(Object.hasOwn(REASONS, effect.reason));
      return;
    }
    assert.ok(!isOver || effect.effect === 'tear-down', `${effect.effect} in ${state}`);
    assert.ok(this.pending.every((p) => p.ticket !== effect.ticket));
    this.pending.push(effect);
  }

  /** What holds after each step. */
  check(event: ClatEvent): void {
    const { state, ledger, world } = this.life;
    const waitsFor = (ticket: number): boolean => this.pending.some((p) => p.ticket === ticket);
    if ('ticket' in state) assert.ok(waitsFor(state.ticket), `${state.state} waits for nothing`);
    if (state.state === 'running' && state.repair !== null) assert.ok(waitsFor(state.repair));
    if (world.lookTicket !== null) assert.ok(waitsFor(world.lookTicket), 'a look that nobody makes');
    if (state.state === 'doubting')
      assert.ok(world.lookTicket !== null || world.lookAtMs !== null, 'a doubt without a look');
    if (state.state === 'backoff') assert.equal(ledger.timerMs, state.untilMs);
    if (state.state === 'idle' || state.state === 'backoff') {
      assert.ok(!this.hasInterface && !this.hasWay, `${state.state} after ${event.event}, and the host is changed`);
      assert.ok(!this.pending.some((p) => p.effect === 'attach' || p.effect === 'detach'));
    }
    if (state.state === 'running' && !this.pending.some((p) => p.effect === 'attach')) assert.ok(this.hasWay);
    if (!this.isWanted) assert.ok(state.state === 'idle' || state.state === 'stopping', state.state);
  }

  /** Carries one effect out; those on the host in their order. @param mayFail whether it may also fail */
  carryOut(mayFail: boolean): void {
    const first = this.pending.find(isOnHost);
    const ready = this.pending.filter((p) => p === first || !isOnHost(p));
    if (ready.length === 0) return;
    const effect = this.random.pick(ready);
    this.pending = this.pending.filter((p) => p !== effect);
    const isFailing = mayFail && this.random.oneIn(6);
    this.apply(effect, isFailing);
    this.take(isFailing ? this.failure(effect.ticket) : this.result(effect));
  }

  failure(ticket: number): ClatEvent {
    return { event: 'failed', ticket, failure: this.random.pick(FAILURES) };
  }

  /** What it does to the host; one that fails has done a part. */
  apply({ effect }: Ticketed, isFailing: boolean): void {
    if (effect === 'attach') {
      this.hasInterface = true;
      this.hasWay = this.hasWay || !isFailing || this.random.oneIn(2);
    }
    if (effect === 'detach') this.hasWay = isFailing && this.hasWay;
    if (effect === 'tear-down') {
      this.hasInterface = false;
      this.hasWay = false;
    }
  }

  result(effect: Ticketed): ClatEvent {
    const { ticket } = effect;
    if (effect.effect === 'look') return { event: 'seen', ticket, view: viewOf(this.net, effect.targets as Target[]) };
    if (effect.effect !== 'claim') return { event: 'done', ticket };
    const clat = address(this.random.below(4));
    return { event: this.random.oneIn(5) ? 'taken' : 'claimed', ticket, clat };
  }

  /** Something happens. */
  happen(): void {
    const { random } = this;
    const what = random.below(20);
    if (what < 8) this.carryOut(true);
    else if (what < 11) this.take({ event: 'prefixes', candidates: this.offers() });
    else if (what < 14) {
      this.net = this.network();
      this.take({ event: 'network-changed' });
    } else if (what < 16) this.pass(random.pick([1, 60, 250, 2100, 70_000]));
    else if (what === 16) this.take({ event: 'woke', sleptMs: this.sleep() });
    else if (what === 17) this.take({ event: 'contested', clat: address(random.below(4)) });
    else if (what === 18) this.take(random.oneIn(2) ? { event: 'up' } : { event: 'down' });
    else if (this.hasInterface) this.take({ event: 'data-path-failed', failure: random.pick(FAILURES) });
  }

  /** Time passes, and the timer fires if it was set for then, once or as often as it wants. */
  pass(ms: number): void {
    this.nowMs += ms;
    const { timerMs } = this.life.ledger;
    if (timerMs !== null && timerMs <= this.nowMs) this.take({ event: 'timer' });
  }

  sleep(): number {
    const sleptMs = this.random.below(100_000);
    this.nowMs += sleptMs;
    return sleptMs;
  }

  offers(): Candidate[] {
    const { random } = this;
    const names = ['eth0', 'wlan0', 'docker0', null];
    return Array.from({ length: random.below(4) }, (_, i) => {
      const lasts = random.oneIn(2) ? Number.POSITIVE_INFINITY : this.nowMs + random.below(5000);
      return offer(random.oneIn(20) ? null : random.pick(names), random.below(3), { order: i, validUntilMs: lasts });
    });
  }

  network(): Net {
    const { random } = this;
    const some = () =>
      uplink(random.pick(['eth0', 'wlan0', 'vpn0']), random.below(3), { mtuBytes: random.pick([1280, 1500]) });
    return {
      nativeIpv4: random.oneIn(5) ? 'eth0' : null,
      otherClat: random.oneIn(20) ? { device: 'clat', address: '192.0.0.1' } : null,
      route: random.oneIn(5) ? null : some(),
      own: [some(), some()],
    };
  }

  /** The user has had enough: it must come to rest, whatever is under way. */
  end(): void {
    this.take({ event: 'down' });
    for (let left = 200; this.life.state.state !== 'idle' || this.pending.length > 0; left--) {
      assert.ok(left > 0, `never comes to rest: ${this.life.state.state}`);
      this.carryOut(false);
    }
    assert.equal(this.life.ledger.timerMs, null);
    assert.ok(!this.hasInterface && !this.hasWay);
    const over = structuredClone(this.life.state);
    for (const event of [{ event: 'timer' }, { event: 'network-changed' }, { event: 'woke', sleptMs: 1 }] as const) {
      const { effects } = step(this.life, event, this.nowMs + 1e9);
      assert.deepEqual(effects, [], 'nothing happens after the end');
    }
    assert.deepEqual(this.life.state, over);
  }
}

function live(seed: number): Life {
  const life = new Life(seed);
  try {
    life.take({ event: 'up' });
    for (let left = life.random.below(EVENTS_MAX); left > 0; left--) life.happen();
    life.end();
  } catch (cause) {
    throw new Error(`life ${seed}: ${(cause as Error).message}`, { cause });
  }
  return life;
}

describe('random lives of a CLAT', () => {
  it(`D-15, D-16 ${LIVES} of them: no invalid state, nothing left behind, always a reason, always back to idle`, () => {
    for (let seed = 0; seed < LIVES; seed++) live(seed);
  });

  it('the same seed lives the same life', () => {
    assert.deepEqual(live(464).life, live(464).life);
  });

  it('a network that stays as it is ends in a CLAT that runs, whatever was before', () => {
    for (let seed = 0; seed < LIVES / 100; seed++) {
      const life = new Life(seed);
      life.take({ event: 'up' });
      for (let left = 20; left > 0; left--) life.happen();
      life.net = { route: uplink('eth0') };
      life.take({ event: 'up' });
      life.take({ event: 'prefixes', candidates: [offer('eth0', 1)] });
      life.take({ event: 'network-changed' });
      settle(life);
      assert.equal(life.life.state.state, 'running', `life ${seed}: ${JSON.stringify(life.life)}`);
    }
  });
});

/** Nothing more happens but what is under way, and time passes. */
function settle(life: Life): void {
  const { random } = life;
  // Another node may answer for any address; from now on none does.
  life.result = (effect) => {
    const { ticket } = effect;
    if (effect.effect === 'look') return { event: 'seen', ticket, view: viewOf(life.net, effect.targets) };
    return effect.effect === 'claim'
      ? { event: 'claimed', ticket, clat: address(10 + random.below(9)) }
      : { event: 'done', ticket };
  };
  for (let rounds = 0; rounds < 100; rounds++) {
    while (life.pending.length > 0) life.carryOut(false);
    const { state } = life.life;
    if (state.state === 'idle') life.take({ event: 'up' }); // it gave up for good, and the user tries again
    life.pass(1000);
  }
  while (life.pending.length > 0) life.carryOut(false);
}
