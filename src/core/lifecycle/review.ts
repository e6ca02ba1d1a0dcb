// What a new look at the network means in each state that looks. Read first: decide.ts, transitions.ts.

import { decide, type Verdict } from './decide.ts';
import type { ClatReason } from './reason.ts';
import type { StateOf } from './transitions.ts';
import { attach, claim, fail, kindOf, lackAddress, leave, move, repair, reportWay, run, wait } from './transitions.ts';
import { heldIn, isViewCurrent, report, type Turn, wantLook } from './turn.ts';
import { isSamePath, isSameWay, leadsThrough, narrowed, type Way } from './way.ts';

/** Rule D-12: a larger MTU than the one in use counts when it has lasted for so long, a smaller one at once. */
export const WIDER_LASTS_MS = 10_000;

const verdictOf = (turn: Turn): Verdict => decide(turn, heldIn(turn.state), turn.nowMs);

/** Reasons that mean: there is no way to the NAT64. */
const NO_WAY: ReadonlySet<ClatReason> = new Set([
  'uplink-waiting',
  'uplink-elsewhere',
  'link-waiting',
  'address-waiting',
  'network-too-small',
]);

/** Waiting: goes as soon as there is a way. Where the user does not want it to wait, the first look decides. */
export function reviewWaiting(turn: Turn): void {
  const verdict = verdictOf(turn);
  if (verdict.way !== null) {
    start(turn, verdict.way);
    return;
  }
  const { isPatient } = turn.settings;
  if (!isPatient && !turn.ledger.hasRun && NO_WAY.has(verdict.reason)) {
    fail(turn, { code: 'NO_UPLINK', message: verdict.why, isFinal: true });
    return;
  }
  wait(turn, verdict.reason, verdict.why);
}

function start(turn: Turn, way: Way): void {
  const native = turn.world.view?.nativeIpv4 ?? null;
  if (native !== null) report(turn, 'warn', 'native-ipv4', `running beside native IPv4 on ${native}`);
  reportWay(turn, way, null);
  claim(turn, way);
}

/** Claiming: goes on while the way is the same. */
export function reviewClaiming(turn: Turn, state: StateOf<'claiming'>): void {
  const verdict = verdictOf(turn);
  if (verdict.way === null) {
    wait(turn, verdict.reason, verdict.why);
    return;
  }
  if (isSameWay(verdict.way, state.way)) {
    turn.state = { ...state, way: verdict.way };
    return;
  }
  reportWay(turn, verdict.way, state.way);
  claim(turn, verdict.way);
}

/** Running: follows the network. @param isNewLook whether the host is to be repaired where nothing changed */
export function reviewRunning(turn: Turn, state: StateOf<'running'>, isNewLook: boolean): void {
  const verdict = verdictOf(turn);
  if (verdict.way === null) {
    leave(turn, verdict.reason, verdict.why);
    return;
  }
  if (!isSameWay(verdict.way, state.way)) {
    followOtherWay(turn, state, verdict.way, isNewLook);
    return;
  }
  const widerSinceMs = verdict.way.uplink.mtuBytes > mtuOf(state) ? (state.widerSinceMs ?? turn.nowMs) : null;
  followSameWay(turn, { ...state, widerSinceMs }, verdict.way, isNewLook);
}

const mtuOf = ({ way }: StateOf<'running'>): number => way.uplink.mtuBytes;

/** Another way, once an address for it can be probed; until then the old one while its interface leads to the NAT64. */
function followOtherWay(turn: Turn, state: StateOf<'running'>, way: Way, isNewLook: boolean): void {
  const { owed } = state;
  if (owed === null || turn.nowMs >= owed.againAtMs) {
    if (owed === null) reportWay(turn, way, state.way);
    move(turn, state, way);
    return;
  }
  wantLook(turn, owed.againAtMs);
  if (isNewLook && !leadsThrough(turn.world.view?.answers ?? [], state.way)) lackAddress(turn, owed.failure);
}

/** The same way, with what changed of it: the MTU, the router, how packets get there. */
function followSameWay(turn: Turn, state: StateOf<'running'>, seen: Way, isNewLook: boolean): void {
  turn.state = state;
  const way = settledWay(turn, state, seen);
  const kind = kindOf(turn, way);
  if (!isSamePath(way, state.way) || kind !== state.kind) {
    reportWay(turn, way, state.way);
    attach(turn, { way, clat: state.clat, kind });
  } else if (state.owed !== null && turn.nowMs >= state.owed.againAtMs) {
    move(turn, state, way);
  } else {
    if (state.owed !== null) wantLook(turn, state.owed.againAtMs);
    if (isNewLook) repair(turn, state, way);
  }
}

/** A way by the MTU in use until a larger one has lasted: routers that disagree, or one that is forged, make no path flap. */
function settledWay(turn: Turn, { way, widerSinceMs }: StateOf<'running'>, seen: Way): Way {
  if (widerSinceMs === null || turn.nowMs - widerSinceMs >= WIDER_LASTS_MS) return seen;
  wantLook(turn, widerSinceMs + WIDER_LASTS_MS);
  return narrowed(seen, way);
}

/** Moving: goes on while the new way is the same; back to the old one where that is the way again. */
export function reviewMoving(turn: Turn, state: StateOf<'moving'>): void {
  const verdict = verdictOf(turn);
  if (verdict.way === null) {
    leave(turn, verdict.reason, verdict.why);
    return;
  }
  const { way } = verdict;
  if (isSameWay(way, state.way)) {
    turn.state = { ...state, way };
    return;
  }
  reportWay(turn, way, state.way);
  if (!isSameWay(way, state.from.way)) {
    move(turn, state.from, way);
    return;
  }
  run(turn, state.from);
  if (turn.state.state === 'running') reviewRunning(turn, turn.state, false);
}

/** Doubting: the way is gone, then the network was it; or it is there, then the failure is one. */
export function reviewDoubting(turn: Turn, { way, failure, isProbe }: StateOf<'doubting'>): void {
  const verdict = verdictOf(turn);
  if (verdict.way === null) leave(turn, verdict.reason, `${verdict.why} (${failure.message})`);
  else if (isSameWay(verdict.way, way)) (isProbe ? lackAddress : fail)(turn, failure);
  else {
    leave(turn, 'uplink-lost', `${way.uplink.link.name} went away: ${failure.message}`);
    reviewAfter(turn); // there is another way
  }
}

/** After something was done that took its time: what a look has found meanwhile counts now. */
export function reviewAfter(turn: Turn): void {
  if (!isViewCurrent(turn)) return;
  if (turn.state.state === 'running') reviewRunning(turn, turn.state, false);
  else if (turn.state.state === 'waiting') reviewWaiting(turn);
}
