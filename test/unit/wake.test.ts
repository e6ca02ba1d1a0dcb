// How a client notices that its host slept: two clocks, of which one stands still meanwhile.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WakeWatch } from '../../src/client/wake.ts';
import { TurnedClock } from '../support/fake-discovery.ts';

describe('a host that sleeps', () => {
  it('D-11 is noticed once for each sleep, by whoever asks first', () => {
    const clock = new TurnedClock();
    const told: number[] = [];
    const watch = new WakeWatch(
      clock,
      () => 0,
      (sleptMs) => told.push(sleptMs),
    );
    watch.compare();
    assert.deepEqual(told, []);
    clock.jump(60_000);
    watch.compare();
    watch.compare();
    assert.deepEqual(told, [60_000]);
    clock.jump(5000);
    watch.compare();
    assert.deepEqual(told, [60_000, 5000]);
    watch.close();
  });

  it('D-11 is noticed also while nothing happens', async () => {
    const clock = new TurnedClock();
    let told = 0;
    const watch = new WakeWatch(
      clock,
      () => 0,
      () => {
        told += 1;
      },
    );
    await clock.turn(25_000);
    assert.equal(told, 2);
    watch.close();
    assert.equal(clock.pending, 0);
  });
});
