// The bytes of the large transfers: the same on both sides without being sent ahead, and no two blocks alike, so that a
// lost, doubled or swapped block changes the hash.

import { createHash } from 'node:crypto';

/** Bytes in a block. */
export const BLOCK = 1 << 20;

function makeBlock(): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const view = new DataView(block.buffer);
  // xorshift32 (Marsaglia 2003), any seed but 0.
  let x = 0x2545_f491;
  for (let i = 0; i < BLOCK; i += 4) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    view.setInt32(i, x);
  }
  return block;
}

/**
 * The first `bytes` bytes of the pattern.
 * @returns blocks that the taker may keep; each starts with its number
 */
export function* pattern(bytes: number): Generator<Uint8Array> {
  const block = makeBlock();
  for (let at = 0; at < bytes; at += BLOCK) {
    const copy = block.slice(0, Math.min(BLOCK, bytes - at));
    if (copy.length >= 4) new DataView(copy.buffer).setUint32(0, at / BLOCK);
    yield copy;
  }
}

/** SHA-256 of the first `bytes` bytes of the pattern, in hex. */
export function patternHash(bytes: number): string {
  const hash = createHash('sha256');
  for (const block of pattern(bytes)) hash.update(block);
  return hash.digest('hex');
}
