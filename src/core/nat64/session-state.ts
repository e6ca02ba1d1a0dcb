// The states of all sessions in one table: those of TCP (tcp-state.ts), and for UDP and ICMP whether the inside has spoken.
//
// A packet from outside keeps a session alive only where a packet from inside has gone out on it (RFC 4787 REQ-6 leaves inbound
// refresh to the NAT): else anyone outside could hold a mapping open for ever that nobody inside uses. For the same reason a session
// that only the outside has spoken in does not keep its binding: that ends with the last session of the inside.

import type { Nat64Timers } from './settings.ts';
import {
  ESTABLISHED,
  EVENTS,
  FROM_V4,
  REFRESHES,
  TCP_STATE_NAMES,
  TCP_TRANSITIONS,
  V4_FIN_RCV,
  V4_INIT,
  V6_FIN_RCV,
  V6_INIT,
} from './tcp-state.ts';

const UDP = 8;
/** Opened from outside, and nobody inside has answered. */
const UDP_FROM_V4 = 9;
const ICMP = 10;
const ICMP_FROM_V4 = 11;
/** No session, but the time that a restored binding waits for its host. */
export const KEPT = 12;
/** The same of a binding that had an established TCP connection, which may be idle. */
export const KEPT_ESTABLISHED = 13;
/** No session, but the number of sessions of a binding with one IPv4 address: what address-dependent filtering asks for. */
export const PERMISSION = 14;

/** Names as `sessions` shows them, by number. */
export const STATE_NAMES = [
  ...TCP_STATE_NAMES,
  'udp',
  'udp-in',
  'icmp',
  'icmp-in',
  'kept',
  'kept-established',
  'permission',
] as const;

/** A session's state as text. */
export type SessionStateName = (typeof STATE_NAMES)[number];

const STATES = STATE_NAMES.length;

/** What a packet does to a state, the same whatever it says; `out` is the state once the inside has spoken. */
function datagramRow(own: number, out: number): number[] {
  const inbound = own === out ? own | REFRESHES : own;
  return Array.from({ length: EVENTS }, (_, event) => (event < FROM_V4 ? out | REFRESHES : inbound));
}

/** By `state * EVENTS + event`: the next state, with REFRESHES or without. */
export const TRANSITIONS: Uint8Array = Uint8Array.from(
  [
    ...TCP_TRANSITIONS,
    datagramRow(UDP, UDP),
    datagramRow(UDP_FROM_V4, UDP),
    datagramRow(ICMP, ICMP),
    datagramRow(ICMP_FROM_V4, ICMP),
  ].flat(),
);

/** By protocol: the state of a session that the inside opens. */
export const FIRST_STATE_V6: Uint8Array = Uint8Array.of(UDP, V6_INIT, ICMP);
/** By protocol: the state of a session that the outside opens. */
export const FIRST_STATE_V4: Uint8Array = Uint8Array.of(UDP_FROM_V4, V4_INIT, ICMP_FROM_V4);

/** By state: 1 where such a session keeps its binding, 0 where only the outside has spoken. */
export const KEEPS_BINDING: Uint8Array = new Uint8Array(STATES).fill(1);
for (const state of FIRST_STATE_V4) KEEPS_BINDING[state] = 0;

/** Whether the inside and the outside have a TCP connection in this state that may be idle for hours. */
export const isEstablished = (state: number): boolean =>
  state === ESTABLISHED || state === V4_FIN_RCV || state === V6_FIN_RCV || state === KEPT_ESTABLISHED;

/** How long a session lasts in each state, in milliseconds (rule N-04). */
export function lifetimesOf(timers: Nat64Timers): Int32Array {
  const lifetimes = new Int32Array(STATES).fill(timers.tcpTransitoryMs);
  for (let state = 0; state < STATES; state++) if (isEstablished(state)) lifetimes[state] = timers.tcpEstablishedMs;
  for (const state of [UDP, UDP_FROM_V4]) lifetimes[state] = timers.udpMs;
  for (const state of [ICMP, ICMP_FROM_V4]) lifetimes[state] = timers.icmpMs;
  lifetimes[KEPT] = Math.max(timers.udpMs, timers.tcpTransitoryMs);
  return lifetimes;
}
