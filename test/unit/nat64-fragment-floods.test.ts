// Fragments that fill the memory for fragments: from one source, from many, from forged ones. Others go on. Rules N-07 and N-10.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Engine } from '../support/engine.ts';
import { HOST_A, HOST_B, NAT64, nat64Engine, only, POOL, POOL6, SERVER, SERVER6, seen } from '../support/nat64.ts';
import { counting, fragmentHeader, ipv4, ipv6, raw, udp } from '../support/packets.ts';

const MS = 1500; // any time

/** The first fragment of a datagram, or the second and last. */
const piece6 = (src: string, id: number, part: 0 | 1, dst = SERVER6, dstPort = 53): Uint8Array => {
  const whole = ipv6({ src, dst, payload: udp({ srcPort: 4000, dstPort, data: counting(1592) }) }).slice(40);
  const at = part * 800;
  const extensions = [fragmentHeader(at, part === 0, id)];
  return ipv6({ src, dst, extensions, payload: raw(17, whole.slice(at, at + 800)) });
};
const piece4 = (src: string, id: number, part: 0 | 1, dstPort: number): Uint8Array => {
  const whole = ipv4({ src, dst: POOL, payload: udp({ srcPort: 53, dstPort, data: counting(1592) }) }).slice(20);
  const fragmentOffset = part * 800;
  const payload = raw(17, whole.slice(fragmentOffset, fragmentOffset + 800));
  return ipv4({ src, dst: POOL, id, df: false, mf: part === 0, fragmentOffset, payload });
};
/** A fragment of eight bytes whose first one never comes. */
const stray6 = (src: string, id: number): Uint8Array =>
  ipv6({ src, dst: SERVER6, extensions: [fragmentHeader(8, true, id)], payload: raw(17, counting(8)) });
const stray4 = (src: string, id: number): Uint8Array =>
  ipv4({ src, dst: POOL, id, df: false, mf: true, fragmentOffset: 8, payload: raw(17, counting(8)) });

const memoryOf = (engine: Engine) => engine.translator.nat64?.fragments.counters ?? assert.fail();
const verdicts = (engine: Engine, ...packets: Uint8Array[]) =>
  packets.map((packet) => engine.run(packet, undefined, MS).verdict);

