// One resolver that queries are passed on to: its way of being asked (UDP then TCP, or TLS), its health, its numbers.

import type { Dns64ForwarderReport } from '../../contract/dns64.ts';
import type { Log } from '../../contract/reasons.ts';
import { rcodeOf } from '../../core/dns64/message.ts';
import { RCODE } from '../../core/dns64/numbers.ts';
import type { Forwarder as ForwarderSettings } from '../../core/dns64/settings.ts';
import type { Closable } from '../../platform/platform.ts';
import { placeText } from './endpoint.ts';
import type { Asked, ExchangeShared, Reply } from './exchange.ts';
import { Health } from './health.ts';
import { isUntrusted, StreamExchange, type Trust } from './stream-exchange.ts';
import { askUdp } from './udp-exchange.ts';

/** Whole milliseconds to a deadline, at least one. */
const leftOf = (deadlineMs: number): number => Math.max(1, Math.ceil(deadlineMs - performance.now()));

/** One resolver. */
export class Forwarder {
  readonly settings: ForwarderSettings;
  readonly health = new Health();
  private readonly log: Log;
  private readonly shared: ExchangeShared;
  private readonly stream: StreamExchange;
  private readonly running = new Set<Closable>();
  private knowsEdns = true;
  private isClosed = false;
  private queries = 0;
  private failures = 0;

  constructor(settings: ForwarderSettings, shared: ExchangeShared, log: Log, trust: Trust) {
    this.settings = settings;
    this.shared = shared;
    this.log = log;
    this.stream = new StreamExchange(settings, shared, trust);
  }

  /** Whether what it says of authenticity can be believed: nobody on the way could have changed it. */
  get isAuthenticated(): boolean {
    return this.settings.tlsName !== null;
  }

  /** How it is called in logs. */
  get text(): string {
    return placeText(this.settings);
  }

  /**
   * Asks once, over TCP or without EDNS too where that is what it takes.
   * @param timeoutMs for all of that together
   * @returns a message, or why there is none
   */
  async ask(
    asked: Omit<Asked, 'wantsAd' | 'hasEdns'>,
    timeoutMs: number,
  ): Promise<Exclude<Reply, { kind: 'truncated' }>> {
    const startMs = performance.now();
    this.queries += 1;
    const reply = await this.askKnowing(
      { ...asked, wantsAd: this.isAuthenticated, hasEdns: this.knowsEdns },
      startMs + timeoutMs,
    );
    if (reply.kind === 'failed') this.failed(reply.why);
    else if (this.health.answered(performance.now() - startMs)) {
      this.log.info('dns-forwarder-back', { forwarder: this.text }, `the resolver ${this.text} answers again`);
    }
    return reply;
  }

  /** RFC 6891 §6.2.2, §7: one that does not know EDNS is asked without, from then on. */
  private async askKnowing(asked: Asked, deadlineMs: number): Promise<Exclude<Reply, { kind: 'truncated' }>> {
    const reply = await this.askSomehow(asked, deadlineMs);
    const isRefusal =
      reply.kind === 'message' && reply.message.edns === null && rcodeOf(reply.message) === RCODE.FORMERR;
    if (!isRefusal || !asked.hasEdns) return reply;
    const again = await this.askSomehow({ ...asked, hasEdns: false }, deadlineMs);
    if (again.kind === 'message' && rcodeOf(again.message) !== RCODE.FORMERR) this.knowsEdns = false;
    return again;
  }

  private async askSomehow(asked: Asked, deadlineMs: number): Promise<Exclude<Reply, { kind: 'truncated' }>> {
    if (this.isClosed) return { kind: 'failed', why: 'no longer used' };
    const first = this.isAuthenticated ? null : await this.overUdp(asked, leftOf(deadlineMs));
    if (first !== null && first.kind !== 'truncated') return first;
    const reply = await new Promise<Reply>((done) => this.stream.ask(asked, leftOf(deadlineMs), done));
    return reply.kind === 'truncated' ? { kind: 'failed', why: 'truncated over TCP' } : reply;
  }

  private overUdp(asked: Asked, timeoutMs: number): Promise<Reply> {
    return new Promise((done) => {
      const exchange = askUdp(this.settings, asked, timeoutMs, this.shared, (reply) => {
        this.running.delete(running);
        done(reply);
      });
      // Whoever waits learns that it has ended.
      const running: Closable = {
        close: () => {
          exchange.close();
          done({ kind: 'failed', why: 'no longer used' });
        },
      };
      this.running.add(running);
    });
  }

  private failed(why: string): void {
    this.failures += 1;
    const isNews = this.health.trouble !== why;
    const wentDown = this.health.failed(performance.now(), why);
    if (this.isClosed) return;
    const fields = { forwarder: this.text, why };
    if (isUntrusted(why) && isNews) this.log.warn('dns-forwarder-untrusted', fields, `${this.text}: ${why}`);
    else if (isNews && !wentDown)
      this.log.debug('dns-unanswered', fields, `${this.text} did not answer a query: ${why}`);
    else if (wentDown) this.log.warn('dns-forwarder-lost', fields, `the resolver ${this.text} does not answer: ${why}`);
  }

  /** Its numbers. */
  report(): Dns64ForwarderReport {
    const { isUp, trouble, rttMs } = this.health;
    const { queries, failures } = this;
    return {
      address: this.text,
      tlsName: this.settings.tlsName,
      isUp,
      trouble,
      queries,
      failures,
      rttMs: rttMs === null ? null : Math.round(rttMs * 10) / 10,
    };
  }

  /** Ends all exchanges; those who wait learn that it failed. */
  close(): void {
    this.isClosed = true;
    for (const running of this.running) running.close();
    this.running.clear();
    this.stream.close();
  }
}
