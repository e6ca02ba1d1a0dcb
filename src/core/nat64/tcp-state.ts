// The states of a TCP session and what each packet does to them (RFC 6146 §3.5.2.2; RFC 7857 §2 has the same rules for RST).
//
//                                 CLOSED
//                     V6 SYN ┌──────┴───────┐ V4 SYN
//                            ▼              ▼
//                         V6 INIT        V4 INIT
//                            │ V4 SYN       │ V6 SYN
//                            └──────┬───────┘
//        V4 or V6 RST,              ▼                  any packet but RST
//     ┌─ 2 h 4 min + probe ── ESTABLISHED ◄──────────────────────────────┐
//     │               V4 FIN ┌──────┴───────┐ V6 FIN                     │
//     │                      ▼              ▼                            │
//     │                 V4 FIN RCV     V6 FIN RCV                        │
//     │                      │ V6 FIN       │ V4 FIN                     │
//     │                      └──────┬───────┘                            │
//     │                             ▼                                    │
//     │                    V4 FIN + V6 FIN RCV ── V6 SYN: V6 INIT,       │
//     │                                           V4 SYN: V4 INIT (*)    │
//     └──────────────────────► TRANS ────────────────────────────────────┘
//
// When the time of any other state is over, the session is closed. What is not drawn leaves the state as it is; the table says
// whether it begins the state's time anew. All of it is forwarded.
//
// (*) deviates from RFC 6146, where both FINs end in a timer that nothing stops: a host that opens the next connection from
// the same port within those four minutes (RFC 9293 §3.10.7.4 lets it) would lose it in its middle.

import { FIN, RST, SYN } from '../wire/tcp.ts';

export const CLOSED = 0;
export const V4_INIT = 1;
export const V6_INIT = 2;
export const ESTABLISHED = 3;
export const V4_FIN_RCV = 4;
export const V6_FIN_RCV = 5;
export const V4_FIN_V6_FIN_RCV = 6;
export const TRANS = 7;

/** Names as `sessions` shows them, by number. */
export const TCP_STATE_NAMES = [
  'closed',
  'v4-init',
  'v6-init',
  'established',
  'v4-fin-rcv',
  'v6-fin-rcv',
  'v4-fin-v6-fin-rcv',
  'trans',
] as const;

// An event is what a segment says, plus FROM_V4 if it came from the IPv4 side.
export const OTHER = 0;
export const OPENS = 1;
export const CLOSES = 2;
export const RESETS = 3;
export const FROM_V4 = 4;
/** Events in all. */
export const EVENTS = 8;

/** By the flags FIN, SYN and RST as they stand in the header. A segment that says two things resets before it opens before it closes. */
const EVENT_OF_FLAGS = Uint8Array.from({ length: 8 }, (_, flags) => {
  if ((flags & RST) !== 0) return RESETS;
  if ((flags & SYN) !== 0) return OPENS;
  return (flags & FIN) === 0 ? OTHER : CLOSES;
});

/** What a segment says, by the octet of its flags, without its side. */
export const tcpEvent = (flags: number): number => EVENT_OF_FLAGS[flags & (FIN | SYN | RST)];

/** In a transition: the time of the state reached begins anew. */
export const REFRESHES = 0x80;

const anew = (state: number): number => state | REFRESHES;

/**
 * By state, then event: the next state, with REFRESHES or without. CLOSED has no row of its own: nat64-state.ts opens sessions,
 * because filters and limits have a say in that.
 */
export const TCP_TRANSITIONS: readonly (readonly number[])[] = [
  // V6 other, SYN, FIN, RST; V4 other, SYN, FIN, RST
  Array<number>(EVENTS).fill(CLOSED),
  [V4_INIT, anew(ESTABLISHED), V4_INIT, V4_INIT, V4_INIT, V4_INIT, V4_INIT, V4_INIT],
  [V6_INIT, anew(V6_INIT), V6_INIT, V6_INIT, V6_INIT, anew(ESTABLISHED), V6_INIT, V6_INIT],
  [
    ...[anew(ESTABLISHED), anew(ESTABLISHED), anew(V6_FIN_RCV), anew(TRANS)],
    ...[anew(ESTABLISHED), anew(ESTABLISHED), anew(V4_FIN_RCV), anew(TRANS)],
  ],
  [
    ...[anew(V4_FIN_RCV), anew(V4_FIN_RCV), anew(V4_FIN_V6_FIN_RCV), anew(V4_FIN_RCV)],
    ...[anew(V4_FIN_RCV), anew(V4_FIN_RCV), anew(V4_FIN_RCV), anew(V4_FIN_RCV)],
  ],
  [
    ...[anew(V6_FIN_RCV), anew(V6_FIN_RCV), anew(V6_FIN_RCV), anew(V6_FIN_RCV)],
    ...[anew(V6_FIN_RCV), anew(V6_FIN_RCV), anew(V4_FIN_V6_FIN_RCV), anew(V6_FIN_RCV)],
  ],
  [
    ...[V4_FIN_V6_FIN_RCV, anew(V6_INIT), V4_FIN_V6_FIN_RCV, V4_FIN_V6_FIN_RCV],
    ...[V4_FIN_V6_FIN_RCV, anew(V4_INIT), V4_FIN_V6_FIN_RCV, V4_FIN_V6_FIN_RCV],
  ],
  [
    ...[anew(ESTABLISHED), anew(ESTABLISHED), anew(ESTABLISHED), TRANS],
    ...[anew(ESTABLISHED), anew(ESTABLISHED), anew(ESTABLISHED), TRANS],
  ],
];
