// The prefix behind synthesised addresses, RFC 7050 §3: a DNS64 answers AAAA ipv4only.arpa with the two well-known IPv4 addresses
// embedded in each of its prefixes, at one of the six positions of RFC 6052 §2.2. The resolver is not trusted: what cannot be a
// NAT64's prefix is refused, and what could be read in two ways as well.

import { addressWord, EMBEDDING_LENGTHS, extract, makeEmbeddingPrefix } from '../address/rfc6052.ts';
import type { Prefix6 } from '../translate/settings.ts';
import { isUsablePref64 } from './candidate.ts';

/** 192.0.0.170 and 192.0.0.171, RFC 8880 §3, as signed words; the bit that stands for having found each. */
const WELL_KNOWN: ReadonlyMap<number, number> = new Map([
  [0xc00000aa | 0, 1],
  [0xc00000ab | 0, 2],
]);
const BOTH = 3;

/** Addresses looked at; a real answer has two for each prefix. */
export const AAAA_MAX = 64;

/** A prefix under which well-known addresses were found. */
interface Finding {
  readonly prefix: Prefix6;
  /** Which of the two, as bits. */
  found: number;
  /** The AAAA that they were found in, by index. */
  readonly addresses: Set<number>;
}

/** The first `length` bits of an address. */
const prefixOf = (address: Uint8Array, length: number): Prefix6 => ({
  address: address.slice().fill(0, length / 8),
  length,
});

/** Which well-known address stands behind `length` bits, as its bit; 0: none. */
function wellKnownAt(address: Uint8Array, prefix: Prefix6): number {
  const words = [1, 2, 3].map((i) => addressWord(address, i)) as [number, number, number];
  return WELL_KNOWN.get(extract(makeEmbeddingPrefix(prefix), ...words)) ?? 0;
}

/** Looks at all six positions of one address. "u" must be zero, RFC 6052 §2.2. */
function search(address: Uint8Array, index: number, findings: Map<string, Finding>): void {
  if (address.length !== 16 || address[8] !== 0) return;
  for (const length of EMBEDDING_LENGTHS) {
    const prefix = prefixOf(address, length);
    const bit = isUsablePref64(prefix) ? wellKnownAt(address, prefix) : 0;
    if (bit === 0) continue;
    const key = `${prefix.address.join()}/${length}`;
    const finding = findings.get(key) ?? { prefix, found: 0, addresses: new Set() };
    finding.found |= bit;
    finding.addresses.add(index);
    findings.set(key, finding);
  }
}

/**
 * The prefixes that an answer's addresses show, in its order. A prefix under which both well-known addresses stand is certain. One
 * with a single one counts only where its addresses can be read in no other way: a prefix may hold the same octets by chance.
 * @param aaaa addresses of 16 bytes; others are ignored, and those after the first {@link AAAA_MAX}
 */
export function prefixesFromAaaa(aaaa: readonly Uint8Array[]): Prefix6[] {
  const findings = new Map<string, Finding>();
  for (const [i, address] of aaaa.slice(0, AAAA_MAX).entries()) search(address, i, findings);
  const all = [...findings.values()];
  const readings = (index: number): number => all.filter((f) => f.addresses.has(index)).length;
  const isCertain = (f: Finding): boolean =>
    f.found === BOTH || [...f.addresses].every((index) => readings(index) === 1);
  return all.filter(isCertain).map((f) => f.prefix);
}
