// DNS64 as dig sees it: what is answered, with a resolver that answers as it is told.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { a, aaaa, cname, dname, ptr, txt, zone } from '../support/dns-records.ts';
import { queriesOf, startUpstream } from '../support/dns-upstream.ts';
import { netnsForSuite, netnsForTest, waitFor } from '../support/netns.ts';
import { CLIENT, dataOf, dig, dns64WithResolver, GATEWAY, SETTINGS } from './dns64-net.ts';

const V4 = '198.51.100.7';
const SYNTHETIC = '2001:db8:64::c633:6407';
const REVERSE = '7.0.4.6.3.3.6.c.0.0.0.0.0.0.0.0.0.0.0.0.4.6.0.0.8.b.d.0.1.0.0.2.ip6.arpa';

const ENTRIES = {
  'A four.example': { answers: [a('four.example', V4)] },
  'A both.example': { answers: [a('both.example', V4)] },
  'AAAA both.example': { answers: [aaaa('both.example', '2001:db8:9::8')] },
  'AAAA six.example': { answers: [aaaa('six.example', '2001:db8:9::6')] },
  'A mapped.example': { answers: [a('mapped.example', V4)] },
  'AAAA mapped.example': { answers: [aaaa('mapped.example', '::ffff:198.51.100.7')] },
  'A mixed.example': { answers: [a('mixed.example', V4)] },
  'AAAA mixed.example': { answers: [aaaa('mixed.example', '::ffff:1.2.3.4'), aaaa('mixed.example', '2001:db8:9::9')] },
  'TXT text.example': { answers: [txt('text.example', 'Hello')] },
  'A broken6.example': { answers: [a('broken6.example', V4)] },
  'AAAA broken6.example': { rcode: 2 },
  'A refused6.example': { answers: [a('refused6.example', V4)] },
  'AAAA refused6.example': { rcode: 5 },
  'A silent6.example': { answers: [a('silent6.example', V4)] },
  'AAAA silent6.example': { isSilent: true },
  'AAAA broken.example': { rcode: 2 },
  'A broken.example': { rcode: 2 },
  'A alias.example': { answers: [cname('alias.example', 'Real.example'), a('Real.example', V4)] },
  'AAAA alias.example': { answers: [cname('alias.example', 'Real.example')] },
  'A www.old.example': {
    answers: [
      dname('old.example', 'new.example'),
      cname('www.old.example', 'www.new.example'),
      a('www.new.example', V4),
    ],
  },
  'AAAA www.old.example': {
    answers: [dname('old.example', 'new.example'), cname('www.old.example', 'www.new.example')],
  },
  'A short.example': { answers: [a('short.example', V4, 30)] },
  'AAAA short.example': { authorities: [] },
  'AAAA signed.example': { authorities: [], isAuthentic: true },
  'A signed.example': { answers: [a('signed.example', V4)], isAuthentic: true },
  'AAAA bogus6.example': { isBogus: true },
  'A bogus6.example': { answers: [a('bogus6.example', V4)] },
  'A bogus4.example': { isBogus: true, answers: [a('bogus4.example', V4)] },
  'PTR 7.100.51.198.in-addr.arpa': { answers: [ptr('7.100.51.198.in-addr.arpa', 'four.example')] },
  'PTR 9.100.51.198.in-addr.arpa': {
    answers: [cname('9.100.51.198.in-addr.arpa', '9.sub.example'), ptr('9.sub.example', 'nine.example')],
  },
} as const;

