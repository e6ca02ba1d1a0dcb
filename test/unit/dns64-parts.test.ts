// The parts of the DNS64 server that decide without a network: cached answers as they are given, health of resolvers, clients,
// streams, bogus answers.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AnswerCache } from '../../src/core/dns64/cache.ts';
import { type DnsMessage, parseMessage, rcodeOf } from '../../src/core/dns64/message.ts';
import { nameFromText } from '../../src/core/dns64/name.ts';
import { FLAG, rcodeName, TYPE, typeName, typeNumber } from '../../src/core/dns64/numbers.ts';
import {
  type AlignedBytes,
  alignedBytes,
  packAnswer,
  UDP_PAYLOAD,
  writeAnswer,
} from '../../src/core/dns64/packed-answer.ts';
import { QueryView } from '../../src/core/dns64/query.ts';
import { DEFAULT_DNS64 } from '../../src/core/dns64/settings.ts';
import { isBogusByUpstream } from '../../src/gateway/dns/bogus.ts';
import { AllowedClients, Places } from '../../src/gateway/dns/clients.ts';
import { addressBytes, addressText, placeText } from '../../src/gateway/dns/endpoint.ts';
import { Framer, framed } from '../../src/gateway/dns/framing.ts';
import { Health } from '../../src/gateway/dns/health.ts';
import { prefix4, prefix6 } from '../support/addresses.ts';
import { reply } from '../support/dns-messages.ts';
import { a } from '../support/dns-records.ts';
import { hex } from '../support/packets.ts';

const QUESTION = '0178 07 6578616d706c65 00 0001 0001';
const OPT = '00 0029 0200 0000 0000 0000';

const packed = (message: DnsMessage, changes: Partial<Parameters<typeof packAnswer>[1]> = {}): AlignedBytes =>
  packAnswer(message, {
    variant: 0,
    isDerived: false,
    extendedError: -1,
    nowS: 100,
    lifetimeS: 50,
    staleS: 0,
    ...changes,
  }) ?? assert.fail('too long');

/** What a client gets at a time. */
function given(source: AlignedBytes, nowS: number, query: Uint8Array, limit = UDP_PAYLOAD): DnsMessage {
  const view = new QueryView();
  view.read(query, 0, query.length);
  const out = alignedBytes(UDP_PAYLOAD);
  const length = writeAnswer(source, 0, nowS, view, query, 0, out, 0, limit);
  assert.ok(length <= limit);
  return parseMessage(out.bytes.subarray(0, length)) ?? assert.fail('no message');
}

const plainQuery = hex(`0007 0100 0001 0000 0000 0000 ${QUESTION}`);
const ednsQuery = hex(`0007 0100 0001 0000 0000 0001 ${QUESTION} ${OPT}`);
const adQuery = hex(`0007 0120 0001 0000 0000 0000 ${QUESTION}`);

