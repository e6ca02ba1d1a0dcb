// The rules of DNS64 as pure functions (core/dns64): what an answer means and what is made of it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { embedAddress } from '../../src/core/address/rfc6052.ts';
import { endOfChain } from '../../src/core/dns64/chain.ts';
import { answerIpv4only } from '../../src/core/dns64/ipv4only.ts';
import { type DnsMessage, rcodeOf } from '../../src/core/dns64/message.ts';
import { nameFromText, nameText } from '../../src/core/dns64/name.ts';
import { FLAG, TYPE } from '../../src/core/dns64/numbers.ts';
import { addressOfReverse, embeddedInReverse, inAddrName, ip6ArpaName } from '../../src/core/dns64/reverse.ts';
import { reverseByCname, reverseByLookup } from '../../src/core/dns64/reverse-answer.ts';
import { makeRules } from '../../src/core/dns64/rules.ts';
import { decide, judgeAaaa } from '../../src/core/dns64/synthesis.ts';
import { boundTtls, negativeTtl } from '../../src/core/dns64/ttl.ts';
import { ip4, ip6, prefix6 } from '../support/addresses.ts';
import { answersOf, reply, soa } from '../support/dns-messages.ts';
import { a, aaaa, cname, dname, ptr } from '../support/dns-records.ts';
import { type Dns64Text, dns64Settings } from '../support/dns64-child.ts';

const V4 = '198.51.100.7';
const name = (text: string): Uint8Array => nameFromText(text) ?? assert.fail(text);
const rulesOf = (text: Dns64Text = {}) => makeRules(dns64Settings({ prefixes: ['2001:db8:64::/96'], ...text }));
const question = (text: string) => ({ name: name(text), type: TYPE.AAAA, class: 1 });

/** What a client gets for AAAA of x.example. `null`: the resolver said nothing. */
function outcome(text: Dns64Text, first: DnsMessage | null, second: DnsMessage) {
  const rules = rulesOf(text);
  const verdict = judgeAaaa(rules, first);
  const message =
    verdict.isFinal && verdict.message !== null
      ? verdict.message
      : decide(rules, question('x.example'), verdict, second).message;
  return { verdict, message, answers: answersOf(message) };
}

const FOUR = reply('A', 'x.example', { answers: [a('x.example', V4)] });
const NOTHING = reply('AAAA', 'x.example', { authorities: [soa(900, 120)] });
const SYNTHETIC = 'x.example 120 IN AAAA 2001:db8:64::c633:6407';

