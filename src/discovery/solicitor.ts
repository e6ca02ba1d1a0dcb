// Asks for Router Advertisements, so that nobody waits for the next periodic one: up to three solicitations 4 s apart (rule D-05,
// RFC 4861 §6.3.7), fewer when a router answers. Deviates from it in that the first goes without the random delay of up to a
// second: the host's own stack has solicited after that delay already, and the user waits for us.

import type { Closable } from '../platform/platform.ts';
import type { Clock } from './clock.ts';

/** MAX_RTR_SOLICITATIONS and RTR_SOLICITATION_INTERVAL, RFC 4861 §10. */
const SOLICITATIONS_MAX = 3;
const SOLICITATION_INTERVAL_MS = 4000;
/**
 * What could not be sent is tried again so much later, as often as the round would have lasted anyway. Linux refuses for the second
 * or two of duplicate address detection, when there is no address to send from (EADDRNOTAVAIL), and while the interface changes
 * (ENETUNREACH, ENOBUFS; EINVAL where the route's device has gone: ip6_setup_cork, net/ipv6/ip6_output.c).
 */
const RETRY_MS = 500;
const RETRIES_MAX = 16;

/** Solicits on one link. */
export class Solicitor {
  readonly #clock: Clock;
  readonly #send: () => void;
  readonly #failed: (cause: Error) => void;
  #timer: Closable | null = null;
  #left = 0;
  #retriesLeft = 0;
  /** Solicitations that left this host since the start. */
  sent = 0;

  /** @param send throws the system's error; `failed` is told of it, and the next attempt comes soon */
  constructor(clock: Clock, send: () => void, failed: (cause: Error) => void) {
    this.#clock = clock;
    this.#send = send;
    this.#failed = failed;
  }

  /** Begins a new round. */
  start(): void {
    this.stop();
    this.#left = SOLICITATIONS_MAX;
    this.#retriesLeft = RETRIES_MAX;
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
    if (this.#hasSent()) {
      this.#left -= 1;
      this.sent += 1;
      if (this.#left > 0) this.#solicitIn(SOLICITATION_INTERVAL_MS);
    } else if (this.#retriesLeft > 0) {
      this.#retriesLeft -= 1;
      this.#solicitIn(RETRY_MS);
    }
  }

  #hasSent(): boolean {
    try {
      this.#send();
      return true;
    } catch (cause) {
      this.#failed(cause as Error);
      return false;
    }
  }

  #solicitIn(waitMs: number): void {
    this.#timer = this.#clock.after(waitMs, () => this.#solicit());
  }
}
