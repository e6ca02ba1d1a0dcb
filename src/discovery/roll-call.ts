// Which routers of a link still speak. A router that vanishes says no goodbye, and what it announced holds for hours; but a router
// that is there answers solicitations (RFC 4861 §6.2.6, within 3.5 s). So who says nothing during a whole round of them is silent,
// until heard again. Nobody else can make a router silent: forged advertisements only ever count as its voice, after a flood in
// which its own may have been lost nobody is judged, and where the whole link said nothing, all are asked anew before the first
// that is heard counts more than the others. When a round is over, what a router named in it is all that it still names. Read first:
// solicitor.ts.

import type { Closable } from '../platform/platform.ts';
import type { Router, Routers } from './routers.ts';
import { ROUND_MS, SOLICITATION_INTERVAL_MS, Solicitor, type SolicitorOwner } from './solicitor.ts';

/** Rounds for the sake of a question between routers begin so far apart at least, whoever raises how many. */
export const ROUND_EVERY_MS = 60_000;
/** MaxRtrAdvInterval is at most this, RFC 4861 §6.2.1: a router that was heard longer ago may have vanished. */
export const OVERDUE_MS = 1_800_000;
/** A round that ends so much too late says nothing: the host slept, or was too busy to hear. */
const LATE_MS = 2000;

/** What calling the roll needs. */
export interface RollCallOwner extends Omit<SolicitorOwner, 'unanswered'> {
  readonly routers: Routers;
  /** Whether a router's prefix is on offer: whose silence matters. */
  readonly announces: (router: string) => boolean;
  /** Whether it is still a question which router to use, or whether there is any with a prefix. */
  readonly isOpen: () => boolean;
  /** How often more came in than was looked at. */
  readonly floods: () => number;
  /** Told of who is silent whenever that changes. */
  readonly changed: (silent: ReadonlySet<string>) => void;
  /** A round begins that is to settle which router's prefix to use. */
  readonly questioned: () => void;
  /** A round is over whose answers, if any, were heard: what was named after `askedAtMs` is what the routers name now. */
  readonly answered: (askedAtMs: number) => void;
}

/** Solicits on one link, and keeps who of its routers is silent. */
export class RollCall {
  readonly #owner: RollCallOwner;
  readonly #solicitor: Solicitor;
  #silent: ReadonlySet<string> = new Set();
  /** Whether nobody at all was heard in the last round. */
  #isDeaf = false;
  /** Whether in this round a router was heard for which there was no room. */
  #hasRefused = false;
  /** The routers as they were heard before the round; each advertisement makes a new record of its router. */
  #before: ReadonlySet<Router> = new Set();
  #floodsAtStart = 0;
  /** Whether the round is over: what is still asked for is a router that has come back. */
  #isJudged = true;
  #questionedAtMs = Number.NEGATIVE_INFINITY;
  #question: Closable | null = null;
  #beganAtMs = Number.NEGATIVE_INFINITY;
  #answers: Closable | null = null;

  constructor(owner: RollCallOwner) {
    this.#owner = owner;
    this.#solicitor = new Solicitor({ ...owner, unanswered: () => this.#judge() });
  }

  /** Solicitations that left this host. */
  get sent(): number {
    return this.#solicitor.sent;
  }

  /** When the last of them did. */
  get sentAtMs(): number {
    return this.#solicitor.sentAtMs;
  }

  /** Whether a router was solicited and did not answer. */
  isSilent(router: string): boolean {
    return this.#silent.has(router);
  }

  /** Begins a round: on start, after sleep, when the network changed. */
  begin(): void {
    this.#before = new Set(this.#owner.routers.all);
    this.#floodsAtStart = this.#owner.floods();
    this.#isJudged = false;
    this.#hasRefused = false;
    this.#beganAtMs = this.#owner.clock.now();
    this.#answers?.close();
    this.#answers = this.#owner.clock.after(ROUND_MS, () => this.#readAnswers());
    this.#solicitor.start();
  }

  /**
   * Wants a round, because it is a question which router to use; a while after the last one for such a reason. The round that goes on
   * is no answer: it judges nobody who came after its begin.
   */
  question(): void {
    if (this.#question !== null) return;
    const lastMs = this.#isInRound ? this.#beganAtMs : this.#questionedAtMs;
    const inMs = lastMs + ROUND_EVERY_MS - this.#owner.clock.now();
    if (inMs <= 0) this.#beginQuestioned();
    else this.#question = this.#owner.clock.after(inMs, () => this.#ask());
  }

  /**
   * Takes note of an accepted advertisement, which `routers` has heard already: before its prefixes count, so that a link on which
   * nobody was heard does not take the first one's.
   */
  heard(router: string): void {
    if (this.#isDeaf) this.#hearsAgain();
    else if (this.#silent.has(router)) this.#setSilent([...this.#silent].filter((r) => r !== router));
    // RFC 7559 §2.1: who is no default router does not end the wait for one.
    if (this.#owner.routers.hasDefault && (!this.#isInRound || this.#haveAllSpoken())) this.#solicitor.stop();
  }

  /** Takes note of a router that was heard and is not kept, for want of room: the link says something, and the silent can go. */
  refused(): void {
    this.#hasRefused = true;
  }

  /** Ends what goes on; who is silent stays so. */
  close(): void {
    this.#solicitor.stop();
    this.#question?.close();
    this.#question = null;
    this.#answers?.close();
  }

  get #isInRound(): boolean {
    return this.#solicitor.isAsking && !this.#isJudged;
  }

  #ask(): void {
    this.#question = null;
    if (!this.#owner.isOpen()) return;
    if (this.#isInRound) this.question();
    else this.#beginQuestioned();
  }

  #beginQuestioned(): void {
    this.#questionedAtMs = this.#owner.clock.now();
    this.begin();
    this.#owner.questioned();
  }

  #hearsAgain(): void {
    this.#isDeaf = false;
    this.#setSilent([]);
    if (this.#owner.isOpen()) this.question();
  }

  /** Whether nobody is left to wait for: all that announce a prefix have spoken, or anybody where none does. */
  #haveAllSpoken(): boolean {
    const { routers, announces } = this.#owner;
    return routers.all.every((r) => !this.#before.has(r) || !announces(r.address));
  }

  #judge(): void {
    const { clock, routers, floods } = this.#owner;
    if (clock.now() - this.#solicitor.sentAtMs > SOLICITATION_INTERVAL_MS + LATE_MS) {
      this.begin();
      return;
    }
    const silent = routers.all.filter((r) => this.#before.has(r));
    this.#isJudged = true;
    this.#isDeaf = silent.length === routers.all.length && !this.#hasRefused;
    // Who had no room is asked once more: there is some now.
    if (!this.#isDeaf && !this.#hasRefused && routers.hasDefault) this.#solicitor.stop();
    if (floods() === this.#floodsAtStart) this.#setSilent(silent.map((r) => r.address));
  }

  /** After sleep, or a flood, an answer may be what was not heard. */
  #readAnswers(): void {
    const { clock, floods, answered } = this.#owner;
    const isLate = clock.now() - this.#beganAtMs > ROUND_MS + LATE_MS;
    if (!isLate && floods() === this.#floodsAtStart) answered(this.#beganAtMs);
  }

  #setSilent(routers: readonly string[]): void {
    const isSame = routers.length === this.#silent.size && routers.every((r) => this.#silent.has(r));
    if (isSame) return;
    this.#silent = new Set(routers);
    this.#owner.changed(this.#silent);
  }
}
