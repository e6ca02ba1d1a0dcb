// The short way (core/translate/fast-path.ts) against the long way: an engine that has just seen a packet's addresses gives the
// same bytes, offload headers and verdict as a fresh one, whose caches are empty.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fastToIpv4, fastToIpv6, LONG_WAY } from '../../src/core/translate/fast-path.ts';
import { translate } from '../../src/core/translate/translate.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { HEADROOM, makePacketList, makeSlab } from '../../src/core/wire/slab.ts';
import { damaged, makeWorld, randomPacket, repaired, type World } from '../fuzz/generate.ts';
import { randomOffloaded } from '../fuzz/offload.ts';
import { Random } from '../fuzz/random.ts';
import { randomSettings } from '../fuzz/settings.ts';
import { Engine } from '../support/engine.ts';
import { toHex } from '../support/packets.ts';

const ROUNDS = 300;
const ROUND_PACKETS = 40;

function sample(world: World): { readonly packet: Uint8Array; readonly header?: Uint8Array } {
  if (world.rng.below(4) === 0) return randomOffloaded(world);
  return { packet: randomPacket(world) };
}

/** Whether the short way takes a packet whose addresses a translator has just mapped. */
function isTakenShort(translator: Translator, packet: Uint8Array, header: Uint8Array | undefined): boolean {
  const slab = makeSlab(512 * 1024);
  const out = makePacketList(512);
  const put = (): void => {
    slab.bytes.fill(0, 0, HEADROOM);
    if (header !== undefined) slab.bytes.set(header, HEADROOM - 10);
    slab.bytes.set(packet, HEADROOM);
    out.count = 0;
    out.spareStart = 128 * 1024;
    out.spareEnd = 512 * 1024;
  };
  put();
  translate(translator, slab, HEADROOM, packet.length, out, 0);
  put();
  const fast = (packet[0] ?? 0) >>> 4 === 4 ? fastToIpv6 : fastToIpv4;
  return packet.length > 0 && fast(translator, slab, HEADROOM, packet.length, out) !== LONG_WAY;
}

test('T-4.1-01, T-4.5-01, T-5.1-01, T-5.1-02, T-O-01 the short way gives what the long way gives', () => {
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rng = new Random(0xfa57 + round);
    const settings = randomSettings(rng);
    const world = makeWorld(rng, settings);
    const warm = new Engine(settings, { seed: round });
    for (let i = 0; i < ROUND_PACKETS; i++) {
      const { packet: good, header } = sample(world);
      warm.run(good, header);
      // The pair is known now; the same addresses come again in a packet with something changed, right checksums or not.
      const packet = rng.below(2) === 0 ? good : damaged(rng, good);
      const tried = rng.below(2) === 0 ? packet : repaired(packet);
      const seed = warm.translator.nextIdentification(0);
      const expected = new Engine(settings, { seed }).run(tried, header);
      assert.deepEqual(warm.run(tried, header), expected, `round ${round}, packet ${i}: ${toHex(tried)}`);
      if (isTakenShort(new Translator(settings, 0), tried, header)) taken++;
    }
  }
  assert.ok(taken > 500, `only ${taken} packets took the short way`);
});
