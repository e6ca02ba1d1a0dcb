// Signals as a role sees them: a promise for the end, a call for a reload.

import { OwnTerminal } from './own-terminal.ts';

/** Who ended a role. */
export type EndCause = (typeof STOP)[number] | 'terminal' | 'control-api';

/** For the log: "stopping …". */
export const END_WORDS: Readonly<Record<EndCause, string>> = {
  SIGINT: 'after SIGINT',
  SIGTERM: 'after SIGTERM',
  terminal: 'because its terminal is gone',
  'control-api': 'as the control API was asked to',
};

/** What listens to the process' signals until closed. */
export interface Signals {
  /** Resolves when the process shall end. */
  readonly stop: Promise<EndCause>;
  /** Ends it without a signal. */
  end(cause: EndCause): void;
  close(): void;
}

const STOP = ['SIGINT', 'SIGTERM'] as const;

/** A second signal within this time is the first once more: Ctrl-C pressed twice, a shell and a service manager that both pass it on. */
const SAME_MS = 2000;

/** A shell may pass SIGHUP on before the terminal is gone; it is looked at again after this long. */
const HANGUP_MS = 1000;

/**
 * Listens to SIGINT, SIGTERM and SIGHUP.
 * @param reload called for each SIGHUP, but that of a terminal that is gone: it ends the process, as does a window that is closed
 * @param insisted says that nothing is put back; a signal that comes {@link SAME_MS} after the first ends the process at once then
 */
export function listenToSignals(reload: () => void, insisted = async (): Promise<void> => undefined): Signals {
  const terminal = new OwnTerminal();
  let endedAtMs: number | null = null;
  let again: NodeJS.Timeout | undefined;
  let resolveStop: (cause: EndCause) => void = () => undefined;
  const stop = new Promise<EndCause>((resolve) => {
    resolveStop = resolve;
  });
  const end = (cause: EndCause): void => {
    endedAtMs ??= performance.now();
    resolveStop(cause);
  };
  const onStop = (signal: (typeof STOP)[number]): void => {
    if (endedAtMs === null) end(signal);
    // Clean-up hangs, and the user insists: what is left is undone by the next start or `cleanup`. The signal itself ends the
    // process, without waiting for any thread; process.exit() would join the packet workers.
    else if (performance.now() - endedAtMs >= SAME_MS) void insisted().finally(() => die(signal));
  };
  const die = (signal: NodeJS.Signals): void => {
    close();
    process.kill(process.pid, signal);
  };
  const onHangup = (): void => {
    clearTimeout(again);
    if (terminal.isLost) {
      end('terminal');
      return;
    }
    again = setTimeout(() => {
      if (terminal.isLost) end('terminal');
    }, HANGUP_MS).unref();
    reload();
  };
  const close = (): void => {
    clearTimeout(again);
    for (const name of STOP) process.off(name, onStop);
    process.off('SIGHUP', onHangup);
  };
  for (const signal of STOP) process.on(signal, onStop);
  process.on('SIGHUP', onHangup);
  return { stop, end, close };
}
