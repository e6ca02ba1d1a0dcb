// A hundred thousand random lives with a fake clock: prefixes, routes, native IPv4, sleep, failures, duplicates, other nodes that
// claim the address, the user, in any order and at any time, on a host that carries the effects out one by one. Whatever happens: no
// invalid state, no change that stays behind, no effect after the end, always back to idle; and nobody on the link can end a CLAT by
// claiming its address, hindering probes or announcing MTUs. A failure names the seed of its life.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REASONS } from '../../src/contract/reasons.ts';
import { isSameAddress } from '../../src/core/address/same.ts';
import type { ClatStateName, Effect } from '../../src/core/lifecycle/effect.ts';
import type { ClatEvent } from '../../src/core/lifecycle/event.ts';
import { MOVES_MAX } from '../../src/core/lifecycle/neighbours.ts';
import { WIDER_LASTS_MS } from '../../src/core/lifecycle/review.ts';
import { attachmentOf, initialLifecycle, type Lifecycle } from '../../src/core/lifecycle/state.ts';
import { step } from '../../src/core/lifecycle/step.ts';
import { DEFENCE_GAP_MS } from '../../src/core/lifecycle/turn.ts';
import type { Target } from '../../src/core/lifecycle/way.ts';
import type { Candidate } from '../../src/core/pref64/candidate.ts';
import { Random } from '../fuzz/random.ts';
import { address, FAILURE, type Net, offer, SETTINGS, uplink, viewOf } from '../support/lifecycle.ts';

const LIVES = Number(process.env.XLAT464_LIVES ?? 100_000);
/** Events of one life, at most. */
const EVENTS_MAX = 40;
/** Effects of one event, at most: a look, a change of state with its reports, and the timer. */
const EFFECTS_MAX = 8;

/** Those that there are to try. */
const ADDRESSES = Array.from({ length: 6 }, (_, n) => address(n));
const NONE_LEFT = { code: 'ADDRESS_DUPLICATE', message: 'none is left to try', isFinal: false };

type Ticketed = Extract<Effect, { readonly ticket: number }>;

/** Effects that work on the host wait for those before them. */
const isOnHost = (effect: Effect): boolean => effect.effect !== 'claim';

