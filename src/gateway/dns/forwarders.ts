// The resolvers together: which is asked first, who is asked next, when to give up (S-09).

import type { Log } from '../../contract/reasons.ts';
import { type DnsMessage, type DnsQuestion, rcodeOf } from '../../core/dns64/message.ts';
import { FLAG, RCODE, rcodeName, typeName } from '../../core/dns64/numbers.ts';
import type { Dns64Settings } from '../../core/dns64/settings.ts';
import type { ExchangeShared } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import type { Trace } from './trace.ts';

/** Tries for one question, where there are fewer resolvers than that. */
const TRIES = 3;

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

  constructor(settings: Dns64Settings, shared: ExchangeShared, log: Log) {
    this.shared = shared;
    this.log = log;
    this.timeoutMs = settings.timeoutMs;
    this.list = settings.forwarders.map((each) => new Forwarder(each, shared, log));
  }

  /** Goes over to other settings; what stays keeps its health and its connection. @returns whether others are asked now */
  reconfigure(settings: Dns64Settings): boolean {
    const before = this.list;
    this.timeoutMs = settings.timeoutMs;
    this.list = settings.forwarders.map(
      (each) => before.find((old) => sameForwarder(old.settings, each)) ?? new Forwarder(each, this.shared, this.log),
    );
    const gone = before.filter((old) => !this.list.includes(old));
    for (const old of gone) old.close();
    return gone.length > 0 || this.list.some((each) => !before.includes(each));
  }

  /** Asks until one gives an answer. One that only says why it cannot counts when no other does better. */
  async ask(question: DnsQuestion, variant: number, trace: Trace | null): Promise<Upstream> {
    const order = this.inOrder();
    this.probe(order, question, variant);
    const tries = Math.max(TRIES, order.length);
    const refused = new Map<Forwarder, DnsMessage>();
    let why = 'there is no resolver';
    for (let i = 0; i < tries && refused.size < order.length; i++) {
      const forwarder = order[i % order.length];
      if (forwarder === undefined || refused.has(forwarder)) continue;
      trace?.('ask', `${typeName(question.type)} to ${forwarder.text}${forwarder.isAuthenticated ? ' over TLS' : ''}`);
      const reply = await forwarder.ask({ question, variant }, this.timeoutMs);
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

  /** Those that are up first. */
  private inOrder(): Forwarder[] {
    const isUp = (forwarder: Forwarder): boolean => forwarder.health.isUp;
    return [...this.list.filter(isUp), ...this.list.filter((forwarder) => !isUp(forwarder))];
  }

  /** Asks those that are down as well, when it is time to: nobody waits for the answer but their health. */
  private probe(order: readonly Forwarder[], question: DnsQuestion, variant: number): void {
    for (const forwarder of order.slice(1)) {
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
  else trace?.('reply', `${rcodeName(rcodeOf(reply.message))}, ${reply.message.answers.length} records`);
}