describe('answers out of the cache', () => {
  const answer = reply('A', 'x.example', { answers: [a('x.example', '192.0.2.1', 50)] });

  it('S-10 the TTL counts down by whole seconds', () => {
    assert.equal(given(packed(answer), 100, plainQuery).answers[0]?.ttl, 50);
    assert.equal(given(packed(answer), 149, plainQuery).answers[0]?.ttl, 1);
    assert.equal(given(packed(answer), 160, plainQuery).answers[0]?.ttl, 0);
  });

  it('S-10 a stale answer has a TTL of 30 s, and says that it is stale', () => {
    const stale = packed(answer, { staleS: 1000 });
    const message = given(stale, 200, ednsQuery);
    assert.equal(message.answers[0]?.ttl, 30);
    assert.deepEqual(message.edns?.options, hex('000f 0002 0003'));
    assert.equal(given(stale, 200, plainQuery).edns, null);
    assert.equal(given(stale, 149, ednsQuery).edns?.options.length, 0);
  });

  it('S-06 AD is for those who ask for it', () => {
    assert.equal(given(packed(answer), 100, plainQuery).flags & FLAG.AD, 0);
    assert.equal(given(packed(answer), 100, adQuery).flags & FLAG.AD, FLAG.AD);
    const dnssec = hex(`0007 0100 0001 0000 0000 0001 ${QUESTION} 00 0029 0200 0000 8000 0000`);
    assert.equal(given(packed(answer), 100, dnssec).flags & FLAG.AD, FLAG.AD);
  });

  it('S-01 what does not fit is the question with TC, and OPT where there was one', () => {
    const long = reply('A', 'x.example', {
      answers: Array.from({ length: 40 }, (_, i) => a('x.example', `192.0.2.${i}`)),
    });
    const whole = 12 + 15 + 40 * 16;
    assert.equal(given(packed(long), 100, plainQuery, whole).answers.length, 40);
    const cut = given(packed(long), 100, plainQuery, whole - 1);
    assert.deepEqual([cut.flags & FLAG.TC, cut.answers.length, cut.question?.type], [FLAG.TC, 0, TYPE.A]);
    const edns = given(packed(long), 100, ednsQuery, whole + 10);
    assert.deepEqual([edns.flags & FLAG.TC, edns.edns?.udpSize], [FLAG.TC, UDP_PAYLOAD]);
  });

  it('S-10 a cache of no bytes keeps nothing, a large answer does not push all others out', () => {
    const none = new AnswerCache(0, 1);
    assert.equal(none.put(packed(answer)), false);
    const name = nameFromText('x.example') ?? assert.fail();
    assert.deepEqual([none.find(name, 0, name.length, 1, 0), none.report().maxBytes], [-1, 0]);
    const small = new AnswerCache(16_384, 1);
    assert.ok(small.put(packed(answer)));
    const large = reply('A', 'y.example', {
      answers: Array.from({ length: 200 }, (_, i) => a('y.example', `192.0.2.${i}`)),
    });
    assert.equal(small.put(packed(large)), false);
    assert.notEqual(small.find(name, 0, name.length, 1, 0), -1);
    assert.equal(small.find(name, 0, name.length, 1, 1), -1, 'another variant is another question');
    assert.equal(small.find(name, 0, name.length, 28, 0), -1);
  });
});

describe('the size of the cache', () => {
  it('S-10 the three answers behind each of 100,000 names fit the default size', () => {
    const cache = new AnswerCache(DEFAULT_DNS64.cache.maxBytes, 1);
    for (let i = 0; i < 100_000; i++) {
      const name = nameFromText(`www.some-name${i}.example`) ?? assert.fail();
      const question = { name, type: TYPE.A, class: 1 };
      const record = { ...question, ttl: 300, data: Uint8Array.of(192, 0, 2, 1) };
      const message = { id: 0, flags: FLAG.QR, question, answers: [record], authority: [], additional: [], edns: null };
      for (const variant of [0, 1, 4]) cache.put(packed(message, { variant }));
    }
    const { entries, evicted, bytes, maxBytes } = cache.report();
    assert.deepEqual([entries, evicted, maxBytes <= 64 * 1024 * 1024], [300_000, 0, true]);
    assert.ok(bytes < 40_000_000, `${bytes} bytes`);
  });
});

