// The pure parts of the lab: packets of its proofs, its DNS answers, the transfer pattern, the table, the lists of packages.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import dnsPacket from 'dns-packet';
import { answerQuery } from '../../src/lab/peers/dns.ts';
import { BLOCK, pattern } from '../../src/lab/peers/pattern.ts';
import { checkInit, crc32c, INIT, INIT_ACK, makeInit, makeInitAck } from '../../src/lab/peers/sctp.ts';
import { toolsOf } from '../../src/lab/permission.ts';
import { formatResult, wrap } from '../../src/lab/report.ts';
import { compareSnapshots } from '../../src/lab/snapshot.ts';

describe('SCTP packets', () => {
  it('crc32c gives the check value of RFC 3720 B.4 for 32 zero bytes', () => {
    assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  });
  it('an INIT is answered by an INIT ACK that carries its tag', () => {
    const ack = makeInitAck(makeInit(5000, 5001));
    assert.equal(checkInit(ack), INIT_ACK);
    assert.equal(new DataView(ack.buffer).getUint32(4), 0x1234_5678);
  });
  it('every flipped bit and every cut is noticed', () => {
    const init = makeInit(5000, 5001);
    assert.equal(checkInit(Buffer.from(init)), INIT);
    for (let bit = 0; bit < init.length * 8; bit++) {
      const damaged = init.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(checkInit(damaged), 0);
    }
    for (let length = 0; length < init.length; length++) assert.equal(checkInit(init.subarray(0, length)), 0);
  });
});

describe('DNS answers', () => {
  const ask = (name: string, type: 'A' | 'AAAA') =>
    dnsPacket.decode(Buffer.from(answerQuery(dnsPacket.encode({ type: 'query', id: 7, questions: [{ name, type }] }))));

  it('a name has its addresses, in any case of letters', () => {
    const answer = ask('Web.Lab.Example', 'A').answers?.[0];
    assert.ok(answer?.type === 'A' && answer.data === '203.0.113.10');
  });
  it('a name without this type gives an empty answer, an unknown name NXDOMAIN', () => {
    assert.equal(ask('web.lab.example', 'AAAA').answers?.length, 0);
    assert.equal((ask('web.lab.example', 'AAAA').flags ?? 0) & 15, 0);
    assert.equal((ask('no.lab.example', 'A').flags ?? 0) & 15, 3);
  });
});

describe('transfer pattern', () => {
  it('has the length asked for and no two blocks alike', () => {
    const blocks = [...pattern(2 * BLOCK + 5)];
    assert.deepEqual(
      blocks.map((block) => block.length),
      [BLOCK, BLOCK, 5],
    );
    assert.notDeepEqual(blocks[0], blocks[1]);
  });
});

describe('table', () => {
  it('no line is wider than 80 columns, whatever the evidence is', () => {
    const evidence = `${'x'.repeat(200)} ${'word '.repeat(40)}`;
    const text = formatResult({ name: 'traceroute', title: '', ok: false, evidence, seconds: 123.4 }, false);
    for (const line of text.split('\n')) assert.ok(line.length <= 80, line);
  });
  it('wrapping loses no word', () => {
    assert.equal(wrap('one two  three', 7).join(' '), 'one two three');
  });
});

describe('snapshots', () => {
  it('differences are named with what is gone and what is new', () => {
    assert.deepEqual(compareSnapshots(['a\nb', 'c'], ['a\nd', 'c']), ['- b', '+ d']);
    assert.deepEqual(compareSnapshots(['a'], ['a']), []);
  });
});

describe('packages', () => {
  it('the set-up installs every package that the lab asks for', async () => {
    const url = new URL('../../../build/setup.mjs', import.meta.url).href;
    const { PACKAGES } = (await import(url)) as { PACKAGES: { name: string; for: string[] }[] };
    const installed = PACKAGES.filter((entry) => entry.for.includes('lab')).map(({ name }) => name);
    assert.deepEqual(
      [...new Set(Object.values(toolsOf('interop')))].filter((name) => !installed.includes(name)),
      [],
    );
  });
});
