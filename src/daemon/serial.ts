// Work that must not overlap with itself: a call during one run leads to one more run, however many calls there are.

/**
 * Makes calls run one after the other.
 * @param work one run; never rejects
 * @returns resolves, after the run that the call led to, with its result
 */
export function oneAtATime<T>(work: () => Promise<T>, first: T): () => Promise<T> {
  let last: Promise<T> = Promise.resolve(first);
  let next: Promise<T> | null = null;
  return () => {
    next ??= last.then(() => {
      next = null;
      return work();
    });
    last = next;
    return next;
  };
}
