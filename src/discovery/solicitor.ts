// Asks for Router Advertisements, so that nobody waits for the next periodic one: up to three solicitations 4 s apart (rule D-05,
// RFC 4861 §6.3.7), fewer when a router answers. Deviates from it in that the first goes without the random delay of up to a
// second: the host's own stack has solicited after that delay already, and the user waits for us.

import type { Closable } from '../platform/platform.ts';
import type { Clock } from './clock.ts';

/** MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL, RFC 4861 §10. */
const SOLICITATIONS_MAX = 3;
const SOLICITATION_INTERVAL_MS = 4000;

/** Solicits on one link. */
export class Solicitor {
  readonly #clock: Clock;
  readonly #send: () => void;
  readonly #failed: (cause: Error) => void;
  #timer: Closable | null = null;
  #left = 0;
  /** Solicitations that left this host since the start. */
  sent = 0;

  /** @param send throws the system's error; `failed` is told of it, and the next attempt comes as if nothing had been */
  constructor(clock: Clock, send: () => void, failed: (cause: Error) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#failed = failed;
  }

  /** Begins a new round. */
  start(): void {
    this.stop();
    this.#left = SOLICITATIONS_MAX;
    this.#solicit();
  }

  /** Ends the round: a router was heard, or nobody wants to know any more. */
  stop(): void {
    this.#timer?.close();
    this.#timer = null;
    this.#left = 0;
  }

  #solicit(): void {
    this.#timer = null;
    this.#left -= 1;
    try {
      this.#send();
      this.sent += 1;
    } catch (cause) {
      // No link-local address yet, a full queue, a firewall: the next attempt may go through.
      this.#failed(cause as Error);
    }
    if (this.#left > 0) this.#timer = this.#clock.after(SOLICITATION_INTERVAL_MS, () => this.#solicit());
  }
}
