// Asks for Router Advertisements, so that nobody waits for the next periodic one: up to three solicitations 4 s apart (rule D-05,
// RFC 4861 §6.3.7), and while nobody answers again and again at growing distances (RFC 7559). Deviates from it in that the first goes
// without the random delay of up to a second: the host's own stack has solicited after that delay already, and the user waits for us.
//
//     0     4     8     12      20              36 …  then twice as long each time, up to an hour
//     RS    RS    RS  │ RS      RS              RS    until stopped
//     └─── a round ───┘ unanswered()

import type { Closable } from '../platform/platform.ts';
import type { Clock } from './clock.ts';

/** MAX_RTR_SOLICITATIONS, RFC 4861 §10. */
const SOLICITATIONS_MAX = 3;
/** RTR_SOLICITATION_INTERVAL, RFC 4861 §10, and IRT, RFC 7559 §2. */
export const SOLICITATION_INTERVAL_MS = 4000;
/** How long a round lasts, the wait for answers to its last one included. */
export const ROUND_MS = SOLICITATIONS_MAX * SOLICITATION_INTERVAL_MS;
/** MRT, RFC 7559 §2. */
const SOLICITATION_INTERVAL_MAX_MS = 3_600_000;
/** RAND of RFC 7559 §2: hosts that lost the same router do not go on asking in step. */
const JITTER = 0.1;
/**
 * What could not be sent is tried again so much later, as often as the round would have lasted anyway. Linux refuses for the second
 * or two of duplicate address detection, when there is no address to send from (EADDRNOTAVAIL), and while the interface changes
 * (ENETUNREACH, ENOBUFS; EINVAL where the route's device has gone: ip6_setup_cork, net/ipv6/ip6_output.c).
 */
const RETRY_MS = 500;
const RETRIES_MAX = 16;

/** Whom a solicitor works for. */
export interface SolicitorOwner {
  readonly clock: Clock;
  /** 0–65535, random. */
  readonly randomId: () => number;
  /** Sends one. @throws the system's error */
  readonly send: () => void;
  /** Told of what `send` threw; the next attempt comes soon. */
  readonly failed: (cause: Error) => void;
  /** A round was sent, and the wait for answers to the last of it is over. Unless it stops the solicitor, that goes on. */
  readonly unanswered: () => void;
}

/** Solicits on one link. */
export class Solicitor {
  readonly #owner: SolicitorOwner;
  #timer: Closable | null = null;
  #sentSinceStart = 0;
  #retriesLeft = 0;
  /** Solicitations that left this host, in all. */
  sent = 0;
  /** When the last of them did. */
  sentAtMs = Number.NEGATIVE_INFINITY;

  constructor(owner: SolicitorOwner) {
    this.#owner = owner;
  }

  /** Whether it goes on. */
  get isAsking(): boolean {
    return this.#timer !== null;
  }

  /** Begins a new round. */
  start(): void {
    this.stop();
    this.#sentSinceStart = 0;
    this.#retriesLeft = RETRIES_MAX;
    this.#solicit();
  }

  /** Ends it: who was asked has answered, or nobody wants to know any more. */
  stop(): void {
    this.#timer?.close();
    this.#timer = null;
  }

  #solicit(): void {
    if (this.#hasSent()) {
      this.#sentSinceStart += 1;
      this.#retriesLeft = RETRIES_MAX;
      this.sent += 1;
      this.sentAtMs = this.#owner.clock.now();
      this.#wait(this.#intervalMs(), () => this.#waited());
    } else if (this.#retriesLeft > 0) {
      this.#retriesLeft -= 1;
      this.#wait(RETRY_MS, () => this.#solicit());
    } else {
      this.stop();
    }
  }

  #waited(): void {
    if (this.#sentSinceStart === SOLICITATIONS_MAX) {
      const timer = this.#timer;
      this.#owner.unanswered();
      if (this.#timer !== timer) return; // stopped, or started anew
    }
    this.#solicit();
  }

  /** How long to wait after the last one. */
  #intervalMs(): number {
    const doublings = Math.max(0, this.#sentSinceStart - SOLICITATIONS_MAX);
    if (doublings === 0) return SOLICITATION_INTERVAL_MS;
    const jitter = 1 + JITTER * ((2 * this.#owner.randomId()) / 0xffff - 1);
    return Math.min(SOLICITATION_INTERVAL_MS * 2 ** doublings, SOLICITATION_INTERVAL_MAX_MS) * jitter;
  }

  #hasSent(): boolean {
    try {
      this.#owner.send();
      return true;
    } catch (cause) {
      this.#owner.failed(cause as Error);
      return false;
    }
  }

  #wait(waitMs: number, then: () => void): void {
    this.#timer = this.#owner.clock.after(waitMs, then);
  }
}
