// What this process does to its host, told to who asked for it (`--verbose host`). One listener for the process, as there is one
// host: commands are run from two dozen functions, most of which have no log and need none.

/** What came of it: null, all went well. */
export interface HostAction {
  readonly kind: 'command' | 'setting';
  /** The command as it could be typed, or the setting with its value. */
  readonly what: string;
  readonly failure: string | null;
  readonly ms: number;
}

/** Longest text of a command: a rule set can have many pages. */
const SHOWN = 200;

let listener: ((action: HostAction) => void) | null = null;

/** Has every action told from now on, also those that failed. */
export function listenToHostActions(next: (action: HostAction) => void): void {
  listener = next;
}

/** Begins an action. @returns what is to be called with its outcome */
export function hostAction(kind: HostAction['kind'], words: readonly string[]): (failure: string | null) => void {
  if (listener === null) return () => undefined;
  const startMs = performance.now();
  const whole = words.join(' ');
  const what = whole.length > SHOWN ? `${whole.slice(0, SHOWN)}…` : whole;
  return (failure) => listener?.({ kind, what, failure, ms: Math.round(performance.now() - startMs) });
}
