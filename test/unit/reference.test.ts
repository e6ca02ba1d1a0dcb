// The reference translator against the golden packets, which others encoded.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { referenceTranslate } from '../reference/translate.ts';
import { toHex } from '../support/packets.ts';
import { loadVectors, VECTOR_IDENTIFICATION } from '../vectors/load.ts';

const env = { nextIdentification: () => VECTOR_IDENTIFICATION };

describe('the reference translator gives the golden packets', () => {
  for (const vector of loadVectors()) {
    test(`${vector.rule} ${vector.title} (reference, ${vector.id})`, () => {
      const result = referenceTranslate(vector.in, vector.settings, env);
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
    });
  }
});