const FAILURES = [
  FAILURE,
  { code: 'REDIRECT_UNAVAILABLE', message: 'refused', isFinal: false },
  { code: 'REDIRECT_UNAVAILABLE', message: 'no memory', isFinal: false, isTemporary: true },
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
  /** When the address in use was defended last. */
  defendedMs = Number.NEGATIVE_INFINITY;

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
    const before = this.life.state.state;
    const { life, effects, reason } = step(this.life, event, this.nowMs);
    this.life = life;
    if (event.event === 'contested') this.checkContested(before, effects);
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
      if (effect.effect === 'defend') this.checkDefence();
      if (effect.effect === 'set-timer') assert.ok(effect.atMs === null || effect.atMs > this.nowMs);
      if (effect.effect === 'report') assert.ok(Object.hasOwn(REASONS, effect.reason));
      return;
    }
    assert.ok(!isOver || effect.effect === 'tear-down', `${effect.effect} in ${state}`);
    assert.ok(this.pending.every((p) => p.ticket !== effect.ticket));
    this.pending.push(effect);
  }

  /** A claim of the address leads nowhere but to another address, and is answered once a second at most. */
  checkContested(before: ClatStateName, effects: readonly Effect[]): void {
    const { state } = this.life.state;
    const mayFollow = before === 'running' ? ['running', 'moving'] : [before];
    assert.ok(mayFollow.includes(state), `a claim led from ${before} to ${state}`);
    assert.ok(!effects.some((e) => e.effect === 'detach' || e.effect === 'tear-down'));
  }

  /** There is something to defend, and it was not defended just now. */
  checkDefence(): void {
    assert.ok(this.hasWay || this.pending.some((p) => p.effect === 'attach'), 'nothing to defend');
    assert.ok(this.nowMs - this.defendedMs >= DEFENCE_GAP_MS, 'defended too often');
    this.defendedMs = this.nowMs;
  }

  /** What is kept of other nodes is bounded, and none of it is about an address that is not in use. */
  checkLedger({ ledger, state }: Lifecycle): void {
    assert.ok(ledger.neighbours.length <= 4);
    assert.ok(ledger.neighbours.every((n) => n.taken.length <= 16 && n.movedMs.length <= MOVES_MAX));
    if (ledger.contest === null) {
      this.defendedMs = Number.NEGATIVE_INFINITY;
      return;
    }
    assert.deepEqual(ledger.contest.clat, attachmentOf(state)?.clat);
    assert.ok(ledger.contest.endsAtMs > this.nowMs && (ledger.timerMs ?? 0) <= ledger.contest.endsAtMs);
  }

  /** What holds after each step. */
  check(event: ClatEvent): void {
    const { state, ledger, world } = this.life;
    this.checkLedger(this.life);
    const waitsFor = (ticket: number): boolean => this.pending.some((p) => p.ticket === ticket);
    if ('ticket' in state) assert.ok(waitsFor(state.ticket), `${state.state} waits for nothing`);
    if (state.state === 'running' && state.repair !== null) assert.ok(waitsFor(state.repair));
    if (world.lookTicket !== null) assert.ok(waitsFor(world.lookTicket), 'a look that nobody makes');
    if (state.state === 'doubting')
      assert.ok(world.lookTicket !== null || world.lookAtMs !== null, 'a doubt without a look');
    if (state.state === 'backoff') assert.equal(ledger.timerMs, state.untilMs);
    if (state.state === 'idle' || state.state === 'backoff') {
      assert.ok(!this.hasWay, `${state.state} after ${event.event}, and the way is there`);
      const mayHaveInterface = state.state === 'backoff' && ledger.hasInterface;
      assert.ok(!this.hasInterface || mayHaveInterface, `${state.state} after ${event.event}, and the host is changed`);
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
    return this.claimed(effect);
  }

  /** One of a few addresses that is not to be avoided; none may be left. */
  claimed({ ticket, avoid }: Extract<Ticketed, { effect: 'claim' }>): ClatEvent {
    const free = ADDRESSES.filter((clat) => !avoid.some((a) => isSameAddress(a, clat)));
    if (free.length === 0) return { event: 'failed', ticket, failure: NONE_LEFT };
    return { event: this.random.oneIn(5) ? 'taken' : 'claimed', ticket, clat: this.random.pick(free) };
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
    else if (what === 17) this.contest();
    else if (what === 18) this.take(random.oneIn(2) ? { event: 'up' } : { event: 'down' });
    else if (this.hasInterface) this.take({ event: 'data-path-failed', failure: random.pick(FAILURES) });
  }

  /** Another node claims an address: mostly the one in use. */
  contest(): void {
    const attached = attachmentOf(this.life.state);
    const isOther = attached === null || this.random.oneIn(4);
    this.take({ event: 'contested', clat: isOther ? this.random.pick(ADDRESSES) : attached.clat });
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

  it('D-10, D-12 a CLAT that runs is never torn down nor taken off the route by claims, failing probes and MTUs', () => {
    for (let seed = 0; seed < LIVES / 100; seed++) attacked(seed);
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

/** A CLAT that runs, and somebody who claims the address in use, answers or hinders probes and announces MTUs, at any time. */
function attacked(seed: number): void {
  const life = new Life(seed);
  life.life = initialLifecycle({ ...SETTINGS, uplinkMode: 'redirect' });
  life.net = { route: uplink('eth0') };
  life.take({ event: 'up' });
  life.take({ event: 'prefixes', candidates: [offer('eth0', 1)] });
  settle(life);
  life.result = Life.prototype.result; // whoever answers probes answers again
  const mtus = new MtuWatch(life);
  for (let left = 100; left > 0; left--) {
    const what = life.random.below(7);
    if (what < 2) life.contest();
    else if (what < 4) life.carryOut(false);
    else if (what === 4) life.pass(life.random.pick([1, 500, 1000, 11_000, 31_000, 3_600_000]));
    else if (what === 5) failProbe(life);
    else announceMtu(life);
    mtus.check();
    const { state } = life.life.state;
    assert.ok(['running', 'moving', 'attaching'].includes(state), `life ${seed}: ${state}`);
    assert.ok(life.hasInterface && life.hasWay && !life.pending.some((p) => p.effect === 'tear-down'), `life ${seed}`);
  }
}

/** A probe that is under way cannot be made. */
function failProbe(life: Life): void {
  const claim = life.pending.find((p) => p.effect === 'claim');
  if (claim === undefined) return;
  life.pending = life.pending.filter((p) => p !== claim);
  life.take(life.failure(claim.ticket));
}

function announceMtu(life: Life): void {
  life.net = { route: uplink('eth0', 1, { mtuBytes: life.random.pick([1280, 1400, 1500]) }) };
  life.take({ event: 'network-changed' });
}

/** Holds that a larger MTU has lasted before the host is set up for it. */
class MtuWatch {
  readonly #life: Life;
  #mtuBytes = 1500;
  #sinceMs = Number.NEGATIVE_INFINITY;

  constructor(life: Life) {
    this.#life = life;
  }

  check(): void {
    const { nowMs, life } = this.#life;
    const mtuBytes = attachmentOf(life.state)?.way.uplink.mtuBytes ?? 0;
    if (mtuBytes === this.#mtuBytes) return;
    const isEarly = mtuBytes > this.#mtuBytes && nowMs - this.#sinceMs < WIDER_LASTS_MS;
    assert.ok(!isEarly, `MTU ${this.#mtuBytes} became ${mtuBytes} after ${nowMs - this.#sinceMs} ms`);
    this.#mtuBytes = mtuBytes;
    this.#sinceMs = nowMs;
  }
}

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
