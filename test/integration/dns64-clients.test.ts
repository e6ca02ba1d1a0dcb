// How clients reach DNS64: addresses, UDP and TCP, sizes, who is answered and how much of one client is borne.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { a, txt, zone } from '../support/dns-records.ts';
import { queriesOf, startUpstream } from '../support/dns-upstream.ts';
import { startDns64Child } from '../support/dns64-child.ts';
import { netnsForSuite, netnsForTest, waitFor } from '../support/netns.ts';
import {
  CLIENT,
  CLIENT4,
  dataOf,
  dig,
  dns64Net,
  dns64WithResolver,
  GATEWAY,
  GATEWAY4,
  LAN,
  linkLocal,
  RESOLVER,
  SETTINGS,
  UPLINK,
} from './dns64-net.ts';

const V4 = '198.51.100.7';
const many = Array.from({ length: 60 }, (_, i) => a('many.example', `198.51.100.${i + 1}`));
const ENTRIES = {
  'A four.example': { answers: [a('four.example', V4)] },
  'A many.example': { answers: many },
  'TXT long.example': {
    answers: [
      txt('long.example', 'x'.repeat(200)),
      txt('long.example', 'y'.repeat(200)),
      txt('long.example', 'z'.repeat(200)),
    ],
  },
};

/** A program for the client's namespace: a TCP client that does what it is told and writes what happens. */
const script = (body: string): string[] => [
  process.execPath,
  '-e',
  `const net = require('node:net'); const open = () => net.connect(53, '${GATEWAY}');
   const query = (id, name, type = 28) => { const labels = name.split('.').map((l) => String.fromCharCode(l.length) + l).join('');
     const m = Buffer.concat([Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from(labels + '\\0', 'latin1'), Buffer.from([0, type, 0, 1])]);
     return Buffer.concat([Buffer.from([m.length >> 8, m.length & 255]), m]); };
   ${body}`,
];

describe('DNS64 for its clients', () => {
  const set = netnsForSuite();
  let on: Awaited<ReturnType<typeof dns64WithResolver>>;
  let local = '';
  before(async () => {
    const net = await dns64Net(set);
    local = await linkLocal(net.gateway, LAN);
    await linkLocal(net.client, UPLINK);
    const upstream = await startUpstream(net.resolver, RESOLVER, zone(ENTRIES));
    const listen = ['::', '0.0.0.0'].map((address) => ({ address, port: 53 }));
    const linkLocals = [{ address: `${local}%${LAN}`, port: 5353 }];
    const settings = {
      ...SETTINGS,
      listen: [...listen, ...linkLocals],
      clients: [`${CLIENT}/64`, `${CLIENT4}/24`, 'fe80::/10'],
      maxTcpConnections: 8,
      tcpIdleMs: 700,
    };
    const dns64 = await startDns64Child(net.gateway, set.directory, settings);
    assert.match(dns64.running.output(), /ready\n/);
    on = { net, upstream, dns64 };
  });
  const ask = (...words: string[]) => dig(on.net, ...words);

  it('S-01, S-09 answers from the address that was asked: IPv6, IPv4, link-local, a second one', async () => {
    for (const words of [[`@${GATEWAY}`], [`@${GATEWAY4}`], ['@2001:db8:1::2'], [`@${local}%${UPLINK}`]]) {
      const { status, text } = await ask(...words, 'A', 'four.example');
      assert.equal(status, 'NOERROR', text);
    }
    assert.equal((await ask(`@${local}%${UPLINK}`, '-p', '5353', 'A', 'four.example')).status, 'NOERROR');
    assert.equal((await ask(`@${GATEWAY4}`, '+tcp', 'A', 'four.example')).status, 'NOERROR');
  });

  it('S-01 cuts what is too long and says TC, and gives all of it over TCP', async () => {
    const cut = await ask('AAAA', 'many.example', '+ignore');
    assert.deepEqual([cut.flags.includes('tc'), cut.answer], [true, []]);
    assert.equal(dataOf((await ask('AAAA', 'many.example')).answer, 'AAAA').length, 60);
    const small = await ask('TXT', 'long.example', '+noedns', '+ignore');
    assert.ok(small.flags.includes('tc') && !small.text.includes('EDNS'));
    assert.equal((await ask('TXT', 'long.example', '+bufsize=1232', '+ignore')).answer.length, 3);
    const tiny = await ask('TXT', 'long.example', '+bufsize=300', '+ignore');
    assert.ok(tiny.flags.includes('tc'), 'a size below 512 counts as 512');
  });

  it('S-01 speaks EDNS0 with those who do: OPT back, BADVERS for other versions', async () => {
    assert.match((await ask('A', 'four.example')).text, /EDNS: version: 0, flags:; udp: 1232/);
    assert.doesNotMatch((await ask('A', 'four.example', '+noedns')).text, /EDNS/);
    assert.equal((await ask('A', 'four.example', '+edns=1', '+noednsneg')).status, 'BADVERS');
    assert.equal((await ask('A', 'four.example', '+norecurse')).status, 'REFUSED');
    assert.equal((await ask('CH', 'TXT', 'version.bind')).status, 'REFUSED');
    assert.equal((await ask('A', 'four.example', '+opcode=2')).status, 'NOTIMP');
  });

  it('S-09 refuses clients outside the ranges, and soon says nothing more to them', async () => {
    const outside = ['-b', '2001:db8:1:2::100'];
    assert.equal((await ask(...outside, 'A', 'four.example')).status, 'REFUSED');
    assert.equal((await ask(...outside, '+tcp', 'A', 'four.example')).status, 'REFUSED');
    const before = (await on.dns64.report()).counters.refused;
    const flood = `const s = require('node:dgram').createSocket('udp6'); let answers = 0; s.on('message', () => answers++);
      s.bind(0, '2001:db8:1:2::100', () => { for (let i = 0; i < 500; i++) s.send(query(i, 'four.example').subarray(2), 53, '${GATEWAY}');
      const end = setInterval(() => { if (answers >= 20) { clearInterval(end); s.close(); console.log(answers); } }, 50); });`;
    const answers = Number(await on.net.client.run(script(flood)));
    await waitFor('500 refusals', async () => (await on.dns64.report()).counters.refused >= before + 500);
    assert.ok(answers < 200, `${answers} answers to 500 queries`);
  });

  it('S-01 answers several queries on one TCP connection, those that are ready first', async () => {
    const body = `const s = open(); let kept = Buffer.alloc(0); const ids = [];
      s.write(Buffer.concat([query(1, 'four.example'), query(2, 'ipv4only.arpa'), query(3, 'four.example', 1)]));
      s.on('data', (d) => { kept = Buffer.concat([kept, d]);
        while (kept.length >= 2 && kept.length >= 2 + kept.readUInt16BE(0)) { ids.push(kept.readUInt16BE(2)); kept = kept.subarray(2 + kept.readUInt16BE(0)); }
        if (ids.length === 3) { console.log(ids.sort().join()); s.end(); } });`;
    assert.equal((await on.net.client.run(script(body))).trim(), '1,2,3');
  });

  it('S-10 closes TCP connections that stall, stay idle or come in too great number', async () => {
    const stalled = `const s = open(); const drip = setInterval(() => s.write(Buffer.from([1])), 100);
      s.on('error', () => {}); s.on('close', () => { clearInterval(drip); console.log('closed'); });`;
    assert.equal((await on.net.client.run(script(stalled))).trim(), 'closed');
    const crowd = `let closed = 0; const all = Array.from({ length: 6 }, open); for (const s of all) s.on('error', () => {});
      for (const s of all) s.on('close', () => { if (++closed === 4) { console.log('four closed'); process.exit(); } });`;
    assert.equal((await on.net.client.run(script(crowd))).trim(), 'four closed');
    assert.ok((await on.dns64.report()).counters.tcpLimited >= 5);
    await waitFor('no connection', async () => (await on.dns64.report()).tcpConnections === 0);
  });

  it('S-10 what is no query is dropped and counted, or answered FORMERR', async () => {
    const before = (await on.dns64.report()).counters.malformed;
    const junk = `const s = require('node:dgram').createSocket('udp6'); s.connect(53, '${GATEWAY}', () => {
      const q = query(7, 'four.example').subarray(2); const answer = Buffer.from(q); answer[2] |= 0x80;
      const two = Buffer.from(q); two[5] = 2; const long = Buffer.concat([q, Buffer.alloc(4000)]); const loop = Buffer.from(q); loop[12] = 0xc0;
      for (const m of [Buffer.from('junk'), Buffer.alloc(0), answer, long, loop, two]) s.send(m);
      s.on('message', (m) => { if (++seen === 2) { console.log(m[3] & 15); s.close(); } }); }); let seen = 0;`;
    assert.equal((await on.net.client.run(script(junk))).trim(), '1');
    const after = (await on.dns64.report()).counters.malformed;
    assert.equal(after - before, 6);
  });
});

