// One step while it is being taken: the parts of the lifecycle as they become, and the effects so far. It lives for the time of one
// call of step(), which is pure for its callers. Read next: transitions.ts.

import type { Held } from './decide.ts';
import { isViewOf, NOTHING_HELD, nativeCountsAtMs, targetsNow } from './decide.ts';
import type { Effect, Report } from './effect.ts';
import type { ClatReason } from './reason.ts';
import type { ClatState, Contest, Ledger, Lifecycle, LifecycleSettings, World } from './state.ts';
import { attachmentOf } from './state.ts';

/** How long after a change a CLAT that waits looks at the network: no longer than a burst of changes needs to be over. */
export const WAITING_SETTLE_MS = 50;

/** RFC 4861 §7.2.6: unsolicited advertisements of an address are that far apart. */
export const DEFENCE_GAP_MS = 1000;

/** A step in the making. */
export interface Turn {
  readonly settings: LifecycleSettings;
  readonly nowMs: number;
  world: World;
  ledger: Ledger;
  state: ClatState;
  readonly effects: Effect[];
}

/** Begins a step. */
export const beginTurn = (life: Lifecycle, nowMs: number): Turn => ({ ...life, nowMs, effects: [] });

/** A number that no effect has had. */
export function takeTicket(turn: Turn): number {
  const { nextTicket } = turn.ledger;
  turn.ledger = { ...turn.ledger, nextTicket: nextTicket + 1 };
  return nextTicket;
}

/** Says something to the log. */
export function report(
  turn: Turn,
  level: Report['level'],
  reason: ClatReason,
  why: string,
  about: Partial<Pick<Report, 'way' | 'clat'>> = {},
): void {
  turn.effects.push({ effect: 'report', level, reason, why, way: null, clat: null, ...about });
}

/** Wants a look at the network at a time, or sooner where one is due already. */
export function wantLook(turn: Turn, atMs: number): void {
  const { lookAtMs } = turn.world;
  turn.world = { ...turn.world, lookAtMs: lookAtMs === null ? atMs : Math.min(lookAtMs, atMs) };
}

/** What goes on in a state, as deciding needs it. */
export function heldIn(state: ClatState): Held {
  if (state.state === 'claiming' || state.state === 'doubting') return { way: state.way, isInUse: false };
  if (state.state === 'moving') return { way: state.way, isInUse: true };
  const attached = attachmentOf(state);
  return attached === null ? NOTHING_HELD : { way: attached.way, isInUse: true };
}

/** Whether the last look answers the questions of now. */
export const isViewCurrent = (turn: Turn): boolean => isViewOf(turn, targetsNow(turn, heldIn(turn.state), turn.nowMs));

/** Whether this state looks at the network at all. */
export function isLooking(state: ClatState): boolean {
  return state.state !== 'idle' && state.state !== 'stopping' && state.state !== 'backoff';
}

/** Starts the look that is due, if none goes on. */
function startDueLook(turn: Turn): void {
  const { lookAtMs, lookTicket } = turn.world;
  if (!isLooking(turn.state)) {
    turn.world = { ...turn.world, lookAtMs: null, lookTicket: null };
    return;
  }
  if (lookTicket !== null || lookAtMs === null || lookAtMs > turn.nowMs) return;
  const ticket = takeTicket(turn);
  const targets = targetsNow(turn, heldIn(turn.state), turn.nowMs);
  turn.world = { ...turn.world, lookAtMs: null, lookTicket: ticket };
  turn.effects.push({ effect: 'look', ticket, targets });
}

/** When something has to be done about a contest by itself. */
export const contestDueMs = ({ isOwed, defendedMs, endsAtMs }: Contest): number =>
  isOwed ? defendedMs + DEFENCE_GAP_MS : endsAtMs;

/** The next time that something has to happen by itself, or null. */
function nextDeadline(turn: Turn): number | null {
  if (turn.state.state === 'backoff') return turn.state.untilMs;
  if (!isLooking(turn.state)) return null;
  const { lookAtMs, lookTicket, candidates } = turn.world;
  const times = [
    turn.ledger.contest === null ? 0 : contestDueMs(turn.ledger.contest),
    lookTicket === null && lookAtMs !== null ? lookAtMs : Number.POSITIVE_INFINITY,
    heldIn(turn.state).isInUse ? (nativeCountsAtMs(turn) ?? 0) : 0,
    ...candidates.map((c) => c.validUntilMs),
  ];
  const next = Math.min(...times.filter((atMs) => atMs > turn.nowMs));
  return Number.isFinite(next) ? next : null;
}

/** Ends a step: starts the look that is due, and sets the timer where it has to be another one. */
export function endTurn(turn: Turn, hasTimerRun: boolean): Lifecycle {
  startDueLook(turn);
  const timerMs = nextDeadline(turn);
  if (timerMs !== turn.ledger.timerMs || (hasTimerRun && timerMs !== null)) {
    turn.ledger = { ...turn.ledger, timerMs };
    turn.effects.push({ effect: 'set-timer', atMs: timerMs });
  }
  const { settings, world, ledger, state } = turn;
  return { settings, world, ledger, state };
}
