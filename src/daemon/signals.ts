// Signals as a role sees them: a promise for the end, a call for a reload.

/** What listens to the process' signals until closed. */
export interface Signals {
  /** Resolves with the signal's name when the process shall end. A second signal ends it at once. */
  readonly stop: Promise<NodeJS.Signals>;
  close(): void;
}

const STOP = ['SIGINT', 'SIGTERM'] as const;

/** 128 + the signal's number, as shells show it. */
const EXIT_BY_SIGNAL: Readonly<Record<string, number>> = { SIGINT: 130, SIGTERM: 143 };

/**
 * Listens to SIGINT, SIGTERM and SIGHUP.
 * @param reload called for each SIGHUP
 */
export function listenToSignals(reload: () => void): Signals {
  let ending = false;
  let resolveStop: (signal: NodeJS.Signals) => void = () => undefined;
  const stop = new Promise<NodeJS.Signals>((resolve) => {
    resolveStop = resolve;
  });
  const onStop = (signal: NodeJS.Signals): void => {
    // Clean-up hangs, and the user insists: what is left is undone by the next start or `cleanup`.
    if (ending) process.exit(EXIT_BY_SIGNAL[signal] ?? 1);
    ending = true;
    resolveStop(signal);
  };
  for (const signal of STOP) process.on(signal, onStop);
  process.on('SIGHUP', reload);
  const close = (): void => {
    for (const signal of STOP) process.off(signal, onStop);
    process.off('SIGHUP', reload);
  };
  return { stop, close };
}
