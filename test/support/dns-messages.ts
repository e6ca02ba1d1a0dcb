// DNS messages for unit tests: made by dns-packet, read by the product.

import dnsPacket, { type Answer } from 'dns-packet';
import { type DnsMessage, parseMessage } from '../../src/core/dns64/message.ts';
import { recordText } from '../../src/gateway/dns/trace.ts';

/** What a resolver answers to `TYPE name`. */
export interface Reply {
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly rcode?: number;
}

/** An SOA record with its TTL and MINIMUM. */
export const soa = (ttl: number, minimum: number): Answer => ({
  type: 'SOA',
  name: 'example',
  ttl,
  data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum },
});

/** A resolver's answer with AD set, as it came over the wire. */
export function reply(
  type: 'A' | 'AAAA' | 'PTR' | 'TXT',
  name: string,
  { answers, authorities, rcode }: Reply,
): DnsMessage {
  const bytes = dnsPacket.encode({
    type: 'response',
    flags: 0x01a0 | (rcode ?? 0),
    questions: [{ type, name }],
    answers: [...(answers ?? [])],
    authorities: [...(authorities ?? [])],
  });
  const message = parseMessage(bytes);
  if (message === null) throw new Error('the test made no message');
  return message;
}

/** The answer section as text. */
export const answersOf = (message: DnsMessage): string[] => message.answers.map(recordText);
