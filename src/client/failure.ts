// Failures as the lifecycle sees them, and the errors behind them again.

import type { ErrorCode } from '../contract/errors.ts';
import { isErrorCode, XlatError } from '../contract/errors.ts';
import type { Failure } from '../core/lifecycle/state.ts';
import { duplicateError } from './choose.ts';

/** What another attempt does not mend. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['NOT_PERMITTED', 'TOOL_MISSING', 'ADDON_MISSING', 'TUN_UNAVAILABLE']);

/** What the kernel has no memory or no time for now: bpf(2). */
const TEMPORARY: ReadonlySet<string> = new Set(['ENOMEM', 'EAGAIN']);

/** The errors that failures were made of. */
const causes = new WeakMap<Failure, unknown>();

/** An error as the lifecycle sees it. */
export function failureOf(cause: unknown): Failure {
  const code = cause instanceof XlatError ? cause.code : '';
  const message = cause instanceof Error ? cause.message : String(cause);
  const isFinal = cause instanceof XlatError && FINAL.has(cause.code);
  const failure: Failure = { code, message, isFinal, isTemporary: isTemporary(cause) };
  causes.set(failure, cause);
  return failure;
}

/** Whether the system's own error, behind ours, is one that goes by. */
function isTemporary(cause: unknown): boolean {
  const { code } = (cause instanceof XlatError ? (cause.cause ?? {}) : {}) as NodeJS.ErrnoException;
  return code !== undefined && TEMPORARY.has(code);
}

/** What the user can do about a failure, or null. */
export function adviceOf(failure: Failure): string | null {
  const cause = causeOf(failure);
  return cause instanceof XlatError ? (cause.advice ?? null) : null;
}

const isFailure = (value: unknown): value is Failure =>
  typeof value === 'object' && value !== null && 'isFinal' in value && 'code' in value;

/** The error of a failure; of one that the lifecycle found itself, an error that says what to do. Other values are errors already. */
export function causeOf(failure: unknown): unknown {
  if (!isFailure(failure)) return failure;
  const cause = causes.get(failure);
  if (cause !== undefined) return cause;
  const { code, message } = failure;
  if (code === 'ADDRESS_DUPLICATE') return duplicateError(message);
  const advice = { advice: 'connect to a network with IPv6, or name the interface with --uplink' };
  if (code === 'NO_UPLINK') return new XlatError(code, 'find the way to the NAT64', message, advice);
  return new XlatError(isErrorCode(code) ? code : 'DATA_PATH_FAILED', 'run the client', message);
}