describe('DNS64 under load', () => {
  it('S-10 a flood of one client leaves the others served', async (t) => {
    const entries = {
      'A four.example': { answers: [a('four.example', V4)] },
      ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`* slow${i}.example`, { isSilent: true }])),
    };
    const { net, dns64 } = await dns64WithResolver(netnsForTest(t), zone(entries), {
      maxOutstanding: 64,
      maxOutstandingPerClient: 16,
      timeoutMs: 3000,
    });
    const flood = `const s = require('node:dgram').createSocket('udp6');
      s.bind(0, '2001:db8:1::101', () => { for (let i = 0; i < 200; i++) s.send(query(i, 'slow' + i + '.example').subarray(2), 53, '${GATEWAY}'); });
      setTimeout(() => process.exit(), 20000);`;
    await net.client.start(script(flood));
    await waitFor('the flood', async () => (await dns64.report()).counters.overload >= 184);
    assert.equal((await dns64.report()).outstanding, 16);
    assert.equal((await dig(net, '-b', CLIENT, 'AAAA', 'four.example')).status, 'NOERROR');
    assert.match(dns64.running.output(), /warn dns-overload .*16 queries of one client wait/);
  });

  it('S-10 those who ask the same at the same time share one query', async (t) => {
    const entries = { 'A four.example': { answers: [a('four.example', V4)], delayMs: 400 } };
    const { net, upstream, dns64 } = await dns64WithResolver(netnsForTest(t), zone(entries));
    const answers = await Promise.all(Array.from({ length: 5 }, () => dig(net, 'AAAA', 'four.example')));
    assert.ok(answers.every((each) => each.answer.length === 1));
    assert.equal(queriesOf(upstream).filter((line) => line.includes(' A four.example')).length, 1);
    assert.equal((await dns64.report()).counters.synthesised, 1);
  });

  it('S-09 a port that is taken is named with the program that has it', async (t) => {
    const net = await dns64Net(netnsForTest(t));
    await startUpstream(net.gateway, GATEWAY, zone({}));
    const { running } = await startDns64Child(net.gateway, net.set.directory, SETTINGS);
    await waitFor('its end', () => running.hasEnded());
    assert.match(running.output(), /failed PORT_TAKEN: port 53 \(TCP\) of \S+ is taken by \S+ \(process \d+\)/);
  });
});
