// How an answer comes about when the cache has none: local zones, synthesis, reverse names, or what the resolvers say; each
// question is on its way once, however many ask it. The rules themselves are in core/dns64.

import type { AnswerCache } from '../../core/dns64/cache.ts';
import { answerIpv4only } from '../../core/dns64/ipv4only.ts';
import { type DnsMessage, type DnsQuestion, rcodeOf } from '../../core/dns64/message.ts';
import { nameText } from '../../core/dns64/name.ts';
import { CLASS_IN, EXTENDED_ERROR, FLAG, RCODE, RCODE_MASK, TYPE, typeName } from '../../core/dns64/numbers.ts';
import { type AlignedBytes, packAnswer, unpackAnswer } from '../../core/dns64/packed-answer.ts';
import { VARIANT } from '../../core/dns64/query.ts';
import { embeddedInReverse, inAddrName } from '../../core/dns64/reverse.ts';
import { reverseByCname, reverseByLookup } from '../../core/dns64/reverse-answer.ts';
import type { SynthesisRules } from '../../core/dns64/rules.ts';
import type { DnsCacheSettings } from '../../core/dns64/settings.ts';
import { type AaaaVerdict, decide, judgeAaaa } from '../../core/dns64/synthesis.ts';
import { boundTtls } from '../../core/dns64/ttl.ts';
import { isBogusByUpstream } from './bogus.ts';
import type { Counters } from './counters.ts';
import type { Forwarders, Upstream } from './forwarders.ts';
import { inTime } from './in-time.ts';
import { questionKey } from './own-queries.ts';
import { addressOfRecord, type Trace } from './trace.ts';

/** What the resolver works with. The rules and cache settings change with the configuration. */
export interface ResolverParts {
  readonly forwarders: Forwarders;
  readonly counters: Counters;
  readonly nowS: () => number;
  readonly cache: () => AnswerCache;
  readonly rules: () => SynthesisRules;
  readonly cacheSettings: () => DnsCacheSettings;
}

/** An answer before it is packed. */
interface Outcome {
  readonly message: DnsMessage;
  /** Whether other settings of synthesis would have led to another answer. */
  readonly isDerived: boolean;
  readonly isSynthetic: boolean;
  readonly extendedError: number;
}

/** What one question leads to. */
export interface Resolved extends Outcome {
  readonly packed: AlignedBytes;
}

/** A client is told that it failed before it gives up itself: stub resolvers wait for 5 s. */
const BUDGET_MS = 4_000;
/** How much of it the AAAA question may take where the A question follows (RFC 6147 §5.1.2: silence is an empty answer). */
const AAAA_BUDGET_MS = 2_500;

const OUT_OF_TIME: Upstream = { kind: 'failed', why: 'the time is up' };

const BOTH = VARIANT.DO | VARIANT.CD;

/** Answers questions that the cache does not. Never throws for what a client or a resolver sent. */
export class Resolver {
  private readonly parts: ResolverParts;
  private readonly answering = new Map<string, Promise<Resolved>>();
  private readonly asking = new Map<string, Promise<Upstream>>();

  constructor(parts: ResolverParts) {
    this.parts = parts;
  }

  /** The answer to a question; those who ask the same meanwhile share it. @param variant VARIANT bits DO and CD */
  resolve(question: DnsQuestion, variant: number): Promise<Resolved> {
    return shared(this.answering, `${variant}/${questionKey(question)}`, () => this.find(question, variant, null));
  }

  /** The answer to a question found anew, past the cache, with every step told. */
  explain(question: DnsQuestion, variant: number, trace: Trace): Promise<Resolved> {
    return this.find(question, variant, trace);
  }

  private async find(question: DnsQuestion, variant: number, trace: Trace | null): Promise<Resolved> {
    const outcome = await this.outcomeOf(question, variant, trace);
    if (outcome.isSynthetic) this.parts.counters.synthesised += 1;
    return this.pack(question, variant, outcome);
  }

  private outcomeOf(question: DnsQuestion, variant: number, trace: Trace | null): Promise<Outcome> {
    const rules = this.parts.rules();
    const local = answerIpv4only(rules, question);
    if (local !== null) {
      trace?.('local', `${nameText(question.name)} is answered by this server itself (RFC 8880)`);
      return Promise.resolve(derived(local));
    }
    // RFC 6147 §5.5: who validates on his own must get what there is.
    const isUntouched = question.class !== CLASS_IN || (variant & BOTH) === BOTH;
    if (!isUntouched && question.type === TYPE.AAAA) return this.answerAaaa(question, variant, rules, trace);
    const ipv4 = isUntouched || rules.reverse === 'forward' ? null : embeddedInReverse(rules, question.name);
    const isReverse = question.type === TYPE.PTR || (question.type === TYPE.CNAME && rules.reverse === 'cname');
    if (ipv4 !== null && isReverse) return this.answerReverse(question, variant, ipv4, rules, trace);
    return this.passOn(question, variant, trace);
  }