describe('synthesis', () => {
  it('S-02 real AAAA are the answer, untouched', () => {
    const real = reply('AAAA', 'x.example', { answers: [aaaa('x.example', '2001:db8::1')] });
    const { verdict, message } = outcome({}, real, FOUR);
    assert.deepEqual([verdict.isFinal, message], [true, real]);
  });

  it('S-02 excluded AAAA count as none, with their signatures, and leave AD behind', () => {
    const signature = {
      type: 'RRSIG',
      name: 'x.example',
      ttl: 300,
      data: {
        typeCovered: 'AAAA',
        algorithm: 13,
        labels: 2,
        originalTTL: 300,
        expiration: 2,
        inception: 1,
        keyTag: 1,
        signersName: 'example',
        signature: Buffer.of(1),
      },
    } as const;
    const mixed = reply('AAAA', 'x.example', {
      answers: [
        aaaa('x.example', '::ffff:1.2.3.4'),
        aaaa('x.example', '2001:db8:bad::1'),
        aaaa('x.example', '2001:db8::1'),
        signature,
      ],
    });
    const { verdict, message, answers } = outcome({ excludeAaaa: ['2001:db8:bad::/48'] }, mixed, FOUR);
    assert.deepEqual([verdict.excluded.length, answers], [2, ['x.example 300 IN AAAA 2001:db8::1']]);
    assert.equal(message.flags & FLAG.AD, 0);
    const none = outcome(
      { excludeAaaa: ['2001:db8:8::/33'] },
      reply('AAAA', 'x.example', { answers: [aaaa('x.example', '2001:db8:8::1')] }),
      FOUR,
    );
    assert.deepEqual(
      none.answers,
      ['x.example 300 IN AAAA 2001:db8:64::c633:6407'],
      'no SOA: the TTL of the A record, below 600 s',
    );
    const all = outcome(
      { excludeAaaa: ['::/0'] },
      reply('AAAA', 'x.example', { answers: [aaaa('x.example', '2001:db8::1')] }),
      FOUR,
    );
    assert.equal(all.verdict.isFinal, false);
  });

  it('S-02 one AAAA for each A and each prefix, of any length', () => {
    const lengths = [
      '2001:db8::/32',
      '2001:db8:100::/40',
      '2001:db8:122::/48',
      '2001:db8:122:300::/56',
      '2001:db8:122:344::/64',
      '2001:db8:122:344::/96',
    ];
    // The examples of RFC 6052 §2.4.
    const expected = [
      '2001:db8:c000:221::',
      '2001:db8:1c0:2:21::',
      '2001:db8:122:c000:2:2100::',
      '2001:db8:122:3c0:0:221::',
      '2001:db8:122:344:c0:2:2100:0',
      '2001:db8:122:344::c000:221',
    ];
    const { answers } = outcome(
      { prefixes: lengths },
      NOTHING,
      reply('A', 'x.example', { answers: [a('x.example', '192.0.2.33')] }),
    );
    assert.deepEqual(
      answers,
      expected.map((address) => `x.example 120 IN AAAA ${address}`),
    );
    const two = outcome(
      { prefixes: lengths },
      NOTHING,
      reply('A', 'x.example', { answers: [a('x.example', V4), a('x.example', '198.51.100.8')] }),
    );
    assert.equal(two.answers.length, 12);
  });

  it('S-02, S-10 an answer has at most 512 synthetic records', () => {
    const answers = Array.from({ length: 300 }, (_, i) => a('x.example', `198.51.${100 + (i >> 8)}.${i & 255}`));
    const many = outcome(
      { prefixes: ['2001:db8:64::/96', '2001:db8:65::/96'] },
      NOTHING,
      reply('A', 'x.example', { answers }),
    );
    assert.equal(many.answers.length, 512);
  });

  it('S-03 NXDOMAIN is final; every other RCODE, and silence, is an empty answer', () => {
    const { verdict, message } = outcome({}, reply('AAAA', 'x.example', { rcode: 3 }), FOUR);
    assert.deepEqual([verdict.isFinal, rcodeOf(message)], [true, 3]);
    for (const rcode of [1, 2, 4, 5, 9]) {
      assert.deepEqual(
        outcome({}, reply('AAAA', 'x.example', { rcode }), FOUR).answers,
        ['x.example 300 IN AAAA 2001:db8:64::c633:6407'],
        `RCODE ${rcode}`,
      );
    }
    assert.equal(outcome({}, null, FOUR).answers.length, 1);
    assert.equal(rcodeOf(outcome({}, null, reply('A', 'x.example', { rcode: 3 })).message), 3, 'the A answer decides');
    const empty = outcome({}, null, reply('A', 'x.example', { authorities: [soa(900, 60)] })).message;
    assert.deepEqual([empty.question?.type, rcodeOf(empty), empty.authority.length], [TYPE.AAAA, 0, 1]);
  });

  it('S-03 without an A record the AAAA answer is given as it came', () => {
    assert.equal(outcome({}, NOTHING, reply('A', 'x.example', { authorities: [soa(1, 1)] })).message, NOTHING);
    assert.equal(outcome({}, NOTHING, reply('A', 'x.example', { rcode: 3 })).message, NOTHING);
  });

  it('S-04 aliases stay, and only addresses at their end are synthesised', () => {
    const chain = [cname('x.example', 'Y.example', 60), cname('Y.example', 'z.example', 90)];
    const first = reply('AAAA', 'x.example', { answers: chain, authorities: [soa(900, 120)] });
    const second = reply('A', 'x.example', {
      answers: [...chain, a('z.example', V4), a('stranger.example', '198.51.100.9')],
    });
    assert.deepEqual(outcome({}, first, second).answers, [
      'x.example 60 IN CNAME Y.example',
      'Y.example 90 IN CNAME z.example',
      'z.example 120 IN AAAA 2001:db8:64::c633:6407',
    ]);
    const real = reply('AAAA', 'x.example', { answers: [...chain, aaaa('z.example', '2001:db8::1')] });
    assert.equal(outcome({}, real, second).message, real);
    const elsewhere = reply('AAAA', 'x.example', { answers: [...chain, aaaa('stranger.example', '2001:db8::1')] });
    assert.equal(outcome({}, elsewhere, second).verdict.isFinal, false, 'an AAAA of another name is none');
  });

  it('S-04 a DNAME without its CNAME leads on, a circle leads nowhere', () => {
    const records = (answers: Parameters<typeof reply>[2]['answers']) =>
      reply('A', 'x.example', answers === undefined ? {} : { answers }).answers;
    const end = endOfChain(
      name('a.old.example'),
      records([dname('old.example', 'new.example'), cname('a.new.example', 'b.example')]),
    );
    assert.equal(nameText(end ?? name('.')), 'b.example');
    const circle = [cname('x.example', 'y.example'), cname('y.example', 'x.example')];
    assert.equal(endOfChain(name('x.example'), records(circle)), null);
    const { answers } = outcome({}, NOTHING, reply('A', 'x.example', { answers: [...circle, a('x.example', V4)] }));
    assert.equal(answers.filter((each) => each.includes('AAAA')).length, 0);
  });

  it('S-05 the TTL is the least of the A record, the SOA and its MINIMUM; 600 s without SOA', () => {
    const ttl = (aTtl: number, authorities: readonly ReturnType<typeof soa>[]): string | undefined =>
      outcome(
        {},
        reply('AAAA', 'x.example', { authorities }),
        reply('A', 'x.example', { answers: [a('x.example', V4, aTtl)] }),
      ).answers[0]?.split(' ')[1];
    assert.equal(ttl(3600, [soa(900, 120)]), '120');
    assert.equal(ttl(3600, [soa(90, 120)]), '90');
    assert.equal(ttl(30, [soa(900, 120)]), '30');
    assert.equal(ttl(3600, []), '600');
    assert.equal(ttl(30, []), '30');
    assert.equal(ttl(3600, [soa(900, 0)]), '0');
  });

  it('S-06 nothing synthetic has AD, nor a signature over what it was made of', () => {
    const signature = {
      type: 'RRSIG',
      name: 'x.example',
      ttl: 300,
      data: {
        typeCovered: 'A',
        algorithm: 13,
        labels: 2,
        originalTTL: 300,
        expiration: 2,
        inception: 1,
        keyTag: 1,
        signersName: 'example',
        signature: Buffer.of(1),
      },
    } as const;
    const { message, answers } = outcome(
      {},
      NOTHING,
      reply('A', 'x.example', { answers: [a('x.example', V4), signature] }),
    );
    assert.deepEqual([message.flags & FLAG.AD, answers], [0, [SYNTHETIC]]);
    assert.notEqual(NOTHING.flags & FLAG.AD, 0);
  });

  it('S-09 exclusions, mapped ranges, ignored names, synthesis always, non-global addresses', () => {
    const both = reply('A', 'x.example', {
      answers: [a('x.example', V4), a('x.example', '10.0.0.1'), a('x.example', '127.0.0.1')],
    });
    const count = (text: Dns64Text, first = NOTHING): number =>
      outcome(text, first, both).answers.filter((each) => each.includes('2001:db8:64:') || each.includes('64:ff9b:'))
        .length;
    assert.equal(count({}), 2, 'a loopback address is never translated');
    assert.equal(count({ excludeA: ['198.51.100.0/24'] }), 1);
    assert.equal(count({ excludeA: ['0.0.0.0/0'] }), 0);
    assert.equal(count({ onlyA: ['10.0.0.0/8'] }), 1);
    assert.equal(count({ prefixes: ['64:ff9b::/96'] }), 0, 'both are non-global');
    assert.equal(count({ prefixes: ['64:ff9b::/96'], allowNonGlobal: true }), 2);
    const real = reply('AAAA', 'x.example', { answers: [aaaa('x.example', '2001:db8::1')] });
    assert.equal(count({}, real), 0);
    assert.equal(count({ synthesizeAlways: true }, real), 2);
    assert.equal(count({ ignoreAaaa: ['Example'] }, real), 2);
    assert.equal(count({ ignoreAaaa: ['ample'] }, real), 0);
    assert.equal(count({ ignoreAaaa: [''] }, real), 2, 'the root is every name');
    assert.throws(() => rulesOf({ ignoreAaaa: ['a..b'] }), RangeError);
  });
});

