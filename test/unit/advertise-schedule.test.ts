// core/advertise/schedule.ts: RFC 4861 §6.2.4–6.2.6 turned by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  CHECK_TIME,
  deadlineOf,
  MAX_INITIAL_INTERVAL,
  MAX_RESPONSE_DELAY,
  MIN_DELAY_BETWEEN,
  type Pace,
  type Schedule,
  type ScheduleEffect,
  type ScheduleEvent,
  stepSchedule,
  YIELD_TIME,
} from '../../src/core/advertise/schedule.ts';

const pace = (random = 0.5): Pace => ({ minIntervalMs: 200_000, maxIntervalMs: 600_000, random: () => random });
const DOWN: Schedule = { state: 'down' };

/** Takes events one after another, each at its time. */
function after(
  events: readonly (readonly [event: ScheduleEvent, atMs: number])[],
  random = 0.5,
): { readonly schedule: Schedule; readonly effects: readonly (readonly [ScheduleEffect, number])[] } {
  let schedule = DOWN;
  const effects: (readonly [ScheduleEffect, number])[] = [];
  for (const [event, atMs] of events) {
    const turn = stepSchedule(schedule, event, pace(random), atMs);
    schedule = turn.schedule;
    effects.push(...turn.effects.map((effect) => [effect, atMs] as const));
  }
  return { schedule, effects };
}

/** Up, and past the check: the first advertisement has gone out at 1,000. */
const BEGUN = [
  ['up', 0],
  ['time', CHECK_TIME],
] as const;

/** Lets time pass from one deadline to the next. */
function run(schedule: Schedule, untilMs: number, random: () => number): number[] {
  const sent: number[] = [];
  let now = schedule;
  for (let atMs = deadlineOf(now); atMs !== null && atMs <= untilMs; atMs = deadlineOf(now)) {
    const turn = stepSchedule(now, 'time', { ...pace(), random }, atMs);
    if (turn.effects.includes('advertise')) sent.push(atMs);
    now = turn.schedule;
  }
  return sent;
}

