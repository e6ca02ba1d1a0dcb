// step(): one event in, the next lifecycle, effects and reason out. Pure; one writer calls it. Owns what all states do alike: results
// that nobody waits for are ignored, and what is known of the network is kept. Read first: state.ts for the diagram, table.ts.

import { continueContest, dropContest } from './contest.ts';
import { nativeCountsAtMs } from './decide.ts';
import type { Outcome } from './effect.ts';
import type { ClatEvent } from './event.ts';
import type { Failure, Lifecycle } from './state.ts';
import { reasonOf } from './state.ts';
import { TABLE } from './table.ts';
import { fail } from './transitions.ts';
import type { Turn } from './turn.ts';
import { beginTurn, endTurn, heldIn, isLooking, isViewCurrent, report, WAITING_SETTLE_MS, wantLook } from './turn.ts';

/** After a look that failed. */
const LOOK_AGAIN_MS = 1000;

/**
 * Takes one step.
 * @param nowMs the time on the clock of all deadlines, also those of the prefixes; it goes on while the host sleeps
 * @returns the lifecycle after it; the effects, to be carried out in their order
 */
export function step(life: Lifecycle, event: ClatEvent, nowMs: number): Outcome<Lifecycle> {
  const turn = beginTurn(life, nowMs);
  forgetExpired(turn);
  continueContest(turn);
  if (isAwaited(turn, event)) take(turn, event);
  dropContest(turn);
  const next = endTurn(turn, event.event === 'timer');
  return { life: next, effects: turn.effects, reason: reasonOf(next.state) };
}

/** A prefix whose time is over is as good as withdrawn. */
function forgetExpired(turn: Turn): void {
  const candidates = turn.world.candidates.filter((c) => c.validUntilMs > turn.nowMs);
  if (candidates.length === turn.world.candidates.length) return;
  turn.world = { ...turn.world, candidates };
  if (!isViewCurrent(turn)) wantLook(turn, turn.nowMs);
}

/** Whether an event is no result, or one that is waited for. */
function isAwaited({ state, world }: Turn, event: ClatEvent): boolean {
  if (!('ticket' in event)) return true;
  const { ticket } = event;
  const isOfLook = ticket === world.lookTicket;
  if (event.event === 'seen') return isOfLook;
  if (event.event === 'failed' && isOfLook) return true;
  return ('ticket' in state && state.ticket === ticket) || ('repair' in state && state.repair === ticket);
}

/** Keeps what the event says of the network, then does what it leads to in this state. */
function take(turn: Turn, event: ClatEvent): void {
  if (event.event === 'failed' && event.ticket === turn.world.lookTicket) {
    lookFailed(turn, event.failure);
    return;
  }
  if (!absorb(turn, event)) return;
  // The table's type ties each state and event to its handler; an index by two unions loses that.
  const handler = TABLE[turn.state.state][event.event] as (turn: Turn, state: unknown, event: ClatEvent) => void;
  handler(turn, turn.state, event);
}

/** @returns whether the state has to hear of it */
function absorb(turn: Turn, event: ClatEvent): boolean {
  const { nowMs, world } = turn;
  switch (event.event) {
    case 'up':
      if (!isLooking(turn.state)) turn.ledger = { ...turn.ledger, refusal: null };
      return true;
    case 'prefixes':
      turn.world = { ...world, candidates: event.candidates.filter((c) => c.validUntilMs > nowMs) };
      if (!isViewCurrent(turn)) wantLook(turn, nowMs);
      return true;
    case 'network-changed':
      wantLook(turn, nowMs + settleMs(turn));
      return true;
    case 'seen': {
      const { view } = event;
      const nativeSinceMs = view.nativeIpv4 === null ? null : (world.nativeSinceMs ?? nowMs);
      turn.world = { ...world, view, nativeSinceMs, lookTicket: null };
      if (isViewCurrent(turn)) return true;
      wantLook(turn, nowMs); // other prefixes are on offer by now
      return false;
    }
    case 'timer':
      if (heldIn(turn.state).isInUse && nowMs >= (nativeCountsAtMs(turn) ?? Number.POSITIVE_INFINITY)) {
        wantLook(turn, nowMs);
      }
      return true;
    case 'woke':
      if (!isLooking(turn.state)) return true;
      report(turn, 'info', 'host-slept', `for ${Math.round(event.sleptMs / 1000)} s`);
      turn.ledger = { ...turn.ledger, refusal: null };
      turn.effects.push({ effect: 'discover', isFromEmpty: false });
      wantLook(turn, nowMs);
      return true;
    default:
      return true;
  }
}

const settleMs = ({ state, settings }: Turn): number =>
  heldIn(state).isInUse ? settings.settleMs : Math.min(WAITING_SETTLE_MS, settings.settleMs);

/** The host could not be looked at. What is in use stays in use. */
function lookFailed(turn: Turn, failure: Failure): void {
  turn.world = { ...turn.world, lookTicket: null };
  const { settings, ledger } = turn;
  if (failure.isFinal || (!settings.isPatient && !ledger.hasRun)) {
    fail(turn, failure);
    return;
  }
  report(turn, 'warn', 'network-unreadable', failure.message);
  wantLook(turn, turn.nowMs + LOOK_AGAIN_MS);
}
