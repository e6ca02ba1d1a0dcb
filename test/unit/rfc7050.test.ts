// The prefix in a DNS64's answer: core/pref64/rfc7050.ts, and which messages discovery believes: discovery/dns-message.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket, { type Answer, type Packet } from 'dns-packet';
import fc from 'fast-check';
import { embedAddress as embed } from '../../src/core/address/rfc6052.ts';
import { AAAA_MAX, prefixesFromAaaa } from '../../src/core/pref64/rfc7050.ts';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { makeQuery, readAnswer, WELL_KNOWN_NAME } from '../../src/discovery/dns-message.ts';
import { ip4, ip6, prefix6, text6 } from '../support/addresses.ts';

const BOTH = [ip4('192.0.0.170'), ip4('192.0.0.171')];
/** One prefix of each length; the octets of all differ. */
const SIX = [
  '2001:db8::/32',
  '2001:db8:100::/40',
  '2001:db8:122::/48',
  '2001:db8:122:300::/56',
  '2001:db8:122:344::/64',
  '64:ff9b::/96',
];

const text = (p: Prefix6): string => `${text6(p.address)}/${p.length}`;
const found = (...addresses: readonly (string | Uint8Array)[]): string[] =>
  prefixesFromAaaa(addresses.map((a) => (typeof a === 'string' ? ip6(a) : a))).map(text);
const synthesised = (prefix: string, addresses = BOTH): Uint8Array[] => addresses.map((a) => embed(prefix6(prefix), a));

describe('the prefix behind AAAA ipv4only.arpa', () => {
  for (const prefix of SIX) {
    it(`D-06 ${prefix} is found with both well-known addresses, with each alone, and in any order`, () => {
      const [first, second] = synthesised(prefix) as [Uint8Array, Uint8Array];
      for (const answer of [[first, second], [second, first], [first], [second]]) {
        assert.deepEqual(found(...answer), [prefix]);
      }
    });
  }

  it('D-06 several prefixes are found in the order of the answer', () => {
    assert.deepEqual(found(...SIX.flatMap((p) => synthesised(p))), SIX);
    assert.deepEqual(found(...SIX.toReversed().flatMap((p) => synthesised(p))), SIX.toReversed());
  });

  it('D-06 a prefix that holds the octets of a well-known address by chance is told by the second address', () => {
    // At /32 the octets of .170 stand in both, at /96 both addresses do.
    assert.deepEqual(found('2001:db8:c000:aa::c000:aa', '2001:db8:c000:aa::c000:ab'), ['2001:db8:c000:aa::/96']);
  });

  it('D-06 an address that can be read in two ways, without the second one, is refused', () => {
    assert.deepEqual(found('2001:db8:c000:aa::c000:aa'), []);
    assert.deepEqual(found('2001:db8:c000:aa::c000:aa', '64:ff9b::c000:aa'), ['64:ff9b::/96']);
  });

  it('D-06 a prefix with one well-known address counts only where none of its addresses can be read in another way', () => {
    // The second can be read in one way only, at /32; but the first, under the same prefix, in two.
    assert.deepEqual(found('2001:db8:c000:aa::c000:aa', '2001:db8:c000:aa::1'), []);
    assert.deepEqual(found('2001:db8:c000:aa::1'), ['2001:db8::/32']);
  });

  it('D-06 addresses without a well-known one, and those with "u" set, show nothing', () => {
    assert.deepEqual(found('2001:db8::1', '64:ff9b::c000:1', '::', '64:ff9b::c000:ac'), []);
    assert.deepEqual(found('2001:db8:122:344:1c0:0:aa00:0'), [], 'at /64, u is 1');
    assert.deepEqual(found('2001:db8:122:344:100::c000:aa'), [], 'at /96, u is 1');
  });

  it('D-06 prefixes that cannot be those of a NAT64 are refused', () => {
    assert.deepEqual(found('::ffff:192.0.0.170', '::ffff:192.0.0.171'), [], 'IPv4-mapped');
    assert.deepEqual(found('::192.0.0.170', '::192.0.0.171'), [], 'IPv4-compatible');
    assert.deepEqual(found('fe80::c000:aa', 'fe80::c000:ab', 'ff02::c000:aa'), []);
  });

  it('D-06 the suffix behind the IPv4 address does not count', () => {
    assert.deepEqual(found('2001:db8:c000:aa::1', '2001:db8:c000:ab:0:1::'), ['2001:db8::/32']);
  });

  it('D-06 a huge answer is looked at up to a limit', () => {
    const filler = Array.from({ length: AAAA_MAX }, (_, i) => ip6(`2001:db8::${i.toString(16)}`));
    assert.deepEqual(found(...filler, ...synthesised('64:ff9b::/96')), []);
  });

  it('D-06 any prefix of any length is found again', () => {
    const prefix = fc
      .tuple(fc.constantFrom(32, 40, 48, 56, 64, 96), fc.uint8Array({ minLength: 12, maxLength: 12 }))
      .map(([length, tail]) => {
        const address = Uint8Array.from([0x20, 0x01, ...tail.slice(0, 10), 0, 0, 0, 0]).fill(0, length / 8);
        return { address: address.with(8, 0), length };
      });
    const both = (p: Prefix6) => BOTH.map((a) => embed(p, a));
    fc.assert(fc.property(prefix, (p) => assert.deepEqual(found(...both(p)), [text(p)])));
  });

  it('D-06 any addresses are searched without an exception', () => {
    const address = fc.uint8Array({ minLength: 0, maxLength: 17 });
    fc.assert(fc.property(fc.array(address, { maxLength: 6 }), (all) => void prefixesFromAaaa(all)));
  });
});

