// The fast checksum functions against RFC 1071 written plainly.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complement, fold, sumBytes, sumWord, updateChecksum } from '../../src/core/wire/checksum.ts';
import { makeSegmentSum } from '../../src/core/wire/segment-checksum.ts';
import { slabOver } from '../../src/core/wire/slab.ts';
import { Random } from '../fuzz/random.ts';
import { internetChecksum, isChecksumRight, sumWords } from '../reference/checksum.ts';
import { mutate } from '../support/packets.ts';

/** 0 and 0xffff are one number. */
const modulo = (sum: number): number => sum % 0xffff;

describe('the Internet checksum', () => {
  test('T-4.5-01 sums every length at every alignment as RFC 1071 does', () => {
    const bytes = new Random(1).bytes(300);
    const slab = slabOver(bytes);
    const segmentSum = makeSegmentSum(slab);
    for (let start = 0; start < 8; start++) {
      for (let length = 0; length <= 280; length++) {
        const expected = sumWords(bytes.slice(start, start + length));
        assert.equal(modulo(sumBytes(slab, start, length, 0)), expected);
        assert.equal(modulo(segmentSum(start, length)), expected);
        assert.equal(modulo(sumBytes(slab, start, length, 0x1fffe)), expected);
      }
    }
  });

  test('T-4.5-01 does not overflow over 64 KiB of ones', () => {
    const slab = slabOver(new Uint8Array(65_575).fill(0xff));
    assert.equal(sumBytes(slab, 0, 65_574, 0x1ffff), fold(0xffff + 1));
    assert.equal(sumBytes(slab, 0, 65_575, 0), fold(0xff00));
    assert.equal(makeSegmentSum(slab)(0, 65_572), 0xffff);
  });

  test('T-4.5-01 a sum of zeros is zero, and no other sum folds to zero', () => {
    const slab = slabOver(Uint8Array.of(0, 0, 0, 0, 0xff, 0xff, 0, 1, 0xff, 0xfe));
    assert.equal(sumBytes(slab, 0, 4, 0), 0);
    assert.equal(sumBytes(slab, 4, 2, 0), 0xffff);
    assert.equal(sumBytes(slab, 6, 4, 0), 0xffff);
    for (const sum of [0xffff, 0x1fffe, 0x2fffd, 0x7fffffff, 0x3fffc000]) assert.notEqual(fold(sum), 0);
  });

  test('T-4.5-04 an incremental update gives what computing anew gives, and keeps what was wrong by the same', () => {
    const rng = new Random(2);
    for (let i = 0; i < 20_000; i++) {
      const before = rng.bytes(20);
      const checksum = internetChecksum(before);
      const at = 2 * rng.below(9);
      const word = rng.pick([0, 0xffff, rng.next() & 0xffff]);
      const after = mutate(before, at, word >> 8, word & 0xff);
      const old = (before[at] as number) * 256 + (before[at + 1] as number);
      const fault = rng.pick([0, 0, 1, 0x1234]);
      const updated = updateChecksum((checksum + fault) & 0xffff, word + (~old & 0xffff));
      const right = (updated - ((checksum + fault) & 0xffff) + checksum + 2 * 0xffff) % 0xffff;
      assert.ok(isChecksumRight(after, Uint8Array.of(right >> 8, right & 0xff)));
    }
  });

  test('T-4.5-01 halves and complements of words are those of the number', () => {
    for (const word of [0, 1, 0xffff, 0x1_0000, 0x7fff_ffff, -1, -0x8000_0000, 0x1234_5678]) {
      assert.equal(sumWord(word), ((word >>> 16) & 0xffff) + (word & 0xffff));
      assert.equal(modulo(sumWord(word) + sumWord(~word)), 0);
      assert.equal(complement(sumWord(word)), 0xffff - fold(sumWord(word)));
    }
  });
});
