// The cache's slow twin: a Map of what was put last. Whatever the cache still finds must be what stands here; what it may forget is its own
// affair.

/** Answers by question. */
export class ReferenceCache {
  private readonly answers = new Map<string, Uint8Array>();

  /** Keeps a packed answer for a question. */
  put(question: string, packed: Uint8Array): void {
    this.answers.set(question, packed);
  }

  /** What was put last, or undefined. */
  find(question: string): Uint8Array | undefined {
    return this.answers.get(question);
  }

  /** Forgets everything that `isGone` says. */
  forget(isGone: (packed: Uint8Array) => boolean): void {
    for (const [question, packed] of this.answers) if (isGone(packed)) this.answers.delete(question);
  }
}
