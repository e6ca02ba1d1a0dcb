// The resolvers together: which is asked first, who is asked next, when to give up (S-09).

import type { Log } from '../../contract/reasons.ts';
import { type DnsMessage, type DnsQuestion, rcodeOf } from '../../core/dns64/message.ts';
import { FLAG, RCODE, rcodeName, typeName } from '../../core/dns64/numbers.ts';
import type { Dns64Settings } from '../../core/dns64/settings.ts';
import type { ExchangeShared } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import { type Trust, trustIn } from './stream-exchange.ts';
import { recordsText, type Trace } from './trace.ts';

/** Tries for one question, where there are fewer resolvers than that. */
const TRIES = 3;
/** A try is not cut shorter than this where there are many resolvers; one that is known to be down gets no longer. */
const SHORT_TRY_MS = 500;

/** What the resolvers say. */
export type Upstream =
  /** Any RCODE. AD is set only where the resolver said so over an authenticated channel. */
  | { readonly kind: 'message'; readonly message: DnsMessage }
  /** Nobody answered. */
  | { readonly kind: 'failed'; readonly why: string };

const isUseful = (message: DnsMessage): boolean =>
  rcodeOf(message) === RCODE.NOERROR || rcodeOf(message) === RCODE.NXDOMAIN;

const sameForwarder = (a: Forwarder['settings'], b: Forwarder['settings']): boolean =>
  a.address === b.address && a.port === b.port && a.tlsName === b.tlsName;

/** All resolvers, in the order of the configuration. */
export class Forwarders {
  private readonly shared: ExchangeShared;
  private readonly log: Log;
  private list: readonly Forwarder[];
  private timeoutMs: number;
  private tlsCa: string | null;
  private trust: Trust;

  constructor(settings: Dns64Settings, shared: ExchangeShared, log: Log) {
    this.shared = shared;
    this.log = log;
    this.timeoutMs = settings.timeoutMs;
    this.tlsCa = settings.tlsCa;
    this.trust = trustIn(settings.tlsCa);
    this.list = settings.forwarders.map((each) => new Forwarder(each, shared, log, this.trust));
  }

  /** Goes over to other settings; what stays keeps its health and its connection. @returns whether others are asked now */
  reconfigure(settings: Dns64Settings): boolean {
    const before = this.list;
    this.timeoutMs = settings.timeoutMs;
    // Others may be trusted now, and these no longer.
    const kept =
      settings.tlsCa === this.tlsCa ? before : before.filter(({ settings: { tlsName } }) => tlsName === null);
    if (settings.tlsCa !== this.tlsCa) this.trust = trustIn(settings.tlsCa);
    this.tlsCa = settings.tlsCa;
    this.list = settings.forwarders.map(
      (each) =>
        kept.find((old) => sameForwarder(old.settings, each)) ?? new Forwarder(each, this.shared, this.log, this.trust),
    );
    const gone = before.filter((old) => !this.list.includes(old));
    for (const old of gone) old.close();
    return gone.length > 0 || this.list.some((each) => !before.includes(each));
  }

  /**
   * Asks until one gives an answer. One that only says why it cannot counts when no other does better.
   * @param deadlineMs of performance.now(): the client does not wait for longer
   */
  async ask(question: DnsQuestion, variant: number, deadlineMs: number, trace: Trace | null): Promise<Upstream> {
    const order = this.inOrder();
    this.probe(order, question, variant);
    const tries = Math.max(TRIES, order.length);
    const refused = new Map<Forwarder, DnsMessage>();
    let why = 'there is no resolver';
    for (let i = 0; i < tries && refused.size < order.length; i++) {
      const forwarder = order[i % order.length];
      if (forwarder === undefined || refused.has(forwarder)) continue;
      // What is down gets one try: its health is found out aside.
      if (i >= order.length && !forwarder.health.isUp) continue;
      const timeoutMs = this.tryMs(forwarder, deadlineMs - performance.now(), order.length - i);
      if (timeoutMs <= 0) break;
      trace?.('ask', `${typeName(question.type)} to ${forwarder.text}${forwarder.isAuthenticated ? ' over TLS' : ''}`);
      const reply = await forwarder.ask({ question, variant }, timeoutMs);
      traceReply(trace, reply);
      if (reply.kind === 'failed') {
        why = reply.why;
        continue;
      }
      const message = believed(reply.message, forwarder);
      if (isUseful(message)) return { kind: 'message', message };
      refused.set(forwarder, message);
    }
    const [message] = refused.values();
    return message === undefined ? { kind: 'failed', why } : { kind: 'message', message };
  }

  /** How long the next try may take: all that is left is shared with the resolvers that have not been asked yet. */
  private tryMs(forwarder: Forwarder, leftMs: number, unasked: number): number {
    const share = Math.max(leftMs / Math.max(unasked, 1), SHORT_TRY_MS);
    const most = forwarder.health.isUp ? this.timeoutMs : Math.min(this.timeoutMs, SHORT_TRY_MS);
    return Math.floor(Math.min(leftMs, share, most));
  }

  /** Those that are up first. */
  private inOrder(): Forwarder[] {
    const isUp = (forwarder: Forwarder): boolean => forwarder.health.isUp;
    return [...this.list.filter(isUp), ...this.list.filter((forwarder) => !isUp(forwarder))];
  }

  /** Asks those that are down as well, when it is time to: nobody waits for the answer but their health. */
  private probe(order: readonly Forwarder[], question: DnsQuestion, variant: number): void {
    for (const forwarder of order) {
      if (forwarder.health.takeProbe(performance.now())) void forwarder.ask({ question, variant }, this.timeoutMs);
    }
  }

  /** All of them, for status. */
  report(): ReturnType<Forwarder['report']>[] {
    return this.list.map((forwarder) => forwarder.report());
  }

  /** Ends all exchanges. */
  close(): void {
    for (const forwarder of this.list) forwarder.close();
  }
}

/** RFC 4035 §4.9.3: AD means nothing unless the channel is secure. */
const believed = (message: DnsMessage, forwarder: Forwarder): DnsMessage =>
  forwarder.isAuthenticated ? message : { ...message, flags: message.flags & ~FLAG.AD };

function traceReply(trace: Trace | null, reply: Awaited<ReturnType<Forwarder['ask']>>): void {
  if (reply.kind === 'failed') trace?.('no-reply', reply.why);
  else trace?.('reply', `${rcodeName(rcodeOf(reply.message))}, ${recordsText(reply.message.answers.length)}`);
}
