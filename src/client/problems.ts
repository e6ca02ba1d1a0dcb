// What is not as it should be although the client does what it can: for status, with what can be done about it. Nothing is kept here;
// a problem is there for as long as the lifecycle knows of it.

import { formatIpv6 } from '../config/addresses.ts';
import type { Reason } from '../contract/reasons.ts';
import type { Attachment, ClatState, Failure, Lifecycle, Refusal } from '../core/lifecycle/state.ts';
import { attachmentOf, reasonOf } from '../core/lifecycle/state.ts';
import { refusalBehind } from '../core/lifecycle/uplink-kind.ts';
import { DUPLICATE_ADVICE } from './choose.ts';
import { adviceOf } from './failure.ts';

/** One problem. */
export interface ClientProblem {
  readonly code: Reason;
  readonly text: string;
  /** What the user can do; null: nothing is known. */
  readonly advice: string | null;
}

/** The problems of now. */
export function problemsOf(life: Lifecycle): readonly ClientProblem[] {
  const { state } = life;
  if (state.state === 'backoff') return [failed(state.failure)];
  if (state.state === 'idle') return state.left === null ? [] : [leftBehind(state.left)];
  const attached = attachmentOf(state);
  if (attached !== null) return [...owed(state), ...contested(attached, life), ...refused(attached, life)];
  const { refusal } = life.ledger;
  return refusal !== null && reasonOf(state) === 'uplink-elsewhere' ? [refusalProblem(ELSEWHERE, refusal)] : [];
}

const ELSEWHERE = 'the routes lead elsewhere, and only redirecting could go against them';

const failed = (failure: Failure): ClientProblem => ({
  code: failure.code === 'ADDRESS_DUPLICATE' ? 'address-duplicate' : 'client-failed',
  text: failure.message,
  advice: adviceOf(failure),
});

const leftBehind = (left: Failure): ClientProblem => ({
  code: 'host-trouble',
  text: left.message,
  advice:
    'the log names them; "xlat464 down" tries again, and so does the next start, or "xlat464 cleanup" once the daemon has ended',
});

function owed(state: ClatState): readonly ClientProblem[] {
  if (state.state !== 'running' || state.owed === null) return [];
  const { failure } = state.owed;
  const text = `asking for duplicates failed, so the address in use is kept: ${failure.message}`;
  return [{ code: 'client-retrying', text, advice: adviceOf(failure) }];
}

function contested({ way, clat }: Attachment, { ledger: { contest } }: Lifecycle): readonly ClientProblem[] {
  if (contest === null || contest.saidMs === null) return [];
  const text = `another node on ${way.uplink.link.name} claims ${formatIpv6(clat)}, the address in use, which is defended`;
  return [{ code: 'address-contested', text, advice: DUPLICATE_ADVICE }];
}

function refused({ way, kind }: Attachment, life: Lifecycle): readonly ClientProblem[] {
  const refusal = refusalBehind(life, way, kind);
  return refusal === null ? [] : [refusalProblem('the kernel forwards, for it does not redirect', refusal)];
}

const refusalProblem = (what: string, { failure }: Refusal): ClientProblem => ({
  code: 'redirect-unavailable',
  text: `${what}: ${failure.message}`,
  advice: adviceOf(failure),
});