  private async passOn(question: DnsQuestion, variant: number, trace: Trace | null): Promise<Outcome> {
    const upstream = await this.ask(question, variant, performance.now() + BUDGET_MS, trace);
    return upstream.kind === 'failed' ? failure(EXTENDED_ERROR.noReachableAuthority) : plain(upstream.message);
  }

  /** S-02 … S-06, RFC 6147 §5.1. */
  private async answerAaaa(
    question: DnsQuestion,
    variant: number,
    rules: SynthesisRules,
    trace: Trace | null,
  ): Promise<Outcome> {
    const startMs = performance.now();
    const firstEndMs = startMs + AAAA_BUDGET_MS;
    const first = await this.askOrRemember(question, variant, VARIANT.RAW, firstEndMs, trace);
    if (await this.isBogus(first, question, variant, firstEndMs, trace)) return failure(EXTENDED_ERROR.bogus);
    const verdict = judgeAaaa(rules, first.kind === 'message' ? first.message : null);
    traceVerdict(trace, verdict);
    if (verdict.isFinal && verdict.message !== null) return derived(verdict.message);
    if (first.kind === 'message') this.remember(first.message, question, variant | VARIANT.RAW);
    const second = await this.askOrRemember({ ...question, type: TYPE.A }, variant, 0, startMs + BUDGET_MS, trace);
    const rcode = second.kind === 'message' ? rcodeOf(second.message) : RCODE.SERVFAIL;
    if (second.kind === 'failed' || (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN)) {
      // Only with synthesizeAlways there can be addresses here; a failure is no reason to hide them.
      if (verdict.hasAddresses && verdict.message !== null) return derived(verdict.message);
      return second.kind === 'failed' ? failure(EXTENDED_ERROR.noReachableAuthority) : plain(errorOnly(second.message));
    }
    this.remember(second.message, { ...question, type: TYPE.A }, variant);
    const { message, steps } = decide(rules, question, verdict, second.message);
    for (const { from, to } of steps) {
      trace?.('synthetic', `${addressOfRecord({ data: from })} becomes ${addressOfRecord({ data: to })}`);
    }
    if (steps.length === 0) trace?.('not-mapped', 'no IPv4 address that may be translated');
    return { ...derived(message), isSynthetic: steps.length > 0 };
  }

  private isBogus(
    first: Upstream,
    question: DnsQuestion,
    variant: number,
    deadlineMs: number,
    trace: Trace | null,
  ): Promise<boolean> {
    if (first.kind === 'failed' || (variant & VARIANT.CD) !== 0) return Promise.resolve(false);
    return isBogusByUpstream(first.message, () => this.ask(question, variant | VARIANT.CD, deadlineMs, trace), trace);
  }

  /** S-07, RFC 6147 §5.3.1. */
  private async answerReverse(
    question: DnsQuestion,
    variant: number,
    ipv4: number,
    rules: SynthesisRules,
    trace: Trace | null,
  ): Promise<Outcome> {
    const target = inAddrName(ipv4);
    trace?.('reverse', `inside a NAT64 prefix: ${nameText(target)} is asked for`);
    const deadlineMs = performance.now() + BUDGET_MS;
    const inner = await this.askOrRemember(
      { ...question, name: target, type: TYPE.PTR },
      variant,
      0,
      deadlineMs,
      trace,
    );
    if (inner.kind === 'failed') return failure(EXTENDED_ERROR.noReachableAuthority);
    const make = rules.reverse === 'cname' ? reverseByCname : reverseByLookup;
    return { ...derived(make(question, target, inner.message)), isSynthetic: true };
  }

  /** What the cache has for a question on the way, or what the resolvers say. With a trace always the latter. */
  private askOrRemember(
    question: DnsQuestion,
    variant: number,
    raw: number,
    deadlineMs: number,
    trace: Trace | null,
  ): Promise<Upstream> {
    const cache = this.parts.cache();
    const { name, type } = question;
    const at = trace === null ? cache.find(name, 0, name.length, type, variant | raw) : -1;
    const nowS = this.parts.nowS();
    if (at < 0 || cache.expiresAt(at) <= nowS) return this.ask(question, variant, deadlineMs, trace);
    const message = unpackAnswer(cache, at, nowS);
    return Promise.resolve({ kind: 'message', message: { ...message, question } });
  }

