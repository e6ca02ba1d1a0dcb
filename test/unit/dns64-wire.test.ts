// Names, messages and queries in wire form (core/dns64), against dns-packet and against damage.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket, { type Packet } from 'dns-packet';
import { emitMessage } from '../../src/core/dns64/emit.ts';
import { type DnsMessage, parseMessage } from '../../src/core/dns64/message.ts';
import { isAtOrBelow, nameFromText, nameText, readName, replaceEnding } from '../../src/core/dns64/name.ts';
import { QUERY, QueryView } from '../../src/core/dns64/query.ts';
import { a, aaaa, cname, ptr, txt } from '../support/dns-records.ts';
import { hex } from '../support/packets.ts';

const name = (text: string): Uint8Array => {
  const wire = nameFromText(text);
  assert.ok(wire !== null, text);
  return wire;
};
const parse = (bytes: Uint8Array): DnsMessage => {
  const message = parseMessage(bytes);
  assert.ok(message !== null);
  return message;
};

/** A message with every type that has names inside, compressed by dns-packet wherever it can. */
const FULL: Packet = {
  type: 'response',
  id: 4711,
  flags: 0x180,
  questions: [{ type: 'AAAA', name: 'www.example' }],
  answers: [
    cname('www.example', 'web.example'),
    aaaa('web.example', '2001:db8::1'),
    a('web.example', '192.0.2.1'),
    ptr('1.2.0.192.in-addr.arpa', 'web.example'),
    txt('web.example', 'words'),
    { type: 'MX', name: 'example', ttl: 60, data: { preference: 10, exchange: 'mail.example' } },
    { type: 'SRV', name: '_x._udp.example', ttl: 60, data: { priority: 1, weight: 2, port: 3, target: 'web.example' } },
    {
      type: 'NAPTR',
      name: 'example',
      ttl: 60,
      data: { order: 1, preference: 2, flags: 's', services: 'x', regexp: '', replacement: 'web.example' },
    },
    { type: 'RP', name: 'example', ttl: 60, data: { mbox: 'admin.example', txt: 'web.example' } },
  ],
  authorities: [
    {
      type: 'SOA',
      name: 'example',
      ttl: 900,
      data: { mname: 'ns.example', rname: 'root.example', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 },
    },
    { type: 'NS', name: 'example', ttl: 60, data: 'ns.example' },
  ],
  additionals: [
    a('ns.example', '192.0.2.53'),
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 1400,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0x8000,
      flag_do: true,
      options: [],
    },
  ],
};

