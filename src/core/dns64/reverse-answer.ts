// The answer to a reverse question inside a NAT64 prefix, made of the answer to the question about the IPv4 address (S-07).

import { endOfChain } from './chain.ts';
import type { DnsMessage, DnsQuestion, DnsRecord } from './message.ts';
import { isSameName } from './name.ts';
import { CLASS_IN, FLAG, TYPE } from './numbers.ts';

/** Of the synthetic CNAME: it holds as long as the prefix. */
const CNAME_TTL = 600;

/**
 * RFC 6147 §5.3.1 option 2: a CNAME to the name below in-addr.arpa, and what is there.
 * @param inner the upstream's answer to `target`
 */
export function reverseByCname(question: DnsQuestion, target: Uint8Array, inner: DnsMessage): DnsMessage {
  const alias: DnsRecord = { name: question.name, type: TYPE.CNAME, class: CLASS_IN, ttl: CNAME_TTL, data: target };
  const answers = question.type === TYPE.CNAME ? [alias] : [alias, ...inner.answers];
  return { ...inner, question, answers, flags: inner.flags & ~FLAG.AD };
}

/** The same names without the way there: PTR records of the question's own name. */
export function reverseByLookup(question: DnsQuestion, target: Uint8Array, inner: DnsMessage): DnsMessage {
  const end = endOfChain(target, inner.answers);
  const ttl = Math.min(...inner.answers.map((record) => record.ttl));
  const answers = inner.answers
    .filter((record) => record.type === TYPE.PTR && end !== null && isSameName(record.name, end))
    .map((record) => ({ ...record, name: question.name, ttl }));
  return { ...inner, question, answers, flags: inner.flags & ~FLAG.AD };
}
