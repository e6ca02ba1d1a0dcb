// States × events: what each event leads to in each state, every pair by name. What all states do alike (keeping what is known of
// the network, ignoring results that nobody waits for) has been done by step.ts before.

import { isSameAddress } from '../address/same.ts';
import type { ClatStateName } from './effect.ts';
import type { ClatEvent, ClatEventName } from './event.ts';
import { reviewAfter, reviewClaiming, reviewDoubting, reviewMoving, reviewRunning, reviewWaiting } from './review.ts';
import type { StateOf } from './transitions.ts';
import {
  attach,
  attached,
  attachFailed,
  begin,
  claim,
  claimedWhileMoving,
  claimFailed,
  claimFailedWhileMoving,
  contested,
  contestedWhileMoving,
  detached,
  fail,
  kindOf,
  move,
  rest,
  stop,
  takenWhileClaiming,
  takenWhileMoving,
  tornDown,
} from './transitions.ts';
import { report, type Turn } from './turn.ts';

/** An event of that name. */
type EventOf<E extends ClatEventName> = Extract<ClatEvent, { readonly event: E }>;

/** What one event leads to in one state. */
export type Handler<S extends ClatStateName, E extends ClatEventName> = (
  turn: Turn,
  state: StateOf<S>,
  event: EventOf<E>,
) => void;

type Table = { readonly [S in ClatStateName]: { readonly [E in ClatEventName]: Handler<S, E> } };

/** Nothing to do: it is so already, or what step.ts did was all. */
const stay = (): void => undefined;
/** Cannot be: no result of that kind is waited for in this state, and results that nobody waits for do not come here. */
const never = (): void => undefined;

const dataPathFailed = (turn: Turn, _state: unknown, { failure }: EventOf<'data-path-failed'>): void =>
  fail(turn, failure, 'data-path-failed');

/** The results that a state without an effect of its own never sees. */
const NO_RESULTS = { claimed: never, taken: never, done: never, failed: never } as const;

/** Everything that only matters to a CLAT that wants to run. */
const OFF = {
  prefixes: stay,
  'network-changed': stay,
  seen: never,
  'data-path-failed': stay,
  contested: stay,
  woke: stay,
} as const;

const idle: Table['idle'] = {
  ...OFF,
  ...NO_RESULTS,
  up: begin,
  // What is left on the host may let itself be put back now.
  down: (turn, { left }) => {
    if (left !== null) stop(turn);
  },
  timer: stay,
};

const waiting: Table['waiting'] = {
  ...NO_RESULTS,
  up: stay,
  down: stop,
  // The same ones may be on offer, and the check of one be over.
  prefixes: reviewAfter,
  'network-changed': stay,
  seen: reviewWaiting,
  timer: stay,
  'data-path-failed': dataPathFailed,
  contested: stay,
  woke: stay,
};

const claiming: Table['claiming'] = {
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  seen: reviewClaiming,
  timer: stay,
  claimed: (turn, { way }, { clat }) => attach(turn, { way, clat, kind: kindOf(turn, way) }),
  taken: (turn, state, { clat }) => takenWhileClaiming(turn, state, clat),
  done: never,
  failed: (turn, state, { failure }) => claimFailed(turn, state, failure),
  'data-path-failed': dataPathFailed,
  contested: stay,
  // The probe slept as well: who answered it was not heard.
  woke: (turn, { way, taken }) => claim(turn, way, taken),
};

const attaching: Table['attaching'] = {
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  // What it says is followed when the host is set up: two changes at a time are one too many.
  seen: stay,
  timer: stay,
  claimed: never,
  taken: never,
  done: (turn, state) => {
    attached(turn, state);
    reviewAfter(turn);
  },
  failed: (turn, state, { failure }) => attachFailed(turn, state, failure),
  'data-path-failed': dataPathFailed,
  contested: (turn, state, { clat }) => {
    if (isSameAddress(clat, state.clat)) turn.state = { ...state, isContested: true };
  },
  woke: stay,
};

const running: Table['running'] = {
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  seen: (turn, state) => reviewRunning(turn, state, true),
  timer: stay,
  claimed: never,
  taken: never,
  done: (turn, state) => {
    turn.state = { ...state, repair: null };
  },
  failed: (turn, state, { failure }) => attachFailed(turn, state, failure),
  'data-path-failed': dataPathFailed,
  contested: (turn, state, { clat }) => {
    if (isSameAddress(clat, state.clat)) contested(turn, state, state.way);
  },
  // Someone may have taken the address meanwhile: probed again, and kept where nobody has, so that connections survive.
  woke: (turn, state) => move(turn, state, state.way),
};

const moving: Table['moving'] = {
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  seen: reviewMoving,
  timer: stay,
  claimed: (turn, state, { clat }) => {
    claimedWhileMoving(turn, state, clat);
    reviewAfter(turn);
  },
  taken: (turn, state, { clat }) => {
    takenWhileMoving(turn, state, clat);
    reviewAfter(turn);
  },
  done: never,
  failed: (turn, state, { failure }) => {
    claimFailedWhileMoving(turn, state, failure);
    reviewAfter(turn);
  },
  'data-path-failed': dataPathFailed,
  contested: (turn, state, { clat }) => {
    if (isSameAddress(clat, state.from.clat)) contestedWhileMoving(turn, state);
  },
  woke: (turn, { from, way, taken }) => move(turn, from, way, taken),
};

const doubting: Table['doubting'] = {
  ...NO_RESULTS,
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  seen: reviewDoubting,
  timer: stay,
  'data-path-failed': dataPathFailed,
  contested: stay,
  woke: stay,
};

const detaching: Table['detaching'] = {
  up: stay,
  down: stop,
  prefixes: stay,
  'network-changed': stay,
  seen: stay,
  timer: stay,
  claimed: never,
  taken: never,
  done: (turn, state) => {
    detached(turn, state);
    reviewAfter(turn);
  },
  failed: (turn, _state, { failure }) => fail(turn, failure),
  'data-path-failed': dataPathFailed,
  contested: stay,
  woke: stay,
};

const stopping: Table['stopping'] = {
  ...OFF,
  up: (turn, state) => {
    if (state.next === 'idle') turn.state = { ...state, next: 'waiting', failure: null };
  },
  down: (turn, state) => {
    if (state.next !== 'idle') turn.state = { ...state, next: 'idle', failure: null };
  },
  timer: stay,
  claimed: never,
  taken: never,
  done: (turn, state) => tornDown(turn, state, null),
  failed: (turn, state, { failure }) => {
    report(turn, 'error', 'host-trouble', failure.message);
    tornDown(turn, state, failure);
  },
};

const backoff: Table['backoff'] = {
  ...OFF,
  ...NO_RESULTS,
  up: begin,
  // What is left is the interface, if anything is.
  down: (turn) => (turn.ledger.hasInterface ? stop(turn) : rest(turn, null, null)),
  'data-path-failed': (turn, state, event) => {
    if (turn.ledger.hasInterface) dataPathFailed(turn, state, event);
  },
  timer: (turn, { untilMs }) => {
    if (turn.nowMs >= untilMs) begin(turn);
  },
};

/** What each event leads to in each state. */
export const TABLE: Table = {
  idle,
  waiting,
  claiming,
  attaching,
  running,
  moving,
  doubting,
  detaching,
  stopping,
  backoff,
};
