// Sessions and bindings as plain records, a page at a time, for those who ask. A call looks at a bounded number of rows, so
// that packets wait a fraction of a millisecond, and for the records that the asker wants at once; sorting is the asker's.

import { addressWord } from '../address/rfc6052.ts';
import { IS_CONFIGURED, IS_STATIC } from './bib.ts';
import { BIB_PROTOCOLS } from './bib-protocol.ts';
import { WHEEL_SLOTS } from './expiry-wheel.ts';
import type { Nat64Tables } from './nat64-tables.ts';
import { PERMISSION, type SessionStateName, STATE_NAMES } from './session-state.ts';
import type { Nat64Protocol } from './settings.ts';

/** Rows that one call looks at: some 20 ns each. */
const ROWS_PER_PAGE = 5_000;

/** What to list; what is left out does not matter. */
export interface TableFilter {
  readonly protocol?: Nat64Protocol;
  /** 16 bytes. */
  readonly ipv6?: Uint8Array;
  readonly port6?: number;
  /** The pool's side, unsigned. */
  readonly ipv4?: number;
  readonly port4?: number;
  /** The far end; of sessions only. */
  readonly remote4?: number;
  readonly remotePort?: number;
}

/** A binding. */
export interface BindingRecord {
  readonly protocol: Nat64Protocol;
  /** 16 bytes. */
  readonly ipv6: Uint8Array;
  readonly port6: number;
  /** Unsigned. */
  readonly ipv4: number;
  readonly port4: number;
  /** Made by the configuration, by the operator while running, or by traffic. */
  readonly origin: 'configured' | 'static' | 'dynamic';
  readonly sessions: number;
}

/** A session. */
export interface SessionRecord {
  readonly protocol: Nat64Protocol;
  /** 16 bytes. */
  readonly ipv6: Uint8Array;
  readonly port6: number;
  /** Unsigned. */
  readonly ipv4: number;
  readonly port4: number;
  /** Unsigned. */
  readonly remote4: number;
  readonly remotePort: number;
  readonly state: SessionStateName;
  readonly ageMs: number;
  /** Until it runs out if nothing comes; not below 0. */
  readonly leftMs: number;
}

/** One page of sessions. */
export interface SessionPage {
  readonly sessions: readonly SessionRecord[];
  /** Where the next page begins; 0: this was the last. */
  readonly next: number;
}

/** One page of bindings. */
export interface BindingPage {
  readonly bindings: readonly BindingRecord[];
  /** Where the next page begins; 0: this was the last. */
  readonly next: number;
}

/** One page of sessions, from row `cursor` on (0: the first). It may be short, or empty, before the end. */
export function listSessions(
  t: Nat64Tables,
  filter: TableFilter,
  limit: number,
  cursor: number,
  nowMs: number,
): SessionPage {
  const found: SessionRecord[] = [];
  const host = hostOf(filter);
  const first = Math.max(cursor, WHEEL_SLOTS);
  const end = Math.min(t.sessions.top + 1, first + ROWS_PER_PAGE);
  let row = first;
  for (; row < end && found.length < limit; row++) {
    const binding = t.sessions.binding(row);
    if (binding === 0 || t.sessions.state(row) === PERMISSION || !t.bib.isAlive(binding)) continue;
    if (passes(t, binding, filter, host) && passesRemote(t, row, filter)) found.push(sessionRecord(t, row, nowMs));
  }
  return { sessions: found, next: row > t.sessions.top ? 0 : row };
}

/** One page of bindings, likewise. */
export function listBindings(t: Nat64Tables, filter: TableFilter, limit: number, cursor: number): BindingPage {
  const found: BindingRecord[] = [];
  const host = hostOf(filter);
  const first = Math.max(cursor, 1);
  const end = Math.min(t.bib.top + 1, first + ROWS_PER_PAGE);
  let binding = first;
  for (; binding < end && found.length < limit; binding++)
    if (t.bib.isAlive(binding) && passes(t, binding, filter, host)) found.push(bindingRecord(t, binding));
  return { bindings: found, next: binding > t.bib.top ? 0 : binding };
}

const isAsked = (wanted: number | undefined, value: number): boolean => wanted === undefined || wanted === value;

/** The words of the host that is asked for; null: it does not matter. */
const hostOf = ({ ipv6 }: TableFilter): readonly number[] | null =>
  ipv6 === undefined ? null : [0, 1, 2, 3].map((i) => addressWord(ipv6, i));

function passes(
  { bib, hosts }: Nat64Tables,
  binding: number,
  filter: TableFilter,
  host: readonly number[] | null,
): boolean {
  if (filter.protocol !== undefined && BIB_PROTOCOLS[bib.protocol(binding)] !== filter.protocol) return false;
  if (!isAsked(filter.port6, bib.port6(binding)) || !isAsked(filter.port4, bib.port4(binding))) return false;
  if (!isAsked(filter.ipv4, bib.ipv4(binding) >>> 0)) return false;
  return host === null || hosts.isAt(bib.host(binding), host[0], host[1], host[2], host[3]);
}

const passesRemote = ({ sessions }: Nat64Tables, row: number, filter: TableFilter): boolean =>
  isAsked(filter.remote4, sessions.remote4(row) >>> 0) && isAsked(filter.remotePort, sessions.remotePort(row));

function transportAddresses({ bib, hosts }: Nat64Tables, binding: number) {
  return {
    protocol: BIB_PROTOCOLS[bib.protocol(binding)] as Nat64Protocol,
    ipv6: hosts.bytes16(bib.host(binding)),
    port6: bib.port6(binding),
    ipv4: bib.ipv4(binding) >>> 0,
    port4: bib.port4(binding),
  };
}

function bindingRecord(t: Nat64Tables, binding: number): BindingRecord {
  const isConfigured = t.bib.flags(binding, IS_CONFIGURED) !== 0;
  const isStatic = t.bib.flags(binding, IS_STATIC) !== 0;
  const origin = isConfigured ? 'configured' : isStatic ? 'static' : 'dynamic';
  return { ...transportAddresses(t, binding), origin, sessions: t.bib.sessions(binding) };
}

function sessionRecord(t: Nat64Tables, row: number, nowMs: number): SessionRecord {
  const { sessions } = t;
  const state = sessions.state(row);
  return {
    ...transportAddresses(t, sessions.binding(row)),
    remote4: sessions.remote4(row) >>> 0,
    remotePort: sessions.remotePort(row),
    state: STATE_NAMES[state],
    ageMs: (nowMs - sessions.opened(row)) | 0,
    leftMs: Math.max(0, t.lifetimes[state] - ((nowMs - sessions.seen(row)) | 0)),
  };
}