describe('DNS messages in wire form', () => {
  it('S-01 a message of every type is read and written so that dns-packet sees the same', () => {
    const wire = dnsPacket.encode(FULL);
    const message = parse(wire);
    assert.deepEqual(
      [message.id, message.answers.length, message.edns?.udpSize, message.edns?.isDnssecOk],
      [4711, 9, 1400, true],
    );
    const again = emitMessage(message);
    assert.ok(again !== null);
    assert.deepEqual(dnsPacket.decode(Buffer.from(again.bytes)), dnsPacket.decode(wire));
    assert.deepEqual(parse(again.bytes), message);
    assert.equal(again.ttlOffsets.length, 12, 'OPT has no TTL');
    const view = new DataView(again.bytes.buffer);
    assert.deepEqual(
      again.ttlOffsets.map((at) => view.getUint32(at)),
      [300, 300, 300, 300, 300, 60, 60, 60, 60, 900, 60, 300],
    );
  });

  it('S-10 a message that is cut anywhere is none', () => {
    const wire = dnsPacket.encode(FULL);
    for (let end = 0; end < wire.length; end++) assert.equal(parseMessage(wire.subarray(0, end)), null, `${end} bytes`);
  });

  it('S-10 a name that points to itself, forward or out of the message is none', () => {
    const header = '0001 8180 0001 0000 0000 0000';
    for (const [why, question] of Object.entries({
      itself: 'c00c 0001 0001',
      forward: 'c00e 00 0001 0001',
      'in a circle': '0161 c00c 0001 0001',
      'out of the message': 'ff00 0001 0001',
      'a reserved label type': '4161 00 0001 0001',
      'a label behind the end': '3f61 0001 0001',
    }))
      assert.equal(parseMessage(hex(header + question)), null, why);
    // Labels of 63 octets that point back to each other until the name is longer than 255.
    const label = `3f${'61'.repeat(63)}`;
    const bytes = hex(`${label}00`);
    const long = hex(`${label}${label}${label}${label}00`);
    assert.equal(readName(bytes, 0, bytes.length)?.name.length, 65);
    assert.equal(readName(long, 0, long.length), null);
  });

  it('S-10 data that does not have the form of its type is no message', () => {
    const question = '0161 00 001c 0001';
    const answer = (type: string, data: string): Uint8Array =>
      hex(
        `0001 8180 0001 0001 0000 0000 ${question} c00c ${type} 0001 0000003c ${(data.length / 2).toString(16).padStart(4, '0')} ${data}`,
      );
    for (const [type, data] of [
      ['0001', 'c0000201ff'],
      ['001c', '20010db8'],
      ['0005', '03777777'],
      ['0006', '0000'],
      ['000f', '00'],
      ['0005', '00ff'],
      ['0023', '0001000201'],
    ] as const)
      assert.equal(parseMessage(answer(type, data)), null, `type ${type}: ${data}`);
    assert.equal(parse(answer('fe12', 'c00cff')).answers[0]?.data.length, 3, 'what is unknown is opaque');
  });

  it('S-10 a TTL with the highest bit set counts as zero, two OPT records are one too many', () => {
    const record = (ttl: string): string => `00 0001 0001 ${ttl} 0004 c0000201`;
    assert.equal(parse(hex(`0001 8180 0000 0001 0000 0000 ${record('80000000')}`)).answers[0]?.ttl, 0);
    const opt = '00 0029 04d0 00000000 0000';
    assert.notEqual(parseMessage(hex(`0001 8180 0000 0000 0000 0001 ${opt}`)), null);
    assert.equal(parseMessage(hex(`0001 8180 0000 0000 0000 0002 ${opt} ${opt}`)), null);
  });

  it('S-10 a message that would be too long is not written', () => {
    const answers = Array.from({ length: 4000 }, () => parse(dnsPacket.encode(FULL)).answers[4] as never);
    const { question } = parse(dnsPacket.encode(FULL));
    const message: DnsMessage = { id: 0, flags: 0, question, answers, authority: [], additional: [], edns: null };
    assert.equal(emitMessage(message), null);
  });
});

describe('domain names', () => {
  it('S-01 text and wire form lead to each other, whatever octets there are', () => {
    for (const text of ['.', 'a', 'WWW.Example.org', 'a\\046b.c', '\\000\\255.x', '*.example']) {
      assert.equal(nameText(name(text)), text);
    }
    assert.deepEqual(name('a.b.'), name('a.b'));
    for (const text of ['a..b', '.a', `${'a'.repeat(64)}.b`, `${'a.'.repeat(127)}bc`, 'ä\u{1F600}'])
      assert.equal(nameFromText(text), null, text);
    assert.equal(name('a.'.repeat(127)).length, 255);
  });

  it('S-09 a zone holds itself and what is below, case aside, and nothing that only ends alike', () => {
    assert.ok(isAtOrBelow(name('a.EXAMPLE'), name('example')) && isAtOrBelow(name('example'), name('example')));
    assert.ok(isAtOrBelow(name('a.b'), name('.')));
    assert.ok(!isAtOrBelow(name('anexample'), name('example')) && !isAtOrBelow(name('example'), name('a.example')));
    // The label "\007example" ends in the very octets of the name example.
    assert.ok(!isAtOrBelow(name('x\\007example'), name('example')));
    assert.equal(nameText(replaceEnding(name('a.b.old'), name('old'), name('new.x')) ?? name('.')), 'a.b.new.x');
    assert.equal(replaceEnding(name('old'), name('old'), name('new')), null);
    assert.equal(
      replaceEnding(name([...Array(3).fill('a'.repeat(60)), 'o'].join('.')), name('o'), name('b.'.repeat(60))),
      null,
    );
  });
});