const ID = 0x1234;
const QUESTION = { type: 'AAAA', name: WELL_KNOWN_NAME, class: 'IN' } as const;
const aaaa = (data: string, ttl = 3600, name: string = WELL_KNOWN_NAME): Answer => ({ type: 'AAAA', name, ttl, data });
const GOOD = [aaaa('64:ff9b::c000:aa'), aaaa('64:ff9b::c000:ab', 1800)];

/** An answer to the query, changed where wanted. */
const answer = (changes: Partial<Packet> = {}): Uint8Array =>
  dnsPacket.encode({ type: 'response', id: ID, flags: 0x180, questions: [QUESTION], answers: GOOD, ...changes });
const kind = (bytes: Uint8Array): string => readAnswer(bytes, ID).kind;

describe('the DNS question and its answer', () => {
  it('D-06 asks for AAAA ipv4only.arpa with RD=1 and CD=0', () => {
    assert.equal(
      Buffer.from(makeQuery(ID)).toString('hex'),
      `1234 0100 0001 0000 0000 0000 08${Buffer.from('ipv4only').toString('hex')}04${Buffer.from('arpa').toString('hex')}00 001c 0001`.replaceAll(
        ' ',
        '',
      ),
    );
  });

  it('D-06 takes the prefixes and the smallest TTL', () => {
    const reading = readAnswer(answer(), ID);
    assert.ok(reading.kind === 'prefixes');
    assert.deepEqual([reading.prefixes.map(text), reading.ttlSeconds], [['64:ff9b::/96'], 1800]);
  });

  it('D-06 the name may come back in other letters; a TTL with the highest bit set is zero', () => {
    const questions = [{ ...QUESTION, name: 'IPv4Only.ARPA' }];
    const reading = readAnswer(
      answer({ questions, answers: [aaaa('64:ff9b::c000:aa', 0x80000000, 'IPV4ONLY.arpa')] }),
      ID,
    );
    assert.deepEqual(reading.kind === 'prefixes' ? reading.ttlSeconds : reading, 0);
  });

  const foreign: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ['another ID', answer({ id: ID + 1 })],
    ['a query', answer({ type: 'query' })],
    ['another name', answer({ questions: [{ ...QUESTION, name: 'example.org' }] })],
    ['another type', answer({ questions: [{ ...QUESTION, type: 'A' }] })],
    ['another class', answer({ questions: [{ ...QUESTION, class: 'CH' }] })],
    ['no question', answer({ questions: [] })],
    ['two questions', answer({ questions: [QUESTION, QUESTION] })],
    ['another opcode', answer({ flags: 0x180 | (5 << 11) })],
    ['nothing', new Uint8Array()],
    ['half a header', answer().slice(0, 6)],
  ];
  for (const [what, bytes] of foreign) {
    it(`D-06 ${what} is not an answer to the question`, () => assert.equal(kind(bytes), 'foreign'));
  }

  it('D-06 NXDOMAIN, no record, and a hijacked answer mean that there is no NAT64', () => {
    const why = (bytes: Uint8Array): string => {
      const reading = readAnswer(bytes, ID);
      return reading.kind === 'no-nat64' ? reading.why : reading.kind;
    };
    assert.equal(why(answer({ flags: 0x183, answers: [] })), 'NXDOMAIN');
    assert.equal(why(answer({ answers: [] })), 'no AAAA record');
    assert.match(why(answer({ answers: [aaaa('2001:db8::bad')] })), /without 192\.0\.0\.170/);
    assert.equal(
      why(answer({ answers: GOOD.map((a) => ({ ...a, name: 'ads.example' }) as Answer) })),
      'no AAAA record',
    );
    const inAuthority = answer({ answers: [], authorities: GOOD, additionals: GOOD });
    assert.equal(why(inAuthority), 'no AAAA record', 'only the answer section counts');
  });

  it('D-06 records of another class do not count', () => {
    const chaos = GOOD.map((a) => ({ ...a, class: 'CH' }) as Answer);
    assert.deepEqual(readAnswer(answer({ answers: chaos }), ID), { kind: 'no-nat64', why: 'no AAAA record' });
  });

  it('D-06 other response codes are failures with their names, whatever stands in the answer', () => {
    const failure = (rcode: number) => readAnswer(answer({ flags: 0x180 | rcode }), ID);
    assert.deepEqual(failure(2), { kind: 'failed', why: 'SERVFAIL' });
    assert.deepEqual(failure(5), { kind: 'failed', why: 'REFUSED' });
    assert.deepEqual(failure(9), { kind: 'failed', why: 'RCODE 9' });
  });

  it('D-06 a truncated answer is asked for over TCP, also when it is cut in a record', () => {
    const cut = answer({ flags: 0x180 | 0x200 });
    assert.equal(kind(cut), 'truncated');
    assert.equal(kind(cut.slice(0, cut.length - 5)), 'truncated');
    assert.equal(kind(answer({ id: ID + 1, flags: 0x380 }).slice(0, 40)), 'foreign');
  });

  it('D-06 names that loop, and counts without records, are not answers', () => {
    const loop = answer().slice();
    loop.set([0xc0, 0x0c], 12); // the question's name points at itself
    assert.equal(kind(loop), 'foreign');
    const counts = answer({ answers: [] }).slice();
    counts.set([0xff, 0xff], 6);
    assert.equal(kind(counts), 'foreign');
  });

  it('D-06 an answer cut at any length, and any change of one octet, is read without an exception', () => {
    const whole = answer();
    for (let length = 0; length < whole.length; length++) assert.equal(kind(whole.slice(0, length)), 'foreign');
    const mutated = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, value]) => {
      const copy = Uint8Array.from(whole);
      copy[at] = value;
      return copy;
    });
    fc.assert(
      fc.property(mutated, (bytes) => void kind(bytes)),
      { numRuns: 2000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void kind(bytes)));
  });
});