describe('reverse names and ipv4only.arpa', () => {
  it('S-07 a reverse name gives its IPv4 address back, for every prefix length', () => {
    for (const prefix of [
      '2001:db8::/32',
      '2001:db8:100::/40',
      '2001:db8:122::/48',
      '2001:db8:122:300::/56',
      '2001:db8:122:344::/64',
      '64:ff9b::/96',
    ]) {
      const address = embedAddress(prefix6(prefix), ip4(V4));
      assert.deepEqual(addressOfReverse(ip6ArpaName(address)), address);
      assert.equal(embeddedInReverse(rulesOf({ prefixes: [prefix] }), ip6ArpaName(address)), ip4(V4) | 0, prefix);
    }
    const two = rulesOf({ prefixes: ['2001:db8::/32', '2001:db8:122:344::/96'] });
    assert.equal(
      embeddedInReverse(two, ip6ArpaName(ip6('2001:db8:122:344::c633:6407'))),
      ip4(V4) | 0,
      'the longest wins',
    );
    assert.equal(nameText(inAddrName(ip4(V4) | 0)), '7.100.51.198.in-addr.arpa');
  });

  it('S-07 other names are none of ours', () => {
    const rules = rulesOf({ prefixes: ['64:ff9b::/96'] });
    const whole = nameText(ip6ArpaName(ip6('64:ff9b::1')));
    for (const text of [
      whole.slice(2),
      `1.${whole}`,
      whole.replace('ip6', 'ip4'),
      whole.replace('1.', 'g.'),
      whole.replace('1.0.', '10.00.'),
      'ip6.arpa',
    ]) {
      assert.equal(embeddedInReverse(rules, name(text)), null, text);
    }
    assert.equal(embeddedInReverse(rules, ip6ArpaName(ip6('64:ff9b:1::1'))), null);
    assert.equal(embeddedInReverse(rules, name(whole.toUpperCase())), 1);
  });

  it('S-07 an answer by CNAME holds the way and what is there, one by lookup only the names', () => {
    const target = name('7.100.51.198.in-addr.arpa');
    const inner = reply('PTR', '7.100.51.198.in-addr.arpa', {
      answers: [cname('7.100.51.198.in-addr.arpa', '7.x.example', 50), ptr('7.x.example', 'host.example', 70)],
    });
    const asked = { name: ip6ArpaName(ip6('64:ff9b::c633:6407')), type: TYPE.PTR, class: 1 };
    const own = nameText(asked.name);
    assert.deepEqual(answersOf(reverseByLookup(asked, target, inner)), [`${own} 50 IN PTR host.example`]);
    const byCname = reverseByCname(asked, target, inner);
    assert.deepEqual(answersOf(byCname)[0], `${own} 600 IN CNAME 7.100.51.198.in-addr.arpa`);
    assert.deepEqual([byCname.answers.length, byCname.flags & FLAG.AD], [3, 0]);
    assert.equal(reverseByCname({ ...asked, type: TYPE.CNAME }, target, inner).answers.length, 1);
  });

  it('S-08 ipv4only.arpa has what RFC 8880 gives it, with every prefix, private addresses or not', () => {
    const rules = rulesOf({ prefixes: ['64:ff9b::/96', '2001:db8:122:344::/64'] });
    const ask = (text: string, type: number) => answerIpv4only(rules, { name: name(text), type, class: 1 });
    const data = (text: string, type: number) =>
      answersOf(ask(text, type) ?? assert.fail(text)).map((each) => each.split(' ')[4]);
    assert.deepEqual(data('IPV4ONLY.arpa', TYPE.A), ['192.0.0.170', '192.0.0.171']);
    assert.deepEqual(data('ipv4only.arpa', TYPE.AAAA), [
      '64:ff9b::c000:aa',
      '64:ff9b::c000:ab',
      '2001:db8:122:344:c0:0:aa00:0',
      '2001:db8:122:344:c0:0:ab00:0',
    ]);
    assert.deepEqual([data('ipv4only.arpa', TYPE.NS), data('ipv4only.arpa', TYPE.PTR)], [['ipv4only.arpa'], []]);
    assert.equal(ask('x.ipv4only.arpa', TYPE.A)?.flags, FLAG.QR | FLAG.RD | FLAG.RA | 3);
    assert.deepEqual(data('171.0.0.192.in-addr.arpa', TYPE.PTR), ['ipv4only.arpa']);
    assert.deepEqual(data(nameText(ip6ArpaName(ip6('64:ff9b::192.0.0.170'))), TYPE.PTR), ['ipv4only.arpa']);
    for (const other of ['arpa', 'notipv4only.arpa', '172.0.0.192.in-addr.arpa'])
      assert.equal(ask(other, TYPE.A), null, other);
  });
});

