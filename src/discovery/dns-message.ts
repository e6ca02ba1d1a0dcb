// The question of RFC 7050 and what an answer to it means. The answer is from the network and may be anything: what does not
// belong to the question is foreign and waited past, what belongs to it and makes no sense is a failure.

import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet';
import ipaddr from 'ipaddr.js';
import { prefixesFromAaaa } from '../core/pref64/rfc7050.ts';
import type { Prefix6 } from '../core/translate/settings.ts';

/** RFC 8880 §3. */
export const WELL_KNOWN_NAME = 'ipv4only.arpa';

const HEADER = 12;
/** In the third octet. */
const QR_AND_TC = 0x82;
const OPCODE_MASK = 0x7800;
const RCODE_MASK = 0xf;
const NOERROR = 0;
const NXDOMAIN = 3;
/** RFC 1035 §4.1.1 and the registry: names for a person. */
const RCODES: readonly string[] = ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'];
/** RFC 2181 §8: a TTL with the highest bit set counts as zero. */
const TTL_MAX = 0x7fffffff;

/** What a message means. */
export type DnsReading =
  | { readonly kind: 'prefixes'; readonly prefixes: readonly Prefix6[]; readonly ttlSeconds: number }
  /** The resolver answered, and there is no NAT64 behind it. */
  | { readonly kind: 'no-nat64'; readonly why: string }
  /** The resolver could not answer, or nothing came in time. */
  | { readonly kind: 'failed'; readonly why: string }
  /** The answer did not fit; ask over TCP. */
  | { readonly kind: 'truncated' }
  /** Not an answer to this question; wait for the real one. */
  | { readonly kind: 'foreign' };

/** The query: AAAA ipv4only.arpa, recursion desired, CD=0 so that a validating DNS64 synthesises (RFC 7050 §3, RFC 6147 §3). */
export function makeQuery(id: number): Uint8Array {
  return dnsPacket.encode({
    type: 'query',
    id,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type: 'AAAA', name: WELL_KNOWN_NAME, class: 'IN' }],
  });
}

/**
 * Decodes, or null for what is no DNS message: the library throws on most of what is wrong, but takes octets behind the end of a
 * record that is cut short for zero.
 */
function decode(bytes: Uint8Array): DecodedPacket | null {
  try {
    const message = dnsPacket.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    return dnsPacket.decode.bytes > bytes.length ? null : message;
  } catch {
    return null;
  }
}

/** Whether undecodable bytes have the header of a truncated answer: a server may cut one anywhere. */
function isCutAnswer(bytes: Uint8Array, id: number): boolean {
  const [high = 0, low = 0, flags = 0] = bytes;
  return bytes.length >= HEADER && high * 256 + low === id && (flags & QR_AND_TC) === QR_AND_TC;
}

const isWellKnownName = (name: string): boolean => name.toLowerCase() === WELL_KNOWN_NAME;

/** Whether a message answers the question with this ID. */
function isAnswerTo(message: DecodedPacket, id: number): boolean {
  const [question, ...more] = message.questions ?? [];
  if (message.type !== 'response' || message.id !== id || question === undefined || more.length > 0) return false;
  if (((message.flags ?? 0) & OPCODE_MASK) !== 0) return false;
  return question.type === 'AAAA' && (question.class ?? 'IN') === 'IN' && isWellKnownName(question.name);
}

const isAaaa = (a: Answer): a is Extract<Answer, { data: string }> =>
  a.type === 'AAAA' && isWellKnownName(a.name) && (a.class ?? 'IN') === 'IN' && ipaddr.IPv6.isValid(a.data);

/** The records of the name itself: a hijacker's alias leads to no NAT64. */
function readRecords(answers: readonly Answer[]): DnsReading {
  const records = answers.filter(isAaaa);
  if (records.length === 0) return { kind: 'no-nat64', why: 'no AAAA record' };
  const prefixes = prefixesFromAaaa(records.map((r) => Uint8Array.from(ipaddr.IPv6.parse(r.data).toByteArray())));
  if (prefixes.length === 0) return { kind: 'no-nat64', why: 'AAAA records without 192.0.0.170 and 192.0.0.171' };
  const ttls = records.map((r) => ((r.ttl ?? 0) > TTL_MAX ? 0 : (r.ttl ?? 0)));
  return { kind: 'prefixes', prefixes, ttlSeconds: Math.min(...ttls) };
}

/**
 * Reads what came back.
 * @param bytes one UDP datagram, or one message from a TCP stream without its length
 * @param id the query's
 */
export function readAnswer(bytes: Uint8Array, id: number): DnsReading {
  const message = decode(bytes);
  if (message === null) return isCutAnswer(bytes, id) ? { kind: 'truncated' } : { kind: 'foreign' };
  if (!isAnswerTo(message, id)) return { kind: 'foreign' };
  if (message.flag_tc) return { kind: 'truncated' };
  const rcode = (message.flags ?? 0) & RCODE_MASK;
  if (rcode === NXDOMAIN) return { kind: 'no-nat64', why: 'NXDOMAIN' };
  if (rcode !== NOERROR) return { kind: 'failed', why: RCODES[rcode] ?? `RCODE ${rcode}` };
  return readRecords(message.answers ?? []);
}
