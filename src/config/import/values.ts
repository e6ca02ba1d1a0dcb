// Values as foreign programs write them, turned into ours: switches, times, transport addresses; and NAT64 pools, in which
// lines that differ in the protocol alone become one.

import type { Draft } from './draft.ts';
import type { Statement } from './source.ts';

const TRUE = new Set(['true', 'yes', 'on', '1']);
const FALSE = new Set(['false', 'no', 'off', '0']);

/** A switch; anything else becomes an issue, and null. */
export function readSwitch(draft: Draft, value: string, from: Statement): boolean | null {
  const word = value.toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  draft.broken(from, `has ${JSON.stringify(value)} for a switch`, 'write true or false');
  return null;
}

/** A whole number that is not negative; anything else becomes an issue, and null. */
export function readNumber(draft: Draft, value: string, from: Statement): number | null {
  if (/^\d{1,12}$/.test(value)) return Number(value);
  draft.broken(from, `has ${JSON.stringify(value)} for a number`, 'write digits');
  return null;
}

/** Milliseconds as a duration of our configuration, in the largest unit that fits. */
export function durationText(ms: number): string {
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ];
  const [unit, size] = units.find(([, each]) => ms >= each && ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** A protocol with a BIB of its own. */
export type Protocol = 'tcp' | 'udp' | 'icmp';

const ALL: readonly Protocol[] = ['tcp', 'udp', 'icmp'];

/** Part of an IPv4 pool, as text. */
export interface PoolPart {
  /** An address or a prefix. */
  readonly prefix: string;
  /** Empty: left to the gateway. */
  readonly ports: string;
  /** Empty: all. */
  readonly protocols: readonly Protocol[];
  readonly from: Statement;
}

/** Adds parts to `nat64.pool`, those with the same addresses and ports as one line. */
export function addPool(draft: Draft, parts: readonly PoolPart[]): void {
  const lines = new Map<string, { readonly part: PoolPart; readonly protocols: Set<Protocol> }>();
  for (const part of parts) {
    const key = `${part.prefix} ${part.ports}`;
    const line = lines.get(key) ?? { part, protocols: new Set() };
    for (const protocol of part.protocols.length === 0 ? ALL : part.protocols) line.protocols.add(protocol);
    lines.set(key, line);
  }
  for (const { part, protocols } of lines.values()) {
    const named = protocols.size === ALL.length ? '' : ` ${ALL.filter((p) => protocols.has(p)).join(',')}`;
    draft.add('nat64.pool', `${part.prefix}${named} ${part.ports}`.trimEnd(), part.from);
  }
}

/** `192.0.2.1#80` and `2001:db8::1#80` (Jool) as `192.0.2.1:80` and `[2001:db8::1]:80`; null: not of this form. */
export function transportAddress(text: string): string | null {
  const [, address = '', port = ''] = /^([\da-f:.]+)#(\d{1,5})$/i.exec(text) ?? [];
  if (address === '') return null;
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
