// By which kind of uplink to attach: redirecting where that is not refused, else forwarding. Owns for how long a refusal counts. It
// is about one interface, and for good: nothing is tried again and again on the same one. Tried again is on another interface, after
// sleep, when the user switches it off and on; and after a change of the network where the refusal was for want of memory or time.

import type { Failure, Ledger, LifecycleSettings, Refusal, UplinkKind } from './state.ts';
import type { Way } from './way.ts';

/** Before a temporary refusal is tried again: doubled each time, up to the second. */
export const REDIRECT_AGAIN_MIN_MS = 10_000;
export const REDIRECT_AGAIN_MAX_MS = 3_600_000;

/** What that depends on. */
interface KindKnown {
  readonly settings: Pick<LifecycleSettings, 'uplinkMode'>;
  readonly ledger: Pick<Ledger, 'refusal'>;
}

const isRefusalOf = (refusal: Refusal | null, linkIndex: number): refusal is Refusal =>
  refusal !== null && refusal.linkIndex === linkIndex;

/** The kind to attach to an interface with, now. */
export function kindFor({ settings, ledger: { refusal } }: KindKnown, linkIndex: number, nowMs: number): UplinkKind {
  if (settings.uplinkMode !== 'auto') return settings.uplinkMode;
  return isRefusalOf(refusal, linkIndex) && nowMs < refusal.againAtMs ? 'forwarding' : 'redirect';
}

/** Redirecting was refused on a way's interface. @param failure with what words */
export function refusalOf(before: Refusal | null, way: Way, failure: Failure, nowMs: number): Refusal {
  const linkIndex = way.uplink.link.index;
  const tries = isRefusalOf(before, linkIndex) ? before.tries + 1 : 1;
  const delayMs = Math.min(REDIRECT_AGAIN_MIN_MS * 2 ** (tries - 1), REDIRECT_AGAIN_MAX_MS);
  const againAtMs = failure.isTemporary === true ? nowMs + delayMs : Number.POSITIVE_INFINITY;
  return { linkIndex, failure, tries, againAtMs };
}

/** The refusal that makes an attachment forward; null: none does. */
export const refusalBehind = (
  { ledger: { refusal } }: Pick<KindKnown, 'ledger'>,
  way: Way,
  kind: UplinkKind,
): Refusal | null => (kind === 'forwarding' && isRefusalOf(refusal, way.uplink.link.index) ? refusal : null);

/** What is left of a refusal once a way works by this kind. */
export const refusalAfter = (refusal: Refusal | null, way: Way, kind: UplinkKind): Refusal | null =>
  kind === 'redirect' && isRefusalOf(refusal, way.uplink.link.index) ? null : refusal;
