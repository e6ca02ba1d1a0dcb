// The clock of the data path.

/** Wall-clock milliseconds that never run backwards. */
export const clockMs = (): number => performance.timeOrigin + performance.now();
