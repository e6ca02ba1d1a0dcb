// An address in use that another node claims and that is not given up: defended, and said. How it comes to that: neighbours.ts.

import { isSameAddress } from '../address/same.ts';
import { attachmentOf, type Contest } from './state.ts';
import { contestDueMs, DEFENCE_GAP_MS, report, type Turn } from './turn.ts';

/** RFC 5227 §2.4: an address that is claimed again so soon after it was defended is given up (DEFEND_INTERVAL). */
export const DEFEND_INTERVAL_MS = 10_000;
/** How often the log has it while it goes on. */
const SAY_GAP_MS = 60_000;
/** So long after the last claim it is over. */
export const CONTEST_QUIET_MS = 30_000;

const contestOf = ({ ledger }: Turn, clat: Uint8Array): Contest | null =>
  ledger.contest !== null && isSameAddress(ledger.contest.clat, clat) ? ledger.contest : null;

/**
 * Tells the neighbours whose the address is. Where that was just done it is owed: whatever comes until then, the last word is ours, and
 * nobody has to find out for himself that another one's link-layer address leads nowhere.
 */
export function defend(turn: Turn, clat: Uint8Array): void {
  const before = contestOf(turn, clat);
  if (before !== null && turn.nowMs - before.defendedMs < DEFENCE_GAP_MS) {
    if (!before.isOwed) turn.ledger = { ...turn.ledger, contest: { ...before, isOwed: true } };
    return;
  }
  const times = { defendedMs: turn.nowMs, endsAtMs: turn.nowMs + CONTEST_QUIET_MS };
  turn.ledger = { ...turn.ledger, contest: { ...times, clat, isOwed: false, saidMs: before?.saidMs ?? null } };
  turn.effects.push({ effect: 'defend' });
}

/** Whether the neighbours have just been told whose an address is. */
export function wasJustDefended(turn: Turn, clat: Uint8Array): boolean {
  const before = contestOf(turn, clat);
  return before !== null && turn.nowMs - before.defendedMs <= DEFEND_INTERVAL_MS;
}

/** Defends an address that it stays on, and says so. */
export function stand(turn: Turn, clat: Uint8Array): void {
  defend(turn, clat);
  const now = contestOf(turn, clat);
  if (now === null || (now.saidMs !== null && turn.nowMs - now.saidMs < SAY_GAP_MS)) return;
  turn.ledger = { ...turn.ledger, contest: { ...now, saidMs: turn.nowMs } };
  report(turn, 'warn', 'address-contested', '', { clat });
}

/** Defends an address until another one is found; that it is kept after all would be news. */
export function defendForNow(turn: Turn, clat: Uint8Array): void {
  defend(turn, clat);
  const now = contestOf(turn, clat);
  if (now !== null) turn.ledger = { ...turn.ledger, contest: { ...now, saidMs: Number.NEGATIVE_INFINITY } };
}

/** Says the word that is owed, or ends a contest whose time is over. */
export function continueContest(turn: Turn): void {
  const { contest } = turn.ledger;
  if (contest === null || turn.nowMs < contestDueMs(contest)) return;
  if (contest.isOwed) {
    defend(turn, contest.clat);
    return;
  }
  turn.ledger = { ...turn.ledger, contest: null };
  if (contest.saidMs !== null) report(turn, 'info', 'address-uncontested', '', { clat: contest.clat });
}

/** Drops a contest about an address that is no longer in use. */
export function dropContest(turn: Turn): void {
  if (turn.ledger.contest === null) return;
  const clat = attachmentOf(turn.state)?.clat;
  if (clat === undefined || contestOf(turn, clat) === null) turn.ledger = { ...turn.ledger, contest: null };
}
