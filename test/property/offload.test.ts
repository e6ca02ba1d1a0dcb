// Super-packets: segmenting and translating commute; metadata that does not fit never comes out as metadata that does not fit.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Comparison } from '../fuzz/compare.ts';
import { makeWorld } from '../fuzz/generate.ts';
import { damagedOffload, offloadDamage, offloadDifference, randomOffloaded } from '../fuzz/offload.ts';
import { Random } from '../fuzz/random.ts';
import { randomSettings } from '../fuzz/settings.ts';
import { toHex } from '../support/packets.ts';

const ROUNDS = 300;
const ROUND_PACKETS = 12;

describe('offloaded packets', () => {
  test('T-O-01, T-O-02 a super-packet gives what its segments give on their own', () => {
    for (let round = 0; round < ROUNDS; round++) {
      const rng = new Random(7000 + round);
      const settings = randomSettings(rng);
      const world = makeWorld(rng, settings);
      const comparison = new Comparison(settings);
      for (let i = 0; i < ROUND_PACKETS; i++) {
        const offloaded = randomOffloaded(world);
        const complaint = offloadDifference(comparison.engine, settings, comparison.environment(), offloaded);
        if (complaint !== null) assert.fail(`seed ${7000 + round}, packet ${i}: ${complaint}`);
      }
    }
  });

  test('T-O-03 damaged metadata is refused, or what comes out is sound', () => {
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const rng = new Random(9000 + round);
      const settings = randomSettings(rng);
      const world = makeWorld(rng, settings);
      const { engine } = new Comparison(settings);
      for (let i = 0; i < ROUND_PACKETS * 4; i++) {
        const damaged = damagedOffload(rng, randomOffloaded(world));
        const complaint = offloadDamage(engine, damaged);
        if (complaint !== null)
          assert.fail(`seed ${9000 + round}, packet ${i}: ${complaint}\n${toHex(damaged.header)}`);
        if (engine.run(damaged.packet, damaged.header).verdict === 'bad-offload') refused++;
      }
    }
    assert.ok(refused > 1000, `${refused} refused`);
  });
});