describe('DNS64 for dig', () => {
  const set = netnsForSuite();
  let on: Awaited<ReturnType<typeof dns64WithResolver>>;
  before(async () => {
    on = await dns64WithResolver(set, zone(ENTRIES), { timeoutMs: 500 });
  });
  const ask = (...words: string[]) => dig(on.net, ...words);
  const addresses = async (name: string) => dataOf((await ask('AAAA', name)).answer, 'AAAA');

  it('S-02 gives real AAAA as they are, and asks for A only where there are none', async () => {
    assert.deepEqual(await addresses('both.example'), ['2001:db8:9::8']);
    assert.deepEqual(await addresses('four.example'), [SYNTHETIC]);
    const asked = queriesOf(on.upstream).filter((line) => / (both|four)\.example /.test(line));
    assert.deepEqual(asked, [
      'udp AAAA both.example do=0 cd=0',
      'udp AAAA four.example do=0 cd=0',
      'udp A four.example do=0 cd=0',
    ]);
  });

  it('S-02 takes IPv4-mapped AAAA for none, and leaves the others', async () => {
    assert.deepEqual(await addresses('mapped.example'), [SYNTHETIC]);
    assert.deepEqual(await addresses('mixed.example'), ['2001:db8:9::9']);
  });

  it('S-03 passes NXDOMAIN on with its SOA, without an A query', async () => {
    const { status, authority } = await ask('AAAA', 'nothing.example');
    assert.equal(status, 'NXDOMAIN');
    assert.match(authority.join(), /^example\. 120 IN SOA/);
    assert.ok(!queriesOf(on.upstream).some((line) => line.includes(' A nothing.example')));
  });

  it('S-03 takes SERVFAIL, REFUSED and silence to the AAAA query for an empty answer', async () => {
    for (const name of ['broken6.example', 'refused6.example', 'silent6.example']) {
      const { status, answer } = await ask('AAAA', name);
      assert.deepEqual([name, status, dataOf(answer, 'AAAA')], [name, 'NOERROR', [SYNTHETIC]]);
    }
    assert.equal((await ask('AAAA', 'broken.example')).status, 'SERVFAIL', 'the A query decides');
  });

  it('S-04 keeps CNAME and DNAME chains, with the spelling of their targets', async () => {
    assert.deepEqual((await ask('AAAA', 'alias.example')).answer, [
      'alias.example. 300 IN CNAME Real.example.',
      `Real.example. 120 IN AAAA ${SYNTHETIC}`,
    ]);
    assert.deepEqual((await ask('AAAA', 'www.old.example')).answer, [
      'old.example. 300 IN DNAME new.example.',
      'www.old.example. 300 IN CNAME www.new.example.',
      `www.new.example. 120 IN AAAA ${SYNTHETIC}`,
    ]);
  });

  it("S-05 a synthetic record lives as long as the A record or the AAAA answer's SOA allows", async () => {
    assert.match((await ask('AAAA', 'short.example')).answer.join(), / 30 IN AAAA/);
    assert.match((await ask('AAAA', 'four.example')).answer.join(), / 1(20|1\d) IN AAAA/);
    assert.match((await ask('AAAA', 'signed.example')).answer.join(), / 300 IN AAAA/, 'without SOA: 600 s at most');
  });

  it('S-06 does not synthesise for DO=1 and CD=1', async () => {
    const { status, answer, flags } = await ask('AAAA', 'four.example', '+dnssec', '+cd');
    assert.deepEqual([status, answer], ['NOERROR', []]);
    assert.ok(flags.includes('cd') && !flags.includes('ad'));
    assert.equal(queriesOf(on.upstream).filter((line) => /four\.example do=1 cd=1/.test(line)).length, 1);
    for (const words of [['+dnssec'], ['+cd']]) {
      assert.deepEqual(dataOf((await ask('AAAA', 'four.example', ...words)).answer, 'AAAA'), [SYNTHETIC], words.join());
    }
  });

  it('S-06 never shows AD with synthetic data, nor for what came over plain DNS', async () => {
    for (const words of [[], ['+dnssec'], ['+adflag']]) {
      const { answer, flags } = await ask('AAAA', 'signed.example', ...words);
      assert.equal(answer.length, 1);
      assert.ok(!flags.includes('ad'), flags.join());
      assert.ok(!(await ask('A', 'signed.example', ...words)).flags.includes('ad'));
    }
  });

  it('S-06 gives SERVFAIL for a bogus AAAA or A answer, and what there is to those who check for themselves', async () => {
    assert.equal((await ask('AAAA', 'bogus6.example')).status, 'SERVFAIL');
    assert.match((await ask('AAAA', 'bogus6.example')).text, /EDE: 6 \(DNSSEC Bogus\)/);
    assert.equal((await ask('AAAA', 'bogus4.example')).status, 'SERVFAIL');
    assert.equal((await ask('A', 'bogus4.example')).status, 'SERVFAIL');
    assert.deepEqual(dataOf((await ask('A', 'bogus4.example', '+cd')).answer, 'A'), [V4]);
  });

  it('S-07 answers reverse names of the prefix by CNAME to in-addr.arpa', async () => {
    assert.deepEqual((await ask('-x', SYNTHETIC)).answer, [
      `${REVERSE}. 600 IN CNAME 7.100.51.198.in-addr.arpa.`,
      '7.100.51.198.in-addr.arpa. 300 IN PTR four.example.',
    ]);
    const none = await ask('-x', '2001:db8:64::c633:6408');
    assert.deepEqual([none.status, none.answer.length], ['NXDOMAIN', 1]);
    assert.equal((await ask('-x', '2001:db8:9::8')).status, 'NXDOMAIN', 'an address outside goes upstream as it is');
  });

  it('S-08 answers ipv4only.arpa and its reverse names itself', async () => {
    assert.deepEqual(dataOf((await ask('A', 'ipv4only.arpa')).answer, 'A'), ['192.0.0.170', '192.0.0.171']);
    assert.deepEqual(await addresses('IPv4only.ARPA'), ['2001:db8:64::c000:aa', '2001:db8:64::c000:ab']);
    for (const address of ['192.0.0.170', '192.0.0.171', '2001:db8:64::c000:aa', '2001:db8:64::c000:ab']) {
      assert.deepEqual(dataOf((await ask('-x', address)).answer, 'PTR'), ['ipv4only.arpa.'], address);
    }
    assert.deepEqual(dataOf((await ask('NS', 'ipv4only.arpa')).answer, 'NS'), ['ipv4only.arpa.']);
    assert.match((await ask('SOA', 'ipv4only.arpa')).answer.join(), /SOA ipv4only\.arpa\. nobody\.invalid\. /);
    const none = await ask('TXT', 'ipv4only.arpa');
    assert.deepEqual([none.status, none.answer, none.authority.length], ['NOERROR', [], 1]);
    assert.equal((await ask('A', 'x.ipv4only.arpa')).status, 'NXDOMAIN');
    assert.ok(!queriesOf(on.upstream).some((line) => /ipv4only|\.0\.0\.192/.test(line)));
  });

  it('S-01 passes any other type on, and keeps the spelling of the question', async () => {
    const text = await ask('TXT', 'tExT.ExAmPlE');
    assert.deepEqual([text.question, text.answer], [';tExT.ExAmPlE. IN TXT', ['tExT.ExAmPlE. 300 IN TXT "Hello"']]);
    assert.equal((await ask('TYPE65400', 'text.example')).status, 'NOERROR');
    assert.ok(queriesOf(on.upstream).some((line) => line.includes('UNKNOWN_65400 text.example')));
    assert.equal((await ask('AXFR', 'example', '+tcp')).text.includes('Transfer failed'), true);
  });

  it('S-10 answers from the cache, with the TTL counted down, each DO and CD for itself', async () => {
    await ask('A', 'four.example');
    const before = queriesOf(on.upstream).length;
    const { counters } = await on.dns64.report();
    for (let i = 0; i < 3; i++) assert.equal((await ask('A', 'FOUR.example')).answer.length, 1);
    assert.equal(queriesOf(on.upstream).length, before);
    assert.equal((await on.dns64.report()).counters.cacheHits, counters.cacheHits + 3);
    await ask('A', 'four.example', '+dnssec');
    assert.ok(queriesOf(on.upstream).includes('udp A four.example do=1 cd=0'));
  });

  it('S-02, S-05 an explanation tells each step and the answer', async () => {
    const explained = await on.dns64.explain('four.example', 'aaaa');
    assert.deepEqual(
      explained.steps.map((each) => each.step),
      ['cache', 'ask', 'reply', 'need-a', 'ask', 'reply', 'synthetic', 'answer'],
    );
    assert.deepEqual(
      [explained.rcode, explained.isSynthetic, explained.answer],
      ['NOERROR', true, [`four.example 120 IN AAAA ${SYNTHETIC}`]],
    );
    assert.match(JSON.stringify(await on.dns64.explain('four.example', 'NOPE')), /NOPE is no type/);
  });
});

