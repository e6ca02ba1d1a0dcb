// The lab's authoritative DNS server: a handful of names, over UDP. Owns the zone, which the DNS64 proof reads too.

import { createSocket, type Socket } from 'node:dgram';
import dnsPacket from 'dns-packet';

/** Each name with its addresses. */
export const ZONE: Readonly<Record<string, { readonly a?: string; readonly aaaa?: string }>> = {
  // IPv4 only: DNS64 has to make an AAAA record.
  'web.lab.example': { a: '203.0.113.10' },
  // Both: DNS64 has to leave the AAAA record alone.
  'both.lab.example': { a: '203.0.113.10', aaaa: '2001:db8:2::2' },
  // IPv6 only.
  'six.lab.example': { aaaa: '2001:db8:2::2' },
  // RFC 7050 §2: how a host finds the NAT64 prefix.
  'ipv4only.arpa': { a: '192.0.0.170' },
};

function recordsFor(name: string, type: string): dnsPacket.Answer[] {
  const entry = ZONE[name];
  const data = type === 'A' ? entry?.a : type === 'AAAA' ? entry?.aaaa : undefined;
  return data === undefined ? [] : [{ name, type: type as 'A' | 'AAAA', ttl: 60, data }];
}

/**
 * The answer to one query.
 * @param query a DNS message
 * @returns the encoded response; NXDOMAIN (RCODE 3) for a name that the zone does not have
 * @throws when the query is not a DNS message
 */
export function answerQuery(query: Uint8Array): Uint8Array {
  const { id, questions } = dnsPacket.decode(Buffer.from(query));
  const question = questions?.[0];
  const name = question?.name.toLowerCase() ?? '';
  return dnsPacket.encode({
    type: 'response',
    id: id ?? 0,
    flags: dnsPacket.AUTHORITATIVE_ANSWER | (name in ZONE ? 0 : 3),
    questions: questions ?? [],
    answers: question === undefined ? [] : recordsFor(name, question.type),
  });
}

/** A socket that answers queries once it is bound. What is no DNS message is reported and gets no answer. */
export function makeDnsServer(): Socket {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    try {
      socket.send(answerQuery(message), from.port, from.address);
    } catch (error) {
      process.stderr.write(`dns: ${(error as Error).message}\n`);
    }
  });
  return socket;
}
