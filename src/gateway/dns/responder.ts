// What becomes of a query, from its bytes to the answer's bytes: refused, answered from the cache at once, or later when the resolver
// knows. Listeners carry bytes; all decisions are here.

import type { Log } from '../../contract/reasons.ts';
import type { AnswerCache } from '../../core/dns64/cache.ts';
import { MESSAGE_MAX } from '../../core/dns64/emit.ts';
import { nameText } from '../../core/dns64/name.ts';
import { FLAG, HEADER, OPCODE_MASK, RCODE, RCODE_MASK, rcodeName, typeName } from '../../core/dns64/numbers.ts';
import {
  type AlignedBytes,
  alignedBytes,
  messageLength,
  PACKED_HEADER,
  UDP_PAYLOAD,
  WORD,
  writeAnswer,
  writeOpt,
} from '../../core/dns64/packed-answer.ts';
import { QUERY, type QueryVerdict, QueryView } from '../../core/dns64/query.ts';
import type { Dns64Settings } from '../../core/dns64/settings.ts';
import { TokenBucket } from '../../core/translate/token-bucket.ts';
import { AllowedClients, Places } from './clients.ts';
import type { Counters } from './counters.ts';
import { addressText } from './endpoint.ts';
import { inTime } from './in-time.ts';
import type { OwnQueries } from './own-queries.ts';
import type { Resolver } from './resolver.ts';

/** No answer. */
export const SILENCE = 0;
/** The answer takes time: {@link Responder.answerLater}. */
export const LATER = -1;

/** Refusals in a second, to all who are not allowed: enough for a mistaken neighbour, nothing for an attacker. */
const REFUSALS_PER_SECOND = 50;
/** RFC 8767 §5: a client is given what is stale when the fresh answer takes longer than this. */
const PATIENCE_MS = 1_800;
/** RFC 8767 §5: how long after a failure nobody is asked again for what is there in a stale form. */
const RECHECK_S = 30;
/** Names whose last try failed; more are tried again earlier. */
const RECHECKS_MAX = 10_000;
/** A line about overload at most so often. */
const OVERLOAD_LOG_MS = 10_000;
const LOOP_LOG_MS = 60_000;

const RCODE_OF: Readonly<Record<number, number>> = {
  [QUERY.FORMERR]: RCODE.FORMERR,
  [QUERY.NOTIMP]: RCODE.NOTIMP,
  [QUERY.REFUSED]: RCODE.REFUSED,
  [QUERY.BADVERS]: RCODE.BADVERS,
};

/** What the responder works with. */
export interface ResponderParts {
  readonly resolver: Resolver;
  readonly counters: Counters;
  readonly ownQueries: OwnQueries;
  readonly log: Log;
  readonly cache: () => AnswerCache;
  readonly nowS: () => number;
}

/** Answers queries. Never throws for what a client sent. */
export class Responder {
  private readonly parts: ResponderParts;
  private settings: Dns64Settings;
  private clients: AllowedClients;
  private readonly places = new Places();
  private readonly view = new QueryView();
  private readonly refusals = new TokenBucket(REFUSALS_PER_SECOND);
  private readonly recheckAtS = new Map<string, number>();
  private overloadLoggedMs = -OVERLOAD_LOG_MS;
  private loopLoggedMs = -LOOP_LOG_MS;

  constructor(settings: Dns64Settings, parts: ResponderParts) {
    this.parts = parts;
    this.settings = settings;
    this.clients = new AllowedClients(settings.clients);
  }

  /** Queries that wait for a resolver. */
  get outstanding(): number {
    return this.places.count;
  }

  /** Goes over to other settings. */
  reconfigure(settings: Dns64Settings): void {
    this.settings = settings;
    this.clients = new AllowedClients(settings.clients);
  }

