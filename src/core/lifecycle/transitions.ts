// The transitions of the diagram in state.ts: each function changes the state and adds the effects that belong to the change.
// Which of them an event leads to in which state stands in table.ts; how a look is followed in review.ts.

import type { ClatReason } from './reason.ts';
import type { Attachment, ClatState, Failure } from './state.ts';
import { report, type Turn, takeTicket, wantLook } from './turn.ts';
import { isSamePath, isSameWay, type Way } from './way.ts';

/** Rule D-10: addresses that may turn out to be another node's before that is an error. */
export const DUPLICATES_MAX = 3;

/** Waiting after a failure: doubled for each one in a row, up to the second. */
export const BACKOFF_MIN_MS = 1000;
export const BACKOFF_MAX_MS = 60_000;
/** A CLAT that has run for so long has not failed in a row. */
export const STABLE_MS = 60_000;

/** A state of that name. */
export type StateOf<S extends ClatState['state']> = Extract<ClatState, { readonly state: S }>;

/** Whether two addresses of 16 bytes are the same. */
export const isSameAddress = (a: Uint8Array, b: Uint8Array): boolean => a.every((octet, i) => octet === b[i]);

const includes = (list: readonly Uint8Array[], clat: Uint8Array): boolean => list.some((a) => isSameAddress(a, clat));

/** `list` with an address that is not in it yet. */
export const withAddress = (list: readonly Uint8Array[], clat: Uint8Array): readonly Uint8Array[] =>
  includes(list, clat) ? list : [...list, clat];

/** Switched on: looks at the network. */
export function begin(turn: Turn): void {
  turn.state = { state: 'waiting', reason: 'client-starting', why: 'looking at the network' };
  turn.world = { ...turn.world, view: null, nativeSinceMs: null };
  turn.effects.push({ effect: 'discover' });
  wantLook(turn, turn.nowMs);
}

/** Waits, and says so where that is news. */
export function wait(turn: Turn, reason: ClatReason, why: string): void {
  const { state } = turn;
  if (state.state === 'waiting' && state.reason === reason && state.why === why) return;
  turn.state = { state: 'waiting', reason, why };
  report(turn, turn.ledger.hasRun ? 'warn' : 'info', reason, why);
}

/** Probes an address for a way that nothing is in use for. */
export function claim(turn: Turn, way: Way, avoid: readonly Uint8Array[]): void {
  turn.state = { state: 'claiming', ticket: askForAddress(turn, way, avoid), way, avoid };
}

/** Probes an address for another way, or another address for the same, while the old one goes on. */
export function move(turn: Turn, from: Attachment, way: Way, avoid: readonly Uint8Array[]): void {
  const { clat } = from;
  turn.state = {
    state: 'moving',
    from: { way: from.way, clat },
    ticket: askForAddress(turn, way, avoid),
    way,
    avoid,
  };
}

function askForAddress(turn: Turn, way: Way, avoid: readonly Uint8Array[]): number {
  const ticket = takeTicket(turn);
  turn.effects.push({ effect: 'claim', ticket, way, avoid });
  return ticket;
}

/** Sets the host up for an address that is ours. */
export function attach(turn: Turn, { way, clat }: Attachment, avoid: readonly Uint8Array[]): void {
  const ticket = askToAttach(turn, { way, clat });
  turn.ledger = { ...turn.ledger, hasInterface: true };
  turn.state = { state: 'attaching', ticket, way, clat, avoid };
}

function askToAttach(turn: Turn, { way, clat }: Attachment): number {
  const ticket = takeTicket(turn);
  turn.effects.push({ effect: 'attach', ticket, way, clat, kind: turn.ledger.kind });
  return ticket;
}

/** Makes sure that the host still is as it was set up: others may have changed it. */
export function repair(turn: Turn, state: StateOf<'running'>, way: Way): void {
  if (state.repair === null) turn.state = { ...state, way, repair: askToAttach(turn, { way, clat: state.clat }) };
}

/** It translates. */
export function run(turn: Turn, { way, clat }: Attachment, avoid: readonly Uint8Array[]): void {
  turn.state = { state: 'running', way, clat, avoid, sinceMs: turn.nowMs, repair: null };
}

/** Takes the translated path out of use, if there is one. */
export function leave(turn: Turn, reason: ClatReason, why: string): void {
  if (!turn.ledger.hasInterface) {
    wait(turn, reason, why);
    return;
  }
  report(turn, 'warn', reason, why);
  const ticket = takeTicket(turn);
  turn.state = { state: 'detaching', ticket, reason, why };
  turn.effects.push({ effect: 'detach', ticket });
}

/** Switched off: undoes everything. */
export function stop(turn: Turn): void {
  report(turn, 'info', 'client-stopping', 'stopping');
  tearDown(turn, 'idle', null);
}

/** Gives up, for now or for good, by the same teardown as a stop. */
export function fail(turn: Turn, failure: Failure, reason: ClatReason = 'client-failed'): void {
  const { settings, ledger, state, nowMs } = turn;
  const isFinal = failure.isFinal || (!settings.isPatient && !ledger.hasRun);
  const wasStable = state.state === 'running' && nowMs - state.sinceMs >= STABLE_MS;
  turn.ledger = { ...ledger, failures: (wasStable ? 0 : ledger.failures) + 1 };
  report(turn, 'error', reason, failure.message);
  tearDown(turn, isFinal ? 'idle' : 'backoff', failure);
}