  private async ask(
    question: DnsQuestion,
    variant: number,
    deadlineMs: number,
    trace: Trace | null,
  ): Promise<Upstream> {
    const start = (): Promise<Upstream> => this.parts.forwarders.ask(question, variant, deadlineMs, trace);
    // Who joins a question that was asked later than his own began may have less time than it has.
    const upstream =
      trace === null
        ? await inTime(shared(this.asking, `${variant}/${questionKey(question)}`, start), deadlineMs, OUT_OF_TIME)
        : await start();
    if (upstream.kind === 'failed') return upstream;
    const message = boundTtls({ ...upstream.message, question }, this.parts.cacheSettings()).message;
    return { kind: 'message', message };
  }

  /** Keeps an answer that another one was made of. */
  private remember(message: DnsMessage, question: DnsQuestion, variant: number): void {
    this.pack(question, variant, plain(message));
  }

  /** Packs an answer and keeps it if it may be kept. */
  private pack(question: DnsQuestion, variant: number, outcome: Outcome): Resolved {
    const nowS = this.parts.nowS();
    const settings = this.parts.cacheSettings();
    const { message, lifetimeS } = boundTtls(withFlags(outcome.message, question, variant), settings);
    const isFailure = rcodeOf(message) !== RCODE.NOERROR && rcodeOf(message) !== RCODE.NXDOMAIN;
    const staleS = lifetimeS === 0 || isFailure ? 0 : settings.serveStaleSeconds;
    const { isDerived, extendedError } = outcome;
    const packing = { variant, isDerived, extendedError, nowS, lifetimeS, staleS };
    const packed = packAnswer(message, packing) ?? packAnswer(tooLong(message), packing);
    if (packed === null) throw new Error('a failure does not fit a message');
    if (lifetimeS > 0 && !(isFailure && this.hasStale(question, variant))) this.parts.cache().put(packed);
    return { ...outcome, message, packed };
  }

  /** Whether an older answer may still be given (RFC 8767 §4): a failure does not take its place. */
  private hasStale(question: DnsQuestion, variant: number): boolean {
    const cache = this.parts.cache();
    const at = cache.find(question.name, 0, question.name.length, question.type, variant);
    return at >= 0 && cache.staleUntil(at) > this.parts.nowS();
  }
}

/** One promise for all who ask for the same key while it runs. */
function shared<T>(running: Map<string, Promise<T>>, key: string, start: () => Promise<T>): Promise<T> {
  const before = running.get(key);
  if (before !== undefined) return before;
  const promise = start().finally(() => running.delete(key));
  running.set(key, promise);
  return promise;
}

const plain = (message: DnsMessage): Outcome => ({
  message,
  isDerived: false,
  isSynthetic: false,
  extendedError: EXTENDED_ERROR.none,
});

const derived = (message: DnsMessage): Outcome => ({ ...plain(message), isDerived: true });

const EMPTY = { id: 0, question: null, answers: [], authority: [], additional: [], edns: null };

const failure = (extendedError: number): Outcome => ({
  ...plain({ ...EMPTY, flags: RCODE.SERVFAIL }),
  isDerived: true,
  extendedError,
});

/** What a resolver failed with, and nothing else of what it sent. */
const errorOnly = (message: DnsMessage): DnsMessage => ({
  ...EMPTY,
  flags: message.flags & RCODE_MASK,
  edns: message.edns,
});

/** An answer that does not fit a message any more, as none fitting came from upstream. */
const tooLong = (message: DnsMessage): DnsMessage => ({
  ...EMPTY,
  question: message.question,
  flags: (message.flags & ~RCODE_MASK) | RCODE.SERVFAIL,
});

/** The flags of an answer to a client. RCODEs that need OPT are between us and a resolver alone. */
function withFlags(message: DnsMessage, question: DnsQuestion, variant: number): DnsMessage {
  const rcode = rcodeOf(message) > RCODE_MASK ? RCODE.SERVFAIL : rcodeOf(message);
  const cd = (variant & VARIANT.CD) !== 0 ? FLAG.CD : 0;
  const flags = FLAG.QR | FLAG.RD | FLAG.RA | cd | (message.flags & FLAG.AD) | rcode;
  return { ...message, question, flags, edns: null };
}

function traceVerdict(trace: Trace | null, verdict: AaaaVerdict): void {
  if (trace === null) return;
  for (const record of verdict.excluded) trace('excluded', `${addressOfRecord(record)} counts as none`);
  if (verdict.isFinal && verdict.hasAddresses) trace('real', 'there are real AAAA records');
  else if (verdict.isFinal) trace('real', 'the name does not exist');
  else trace('need-a', `${typeName(TYPE.A)} is asked for; TTL at most ${verdict.ttlMax} s`);
}
