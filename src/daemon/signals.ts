// Signals as a role sees them: a promise for the end, a call for a reload.

/** What listens to the process' signals until closed. */
export interface Signals {
  /** Resolves with the signal's name when the process shall end. A second signal ends it at once. */
  readonly stop: Promise<NodeJS.Signals>;
  close(): void;
}

const STOP = ['SIGINT', 'SIGTERM'] as const;

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
    if (!ending) {
      ending = true;
      resolveStop(signal);
      return;
    }
    // Clean-up hangs, and the user insists: what is left is undone by the next start or `cleanup`. The signal itself ends the
    // process, without waiting for any thread; process.exit() would join the packet workers.
    close();
    process.kill(process.pid, signal);
  };
  const close = (): void => {
    for (const name of STOP) process.off(name, onStop);
    process.off('SIGHUP', reload);
  };
  for (const signal of STOP) process.on(signal, onStop);
  process.on('SIGHUP', reload);
  return { stop, close };
}
