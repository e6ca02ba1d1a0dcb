// Unpredictable numbers for the packet path, fetched many at a time: one call of the system's generator costs as much as
// translating ten packets.

import { getRandomValues } from 'node:crypto';

const WORDS = 1024;

/** Makes a source of unsigned 32-bit numbers that nobody can foretell. */
export function makeRandomWords(): () => number {
  const words = new Uint32Array(WORDS);
  let next = WORDS;
  return () => {
    if (next === WORDS) {
      getRandomValues(words);
      next = 0;
    }
    const word = words[next] as number;
    words[next++] = 0; // used ones are of no use to anybody who reads this memory
    return word;
  };
}
