// What has been started and must be ended, in the order of its start. A failed start and a stop run the same teardown.

/** Ends one thing. */
type End = () => void | Promise<void>;

/** Things to end, the last one first. */
export class Teardown {
  readonly #ends: End[] = [];

  /** Something was started. */
  add(end: End): void {
    this.#ends.push(end);
  }

  /**
   * Ends everything, each thing even where another could not be ended. A second call does nothing.
   * @throws the first failure, when all has been tried
   */
  async run(): Promise<void> {
    let failure: { readonly cause: unknown } | null = null;
    for (let end = this.#ends.pop(); end !== undefined; end = this.#ends.pop()) {
      try {
        await end();
      } catch (cause) {
        failure ??= { cause };
      }
    }
    if (failure !== null) throw failure.cause;
  }
}