  /**
   * Answers a query if that takes no time.
   * @param start offset of the query in `bytes`, inclusive; `end` exclusive
   * @param client offset of the client's address, 16 bytes, in `ends`
   * @param isStream whether the answer may have 65,535 bytes; `out` has room for what the transport carries, from
   * `outAt` on, which is divisible by 4
   * @returns length of the answer at `outAt`, {@link SILENCE} or {@link LATER}
   */
  answerNow(
    bytes: Uint8Array,
    start: number,
    end: number,
    ends: Uint8Array,
    client: number,
    nowS: number,
    isStream: boolean,
    out: AlignedBytes,
    outAt: number,
  ): number {
    const { view } = this;
    const verdict = view.read(bytes, start, end);
    if (verdict === QUERY.DROP) {
      this.parts.counters.malformed += 1;
      return SILENCE;
    }
    if (!this.clients.has(ends, client)) return this.refuse(bytes, start, out.bytes, outAt);
    if (verdict !== QUERY.GOOD) return this.complain(verdict, bytes, start, out.bytes, outAt);
    const cache = this.parts.cache();
    const at = cache.find(bytes, start + HEADER, start + view.nameEnd, view.type, view.variant);
    if (at < 0 || cache.expiresAt(at) <= nowS) return LATER;
    this.parts.counters.cacheHits += 1;
    if (this.settings.logQueries)
      this.logQuery(addressText(ends.subarray(client, client + 16)), view, cache, at, 'cache');
    const limit = isStream ? MESSAGE_MAX : Math.min(view.udpSize, UDP_PAYLOAD);
    return writeAnswer(cache, at, nowS, view, bytes, start, out, outAt, limit);
  }

  /** Clients that are not allowed hear so, but only so often, and never more bytes than they sent. */
  private refuse(bytes: Uint8Array, start: number, out: Uint8Array, outAt: number): number {
    this.parts.counters.refused += 1;
    if (!this.refusals.take(performance.now())) return SILENCE;
    return writeError(this.view, RCODE.REFUSED, bytes, start, out, outAt);
  }

  private complain(verdict: QueryVerdict, bytes: Uint8Array, start: number, out: Uint8Array, outAt: number): number {
    if (verdict === QUERY.FORMERR) this.parts.counters.malformed += 1;
    return writeError(this.view, RCODE_OF[verdict] ?? RCODE.SERVFAIL, bytes, start, out, outAt);
  }

  /**
   * Answers a query that `answerNow` put off.
   * @param query its bytes, the caller's to give away
   * @param client its address, 16 bytes
   * @returns the answer; null: none is to be sent, because too many queries wait
   */
  async answerLater(query: Uint8Array, client: Uint8Array, isStream: boolean): Promise<Uint8Array | null> {
    const view = new QueryView();
    view.read(query, 0, query.length);
    const question = { name: query.slice(HEADER, view.nameEnd), type: view.type, class: view.class };
    const out = alignedBytes(isStream ? MESSAGE_MAX : UDP_PAYLOAD);
    if (this.parts.ownQueries.has(view.id, question)) {
      this.sayLoop(nameText(question.name));
      return out.bytes.subarray(0, writeError(view, RCODE.SERVFAIL, query, 0, out.bytes, 0));
    }
    const key = client.join('.');
    const { maxOutstanding, maxOutstandingPerClient } = this.settings;
    if (!this.places.take(key, maxOutstanding, maxOutstandingPerClient)) {
      this.sayOverload(client);
      return null;
    }
    this.parts.counters.cacheMisses += 1;
    try {
      const packed = await this.patiently(view, question);
      if (this.settings.logQueries) this.logQuery(addressText(client), view, packed, 0, 'resolver');
      const limit = isStream ? MESSAGE_MAX : Math.min(view.udpSize, UDP_PAYLOAD);
      return out.bytes.subarray(0, writeAnswer(packed, 0, this.parts.nowS(), view, query, 0, out, 0, limit));
    } finally {
      this.places.give(key);
    }
  }

  /** The answer, or a stale one that is there when the answer fails or takes too long (RFC 8767). */
  private async patiently(
    view: QueryView,
    question: { name: Uint8Array; type: number; class: number },
  ): Promise<AlignedBytes> {
    const stale = this.staleFor(view, question.name);
    if (stale === null) return this.fresh(view, question);
    const key = `${view.variant}/${view.type}/${nameText(question.name).toLowerCase()}`;
    const isTooSoon = (this.recheckAtS.get(key) ?? 0) > this.parts.nowS();
    const answer = isTooSoon ? null : await inTime(this.fresh(view, question), performance.now() + PATIENCE_MS, null);
    if (answer !== null && !isFailure(answer)) {
      this.recheckAtS.delete(key);
      return answer;
    }
    if (!isTooSoon) this.recheckLater(key);
    this.parts.counters.stale += 1;
    return stale;
  }

