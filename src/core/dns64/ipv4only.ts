// ipv4only.arpa, answered from here and nowhere else (S-08): RFC 7050 §2.2 and RFC 8880 §7. The zone also has the SOA and NS records
// that a zone has (as RFC 6303 §3 writes empty ones), and the reverse names of its addresses point back to it.

import { embedAddress } from '../address/rfc6052.ts';
import { concat, type DnsMessage, type DnsQuestion, type DnsRecord } from './message.ts';
import { isAtOrBelow, isSameName, nameFromText } from './name.ts';
import { CLASS_IN, FLAG, RCODE, TYPE } from './numbers.ts';
import { inAddrName, ip6ArpaName } from './reverse.ts';
import type { SynthesisRules } from './rules.ts';

/** 192.0.0.170 and 192.0.0.171, RFC 8880 §3. */
const ADDRESSES: readonly number[] = [0xc00000aa, 0xc00000ab];
const ZONE = nameFromText('ipv4only.arpa') as Uint8Array;
const ARPA = nameFromText('arpa') as Uint8Array;
const MAILBOX = nameFromText('nobody.invalid') as Uint8Array;
/** As long as RFC 6147 lets a synthetic record live at most where nothing says more: a changed prefix is seen after that. */
const TTL = 600;
/** Serial, refresh, retry, expire, minimum. */
const SOA_NUMBERS: readonly number[] = [1, 3600, 1200, 604_800, TTL];

const word = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);

const record = (name: Uint8Array, type: number, data: Uint8Array): DnsRecord => ({
  name,
  type,
  class: CLASS_IN,
  ttl: TTL,
  data,
});

const SOA = record(ZONE, TYPE.SOA, concat([ZONE, MAILBOX, ...SOA_NUMBERS.map(word)]));

const synthetic = (rules: SynthesisRules): Uint8Array[] =>
  rules.prefixes.flatMap(({ prefix }) => ADDRESSES.map((ipv4) => embedAddress(prefix, ipv4)));

/** The records of the zone's own name. */
function recordsOf(rules: SynthesisRules, type: number): DnsRecord[] {
  switch (type) {
    case TYPE.A:
    case TYPE.ANY: // RFC 8482 §4.1: some of them
      return ADDRESSES.map((ipv4) => record(ZONE, TYPE.A, word(ipv4)));
    case TYPE.AAAA:
      return synthetic(rules).map((address) => record(ZONE, TYPE.AAAA, address));
    case TYPE.NS:
      return [record(ZONE, TYPE.NS, ZONE)];
    case TYPE.SOA:
      return [SOA];
    default:
      return [];
  }
}

const answer = (question: DnsQuestion, rcode: number, answers: readonly DnsRecord[], soa: readonly DnsRecord[]) => ({
  id: 0,
  flags: FLAG.QR | FLAG.RD | FLAG.RA | rcode,
  question,
  answers,
  authority: soa,
  additional: [],
  edns: null,
});

/** Whether a name is the reverse of one of the zone's addresses. */
const isReverseOfZone = (rules: SynthesisRules, name: Uint8Array): boolean =>
  ADDRESSES.some((ipv4) => isSameName(name, inAddrName(ipv4))) ||
  synthetic(rules).some((address) => isSameName(name, ip6ArpaName(address)));

/** The local answer to a question; null: the question is not about this zone. */
export function answerIpv4only(rules: SynthesisRules, question: DnsQuestion): DnsMessage | null {
  const { name, type } = question;
  if (isSameName(name, ZONE)) {
    const records = recordsOf(rules, type);
    return answer(question, RCODE.NOERROR, records, records.length === 0 ? [SOA] : []);
  }
  if (isAtOrBelow(name, ZONE)) return answer(question, RCODE.NXDOMAIN, [], [SOA]);
  if (!isAtOrBelow(name, ARPA) || !isReverseOfZone(rules, name)) return null;
  const isPtr = type === TYPE.PTR || type === TYPE.ANY;
  return answer(question, RCODE.NOERROR, isPtr ? [record(name, TYPE.PTR, ZONE)] : [], isPtr ? [] : [{ ...SOA, name }]);
}
