// The engine against the golden packets, which others encoded.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Engine } from '../support/engine.ts';
import { toHex } from '../support/packets.ts';
import { loadVectors, VECTOR_IDENTIFICATION } from '../vectors/load.ts';

describe('the engine gives the golden packets', () => {
  for (const vector of loadVectors()) {
    test(`${vector.rule} ${vector.title} (${vector.id})`, () => {
      const engine = new Engine(vector.settings);
      engine.translator.nextIdentification = () => VECTOR_IDENTIFICATION;
      const result = engine.run(vector.in);
      const actual = {
        verdict: result.verdict,
        out: result.out.map(toHex),
        reply: result.reply && toHex(result.reply),
      };
      const expected = {
        verdict: vector.verdict,
        out: vector.out.map(toHex),
        reply: vector.reply && toHex(vector.reply),
      };
      assert.deepEqual(actual, expected);
      for (const header of result.offload) assert.deepEqual(header, new Uint8Array(10), 'a plain packet stays plain');
    });
  }
});
