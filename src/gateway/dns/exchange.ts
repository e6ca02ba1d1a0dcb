// What one exchange with a resolver is: the query in wire form, what came of it, and which messages answer it (RFC 5452 §9).

import { randomInt } from 'node:crypto';
import { emitMessage } from '../../core/dns64/emit.ts';
import { type DnsMessage, type DnsQuestion, parseMessage } from '../../core/dns64/message.ts';
import { isSameName } from '../../core/dns64/name.ts';
import { FLAG, OPCODE_MASK } from '../../core/dns64/numbers.ts';
import { UDP_PAYLOAD } from '../../core/dns64/packed-answer.ts';
import { VARIANT } from '../../core/dns64/query.ts';
import type { Counters } from './counters.ts';
import type { OwnQueries } from './own-queries.ts';

/** What came of one exchange. */
export type Reply =
  | { readonly kind: 'message'; readonly message: DnsMessage }
  /** It did not fit a datagram: ask over TCP. */
  | { readonly kind: 'truncated' }
  | { readonly kind: 'failed'; readonly why: string };

/** What is asked of a resolver. */
export interface Asked {
  readonly question: DnsQuestion;
  /** VARIANT bits DO and CD. */
  readonly variant: number;
  /** Whether AD=1 asks for the resolver's verdict (RFC 6840 §5.7): only where it can be believed. */
  readonly wantsAd: boolean;
  /** false: without OPT, for a resolver that does not know it (RFC 6891 §6.2.2). */
  readonly hasEdns: boolean;
}

/** What all exchanges share. */
export interface ExchangeShared {
  readonly counters: Counters;
  readonly ownQueries: OwnQueries;
}

/** 0–65535, unpredictable. */
export const randomId = (): number => randomInt(0x10000);

/** The query in wire form. */
export function queryBytes({ question, variant, wantsAd, hasEdns }: Asked, id: number): Uint8Array {
  const flags = FLAG.RD | ((variant & VARIANT.CD) !== 0 ? FLAG.CD : 0) | (wantsAd ? FLAG.AD : 0);
  const edns = {
    udpSize: UDP_PAYLOAD,
    extendedRcode: 0,
    version: 0,
    isDnssecOk: (variant & VARIANT.DO) !== 0,
    options: new Uint8Array(0),
  };
  const empty = { answers: [], authority: [], additional: [] };
  const emitted = emitMessage({ id, flags, question, ...empty, edns: hasEdns ? edns : null });
  if (emitted === null) throw new Error('a query does not fit a message');
  return emitted.bytes;
}

/** Whether a message is an answer to this question. */
function isAnswerTo(message: DnsMessage, question: DnsQuestion): boolean {
  if ((message.flags & FLAG.QR) === 0 || (message.flags & OPCODE_MASK) !== 0 || message.question === null) return false;
  const { name, type } = message.question;
  return type === question.type && message.question.class === question.class && isSameName(name, question.name);
}

/** What bytes that came for a question with an ID mean; null: they do not belong to it, and are counted. */
export function readReply(bytes: Uint8Array, id: number, question: DnsQuestion, counters: Counters): Reply | null {
  const message = parseMessage(bytes);
  if (message === null) {
    // RFC 2181 §9: a server may cut a message anywhere.
    const [high = 0, low = 0, flags = 0] = bytes;
    const isCut = high * 256 + low === id && (flags & ((FLAG.QR | FLAG.TC) >>> 8)) === (FLAG.QR | FLAG.TC) >>> 8;
    if (isCut) return { kind: 'truncated' };
    counters.upstreamMalformed += 1;
    return null;
  }
  if (message.id !== id || !isAnswerTo(message, question)) {
    counters.spoofed += 1;
    return null;
  }
  return (message.flags & FLAG.TC) !== 0 ? { kind: 'truncated' } : { kind: 'message', message };
}