function tearDown(turn: Turn, next: StateOf<'stopping'>['next'], failure: Failure | null): void {
  const ticket = takeTicket(turn);
  turn.state = { state: 'stopping', ticket, next, failure };
  turn.effects.push({ effect: 'tear-down', ticket });
}

/** Everything is undone, or what could not be is in the journal. */
export function tornDown(turn: Turn, { next, failure }: StateOf<'stopping'>): void {
  turn.ledger = { ...turn.ledger, hasInterface: false };
  if (next === 'waiting') {
    begin(turn);
    return;
  }
  if (next === 'backoff' && failure !== null) {
    backOff(turn, failure);
    return;
  }
  rest(turn, failure);
}

function backOff(turn: Turn, failure: Failure): void {
  const delayMs = Math.min(BACKOFF_MIN_MS * 2 ** (turn.ledger.failures - 1), BACKOFF_MAX_MS);
  turn.state = { state: 'backoff', untilMs: turn.nowMs + delayMs, failure };
  report(turn, 'warn', 'client-retrying', `the next attempt comes in ${delayMs / 1000} s`);
}

/** Comes to rest. */
export function rest(turn: Turn, failure: Failure | null): void {
  const [reason, why] =
    failure === null ? (['client-off', 'stopped'] as const) : (['client-failed', failure.message] as const);
  turn.state = { state: 'idle', reason, why };
  turn.ledger = { ...turn.ledger, failures: 0 };
  turn.effects.push({ effect: 'rest', failure });
}

/** An address was found: for the way that is in use, with the address in use, there is nothing more to do. */
export function claimedWhileMoving(turn: Turn, state: StateOf<'moving'>, clat: Uint8Array): void {
  const { from, way, avoid } = state;
  if (isSamePath(from.way, way) && isSameAddress(from.clat, clat)) run(turn, { way, clat }, avoid);
  else attach(turn, { way, clat }, avoid);
}

/** Another node has the address: the next one, or an error (rule D-10). @returns the addresses to avoid; null: it failed */
export function avoidNext(turn: Turn, avoid: readonly Uint8Array[], clat: Uint8Array): readonly Uint8Array[] | null {
  const next = withAddress(avoid, clat);
  if (next.length < DUPLICATES_MAX) return next;
  const message = `${next.length} addresses were taken by other nodes`;
  fail(turn, { code: 'ADDRESS_DUPLICATE', message, isFinal: false });
  return null;
}

/** Another node claims the address in use. The old one goes on until another is found: half of the packets still come. */
export function contested(turn: Turn, from: Attachment, way: Way, avoid: readonly Uint8Array[]): void {
  report(turn, 'warn', 'address-conflict', '', { clat: from.clat });
  const next = avoidNext(turn, avoid, from.clat);
  if (next !== null) move(turn, from, way, next);
}

/** The host is set up. */
export function attached(turn: Turn, { way, clat, avoid }: StateOf<'attaching'>): void {
  turn.ledger = { ...turn.ledger, hasRun: true };
  run(turn, { way, clat }, avoid);
  report(turn, 'info', 'client-ready', '', { way, clat });
  if (includes(avoid, clat))
    contested(
      turn,
      { way, clat },
      way,
      avoid.filter((a) => !isSameAddress(a, clat)),
    );
}

/** Setting the host up, or repairing it, failed: forwards where redirecting was refused, and else doubts the network first. */
export function attachFailed(turn: Turn, state: StateOf<'attaching' | 'running'>, failure: Failure): void {
  const { ledger, settings } = turn;
  const isRefused = failure.code === 'REDIRECT_UNAVAILABLE' && ledger.kind === 'redirect';
  if (!isRefused || settings.uplinkMode !== 'auto') {
    doubt(turn, state.way, failure);
    return;
  }
  turn.ledger = { ...ledger, kind: 'forwarding' };
  report(turn, 'warn', 'redirect-unavailable', failure.message, { way: state.way });
  if (state.way.isTied) leave(turn, 'uplink-elsewhere', 'the routes lead elsewhere, and forwarding follows them');
  else attach(turn, state, state.avoid);
}

/** Something failed. An uplink that went away half-way is no failure of ours; a look at the network tells. */
export function doubt(turn: Turn, way: Way, failure: Failure): void {
  if (failure.isFinal) {
    fail(turn, failure);
    return;
  }
  turn.state = { state: 'doubting', way, failure };
  // Not one that goes on already: it may have begun before the failure.
  turn.world = { ...turn.world, lookTicket: null };
  wantLook(turn, turn.nowMs);
}

/** Says which way it takes, where that is another one than before. */
export function reportWay(turn: Turn, way: Way, before: Way | null): void {
  const isNewUplink =
    before === null || before.uplink.link.index !== way.uplink.link.index || !isSameUplink(before, way);
  if (way.candidate.source !== 'static' && (before === null || !isSamePrefixOf(before, way))) {
    report(turn, 'info', before === null ? 'prefix-chosen' : 'prefix-changed', '', { way });
  }
  if (isNewUplink) report(turn, 'info', before === null ? 'uplink-chosen' : 'uplink-changed', '', { way });
}

const isSameUplink = (a: Way, b: Way): boolean => isSamePath({ ...a, candidate: b.candidate }, b);
const isSamePrefixOf = (a: Way, b: Way): boolean => isSameWay({ ...a, uplink: b.uplink }, b);
