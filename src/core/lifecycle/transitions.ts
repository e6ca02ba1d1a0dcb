// The transitions of the diagram in state.ts: each function changes the state and adds the effects that belong to the change.
// Which of them an event leads to in which state stands in table.ts; how a look is followed in review.ts.

import { isSameAddress } from './address.ts';
import { defend, stand } from './contest.ts';
import { isTakenOn, mayMove, takenOn, withMove, withOurs, withoutTaken, withTaken } from './neighbours.ts';
import type { ClatReason } from './reason.ts';
import type { Attachment, ClatState, Failure, UplinkKind } from './state.ts';
import { report, type Turn, takeTicket, wantLook } from './turn.ts';
import { kindFor, refusalAfter, refusalOf } from './uplink-kind.ts';
import { isSamePath, isSameWay, type Way } from './way.ts';

/** Rule D-10: addresses that may turn out to be another node's in one attempt before that is an error. */
export const DUPLICATES_MAX = 3;

/** Waiting after a failure: doubled for each one in a row, up to the second. */
export const BACKOFF_MIN_MS = 1000;
export const BACKOFF_MAX_MS = 60_000;
/** A CLAT that has run for so long has not failed in a row. */
export const STABLE_MS = 60_000;

/** A state of that name. */
export type StateOf<S extends ClatState['state']> = Extract<ClatState, { readonly state: S }>;

/** Switched on: looks at the network. */
export function begin(turn: Turn): void {
  // The user who switches it off and on wants to begin again; after a failure of ours what is known still holds.
  const isFromEmpty = turn.state.state !== 'backoff';
  turn.state = { state: 'waiting', reason: 'client-starting', why: 'looking at the network' };
  turn.world = { ...turn.world, view: null, nativeSinceMs: null };
  turn.effects.push({ effect: 'discover', isFromEmpty });
  wantLook(turn, turn.nowMs);
}

/** Waits, and says so where that is news. */
export function wait(turn: Turn, reason: ClatReason, why: string): void {
  const { state } = turn;
  if (state.state === 'waiting' && state.reason === reason && state.why === why) return;
  turn.state = { state: 'waiting', reason, why };
  report(turn, turn.ledger.hasRun ? 'warn' : 'info', reason, why);
}

/** Probes an address for a way that nothing is in use for. @param taken how many were probed in vain */
export function claim(turn: Turn, way: Way, taken = 0): void {
  turn.state = { state: 'claiming', ticket: askForAddress(turn, way), way, taken };
}

/** Probes an address for another way, or another address for the same, while the old one goes on. */
export function move(turn: Turn, { way: oldWay, clat, kind }: Attachment, way: Way, taken = 0): void {
  const from = { way: oldWay, clat, kind };
  turn.state = { state: 'moving', from, ticket: askForAddress(turn, way), way, taken };
}

function askForAddress(turn: Turn, way: Way): number {
  const ticket = takeTicket(turn);
  turn.effects.push({ effect: 'claim', ticket, way, avoid: takenOn(turn.ledger.neighbours, way) });
  return ticket;
}

/** The kind to attach to a way with, now. */
export const kindOf = (turn: Turn, way: Way): UplinkKind => kindFor(turn, way.uplink.link.index, turn.nowMs);

/** Sets the host up for an address that is ours. @param isContested whether another node claims it already */
export function attach(turn: Turn, { way, clat, kind }: Attachment, isContested = false): void {
  const ticket = askToAttach(turn, { way, clat, kind });
  turn.ledger = { ...turn.ledger, hasInterface: true };
  turn.state = { state: 'attaching', ticket, way, clat, kind, isContested };
}

function askToAttach(turn: Turn, { way, clat, kind }: Attachment): number {
  const ticket = takeTicket(turn);
  turn.effects.push({ effect: 'attach', ticket, way, clat, kind });
  return ticket;
}

/** Makes sure that the host still is as it was set up: others may have changed it. */
export function repair(turn: Turn, state: StateOf<'running'>, way: Way): void {
  if (state.repair === null) turn.state = { ...state, way, repair: askToAttach(turn, { ...state, way }) };
}

/** It translates. */
export function run(turn: Turn, { way, clat, kind }: Attachment): void {
  turn.state = { state: 'running', way, clat, kind, sinceMs: turn.nowMs, repair: null };
}

/** Takes the translated path out of use, if there is one. */
export function leave(turn: Turn, reason: ClatReason, why: string): void {
  if (!turn.ledger.hasInterface) {
    wait(turn, reason, why);
    return;
  }
  report(turn, 'warn', reason, why);
  detach(turn, reason, why, null);
}

function detach(turn: Turn, reason: ClatReason, why: string, failure: Failure | null): void {
  const ticket = takeTicket(turn);
  turn.state = { state: 'detaching', ticket, reason, why, failure };
  turn.effects.push({ effect: 'detach', ticket });
}

/** Switched off: undoes everything. */
export function stop(turn: Turn): void {
  report(turn, 'info', 'client-stopping', 'stopping');
  tearDown(turn, 'idle', null);
}

/**
 * Gives up, for now or for good, by the same teardown as a stop. Where it is only for want of an address that nobody else has, what
 * programs on this host see stays: their connections outlive the wait.
 */
export function fail(turn: Turn, failure: Failure, reason: ClatReason = 'client-failed'): void {
  const { settings, ledger, state, nowMs } = turn;
  const isFinal = failure.isFinal || (!settings.isPatient && !ledger.hasRun);
  const wasStable = state.state === 'running' && nowMs - state.sinceMs >= STABLE_MS;
  turn.ledger = { ...ledger, failures: (wasStable ? 0 : ledger.failures) + 1 };
  report(turn, 'error', reason, failure.message);
  if (!isFinal && ledger.hasInterface && failure.code === DUPLICATE) detach(turn, reason, failure.message, failure);
  else tearDown(turn, isFinal ? 'idle' : 'backoff', failure);
}