describe('a flood of fragments', () => {
  test('N-07, N-10 from 18 addresses of one network stops nobody else’s datagrams, in order or not', () => {
    const engine = nat64Engine();
    for (let i = 0; i < 18 * 243; i++)
      engine.run(stray6(`2001:db8:a::${((i % 18) + 0x100).toString(16)}`, i), undefined, MS);
    assert.deepEqual(verdicts(engine, piece6(HOST_B, 77, 0), piece6(HOST_B, 77, 1)), ['translated', 'translated']);
    assert.deepEqual(verdicts(engine, piece6(HOST_B, 78, 1), piece6(HOST_B, 78, 0)), ['fragment-wait', 'translated']);
    assert.ok(memoryOf(engine).bytes <= NAT64.limits.fragmentBytes);
  });

  test('N-07, N-10 with forged IPv4 sources does not stop what is answered to those inside, in order or not', () => {
    const engine = nat64Engine();
    const { srcPort } = seen(only(engine.run(ipv6({ src: HOST_A, dst: SERVER6, payload: udp({ srcPort: 4000 }) }))));
    for (let i = 0; i < 5000; i++) engine.run(stray4(`203.0.${113 + (i >> 8)}.${i & 255}`, i), undefined, MS);
    const back = (id: number, part: 0 | 1) => piece4(SERVER, id, part, srcPort);
    assert.deepEqual(verdicts(engine, back(1, 0), back(1, 1)), ['translated', 'translated']);
    assert.deepEqual(verdicts(engine, back(2, 1), back(2, 0)), ['fragment-wait', 'translated']);
    assert.ok(memoryOf(engine).bytes <= NAT64.limits.fragmentBytes / 2 + 1024);
  });

  test('N-07, N-10 of first fragments whose rest never comes does not stop others either', () => {
    const engine = nat64Engine();
    for (let i = 0; i < 5000; i++) assert.equal(engine.run(piece6(HOST_A, i, 0), undefined, MS).verdict, 'translated');
    assert.deepEqual(verdicts(engine, piece6(HOST_B, 77, 1), piece6(HOST_B, 77, 0)), ['fragment-wait', 'translated']);
    assert.ok(memoryOf(engine).bytes <= NAT64.limits.fragmentBytes);
  });

  test('N-07, N-10 what a host has waiting does not count against its datagrams in order', () => {
    const engine = nat64Engine();
    for (let i = 0; i < 1000; i++) engine.run(stray6(HOST_A, i), undefined, MS);
    assert.equal(engine.run(stray6(HOST_A, 1000), undefined, MS).verdict, 'fragment-memory');
    assert.deepEqual(verdicts(engine, piece6(HOST_A, 2000, 0), piece6(HOST_A, 2000, 1)), ['translated', 'translated']);
  });

  test('N-10 of the oldest, the source that holds most goes first', () => {
    const engine = nat64Engine({ limits: { ...NAT64.limits, fragmentBytes: 10 * 2048, fragmentBytesPerHost: 0 } });
    verdicts(engine, piece6(HOST_B, 1, 1));
    for (let i = 0; i < 100; i++) verdicts(engine, stray6(HOST_A, i));
    assert.equal(engine.run(piece6(HOST_B, 1, 0), undefined, MS).out.length, 2);
  });

  test('N-07, N-10 a datagram that is dropped as a whole counts no more than its place', () => {
    const engine = nat64Engine();
    const late = (at: number) =>
      ipv6({ src: HOST_A, dst: SERVER6, extensions: [fragmentHeader(at, true)], payload: raw(17, counting(1000)) });
    verdicts(engine, late(1000), late(2000), late(3000));
    assert.ok(memoryOf(engine).bytes > 3000);
    assert.deepEqual(verdicts(engine, late(1008)), ['fragment-overlap']);
    assert.equal(memoryOf(engine).bytes, 1024);
    engine.expire(MS + 2000);
    assert.equal(memoryOf(engine).bytes, 0);
  });

  test('N-06, N-07 a datagram that turns round does not make room for its own other half', () => {
    // Room for one datagram and a half: the half that goes in has to wait for the place of the one that came out.
    const engine = nat64Engine({ limits: { ...NAT64.limits, fragmentBytes: 3500 } });
    const { srcPort } = seen(only(engine.run(ipv6({ src: HOST_B, dst: SERVER6, payload: udp({ srcPort: 6000 }) }))));
    const piece = (part: 0 | 1) => piece6(HOST_A, 5, part, POOL6, srcPort);
    for (let round = 0; round < 3; round++) {
      const [waits, goes] = [engine.run(piece(1), undefined, MS), engine.run(piece(0), undefined, MS)];
      assert.equal(waits.verdict, 'fragment-wait');
      assert.deepEqual(
        goes.out.map((packet) => seen(packet).dst),
        [HOST_B, HOST_B],
      );
      assert.equal(memoryOf(engine).datagrams, 0);
    }
    const tight = nat64Engine({ limits: { ...NAT64.limits, fragmentBytes: 2500 } });
    const port = seen(only(tight.run(ipv6({ src: HOST_B, dst: SERVER6, payload: udp({ srcPort: 6000 }) })))).srcPort;
    assert.deepEqual(verdicts(tight, piece6(HOST_A, 5, 1, POOL6, port), piece6(HOST_A, 5, 0, POOL6, port)), [
      'fragment-wait',
      'fragment-memory',
    ]);
    tight.expire(MS + 2000);
    assert.deepEqual([memoryOf(tight).datagrams, memoryOf(tight).bytes, memoryOf(tight).held], [0, 0, 0]);
  });
});