describe('queries as they come in', () => {
  const QUESTION = '0377777707657861 6d706c6500 001c 0001';
  const OPT = '00 0029 1000 0000 8000 0000';
  const read = (text: string): [number, QueryView] => {
    const view = new QueryView();
    // Not at the start of the slab, as in a batch.
    const bytes = new Uint8Array([9, 9, 9, ...hex(text), 9]);
    return [view.read(bytes, 3, bytes.length - 1), view];
  };

  it('S-01 a query with and without OPT is read where it lies', () => {
    const [plain, view] = read(`1234 0110 0001 0000 0000 0000 ${QUESTION}`);
    assert.deepEqual([plain, view.id, view.type, view.class, view.nameEnd], [QUERY.GOOD, 0x1234, 28, 1, 25]);
    assert.deepEqual([view.hasEdns, view.udpSize, view.variant], [false, 512, 2]);
    const [verdict, edns] = read(`1234 0100 0001 0000 0000 0001 ${QUESTION} ${OPT}`);
    assert.deepEqual([verdict, edns.hasEdns, edns.udpSize, edns.variant], [QUERY.GOOD, true, 4096, 1]);
  });

  it('S-01 what cannot be served has its verdict', () => {
    const cases: readonly (readonly [string, number])[] = [
      ['1234 0100 0001 0000 0000', QUERY.DROP],
      [`1234 8100 0001 0000 0000 0000 ${QUESTION}`, QUERY.DROP],
      [`1234 2900 0001 0000 0000 0000 ${QUESTION}`, QUERY.NOTIMP],
      [`1234 0100 0000 0000 0000 0000`, QUERY.FORMERR],
      [`1234 0100 0002 0000 0000 0000 ${QUESTION} ${QUESTION}`, QUERY.FORMERR],
      [`1234 0100 0001 0001 0000 0000 ${QUESTION}`, QUERY.FORMERR],
      [`1234 0100 0001 0000 0001 0000 ${QUESTION}`, QUERY.FORMERR],
      ['1234 0100 0001 0000 0000 0000 c00c 001c 0001', QUERY.FORMERR],
      [`1234 0100 0001 0000 0000 0005 ${QUESTION}`, QUERY.FORMERR],
      [`1234 0100 0001 0000 0000 0002 ${QUESTION} ${OPT} ${OPT}`, QUERY.FORMERR],
      [`1234 0100 0001 0000 0000 0001 ${QUESTION} 0161 ${OPT}`, QUERY.FORMERR],
      [`1234 0100 0001 0000 0000 0001 ${QUESTION} 00 0029 1000 0001 8000 0000`, QUERY.BADVERS],
      [`1234 0100 0001 0000 0000 0000 00 00fc 0001`, QUERY.REFUSED],
      [`1234 0100 0001 0000 0000 0000 00 00fb 0001`, QUERY.REFUSED],
      [`1234 0100 0001 0000 0000 0000 00 0010 0003`, QUERY.REFUSED],
      [`1234 0000 0001 0000 0000 0000 ${QUESTION}`, QUERY.REFUSED],
      [`1234 0100 0001 0000 0000 0000 00 0029 0001`, QUERY.FORMERR],
    ];
    for (const [text, verdict] of cases) assert.equal(read(text)[0], verdict, text);
  });

  it('S-10 a query that is cut anywhere is never good', () => {
    const whole = hex(`1234 0100 0001 0000 0000 0001 ${QUESTION} ${OPT}`);
    const view = new QueryView();
    for (let end = 0; end < whole.length; end++) {
      // What was there before lies behind the end.
      assert.notEqual(view.read(whole, 0, end), QUERY.GOOD, `${end} bytes`);
    }
    assert.equal(view.read(whole, 0, whole.length), QUERY.GOOD);
  });
});
