// Workers that share one configuration: together they send no more errors than it allows, and a new one refills nothing.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Translator } from '../../src/core/translate/translator.ts';
import { makeTranslator, replaceTranslator } from '../../src/dataplane/worker-translator.ts';
import { prefix4 } from '../support/addresses.ts';
import { settingsFrom } from '../vectors/load.ts';

const settings = settingsFrom({ prefix: '2001:db8:64::/96', errorsPerSecond: 1000 });
const HOST = [0x20010db8, 0, 0, 1] as const;

/** Errors that a translator may send at this moment, one side and the other. */
const taken = (t: Translator, nowMs: number): readonly [number, number] => {
  const [ipv4, ipv6] = [t.errorLimit4, t.errorLimit6].map((limit) => {
    let n = 0;
    while (limit.take(false, nowMs)) n++;
    while (limit.take(true, nowMs)) n++;
    return n;
  });
  return [ipv4 ?? 0, ipv6 ?? 0];
};

describe('the translators of several workers', () => {
  test('T-E-02 four workers send a quarter of the errors each', () => {
    for (const [workers, each] of [
      [1, 1000],
      [4, 250],
      [3, 333],
    ] as const) {
      assert.deepEqual(taken(makeTranslator({ settings, workers }, 0, []), 5000), [each, each]);
    }
  });

  test('T-E-02 a share below one a second still lets one through, and then waits', () => {
    const few = { ...settings, errorsPerSecond: 2 };
    const t = makeTranslator({ settings: few, workers: 4 }, 0, []);
    assert.deepEqual(taken(t, 1000), [1, 1]);
    assert.deepEqual(taken(t, 2000), [0, 0]);
    assert.deepEqual(taken(t, 3000), [1, 1]);
    assert.deepEqual(
      taken(makeTranslator({ settings: { ...settings, errorsPerSecond: 0 }, workers: 4 }, 0, []), 9000),
      [0, 0],
    );
  });

  test('T-E-02 a new configuration refills no bucket and empties none', () => {
    const share = { settings, workers: 4 };
    const t = makeTranslator(share, 0, []);
    taken(t, 1000);
    const next = replaceTranslator(t, share);
    assert.deepEqual(taken(next, 1000), [0, 0]);
    assert.deepEqual(taken(replaceTranslator(next, share), 1104), [26, 26], 'the time since counts');
    const idle = makeTranslator(share, 0, []);
    const larger = replaceTranslator(idle, { ...share, settings: { ...settings, errorsPerSecond: 4000 } });
    assert.deepEqual(taken(larger, 0), [250, 250], 'what was saved up');
    const smaller = replaceTranslator(idle, { ...share, settings: { ...settings, errorsPerSecond: 40 } });
    assert.deepEqual(taken(smaller, 0), [10, 10], 'as much as it holds');
  });

  test('A-05, T-5.1-02 leases and identifications go on', () => {
    const share = { settings: { ...settings, dynamicPool: [prefix4('203.0.113.4/31')] }, workers: 1 };
    const t = makeTranslator(share, 7, []);
    const lease = t.map.pool.lease(...HOST, 5);
    t.nextIdentification(3);
    const next = replaceTranslator(t, share);
    assert.equal(next.map.pool.leaseOf(...HOST), lease);
    assert.equal(next.nextIdentification(1), 10);
  });
});
