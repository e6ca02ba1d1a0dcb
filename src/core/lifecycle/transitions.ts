// The transitions of the diagram in state.ts: each function changes the state and adds the effects that belong to the change.
// Which of them an event leads to in which state stands in table.ts; how a look is followed in review.ts.

import { isSameAddress } from '../address/same.ts';
import { defend, defendForNow, stand, wasJustDefended } from './contest.ts';
import { isTakenOn, mayMove, takenOn, withMove, withOurs, withoutTaken, withTaken } from './neighbours.ts';
import type { ClatReason } from './reason.ts';
import { type Attachment, attachmentOf, type ClatState, type Failure, type UplinkKind } from './state.ts';
import { report, type Turn, takeTicket, wantLook } from './turn.ts';
import { kindFor, refusalAfter, refusalOf } from './uplink-kind.ts';
import { isSamePath, isSameWay, narrowed, type Way } from './way.ts';

/** Rule D-10: addresses that may turn out to be another node's in one attempt before that is an error. */
const DUPLICATES_MAX = 3;

/** Waiting after a failure: doubled for each one in a row, up to the second. */
const BACKOFF_MIN_MS = 1000;
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
  if (isFromEmpty) turn.ledger = { ...turn.ledger, hasRunSinceUp: false };
  turn.effects.push({ effect: 'discover', isFromEmpty });
  wantLook(turn, turn.nowMs);
}

/** Waits, and says so where that is news. */
export function wait(turn: Turn, reason: ClatReason, why: string): void {
  const { state } = turn;
  const isSameReason = state.state === 'waiting' && state.reason === reason;
  if (isSameReason && state.why === why) return;
  turn.state = { state: 'waiting', reason, why };
  // Other words for the same decision are no other decision.
  report(turn, isSameReason ? 'debug' : turn.ledger.hasRunSinceUp ? 'warn' : 'info', reason, why);
}

/** Probes an address for a way that nothing is in use for. @param taken how many were probed in vain */
export function claim(turn: Turn, way: Way, taken = 0): void {
  turn.state = { state: 'claiming', ticket: askForAddress(turn, way), way, taken };
}

/** Probes an address for another way, or another address for the same, while the old one goes on. */
export function move(turn: Turn, { way: oldWay, clat, kind }: Attachment, way: Way, taken = 0): void {
  const from = { way: oldWay, clat, kind };
  const failedProbes = failedProbesIn(turn.state);
  turn.state = { state: 'moving', from, ticket: askForAddress(turn, way), way, taken, failedProbes };
}

