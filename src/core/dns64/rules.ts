// The settings of synthesis, prepared for use: names in wire form, prefixes in words, addresses checked by number.

import { addressWord, type EmbeddingPrefix, makeEmbeddingPrefix } from '../address/rfc6052.ts';
import { isMartian4, isNonGlobal4, isWellKnownPrefix } from '../address/special.ts';
import type { Prefix4, Prefix6 } from '../translate/settings.ts';
import { isAtOrBelow, nameFromText } from './name.ts';
import type { Dns64Settings } from './settings.ts';

/** A NAT64 prefix with what the rules need to know of it. */
export interface SynthesisPrefix extends EmbeddingPrefix {
  readonly prefix: Prefix6;
  /** 64:ff9b::/96, which carries no non-global address unless allowed (rule A-03). */
  readonly isGlobalOnly: boolean;
}

/** What decides about synthesis. */
export interface SynthesisRules {
  readonly prefixes: readonly SynthesisPrefix[];
  readonly excludeAaaa: readonly Prefix6[];
  readonly excludeA: readonly Prefix4[];
  readonly onlyA: readonly Prefix4[];
  readonly isAlways: boolean;
  readonly ignoreAaaa: readonly Uint8Array[];
  readonly reverse: Dns64Settings['reverse'];
}

/** ::ffff:0:0/96, which RFC 6147 §5.1.4 excludes by default. */
const IPV4_MAPPED: Prefix6 = { address: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0), length: 96 };

function nameOf(text: string): Uint8Array {
  const name = nameFromText(text);
  if (name === null) throw new RangeError(`not a domain name: ${text}`);
  return name;
}

/** Prepares settings. Throws RangeError for prefixes and names that the configuration never lets through. */
export function makeRules(settings: Dns64Settings): SynthesisRules {
  return {
    prefixes: settings.prefixes.map((prefix) => ({
      ...makeEmbeddingPrefix(prefix),
      prefix,
      isGlobalOnly: isWellKnownPrefix(prefix) && !settings.allowNonGlobal,
    })),
    excludeAaaa: [IPV4_MAPPED, ...settings.excludeAaaa],
    excludeA: settings.excludeA,
    onlyA: settings.onlyA,
    isAlways: settings.synthesizeAlways,
    ignoreAaaa: settings.ignoreAaaa.map(nameOf),
    reverse: settings.reverse,
  };
}

/** Whether an address of 16 bytes lies inside a prefix. */
function isInside6(address: Uint8Array, { address: prefix, length }: Prefix6): boolean {
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== prefix[i]) return false;
  const mask = (0xff00 >> (length & 7)) & 0xff;
  return mask === 0 || (address[whole] & mask) === prefix[whole];
}

const isInside4 = (address: number, prefix: Prefix4): boolean =>
  prefix.length === 0 || (address ^ prefix.address) >>> (32 - prefix.length) === 0;

/** Whether an AAAA record's address counts as none (S-02). */
export const isExcludedAaaa = (rules: SynthesisRules, address: Uint8Array): boolean =>
  rules.excludeAaaa.some((prefix) => isInside6(address, prefix));

/** Whether AAAA records of this name count as none (S-09). */
export const isIgnoredName = (rules: SynthesisRules, name: Uint8Array): boolean =>
  rules.ignoreAaaa.some((zone) => isAtOrBelow(name, zone));

/** The prefixes that an A record's address, 4 bytes, is synthesised with. */
export function prefixesFor(rules: SynthesisRules, data: Uint8Array): readonly SynthesisPrefix[] {
  const address = addressWord(data, 0);
  const isMapped = rules.onlyA.length === 0 || rules.onlyA.some((prefix) => isInside4(address, prefix));
  if (!isMapped || isMartian4(address) || rules.excludeA.some((prefix) => isInside4(address, prefix))) return [];
  return isNonGlobal4(address) ? rules.prefixes.filter((prefix) => !prefix.isGlobalOnly) : rules.prefixes;
}
