// Fragments through stateful NAT64, both ways and in any order: rule N-07.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { repaired } from '../fuzz/generate.ts';
import { hasRightChecksums } from '../fuzz/invariants.ts';
import { read16 } from '../reference/bytes.ts';
import { HOST_A, HOST_B, NAT64, nat64Engine, only, POOL, POOL6, SERVER, SERVER6, seen } from '../support/nat64.ts';
import { counting, fragmentHeader, ipv4, ipv6, mutate, raw, udp } from '../support/packets.ts';

describe('fragments', () => {
  const MS = 1500; // any time
  const datagram = udp({ srcPort: 4000, dstPort: 53, data: counting(3000) });
  /** The datagram from A in IPv6 fragments of 1,000 bytes. */
  const pieces6 = (src = HOST_A, dst = SERVER6, id = 0x1234_5678): Uint8Array[] => {
    const whole = ipv6({ src, dst, payload: datagram }).slice(40);
    return [0, 1000, 2000, 3000].map((at) =>
      ipv6({
        src,
        dst,
        extensions: [fragmentHeader(at, at < 3000, id)],
        payload: raw(17, whole.slice(at, at + 1000)),
      }),
    );
  };
  const pieces4 = (dstPort: number, id = 7, src = SERVER): Uint8Array[] => {
    const whole = ipv4({ src, dst: POOL, payload: udp({ srcPort: 53, dstPort, data: counting(3000) }) }).slice(20);
    return [0, 1000, 2000, 3000].map((fragmentOffset) =>
      ipv4({
        src,
        dst: POOL,
        id,
        df: false,
        mf: fragmentOffset < 3000,
        fragmentOffset,
        payload: raw(17, whole.slice(fragmentOffset, fragmentOffset + 1000)),
      }),
    );
  };
  const orders = [
    [0, 1, 2, 3],
    [3, 2, 1, 0],
    [2, 0, 3, 1],
    [1, 3, 0, 2],
  ];
  /** The whole datagram of what came out, put together. */
  function assembled(packets: readonly Uint8Array[]): Uint8Array {
    const whole = new Uint8Array(3008);
    for (const packet of packets) {
      const is6 = (packet[0] as number) >> 4 === 6;
      const at = is6 ? read16(packet, 42) & 0xfff8 : (read16(packet, 6) & 0x1fff) * 8;
      whole.set(packet.slice(is6 ? 48 : 20), at);
    }
    const [first] = packets as [Uint8Array];
    const is6 = (first[0] as number) >> 4 === 6;
    const [src, dst] = [seen(first).src, seen(first).dst];
    return is6 ? ipv6({ src, dst, payload: raw(17, whole) }) : ipv4({ src, dst, payload: raw(17, whole) });
  }

  for (const order of orders) {
    test(`N-07 in the order ${order.join(' ')} all arrive, from the same port and with a right checksum, both ways`, () => {
      const engine = nat64Engine();
      const out = order.flatMap((i) => engine.run(pieces6()[i] as Uint8Array, undefined, MS).out);
      assert.equal(out.length, 4);
      for (const packet of out) assert.deepEqual([seen(packet).src, read16(packet, 4)], [POOL, 0x5678]);
      assert.equal(hasRightChecksums(assembled(out)), true);
      const { srcPort } = seen(assembled(out));
      const back = order.flatMap((i) => engine.run(pieces4(srcPort)[i] as Uint8Array, undefined, MS).out);
      assert.equal(back.length, 4);
      for (const packet of back) assert.deepEqual([seen(packet).src, seen(packet).dst], [SERVER6, HOST_A]);
      assert.equal(hasRightChecksums(assembled(back)), true);
      assert.equal(seen(assembled(back)).dstPort, 4000);
      const { datagrams, bytes, held } = engine.translator.nat64?.fragments.counters ?? assert.fail();
      assert.deepEqual({ datagrams, bytes, held }, { datagrams: 0, bytes: 0, held: 0 });
    });
  }

  test('N-07, N-06 fragments in any order turn round', () => {
    const engine = nat64Engine();
    const dstPort = seen(
      only(engine.run(ipv6({ src: HOST_B, dst: SERVER6, payload: udp({ srcPort: 6000 }) }))),
    ).srcPort;
    const whole = ipv6({ src: HOST_A, dst: POOL6, payload: udp({ srcPort: 4000, dstPort, data: counting(1492) }) });
    const piece = (at: number): Uint8Array =>
      ipv6({
        src: HOST_A,
        dst: POOL6,
        extensions: [fragmentHeader(at, at === 0)],
        payload: raw(17, whole.slice(40 + at, at === 0 ? 1040 : undefined)),
      });
    assert.equal(engine.run(piece(1000)).verdict, 'fragment-wait');
    const { out } = engine.run(piece(0));
    assert.deepEqual(
      out.map((packet) => [seen(packet).src, seen(packet).dst, read16(packet, 42)]),
      [
        [POOL6, HOST_B, 1],
        [POOL6, HOST_B, 1000],
      ],
    );
    assert.deepEqual(engine.translator.nat64?.fragments.counters.datagrams, 0);
  });

  test('N-07 a fragment waits for 2 s and no longer', () => {
    const engine = nat64Engine();
    const [first, second] = pieces6() as [Uint8Array, Uint8Array];
    assert.equal(engine.run(second, undefined, 1000).verdict, 'fragment-wait');
    engine.expire(2999);
    assert.equal(engine.translator.nat64?.fragments.counters.held, 1);
    engine.expire(3000);
    assert.equal(engine.translator.nat64?.fragments.counters.timedOut6, 1);
    assert.equal(engine.run(first, undefined, 3000).out.length, 1);
  });

  test('N-07 overlapping fragments end their datagram', () => {
    const engine = nat64Engine();
    const [first, second, third] = pieces6() as [Uint8Array, Uint8Array, Uint8Array];
    const overlapping = ipv6({
      src: HOST_A,
      dst: SERVER6,
      extensions: [fragmentHeader(1992, true, 0x1234_5678)],
      payload: raw(17, counting(16)),
    });
    assert.equal(engine.run(second).verdict, 'fragment-wait');
    assert.equal(engine.run(overlapping).verdict, 'fragment-overlap');
    assert.equal(engine.run(first).verdict, 'fragment-overlap');
    assert.equal(engine.run(third).verdict, 'fragment-overlap');
    assert.equal(engine.run(pieces6(HOST_A, SERVER6, 9)[0] as Uint8Array).verdict, 'translated');
  });

  test('N-07, N-10 what waits is bounded in all and for each source, and others go on', () => {
    const limits = { ...NAT64.limits, fragmentBytes: 12_000, fragmentBytesPerHost: 4500 };
    const engine = nat64Engine({ limits });
    const wait = (src: string, id: number) => engine.run(pieces6(src, SERVER6, id)[1] as Uint8Array).verdict;
    assert.deepEqual(
      [1, 2, 3].map((id) => wait(HOST_A, id)),
      ['fragment-wait', 'fragment-wait', 'fragment-memory'],
    );
    assert.deepEqual(
      [1, 2].map((id) => wait(HOST_B, id)),
      ['fragment-wait', 'fragment-wait'],
    );
    const { counters } = engine.translator.nat64?.fragments ?? assert.fail();
    for (let n = 1; n < 20; n++) {
      assert.equal(wait(`2001:db8:c::${n}`, 1), 'fragment-wait');
      assert.ok(counters.bytes <= 12_000);
    }
    assert.deepEqual([counters.datagrams, counters.held, counters.lost], [5, 5, 18]);
    engine.expire(2000);
    assert.equal(counters.bytes, 0);
  });

  test('N-07 a fragment that comes twice goes on once, and its datagram is whole', () => {
    const engine = nat64Engine();
    const [first, second, third, last] = pieces6() as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const verdicts = [second, second, first, first, third, last].map((packet) => engine.run(packet).verdict);
    assert.deepEqual(verdicts, [
      ...['fragment-wait', 'fragment-overlap', 'translated', 'fragment-overlap', 'translated', 'translated'],
    ]);
    assert.equal(engine.translator.nat64?.fragments.counters.datagrams, 0);
  });

  test('N-07 a datagram knows nothing of the one before, which was shorter', () => {
    const engine = nat64Engine();
    const whole = ipv6({ src: HOST_A, dst: SERVER6, payload: udp({ data: counting(24) }) }).slice(40);
    for (const at of [16, 0]) {
      const payload = raw(17, whole.slice(at, at + 16));
      engine.run(ipv6({ src: HOST_A, dst: SERVER6, extensions: [fragmentHeader(at, at === 0, 77)], payload }));
    }
    assert.deepEqual(
      pieces6().map((piece) => engine.run(piece).verdict),
      ['translated', 'translated', 'translated', 'translated'],
    );
  });

  test('N-07 more pieces than a datagram can have, and two ends, end it', () => {
    const engine = nat64Engine();
    const piece = (at: number, more = true) =>
      ipv6({ src: HOST_A, dst: SERVER6, extensions: [fragmentHeader(at, more)], payload: raw(17, counting(8)) });
    for (let i = 1; i <= 128; i++) assert.equal(engine.run(piece(i * 8)).verdict, 'fragment-wait');
    assert.equal(engine.run(piece(129 * 8)).verdict, 'fragment-overlap');
    const other = nat64Engine();
    assert.equal(other.run(piece(800, false)).verdict, 'fragment-wait');
    assert.equal(other.run(piece(400, false)).verdict, 'fragment-overlap');
    const further = nat64Engine();
    assert.equal(further.run(piece(400, false)).verdict, 'fragment-wait');
    assert.equal(further.run(piece(800, false)).verdict, 'fragment-overlap');
    const third = nat64Engine();
    assert.equal(third.run(piece(800, false)).verdict, 'fragment-wait');
    assert.equal(third.run(piece(808)).verdict, 'fragment-overlap');
  });

  test('N-07, N-10 fragments from outside leave room for those from inside, and those for nobody do not wait', () => {
    const limits = { ...NAT64.limits, fragmentBytes: 12_000, fragmentBytesPerHost: 0 };
    const engine = nat64Engine({ limits });
    const outside = (n: number) => engine.run(pieces4(4000, n, `203.0.113.${n}`)[1] as Uint8Array).verdict;
    const inside = pieces6(HOST_A, SERVER6, 1);
    assert.equal(engine.run(inside[1] as Uint8Array).verdict, 'fragment-wait');
    for (let n = 1; n < 20; n++) assert.equal(outside(n), 'fragment-wait');
    assert.equal(engine.translator.nat64?.fragments.counters.datagrams, 3, 'two of those from outside');
    assert.equal(engine.run(inside[0] as Uint8Array).out.length, 2);
    const astray = mutate(pieces4(4000)[1] as Uint8Array, 16, 192, 0, 2, 77);
    assert.equal(engine.run(repaired(astray)).verdict, 'no-binding');
  });

  test('N-07 fragments after a first one that was refused are dropped with it', () => {
    const engine = nat64Engine();
    const [first, second] = pieces4(5353) as [Uint8Array, Uint8Array];
    assert.equal(engine.run(second).verdict, 'fragment-wait');
    assert.equal(engine.run(first).verdict, 'no-binding');
    assert.equal(engine.run(pieces4(5353)[2] as Uint8Array).verdict, 'no-binding');
    assert.equal(engine.translator.nat64?.fragments.counters.held, 0);
  });

  test('N-07, T-4.5-03 a fragmented datagram without a checksum is dropped as a whole', () => {
    const engine = nat64Engine();
    const [first, second] = pieces4(
      seen(only(engine.run(ipv6({ src: HOST_A, dst: SERVER6, payload: udp({ dstPort: 53 }) })))).srcPort,
    ) as [Uint8Array, Uint8Array];
    assert.equal(engine.run(mutate(first, 26, 0, 0)).verdict, 'udp-zero-checksum');
    assert.equal(engine.run(second).verdict, 'udp-zero-checksum');
  });

  test('N-07, T-4.5-05 a first fragment without the whole transport header is dropped', () => {
    const engine = nat64Engine();
    const tiny = ipv6({
      src: HOST_A,
      dst: SERVER6,
      extensions: [fragmentHeader(0, true)],
      payload: raw(6, counting(16)),
    });
    assert.equal(engine.run(tiny).verdict, 'bad-transport');
  });

  test('N-07, T-5.1-03 a whole packet with a Fragment Header needs no table', () => {
    const engine = nat64Engine();
    const packet = ipv6({ src: HOST_A, dst: SERVER6, extensions: [fragmentHeader(0, false)], payload: udp() });
    assert.equal(seen(only(engine.run(packet))).src, POOL);
    assert.equal(engine.translator.nat64?.fragments.counters.datagrams, 0);
  });

  test('N-07, T-4.1-08 fragments of ICMP are dropped as without NAT64', () => {
    const packet = ipv6({
      src: HOST_A,
      dst: SERVER6,
      extensions: [fragmentHeader(0, true)],
      payload: raw(58, counting(16)),
    });
    assert.equal(nat64Engine().run(packet).verdict, 'fragmented-icmp');
  });
});