describe('resolvers and clients', () => {
  it('S-09 a resolver goes down after two failures in a row and is tried again ever more rarely', () => {
    const health = new Health();
    assert.deepEqual([health.failed(0, 'x'), health.isUp], [false, true]);
    health.answered(10);
    assert.equal(health.failed(0, 'x'), false, 'not in a row');
    assert.deepEqual([health.failed(0, 'no answer'), health.isUp, health.trouble], [true, false, 'no answer']);
    assert.deepEqual([health.takeProbe(999), health.takeProbe(1000), health.takeProbe(1001)], [false, true, false]);
    for (let i = 0; i < 100; i++) assert.equal(health.failed(1000, 'no answer'), false, 'it is down already');
    assert.deepEqual([health.takeProbe(2999), health.takeProbe(3000), health.takeProbe(6999)], [false, true, false]);
    for (let i = 0; i < 10; i++) assert.ok(health.takeProbe(7000 + i * 30_000));
    assert.deepEqual([health.takeProbe(306_999), health.takeProbe(307_000)], [false, true], 'half a minute at most');
    assert.deepEqual([health.answered(26), health.isUp, health.rttMs], [true, true, 12]);
  });

  it('S-09 prefixes of both families decide who is answered', () => {
    const clients = new AllowedClients([prefix6('2001:db8::/33'), prefix4('192.0.2.128/25'), prefix6('fe80::/10')]);
    const has = (text: string): boolean => clients.has(Uint8Array.of(1, 2, ...addressBytes(text)), 2);
    for (const text of ['2001:db8:7fff::1', '192.0.2.129', 'fe80::1%eth0', 'febf::1']) assert.ok(has(text), text);
    for (const text of ['2001:db8:8000::1', '192.0.2.127', 'fec0::1']) assert.ok(!has(text), text);
    assert.ok(new AllowedClients([prefix4('0.0.0.0/0')]).has(addressBytes('255.1.1.1'), 0));
    assert.ok(!new AllowedClients([]).has(addressBytes('::1'), 0));
    assert.deepEqual(
      [addressText(addressBytes('192.0.2.1')), addressText(addressBytes('fe80::1%x'))],
      ['192.0.2.1', 'fe80::1'],
    );
    assert.deepEqual(
      [placeText({ address: '::1', port: 53 }), placeText({ address: '1.2.3.4', port: 5 })],
      ['[::1]:53', '1.2.3.4:5'],
    );
  });

  it('S-10 places are bounded in all and for each client, and come back', () => {
    const places = new Places();
    const take = (client: string): boolean => places.take(client, 3, 2);
    assert.deepEqual([take('a'), take('a'), take('a'), take('b'), take('c')], [true, true, false, true, false]);
    places.give('a');
    assert.deepEqual([places.count, take('c'), take('a')], [3 - 1, true, false]);
  });

  it('S-10 one host with many addresses leaves places to those with few queries', () => {
    const places = new Places();
    const take = (client: string): boolean => places.take(client, 4096, 256);
    const flood = Array.from({ length: 16 * 256 }, (_, i) => take(`2001:db8::${i % 16}`));
    assert.equal(flood.filter(Boolean).length, 3072);
    const modest = ['a', 'b', 'c', 'd'].flatMap((client) => Array.from({ length: 5 }, () => take(client)));
    assert.deepEqual(modest.slice(0, 5), [true, true, true, true, false]);
    assert.equal(modest.filter(Boolean).length, 16);
  });

  it('S-01 messages of a stream come out whole, however it is cut', () => {
    const stream = Uint8Array.of(...framed(hex('0102')), ...framed(new Uint8Array(0)), ...framed(hex('03')));
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new Framer();
      const messages: number[][] = [];
      for (const piece of [stream.subarray(0, cut), stream.subarray(cut)]) {
        framer.push(piece);
        for (let message = framer.next(); message !== null; message = framer.next()) messages.push([...message]);
      }
      assert.deepEqual([messages, framer.isInside], [[[1, 2], [], [3]], false]);
    }
  });

  it('S-06 SERVFAIL is bogus when the resolver says so, or answers once validation is off', async () => {
    const servfail = reply('AAAA', 'x.example', { rcode: 2 });
    const withError = (options: string): DnsMessage => ({
      ...servfail,
      edns: { udpSize: 1232, extendedRcode: 0, version: 0, isDnssecOk: false, options: hex(options) },
    });
    let asked = 0;
    const judge = (message: DnsMessage, unchecked: number | null): Promise<boolean> =>
      isBogusByUpstream(
        message,
        () => {
          asked += 1;
          return Promise.resolve(
            unchecked === null
              ? { kind: 'failed', why: 'x' }
              : { kind: 'message', message: reply('AAAA', 'x.example', { rcode: unchecked }) },
          );
        },
        null,
      );
    assert.equal(await judge(reply('AAAA', 'x.example', {}), 0), false);
    assert.equal(await judge(withError('000f 0002 0006'), 2), true, 'DNSSEC Bogus');
    assert.equal(
      await judge(withError('000a 0008 0102030405060708 000f 0004 0016 4142'), 0),
      false,
      'No Reachable Authority',
    );
    assert.equal(asked, 0, 'it has said why');
    for (const [unchecked, isBogus] of [
      [0, true],
      [3, true],
      [2, false],
      [null, false],
    ] as const) {
      assert.equal(await judge(servfail, unchecked), isBogus, String(unchecked));
      assert.equal(await judge(withError('000f 0002 0000'), unchecked), isBogus, 'Other Error says nothing');
    }
    assert.equal(await judge(withError('000f 00ff'), 2), false, 'an option that is cut');
  });

  it('S-01 types and RCODEs have names, and numbers where they have none', () => {
    assert.deepEqual(['aaaa', 'TYPE28', 'type65535', 'TYPE65536', 'X'].map(typeNumber), [28, 28, 65535, -1, -1]);
    assert.deepEqual(
      [typeName(28), typeName(64999), rcodeName(3), rcodeName(23)],
      ['AAAA', 'TYPE64999', 'NXDOMAIN', 'RCODE 23'],
    );
    assert.equal(rcodeOf(reply('A', 'x.example', { rcode: 5 })), 5);
  });
});