describe('the schedule of router advertisements', () => {
  it('R-03 an interface that comes up is solicited on first, and listened to for longer than an answer takes', () => {
    const { schedule, effects } = after([['up', 0]]);
    assert.deepEqual(effects, [['solicit', 0]]);
    assert.deepEqual(schedule, { state: 'checking', nextMs: CHECK_TIME });
    assert.ok(CHECK_TIME > MAX_RESPONSE_DELAY);
  });

  it('R-02 the first three go out at once and within 16 s of each other, the next between the intervals', () => {
    const { schedule } = after([['up', 0]]);
    const sent = run(schedule, 1_000_000, () => 0.5);
    assert.deepEqual(sent.slice(0, 4), [
      CHECK_TIME,
      CHECK_TIME + MAX_INITIAL_INTERVAL,
      CHECK_TIME + 2 * MAX_INITIAL_INTERVAL,
      CHECK_TIME + 2 * MAX_INITIAL_INTERVAL + 400_000,
    ]);
  });

  it('R-02 each interval is new, at random between the least and the most', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
        (numbers) => {
          let i = 0;
          const sent = run(after([...BEGUN]).schedule, 20_000_000, () => numbers[i++ % numbers.length]);
          for (const [n, at] of sent.entries()) {
            const gap = at - (sent[n - 1] ?? CHECK_TIME);
            if (n < 2) assert.ok(gap <= MAX_INITIAL_INTERVAL);
            else assert.ok(Math.round(gap) >= 200_000 && gap <= 600_000, String(gap));
          }
        },
      ),
    );
  });

  it('R-02 a solicitation is answered within half a second, three seconds from the last one', () => {
    const long = 100_000;
    const idle = after([...BEGUN, ['time', 17_000], ['time', 33_000], ['solicited', long]]);
    assert.equal(deadlineOf(idle.schedule), long + 0.5 * MAX_RESPONSE_DELAY);
    const busy = after([...BEGUN, ['solicited', CHECK_TIME + 100]]);
    assert.equal(deadlineOf(busy.schedule), CHECK_TIME + MIN_DELAY_BETWEEN + 0.5 * MAX_RESPONSE_DELAY);
  });

  it('R-02 an answer never comes later than what is planned, and many solicitations get one', () => {
    const soon = after([...BEGUN, ['solicited', CHECK_TIME + MAX_INITIAL_INTERVAL - 10]], 0.99);
    assert.equal(deadlineOf(soon.schedule), CHECK_TIME + MAX_INITIAL_INTERVAL);
    const many = Array.from({ length: 50 }, (_, i) => ['solicited', CHECK_TIME + 100 + i] as const);
    const { effects } = after([...BEGUN, ...many, ['time', CHECK_TIME + 3_300]]);
    assert.equal(effects.filter(([effect]) => effect === 'advertise').length, 2);
  });

  it('R-02 a change is announced like a beginning', () => {
    const { schedule } = after([...BEGUN, ['time', 17_000], ['time', 33_000], ['changed', 50_000]]);
    const sent = run(schedule, 100_000, () => 0.5);
    assert.deepEqual(sent, [50_250, 66_250, 82_250]);
  });

  it('R-02 the end says so once, and nothing comes after it', () => {
    const { schedule, effects } = after([...BEGUN, ['stop', 5_000], ['stop', 5_001], ['up', 6_000], ['time', 9e9]]);
    assert.deepEqual(effects.slice(2), [['final', 5_000]]);
    assert.deepEqual(schedule, { state: 'stopped' });
    assert.deepEqual(
      after([
        ['up', 0],
        ['stop', 10],
      ]).effects,
      [['solicit', 0]],
      'who said nothing withdraws nothing',
    );
  });

  it('R-03 another program of this host silences ours, before and after the first one, without a final one', () => {
    for (const events of [[['up', 0]], BEGUN] as const) {
      const { schedule, effects } = after([...events, ['foreign', 1_500], ['solicited', 1_600], ['changed', 1_700]]);
      assert.deepEqual(schedule, { state: 'yielding', nextMs: 1_500 + YIELD_TIME });
      assert.equal(
        effects.some(([effect, atMs]) => atMs > CHECK_TIME || effect === 'final'),
        false,
      );
    }
  });

  it('R-03 after a while it looks whether the other one has gone, and takes over', () => {
    const again = 1_500 + YIELD_TIME;
    const { effects } = after([...BEGUN, ['foreign', 1_500], ['time', again], ['time', again + CHECK_TIME]]);
    assert.deepEqual(effects.slice(2), [
      ['solicit', again],
      ['advertise', again + CHECK_TIME],
    ]);
  });

  it('R-02 a link that goes down keeps silent until it comes up', () => {
    const { schedule, effects } = after([...BEGUN, ['down', 2_000], ['solicited', 2_001], ['time', 900_000]]);
    assert.deepEqual([schedule, effects.length], [DOWN, 2]);
    assert.equal(deadlineOf(schedule), null);
    assert.equal(stepSchedule(schedule, 'up', pace(), 900_001).schedule.state, 'checking');
  });

  it('R-02 whatever happens, no two are closer than three seconds but for the last one', () => {
    const event = fc.constantFrom<ScheduleEvent>('time', 'solicited', 'changed', 'foreign');
    const steps = fc.array(fc.tuple(event, fc.nat(20_000), fc.double({ min: 0, max: 0.999, noNaN: true })));
    fc.assert(
      fc.property(steps, (list) => {
        let { schedule } = after([...BEGUN]);
        let [nowMs, lastMs] = [CHECK_TIME, CHECK_TIME];
        for (const [kind, waitMs, random] of list) {
          nowMs += waitMs;
          const turn = stepSchedule(schedule, kind, pace(random), nowMs);
          schedule = turn.schedule;
          if (!turn.effects.includes('advertise')) continue;
          assert.ok(nowMs - lastMs >= MIN_DELAY_BETWEEN, `${nowMs} after ${lastMs}`);
          lastMs = nowMs;
        }
      }),
    );
  });
});
