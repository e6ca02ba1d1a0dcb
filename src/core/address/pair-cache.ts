// Address pairs that were mapped lately: source and destination in both families, and what a checksum changes by. A hit saves
// the martian checks, both look-ups and the sums, whatever the size of the mapping table. Direct-mapped: a pair that hashes to
// a place overwrites what is there. A new configuration makes a new translator, and with it empty caches.
//
// Entries are objects made once, not rows of a typed array: a field needs no bounds check (45 → 42 ns a packet each way).

/** Source and destination in both families, all words signed. */
export interface AddressPair {
  source4: number;
  destination4: number;
  s0: number;
  s1: number;
  s2: number;
  s3: number;
  d0: number;
  d1: number;
  d2: number;
  d3: number;
  /** Sum of the new addresses' words and of the complements of the old ones. */
  difference: number;
  isUsed: boolean;
}

/** Some 100 KiB a direction: with 512 hosts behind 1,000 mappings 95 ns a packet, where 128 entries gave 175. */
const ENTRIES = 1024;
const SHIFT = 22;

/** Makes an empty cache for one direction. */
export const makePairCache = (): readonly AddressPair[] => Array.from({ length: ENTRIES }, makePair);

function makePair(): AddressPair {
  const ipv6 = { s0: 0, s1: 0, s2: 0, s3: 0, d0: 0, d1: 0, d2: 0, d3: 0 };
  return { source4: 0, destination4: 0, ...ipv6, difference: 0, isUsed: false };
}

/** The entry where a pair of IPv4 addresses belongs. */
export const pairPlace4 = (cache: readonly AddressPair[], src: number, dst: number): AddressPair =>
  cache[Math.imul(src ^ Math.imul(dst, 0x9e3779b1), 0x85ebca6b) >>> SHIFT];

/** The entry where a pair of IPv6 addresses belongs, by the words that differ between the hosts of a network. */
export const pairPlace6 = (
  cache: readonly AddressPair[],
  s2: number,
  s3: number,
  d2: number,
  d3: number,
): AddressPair =>
  cache[Math.imul(s3 ^ Math.imul(d3 ^ Math.imul(s2 ^ d2, 0xc2b2ae35), 0x9e3779b1), 0x85ebca6b) >>> SHIFT];

/** Whether an entry is that of the IPv6 addresses at `at`: source, then destination, as in the header. */
export function isPair6(pair: AddressPair, v: DataView, at: number): boolean {
  if (pair.s0 !== v.getInt32(at) || pair.s1 !== v.getInt32(at + 4)) return false;
  if (pair.s2 !== v.getInt32(at + 8) || pair.s3 !== v.getInt32(at + 12)) return false;
  if (pair.d0 !== v.getInt32(at + 16) || pair.d1 !== v.getInt32(at + 20)) return false;
  return pair.d2 === v.getInt32(at + 24) && pair.d3 === v.getInt32(at + 28) && pair.isUsed;
}