  private async fresh(
    view: QueryView,
    question: { name: Uint8Array; type: number; class: number },
  ): Promise<AlignedBytes> {
    const { packed } = await this.parts.resolver.resolve(question, view.variant);
    if (isFailure(packed)) this.parts.counters.failed += 1;
    return packed;
  }

  private recheckLater(key: string): void {
    if (this.recheckAtS.size >= RECHECKS_MAX) this.recheckAtS.clear();
    this.recheckAtS.set(key, this.parts.nowS() + RECHECK_S);
  }

  /** A copy of the answer that has ended and may still be given; null: there is none. */
  private staleFor(view: QueryView, name: Uint8Array): AlignedBytes | null {
    const cache = this.parts.cache();
    const at = cache.find(name, 0, name.length, view.type, view.variant);
    if (at < 0 || cache.staleUntil(at) <= this.parts.nowS()) return null;
    const bytes = cache.bytes.slice(at, at + (cache.words[(at >> 2) + WORD.SIZE] ?? 0));
    return { bytes, words: new Int32Array(bytes.buffer) };
  }

  private sayOverload(client: Uint8Array): void {
    this.parts.counters.overload += 1;
    const nowMs = performance.now();
    if (nowMs - this.overloadLoggedMs < OVERLOAD_LOG_MS) return;
    this.overloadLoggedMs = nowMs;
    const { maxOutstanding, maxOutstandingPerClient } = this.settings;
    const isAll = this.places.isScarce(maxOutstanding);
    const text = isAll ? `${this.places.count} queries wait` : `${maxOutstandingPerClient} queries of one client wait`;
    this.parts.log.warn('dns-overload', { client: addressText(client), waiting: this.places.count }, text);
  }

  private sayLoop(name: string): void {
    this.parts.counters.loops += 1;
    const nowMs = performance.now();
    if (nowMs - this.loopLoggedMs < LOOP_LOG_MS) return;
    this.loopLoggedMs = nowMs;
    this.parts.log.warn('dns-loop', { name }, 'one of the resolvers passes queries on to this server');
  }

  private logQuery(client: string, view: QueryView, packed: AlignedBytes, at: number, from: string): void {
    const name = nameText(packed.bytes.subarray(at + PACKED_HEADER + HEADER, at + PACKED_HEADER + view.nameEnd));
    const rcode = rcodeName((packed.bytes[at + PACKED_HEADER + 3] ?? 0) & RCODE_MASK);
    const fields = { client, name, type: typeName(view.type), rcode, from, bytes: messageLength(packed, at) };
    this.parts.log.info('dns-query', fields, `${fields.type} ${name}: ${rcode}`);
  }
}

const isFailure = ({ bytes }: AlignedBytes): boolean => {
  const rcode = (bytes[PACKED_HEADER + 3] ?? 0) & RCODE_MASK;
  return rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN;
};

/**
 * Writes an answer that is nothing but an error: the question as far as it could be read, and OPT if the query had one.
 * @returns its length
 */
function writeError(
  view: QueryView,
  rcode: number,
  query: Uint8Array,
  queryAt: number,
  out: Uint8Array,
  outAt: number,
): number {
  const hasQuestion = view.nameEnd > 0;
  const length = hasQuestion ? view.nameEnd + 4 : HEADER;
  const flags = FLAG.QR | FLAG.RA | (view.flags & (FLAG.RD | FLAG.CD | OPCODE_MASK)) | (rcode & RCODE_MASK);
  for (let i = 0; i < length; i++) out[outAt + i] = query[queryAt + i] ?? 0;
  out[outAt + 2] = flags >>> 8;
  out[outAt + 3] = flags;
  for (let i = 4; i < HEADER; i++) out[outAt + i] = 0;
  out[outAt + 5] = hasQuestion ? 1 : 0;
  if (!view.hasEdns) return length;
  out[outAt + 11] = 1;
  return length + writeOpt(out, outAt + length, view.isDnssecOk, rcode >>> 4, -1);
}
