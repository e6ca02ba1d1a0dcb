// Time as the server needs it; a test brings its own.

/** A clock that does not jump, and its alarms. */
export interface Clock {
  nowMs(): number;
  /** Calls once after `ms`, unless the returned function is called before. Never keeps the process alive. */
  after(ms: number, call: () => void): () => void;
}

/** This process' clock. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};