describe('how long answers live', () => {
  const SETTINGS = {
    maxBytes: 0,
    minTtlSeconds: 0,
    maxTtlSeconds: 86_400,
    maxNegativeTtlSeconds: 3_600,
    serveStaleSeconds: 0,
  };

  it('S-10 an answer lives as long as the shortest of its records, within the bounds', () => {
    const message = reply('A', 'x.example', {
      answers: [cname('x.example', 'y.example', 50), a('y.example', V4, 999_999)],
    });
    assert.equal(boundTtls(message, SETTINGS).lifetimeS, 50);
    const bounded = boundTtls(message, { ...SETTINGS, minTtlSeconds: 60, maxTtlSeconds: 3_600 });
    assert.deepEqual([bounded.lifetimeS, bounded.message.answers.map((r) => r.ttl)], [60, [60, 3_600]]);
  });

  it('S-10 nothing lives by its SOA (RFC 2308), not at all without one, a failure for seconds', () => {
    const nothing = (ttl: number, minimum: number, rcode = 0) =>
      reply('A', 'x.example', { authorities: [soa(ttl, minimum)], rcode });
    assert.equal(boundTtls(nothing(900, 120), SETTINGS).lifetimeS, 120);
    assert.equal(boundTtls(nothing(90, 120, 3), SETTINGS).lifetimeS, 90);
    assert.equal(boundTtls(nothing(90_000, 90_000), SETTINGS).message.authority[0]?.ttl, 3_600);
    assert.equal(boundTtls(reply('A', 'x.example', {}), SETTINGS).lifetimeS, 0);
    assert.equal(boundTtls(reply('A', 'x.example', { rcode: 3 }), SETTINGS).lifetimeS, 0);
    assert.equal(
      boundTtls(
        reply('A', 'x.example', { answers: [cname('x.example', 'y.example')], authorities: [soa(900, 7)] }),
        SETTINGS,
      ).lifetimeS,
      7,
    );
    assert.equal(boundTtls(reply('A', 'x.example', { rcode: 2 }), SETTINGS).lifetimeS, 5);
    assert.equal(negativeTtl(reply('A', 'x.example', {})), null);
  });
});