const DUPLICATE = 'ADDRESS_DUPLICATE';

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

/** The translated path is out of use. */
export function detached(turn: Turn, { reason, why, failure }: StateOf<'detaching'>): void {
  if (failure === null) turn.state = { state: 'waiting', reason, why };
  else backOff(turn, failure);
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
  const { from, way } = state;
  const kind = kindOf(turn, way);
  const isAsBefore = isSamePath(from.way, way) && isSameAddress(from.clat, clat) && from.kind === kind;
  if (isAsBefore) run(turn, { way, clat, kind });
  else attach(turn, { way, clat, kind });
}

/** Remembers that another node has the address that was probed. @returns the failure that this is, or null: there may be more */
function noteTaken(turn: Turn, way: Way, clat: Uint8Array, taken: number): Failure | null {
  report(turn, 'warn', 'address-duplicate', '', { way, clat });
  turn.ledger = { ...turn.ledger, neighbours: withTaken(turn.ledger.neighbours, way, clat) };
  if (taken < DUPLICATES_MAX) return null;
  return { code: DUPLICATE, message: `${taken} addresses were taken by other nodes`, isFinal: false };
}

/** Another node has the address: the next one, or an error (rule D-10). */
export function takenWhileClaiming(turn: Turn, { way, taken }: StateOf<'claiming'>, clat: Uint8Array): void {
  const failure = noteTaken(turn, way, clat, taken + 1);
  if (failure === null) claim(turn, way, taken + 1);
  else fail(turn, failure);
}

/** The same while another address is in use. */
export function takenWhileMoving(turn: Turn, state: StateOf<'moving'>, clat: Uint8Array): void {
  const { from, way, taken } = state;
  const failure = noteTaken(turn, way, clat, taken + 1);
  if (failure === null) move(turn, from, way, taken + 1);
  else giveUpMoving(turn, state, failure);
}

/** No address could be claimed: there was none left to try, or it failed. */
export function claimFailed(turn: Turn, state: StateOf<'claiming' | 'moving'>, failure: Failure): void {
  if (failure.code !== DUPLICATE) {
    doubt(turn, state.way, failure);
    return;
  }
  // Whoever had them may be gone by the next attempt.
  turn.ledger = { ...turn.ledger, neighbours: withoutTaken(turn.ledger.neighbours, state.way) };
  if (state.state === 'moving') giveUpMoving(turn, state, failure);
  else fail(turn, failure);
}

/** On the same network the address in use serves: random ones that all belong to somebody are a lie (neighbours.ts). */
function giveUpMoving(turn: Turn, { from, way }: StateOf<'moving'>, failure: Failure): void {
  if (!isSameWay(from.way, way)) {
    fail(turn, failure);
    return;
  }
  turn.ledger = { ...turn.ledger, neighbours: withOurs(turn.ledger.neighbours, way, from.clat) };
  run(turn, from);
  stand(turn, from.clat);
}

/**
 * Another node claims the address in use. The old one goes on until another is found, and is defended for so long; an address after
 * too many that were given up is kept (neighbours.ts).
 */
export function contested(turn: Turn, from: Attachment, way: Way): void {
  const { nowMs, ledger } = turn;
  if (!mayMove(ledger.neighbours, way, nowMs)) {
    stand(turn, from.clat);
    return;
  }
  report(turn, 'warn', 'address-conflict', '', { clat: from.clat });
  const neighbours = withMove(withTaken(ledger.neighbours, way, from.clat), way, nowMs);
  turn.ledger = { ...ledger, neighbours };
  defend(turn, from.clat);
  move(turn, from, way);
}

/** The same while another one is looked for already. */
export function contestedWhileMoving(turn: Turn, { from, way }: StateOf<'moving'>): void {
  const isLeaving = !isSameWay(from.way, way) || isTakenOn(turn.ledger.neighbours, way, from.clat);
  if (isLeaving) defend(turn, from.clat);
  else contested(turn, from, way); // the one that is probed after sleep may be this one
}

/** The host is set up. */
export function attached(turn: Turn, { way, clat, kind, isContested }: StateOf<'attaching'>): void {
  turn.ledger = { ...turn.ledger, hasRun: true, refusal: refusalAfter(turn.ledger.refusal, way, kind) };
  run(turn, { way, clat, kind });
  report(turn, 'info', 'client-ready', '', { way, clat });
  if (isContested) contested(turn, { way, clat, kind }, way);
}

/** Setting the host up, or repairing it, failed: forwards where redirecting was refused, and else doubts the network first. */
export function attachFailed(turn: Turn, state: StateOf<'attaching' | 'running'>, failure: Failure): void {
  const { ledger, settings, nowMs } = turn;
  const { way } = state;
  const isRefused = failure.code === 'REDIRECT_UNAVAILABLE' && state.kind === 'redirect';
  if (!isRefused || settings.uplinkMode !== 'auto') {
    doubt(turn, way, failure);
    return;
  }
  turn.ledger = { ...ledger, refusal: refusalOf(ledger.refusal, way, failure, nowMs) };
  report(turn, 'warn', 'redirect-unavailable', failure.message, { way });
  const isContested = state.state === 'attaching' && state.isContested;
  if (way.isTied) leave(turn, 'uplink-elsewhere', 'the routes lead elsewhere, and forwarding follows them');
  else attach(turn, { ...state, kind: 'forwarding' }, isContested);
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
