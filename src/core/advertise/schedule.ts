// When an interface advertises, RFC 4861 §6.2.4–6.2.6, and when it keeps silent because another program of this host does
// (rule R-03). Pure: time and randomness are passed in, what is to be done comes back as a list.
//
//              up                 1 s              stop (the final one)
//     down ─────────► checking ─────────► advertising ─────────► stopped
//       ▲               │    ▲                │
//       │       foreign │    │ 5 min: look    │ foreign
//       │               ▼    │ again          ▼
//       └── down ────── yielding ◄────────────┘
//
//   (down leads back from every state but stopped, stop leads to stopped from every state)
//
// Two are never closer than three seconds (§6.2.6) but for the final one, which is sent at once: a stop does not wait.

/** Where the schedule is. Times are of the clock that `nowMs` is from. */
export type Schedule =
  | { readonly state: 'down' }
  /** The link was solicited; whoever advertises for this host already will answer. */
  | { readonly state: 'checking'; readonly nextMs: number }
  /** `initial`: how many of the first, quick ones are still to come. `lastMs`: when the last one went out. */
  | {
      readonly state: 'advertising';
      readonly nextMs: number;
      readonly initial: number;
      readonly lastMs: number;
    }
  /** Another program of this host advertises here; `nextMs`: when to look again. */
  | { readonly state: 'yielding'; readonly nextMs: number }
  | { readonly state: 'stopped' };

type Advertising = Extract<Schedule, { readonly state: 'advertising' }>;

/** What can happen. `foreign`: an advertisement of this host that we did not send. `changed`: there is something else to say. */
export type ScheduleEvent = 'up' | 'down' | 'time' | 'solicited' | 'foreign' | 'changed' | 'stop';

/** What is to be done: ask who else is here, advertise, advertise for the last time. */
export type ScheduleEffect = 'solicit' | 'advertise' | 'final';

/** What the schedule goes by. */
export interface Pace {
  readonly minIntervalMs: number;
  readonly maxIntervalMs: number;
  /** From 0 (inclusive) to 1. */
  readonly random: () => number;
}

/** The outcome of one step. */
export interface Turn {
  readonly schedule: Schedule;
  readonly effects: readonly ScheduleEffect[];
}

/** RFC 4861 §10, in milliseconds where a time. */
export const MAX_INITIAL_INTERVAL = 16_000;
const MAX_INITIAL_ADVERTISEMENTS = 3;
export const MIN_DELAY_BETWEEN = 3_000;
export const MAX_RESPONSE_DELAY = 500;
/** Longer than any router may take to answer a solicitation, {@link MAX_RESPONSE_DELAY}. */
export const CHECK_TIME = 1_000;
/** How long to keep silent before looking whether the other one has gone. */
export const YIELD_TIME = 300_000;

const DOWN: Schedule = { state: 'down' };
const stay = (schedule: Schedule): Turn => ({ schedule, effects: [] });

const check = (nowMs: number): Turn => ({
  schedule: { state: 'checking', nextMs: nowMs + CHECK_TIME },
  effects: ['solicit'],
});

/** Sends now; the next one follows at random between the two intervals, and soon after the first ones. */
function advertise(initial: number, pace: Pace, nowMs: number): Turn {
  const { minIntervalMs, maxIntervalMs, random } = pace;
  const interval = minIntervalMs + random() * (maxIntervalMs - minIntervalMs);
  const left = Math.max(0, initial - 1);
  const nextMs = nowMs + (left > 0 ? Math.min(interval, MAX_INITIAL_INTERVAL) : interval);
  return { schedule: { state: 'advertising', nextMs, initial: left, lastMs: nowMs }, effects: ['advertise'] };
}

/** The answer to a solicitation: at random within half a second, three seconds from the last one, never later than planned. */
function answer(schedule: Advertising, pace: Pace, nowMs: number): Advertising {
  const earliest = Math.max(nowMs, schedule.lastMs + MIN_DELAY_BETWEEN);
  return { ...schedule, nextMs: Math.min(schedule.nextMs, earliest + pace.random() * MAX_RESPONSE_DELAY) };
}

function whileAdvertising(
  schedule: Advertising,
  event: Exclude<ScheduleEvent, 'up' | 'down' | 'stop'>,
  pace: Pace,
  nowMs: number,
): Turn {
  switch (event) {
    case 'time':
      return advertise(schedule.initial, pace, nowMs);
    case 'solicited':
      return stay(answer(schedule, pace, nowMs));
    case 'changed':
      // RFC 4861 §6.2.4 lets a change be announced like a beginning.
      return stay({ ...answer(schedule, pace, nowMs), initial: MAX_INITIAL_ADVERTISEMENTS });
    case 'foreign':
      // No final advertisement: to the hosts it would come from the other one, which goes on.
      return stay({ state: 'yielding', nextMs: nowMs + YIELD_TIME });
    default:
      return event satisfies never;
  }
}

/** Takes one event. `time` before the deadline does nothing. Never throws. */
export function stepSchedule(schedule: Schedule, event: ScheduleEvent, pace: Pace, nowMs: number): Turn {
  if (schedule.state === 'stopped') return stay(schedule);
  if (event === 'stop') {
    return { schedule: { state: 'stopped' }, effects: schedule.state === 'advertising' ? ['final'] : [] };
  }
  if (event === 'down') return stay(DOWN);
  if (event === 'up') return check(nowMs);
  if (schedule.state === 'down' || (event === 'time' && nowMs < schedule.nextMs)) return stay(schedule);
  if (schedule.state === 'advertising') return whileAdvertising(schedule, event, pace, nowMs);
  if (event === 'foreign') return stay({ state: 'yielding', nextMs: nowMs + YIELD_TIME });
  if (event !== 'time') return stay(schedule);
  return schedule.state === 'yielding' ? check(nowMs) : advertise(MAX_INITIAL_ADVERTISEMENTS, pace, nowMs);
}

/** When `time` is due; null: not until something happens. */
export const deadlineOf = (schedule: Schedule): number | null => ('nextMs' in schedule ? schedule.nextMs : null);