describe('DNS64 with other settings', () => {
  it('S-09 several prefixes, exclude lists, mapped ranges, ignored AAAA', async (t) => {
    const entries = {
      'A www.v6.example': { answers: [a('www.v6.example', V4)] },
      'AAAA www.v6.example': { answers: [aaaa('www.v6.example', '2001:db8:9::1')] },
      'AAAA only.v6.example': { answers: [aaaa('only.v6.example', '2001:db8:9::1')] },
      'A bad.example': { answers: [a('bad.example', V4)] },
      'AAAA bad.example': { answers: [aaaa('bad.example', '2001:db8:bad::1')] },
      'A far.example': {
        answers: [a('far.example', '192.0.2.1'), a('far.example', V4), a('far.example', '198.51.100.66')],
      },
      'A private.example': { answers: [a('private.example', '10.1.2.3')] },
    };
    const { net, dns64 } = await dns64WithResolver(netnsForTest(t), zone(entries), {
      prefixes: ['64:ff9b::/96', '2001:db8:100::/40'],
      excludeAaaa: ['2001:db8:bad::/48'],
      excludeA: ['198.51.100.64/26'],
      onlyA: ['198.51.100.0/24', '10.0.0.0/8'],
      ignoreAaaa: ['v6.example'],
      allowNonGlobal: true,
    });
    const addresses = async (name: string) => dataOf((await dig(net, 'AAAA', name)).answer, 'AAAA').sort();
    const both = ['2001:db8:1c6:3364:7::', '64:ff9b::c633:6407'];
    assert.deepEqual(await addresses('www.v6.example'), both);
    assert.deepEqual(await addresses('only.v6.example'), []);
    assert.deepEqual(await addresses('bad.example'), both);
    assert.deepEqual(await addresses('far.example'), both, 'neither the excluded nor the unmapped one');
    assert.deepEqual(await addresses('private.example'), ['2001:db8:10a:102:3::', '64:ff9b::a01:203']);
    assert.equal(await dns64.reconfigure({ ...SETTINGS, prefixes: ['64:ff9b::/96', '2001:db8:100::/40'] }), null);
    assert.deepEqual(await addresses('www.v6.example'), ['2001:db8:9::1'], 'at once, whatever the cache had');
    assert.deepEqual(await addresses('private.example'), ['2001:db8:10a:102:3::'], 'rule A-03');
  });

  it('S-09 with synthesizeAlways the real AAAA are left out wherever there is an A', async (t) => {
    const entries = { ...ENTRIES, 'A six.example': { rcode: 2 } };
    const { net } = await dns64WithResolver(netnsForTest(t), zone(entries), { synthesizeAlways: true });
    const addresses = async (name: string) => dataOf((await dig(net, 'AAAA', name)).answer, 'AAAA');
    assert.deepEqual(await addresses('both.example'), [SYNTHETIC]);
    assert.deepEqual(await addresses('six.example'), ['2001:db8:9::6']);
  });

  it('S-09 writes queries to the log only when it is told to', async (t) => {
    const { net, dns64 } = await dns64WithResolver(netnsForTest(t), zone(ENTRIES));
    await dig(net, 'AAAA', 'four.example');
    assert.doesNotMatch(dns64.running.output(), /four\.example/);
    await dns64.reconfigure({ ...SETTINGS, logQueries: true });
    await dig(net, '-b', CLIENT, 'AAAA', 'Four.example');
    await dig(net, '-b', CLIENT, 'A', 'four.example');
    const client = '"client":"2001:db8:1::100","name":"four.example"';
    await waitFor('two lines', () => dns64.running.output().split(client).length === 3);
    assert.match(dns64.running.output(), /"type":"AAAA","rcode":"NOERROR","from":"resolver"/);
    assert.match(dns64.running.output(), /"type":"A","rcode":"NOERROR","from":"cache"/);
  });

  it('S-09 goes over to other addresses, and stays where it was when it cannot', async (t) => {
    const { net, dns64 } = await dns64WithResolver(netnsForTest(t), zone(ENTRIES));
    const all = [{ address: '::', port: 53 }];
    assert.equal(await dns64.reconfigure({ ...SETTINGS, listen: all }), null);
    assert.equal((await dig(net, '@2001:db8:1::2', 'A', 'four.example')).status, 'NOERROR');
    await startUpstream(net.gateway, GATEWAY, zone({}), 5300);
    const taken = { address: GATEWAY, port: 5300 };
    const failed = await dns64.reconfigure({ ...SETTINGS, listen: [{ address: GATEWAY, port: 53 }, taken] });
    assert.match(failed?.error ?? '', /port 5300 \(TCP\) of 2001:db8:1::1 is taken by/);
    assert.deepEqual((await dns64.report()).listen, ['[::]:53']);
    assert.equal((await dig(net, '@2001:db8:1::2', 'A', 'four.example')).status, 'NOERROR');
    assert.match(
      (await dns64.reconfigure({ ...SETTINGS, listen: [{ address: '2001:db8:9::9', port: 53 }] }))?.error ?? '',
      /2001:db8:9::9 is no address of this machine/,
    );
  });

  it('S-07 answers reverse names by lookup, or passes them on', async (t) => {
    const entries = { ...ENTRIES, [`PTR ${REVERSE}`]: { answers: [ptr(REVERSE, 'upstream.example')] } };
    const { net, dns64 } = await dns64WithResolver(netnsForTest(t), zone(entries), { reverse: 'lookup' });
    assert.deepEqual((await dig(net, '-x', SYNTHETIC)).answer, [`${REVERSE}. 300 IN PTR four.example.`]);
    assert.deepEqual(dataOf((await dig(net, '-x', '2001:db8:64::c633:6409')).answer, 'PTR'), ['nine.example.']);
    await dns64.reconfigure({ ...SETTINGS, reverse: 'forward' });
    assert.deepEqual((await dig(net, '-x', SYNTHETIC)).answer, [`${REVERSE}. 300 IN PTR upstream.example.`]);
  });
});
