// Native IPv4 on the host: while it is there the client waits (rule D-09), unless it is forced to run beside it.

import type { HostFacts, RouteFacts } from '../core/host/host-config.ts';

/** The native IPv4 default route, if there is one. @param tunName the client's own interface, whose route does not count */
export const nativeIpv4Route = (facts: HostFacts, tunName: string): RouteFacts | undefined =>
  facts.routes.find((r) => r.family === 4 && r.destination === 'default' && r.device !== tunName);

/** A condition that counts for a running client only once it has lasted (rule D-09: hysteresis). */
export class Lasting {
  readonly #durationMs: number;
  readonly #elapsed: () => void;
  #timer: NodeJS.Timeout | null = null;
  #hasLasted = false;

  /** @param elapsed called when the condition has lasted for `durationMs` */
  constructor(durationMs: number, elapsed: () => void) {
    this.#durationMs = durationMs;
    this.#elapsed = elapsed;
  }

  /** Whether the condition counts, given that it holds now or does not. */
  observe(holds: boolean): boolean {
    if (!holds) this.clear();
    else if (this.#timer === null && !this.#hasLasted) this.#timer = setTimeout(() => this.#end(), this.#durationMs);
    return this.#hasLasted;
  }

  /** Forgets what was observed. */
  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#hasLasted = false;
  }

  #end(): void {
    this.#timer = null;
    this.#hasLasted = true;
    this.#elapsed();
  }
}
