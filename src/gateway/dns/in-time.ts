// An end to waiting, for what is not ended itself.

/**
 * What a promise gives by a time; what it gives later, or throws, is nobody's any more.
 * @param deadlineMs of performance.now()
 * @param late what it counts as having given otherwise
 */
export async function inTime<T, L>(promise: Promise<T>, deadlineMs: number, late: L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<L>((resolve) => {
    timer = setTimeout(() => resolve(late), Math.max(0, deadlineMs - performance.now()));
  });
  return Promise.race([promise, end]).finally(() => clearTimeout(timer));
}
