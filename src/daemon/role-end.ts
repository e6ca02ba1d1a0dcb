// What ends a role from outside of it: a signal, or a bug: an error that nobody caught. After a bug the role takes the way of a stop, so
// that the host is as it was; the process ends with 1 then. Read first: signals.ts.

import type { DaemonLog } from './log.ts';
import { type EndCause, listenToSignals, type Signals } from './signals.ts';

/** So long may putting everything back take after a bug; it may be what hangs. */
const TEARDOWN_LIMIT_MS = 15_000;

/** {@link Signals} of a role. */
export interface RoleEnd extends Signals {
  /** As of {@link Signals}; rejects with a bug. */
  readonly stop: Promise<EndCause>;
  /** Throws the bug, if there was one: for who has stopped in good order because of it. */
  check(): void;
}

/** What nobody caught, in one line of the log: who reports a bug has to say where it was. */
function sayBug(log: DaemonLog, cause: unknown): void {
  const { message, stack = '' } = cause instanceof Error ? cause : new Error(String(cause));
  const where = /^\s+at (.*)$/m.exec(stack)?.[1] ?? 'nowhere known';
  log.error('internal-error', { where }, `a bug: ${message}; everything is put back, then this ends`);
  void log.flush();
}

function sayInsisted(log: DaemonLog): Promise<void> {
  log.error('not-cleaned-up', {}, 'ended by another signal; not cleaned up: run "xlat464 cleanup"');
  return log.flush();
}

/**
 * Listens to signals and bugs, until closed.
 * @param reload called for each SIGHUP
 */
export function listenToEnd(reload: () => void, log: DaemonLog): RoleEnd {
  const signals = listenToSignals(reload, () => sayInsisted(log));
  let bug: { readonly cause: unknown } | null = null;
  let reject: (cause: unknown) => void = () => undefined;
  const stop = Promise.race([signals.stop, new Promise<never>((_, rejects) => (reject = rejects))]);
  stop.catch(() => undefined); // whoever waits gets it
  const onBug = (cause: unknown): void => {
    if (bug !== null) return; // the same one may come again and again, and what it leads to is no news
    bug = { cause };
    sayBug(log, cause);
    // process.exit() would wait for the packet workers. What is left is undone by the next start or `cleanup`.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), TEARDOWN_LIMIT_MS).unref();
    reject(cause);
  };
  process.on('uncaughtException', onBug).on('unhandledRejection', onBug);
  const close = (): void => {
    process.off('uncaughtException', onBug).off('unhandledRejection', onBug);
    signals.close();
  };
  const check = (): void => {
    if (bug !== null) throw bug.cause;
  };
  return { stop, end: signals.end, close, check };
}
