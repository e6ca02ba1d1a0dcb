// Bindings made by hand (rule N-09): ports open from outside. Whoever made one, the configuration or the operator while running,
// it stays until its maker takes it back, with sessions or without.

import { addressWord } from '../address/rfc6052.ts';
import { HOLDS_PORT, IS_CONFIGURED, IS_STATIC } from './bib.ts';
import { bibOf } from './bib-protocol.ts';
import { MAX_STATIC_BINDINGS, type Nat64Tables } from './nat64-tables.ts';
import type { StaticBinding } from './settings.ts';

/** What became of a binding made by hand: `conflict`: another one made by hand is in its way; `full`: there are too many. */
export type StaticResult = 'added' | 'exists' | 'conflict' | 'full';

const BY_HAND = IS_STATIC | IS_CONFIGURED;

interface Found {
  readonly by6: number;
  readonly by4: number;
}

/** The bindings that have one of the two ends; 0: none. */
function find(t: Nat64Tables, { protocol, ipv6, port6, ipv4, port4 }: StaticBinding): Found {
  const proto = bibOf(protocol);
  const [w0, w1, w2, w3] = wordsOf(ipv6);
  return { by6: t.bib.find6(proto, w0, w1, w2, w3, port6), by4: t.bib.find4(proto, ipv4 | 0, port4) };
}

const wordsOf = (ipv6: Uint8Array): [number, number, number, number] => [
  addressWord(ipv6, 0),
  addressWord(ipv6, 1),
  addressWord(ipv6, 2),
  addressWord(ipv6, 3),
];

/** A text that two bindings share only when they are the same. */
export const nameOf = ({ protocol, ipv6, port6, ipv4, port4 }: StaticBinding): string =>
  `${protocol} ${ipv6} ${port6} ${ipv4} ${port4}`;

/**
 * Makes a binding by hand. One that traffic made goes if it is in the way; if it is the same, it stays as it is and is kept.
 * @param by IS_STATIC or IS_CONFIGURED: who makes it; both may
 */
export function addStatic(t: Nat64Tables, binding: StaticBinding, by: number, nowMs: number): StaticResult {
  const { by6, by4 } = find(t, binding);
  if (by6 !== 0 && by6 === by4) return claim(t, by6, by);
  if ((by6 !== 0 && t.bib.flags(by6, BY_HAND) !== 0) || (by4 !== 0 && t.bib.flags(by4, BY_HAND) !== 0))
    return 'conflict';
  if (t.staticCount >= MAX_STATIC_BINDINGS) return 'full';
  t.setTime(nowMs);
  if (by6 !== 0) t.killBinding(by6);
  if (by4 !== 0) t.killBinding(by4);
  const proto = bibOf(binding.protocol);
  const host = hostOf(t, binding.ipv6, nowMs);
  const holds = t.pool.reserve(proto, binding.ipv4 | 0, binding.port4, host) ? HOLDS_PORT : 0;
  t.addBinding(proto, host, binding.port6, binding.ipv4 | 0, binding.port4, by | holds);
  count(t, binding.ipv4 | 0, 1);
  return 'added';
}

/** Takes a binding back, for one maker or both; nobody's goes with its sessions. @returns false when it was not made by them */
export function removeStatic(t: Nat64Tables, binding: StaticBinding, by: number, nowMs: number): boolean {
  const { by6, by4 } = find(t, binding);
  if (by6 === 0 || by6 !== by4 || t.bib.flags(by6, by) === 0) return false;
  t.bib.setFlags(by6, by, false);
  if (t.bib.flags(by6, BY_HAND) !== 0) return true;
  count(t, binding.ipv4 | 0, -1);
  t.setTime(nowMs);
  t.killBinding(by6);
  return true;
}

/** The record of a host, made if there is none. */
export function hostOf(t: Nat64Tables, ipv6: Uint8Array, nowMs: number): number {
  const [w0, w1, w2, w3] = wordsOf(ipv6);
  return t.hosts.find(w0, w1, w2, w3) || t.hosts.add(w0, w1, w2, w3, nowMs);
}

function claim(t: Nat64Tables, binding: number, by: number): StaticResult {
  if (t.bib.flags(binding, by) !== 0) return 'exists';
  if (t.bib.flags(binding, BY_HAND) === 0) {
    if (t.staticCount >= MAX_STATIC_BINDINGS) return 'full';
    count(t, t.bib.ipv4(binding), 1);
  }
  t.bib.setFlags(binding, by, true);
  return 'added';
}

function count(t: Nat64Tables, address: number, n: number): void {
  const left = (t.staticAddresses.get(address) ?? 0) + n;
  if (left === 0) t.staticAddresses.delete(address);
  else t.staticAddresses.set(address, left);
  t.staticCount += n;
}
