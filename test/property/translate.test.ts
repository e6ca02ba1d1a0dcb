// The engine against the reference translator, byte for byte, over generated packets under generated settings; and every
// representative packet cut at every length. `npm run fuzz` goes on where this stops.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Comparison } from '../fuzz/compare.ts';
import { makeWorld, randomPacket, repaired } from '../fuzz/generate.ts';
import { Random } from '../fuzz/random.ts';
import { randomSettings } from '../fuzz/settings.ts';
import { bytes16 } from '../reference/bytes.ts';
import { Engine } from '../support/engine.ts';
import { mutate, toHex } from '../support/packets.ts';
import { loadVectors, type Vector } from '../vectors/load.ts';

const SEED = 464;
const ROUNDS = 1000;
const ROUND_PACKETS = 100;

/** Fails with all that it takes to see the packet again. */
function expectNoComplaint(comparison: Comparison, packet: Uint8Array, where: string): void {
  const complaint = comparison.complaint(packet);
  if (complaint !== null) assert.fail(`${where}: ${complaint}\npacket ${toHex(packet)}`);
}

describe('the engine and the reference translator', () => {
  test(`T-4.1-01, T-4.2-12, T-4.5-01, T-5.1-01, T-5.2-11 agree over ${ROUNDS * ROUND_PACKETS} generated packets`, () => {
    for (let round = 0; round < ROUNDS; round++) {
      const rng = new Random(SEED + round);
      const settings = randomSettings(rng);
      const world = makeWorld(rng, settings);
      const comparison = new Comparison(settings, round & 0xff);
      for (let i = 0; i < ROUND_PACKETS; i++) {
        expectNoComplaint(comparison, randomPacket(world), `seed ${SEED + round}, packet ${i}`);
      }
    }
  });

  /** One packet of each rule, of each verdict: what the golden packets have. */
  const representatives = (): Vector[] => {
    const seen = new Set<string>();
    return loadVectors().filter((vector) => {
      const key = `${vector.rule} ${vector.verdict}`;
      if (seen.has(key) || vector.in.length > 700) return false;
      seen.add(key);
      return true;
    });
  };

  test('T-4.1-04, T-5.1-07, T-4.5-05 agree on packets cut at every length, with the IP length as it was and made to fit', () => {
    const packets = representatives();
    assert.ok(packets.length >= 36, `${packets.length} representative packets`);
    for (const { in: packet, settings, id } of packets) {
      const comparison = new Comparison(settings);
      for (let length = 0; length <= packet.length; length++) {
        const cut = packet.slice(0, length);
        expectNoComplaint(comparison, cut, `${id} cut at ${length}`);
        expectNoComplaint(comparison, repaired(withLength(cut)), `${id} cut at ${length}, lengths right`);
      }
    }
  });

  test('T-4.1-04, T-5.1-07 agree on each octet of the headers at its extremes', () => {
    for (const { in: packet, settings, id } of representatives()) {
      const comparison = new Comparison(settings);
      for (let at = 0; at < Math.min(packet.length, 72); at++) {
        for (const value of [0, 1, 0x7f, 0x80, 0xff]) {
          const changed = mutate(packet, at, value);
          expectNoComplaint(comparison, changed, `${id} with ${value} at ${at}`);
          expectNoComplaint(comparison, repaired(changed), `${id} with ${value} at ${at}, checksums right`);
        }
      }
    }
  });

  test('T-4.2-12, T-5.2-11 what stands outside of a packet has no influence', () => {
    for (let round = 0; round < 40; round++) {
      const rng = new Random(SEED - round);
      const settings = randomSettings(rng);
      const world = makeWorld(rng, settings);
      const [zeros, ones] = [0, 0xff].map((canary) => new Engine(settings, { canary })) as [Engine, Engine];
      for (let i = 0; i < 100; i++) {
        const packet = randomPacket(world);
        assert.deepEqual(zeros.run(packet), ones.run(packet));
      }
    }
  });
});

function withLength(packet: Uint8Array): Uint8Array {
  const version = (packet[0] ?? 0) >> 4;
  if (version === 4 && packet.length >= 20) return mutate(packet, 2, ...bytes16(packet.length));
  return version === 6 && packet.length >= 40 ? mutate(packet, 4, ...bytes16(packet.length - 40)) : packet;
}