function failedProbesIn(state: ClatState): number {
  if (state.state === 'moving') return state.failedProbes;
  return state.state === 'running' ? (state.owed?.failures ?? 0) : 0;
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
  const { state } = turn;
  const isChange = state.state === 'attaching' ? state.isChange : attachmentOf(state) !== null;
  turn.ledger = { ...turn.ledger, hasInterface: true };
  turn.state = { state: 'attaching', ticket, way, clat, kind, isContested, isChange };
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
  const fresh = { sinceMs: turn.nowMs, repair: null, widerSinceMs: null, owed: null };
  turn.state = { state: 'running', way, clat, kind, ...fresh };
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

/** Gives up, for now or for good, by the same teardown as a stop. */
export function fail(turn: Turn, failure: Failure, reason: ClatReason = 'client-failed'): void {
  const isFinal = failed(turn, failure, reason);
  tearDown(turn, isFinal ? 'idle' : 'backoff', failure);
}

/** Gives up for want of an address only: what programs on this host see stays, and their connections outlive the wait. */
export function lackAddress(turn: Turn, failure: Failure): void {
  const isFinal = failed(turn, failure, 'client-failed');
  if (!isFinal && turn.ledger.hasInterface) detach(turn, 'client-failed', failure.message, failure);
  else tearDown(turn, isFinal ? 'idle' : 'backoff', failure);
}

/** Counts a failure and says it. @returns whether it ends it for good */
function failed(turn: Turn, failure: Failure, reason: ClatReason): boolean {
  const { settings, ledger, state, nowMs } = turn;
  const wasStable = state.state === 'running' && nowMs - state.sinceMs >= STABLE_MS;
  turn.ledger = { ...ledger, failures: (wasStable ? 0 : ledger.failures) + 1 };
  report(turn, 'error', reason, failure.message);
  return failure.isFinal || (!settings.isPatient && !ledger.hasRun);
}

const DUPLICATE = 'ADDRESS_DUPLICATE';

function tearDown(turn: Turn, next: StateOf<'stopping'>['next'], failure: Failure | null): void {
  const ticket = takeTicket(turn);
  turn.state = { state: 'stopping', ticket, next, failure };
  turn.effects.push({ effect: 'tear-down', ticket });
}

/** Everything is undone, or what could not be is in the journal. @param left why that is so, or null */
export function tornDown(turn: Turn, { next, failure }: StateOf<'stopping'>, left: Failure | null): void {
  turn.ledger = { ...turn.ledger, hasInterface: false };
  if (next === 'waiting') {
    begin(turn);
    return;
  }
  if (next === 'backoff' && failure !== null) {
    backOff(turn, failure);
    return;
  }
  rest(turn, failure, left);
}

/** The translated path is out of use. */
export function detached(turn: Turn, { reason, why, failure }: StateOf<'detaching'>): void {
  if (failure === null) turn.state = { state: 'waiting', reason, why };
  else backOff(turn, failure);
}

function backOff(turn: Turn, failure: Failure): void {
  const delayMs = backoffMs(turn.ledger.failures);
  turn.state = { state: 'backoff', untilMs: turn.nowMs + delayMs, failure };
  report(turn, 'warn', 'client-retrying', `the next attempt comes in ${delayMs / 1000} s`);
}

const backoffMs = (failures: number): number => Math.min(BACKOFF_MIN_MS * 2 ** (failures - 1), BACKOFF_MAX_MS);

/** Comes to rest. @param failure why it gave up, or null @param left why something of it is still on the host, or null */
export function rest(turn: Turn, failure: Failure | null, left: Failure | null): void {
  turn.state = { state: 'idle', ...restWords(failure, left), left };
  turn.ledger = { ...turn.ledger, failures: 0 };
  turn.effects.push({ effect: 'rest', failure, left });
}

function restWords(failure: Failure | null, left: Failure | null): { reason: ClatReason; why: string } {
  if (failure !== null) return { reason: 'client-failed', why: failure.message };
  return left === null ? { reason: 'client-off', why: 'stopped' } : { reason: 'host-trouble', why: left.message };
}

/** An address was found: for the way that is in use, with the address in use, there is nothing more to do. */
export function claimedWhileMoving(turn: Turn, state: StateOf<'moving'>, clat: Uint8Array): void {
  const { from } = state;
  // A larger MTU has to last, as ever.
  const way = isSameWay(from.way, state.way) ? narrowed(state.way, from.way) : state.way;
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
  else lackAddress(turn, failure);
}

/** The same while another address is in use. */
export function takenWhileMoving(turn: Turn, state: StateOf<'moving'>, clat: Uint8Array): void {
  const { from, way, taken } = state;
  const failure = noteTaken(turn, way, clat, taken + 1);
  if (failure === null) move(turn, from, way, taken + 1);
  else giveUpMoving(turn, state, failure);
}

/** No address could be claimed: there was none left to try, or it failed. */
export function claimFailed(turn: Turn, { way }: StateOf<'claiming'>, failure: Failure): void {
  if (failure.code !== DUPLICATE) {
    doubt(turn, way, failure, true);
    return;
  }
  forgetTaken(turn, way);
  lackAddress(turn, failure);
}

/** The same while another address is in use: that one goes on. */
export function claimFailedWhileMoving(turn: Turn, state: StateOf<'moving'>, failure: Failure): void {
  if (failure.code !== DUPLICATE) {
    oweProbe(turn, state, failure);
    return;
  }
  forgetTaken(turn, state.way);
  giveUpMoving(turn, state, failure);
}

/** Whoever had them may be gone by the next attempt. */
function forgetTaken(turn: Turn, way: Way): void {
  turn.ledger = { ...turn.ledger, neighbours: withoutTaken(turn.ledger.neighbours, way) };
}

/** Nobody knows whether the new address is free, which says nothing against the old one. A look tells whether its way is there. */
function oweProbe(turn: Turn, { from, failedProbes }: StateOf<'moving'>, failure: Failure): void {
  const failures = failedProbes + 1;
  const delayMs = backoffMs(failures);
  run(turn, from);
  if (turn.state.state === 'running')
    turn.state = { ...turn.state, owed: { failure, failures, againAtMs: turn.nowMs + delayMs } };
  const why = `${failure.message}; the address in use is kept, and the next attempt comes in ${delayMs / 1000} s`;
  report(turn, 'warn', 'client-retrying', why);
  lookAnew(turn);
}

/** On the same network the address in use serves: random ones that all belong to somebody are a lie (neighbours.ts). */
function giveUpMoving(turn: Turn, { from, way }: StateOf<'moving'>, failure: Failure): void {
  if (!isSameWay(from.way, way)) {
    lackAddress(turn, failure);
    return;
  }
  turn.ledger = { ...turn.ledger, neighbours: withOurs(turn.ledger.neighbours, way, from.clat) };
  run(turn, from);
  stand(turn, from.clat);
}

/**
 * Another node claims the address in use. It is defended, and kept unless it is claimed again soon after (RFC 5227 §2.4 (b) has it so
 * for IPv4); then it goes on until another is found. An address after too many that were given up is kept (neighbours.ts).
 */
export function contested(turn: Turn, from: Attachment, way: Way): void {
  const { nowMs, ledger } = turn;
  if (!wasJustDefended(turn, from.clat) || !mayMove(ledger.neighbours, way, nowMs)) {
    stand(turn, from.clat);
    return;
  }
  report(turn, 'warn', 'address-conflict', '', { clat: from.clat });
  const neighbours = withMove(withTaken(ledger.neighbours, way, from.clat), way, nowMs);
  turn.ledger = { ...ledger, neighbours };
  defendForNow(turn, from.clat);
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
  turn.ledger = {
    ...turn.ledger,
    hasRun: true,
    hasRunSinceUp: true,
    refusal: refusalAfter(turn.ledger.refusal, way, kind),
  };
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
function doubt(turn: Turn, way: Way, failure: Failure, isProbe = false): void {
  if (failure.isFinal) {
    fail(turn, failure);
    return;
  }
  turn.state = { state: 'doubting', way, failure, isProbe };
  lookAnew(turn);
}

/** Not by a look that goes on already: it may have begun before what is to be judged by it. */
function lookAnew(turn: Turn): void {
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
