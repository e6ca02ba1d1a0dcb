// Packets through stateful NAT64: RFC 6146 §3.4–3.6. The tables have tests of their own (nat64-state.test.ts).

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasRightChecksums } from '../fuzz/invariants.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { bytes16, read16 } from '../reference/bytes.ts';
import { pseudoHeader4, pseudoHeader6, sumWords } from '../reference/checksum.ts';
import { ip4, ip6, prefix6 } from '../support/addresses.ts';
import type { Engine } from '../support/engine.ts';
import {
  HOST_A,
  HOST_B,
  NAT64,
  nat64Engine,
  only,
  POOL,
  POOL6,
  poolOf,
  SERVER,
  SERVER6,
  seen,
} from '../support/nat64.ts';
import {
  counting,
  fragmentHeader,
  icmp4,
  icmp6,
  ipv4,
  ipv6,
  type Layer,
  mutate,
  raw,
  tcp,
  toHex,
  udp,
} from '../support/packets.ts';

const SYN = 2;
const from = (src: string, payload: Layer, dst = SERVER6): Uint8Array => ipv6({ src, dst, payload });
const toPool = (payload: Layer, src = SERVER): Uint8Array => ipv4({ src, dst: POOL, payload });
/** Opens a UDP session of A with the server. @returns its port in the pool */
const openUdp = (engine: Engine, nowMs = 0, src = HOST_A): number =>
  seen(only(engine.run(from(src, udp({ srcPort: 4000, dstPort: 53 })), undefined, nowMs))).srcPort;

describe('packets of a session', () => {
  for (const isFast of [true, false]) {
    const way = isFast ? 'the short way' : 'the long way';

    test(`N-13, N-01 UDP goes out from the pool and comes back to its host, ${way}`, () => {
      const engine = nat64Engine({}, {}, { isFast });
      const out = only(engine.run(from(HOST_A, udp({ srcPort: 4000, dstPort: 53, data: counting(31) }))));
      const { src, dst, hops, srcPort, dstPort } = seen(out);
      assert.deepEqual({ src, dst, hops, dstPort }, { src: POOL, dst: SERVER, hops: 63, dstPort: 53 });
      assert.equal(hasRightChecksums(out), true);
      const back = only(engine.run(toPool(udp({ srcPort: 53, dstPort: srcPort, data: counting(30) }))));
      assert.deepEqual(
        [seen(back).src, seen(back).dst, seen(back).srcPort, seen(back).dstPort, seen(back).hops],
        [SERVER6, HOST_A, 53, 4000, 63],
      );
      assert.equal(hasRightChecksums(back), true);
    });

    test(`N-13, N-05 a TCP connection goes both ways, ${way}`, () => {
      const engine = nat64Engine({}, {}, { isFast });
      const out = only(engine.run(from(HOST_A, tcp({ srcPort: 5000, flags: SYN }))));
      const { srcPort } = seen(out);
      assert.equal(hasRightChecksums(out), true);
      const back = only(engine.run(toPool(tcp({ srcPort: 80, dstPort: srcPort, flags: 0x12, data: counting(9) }))));
      assert.deepEqual([seen(back).dst, seen(back).dstPort], [HOST_A, 5000]);
      assert.equal(hasRightChecksums(back), true);
      const third = only(engine.run(from(HOST_A, tcp({ srcPort: 5000, flags: 0x10, data: counting(1400) }))));
      assert.equal(seen(third).srcPort, srcPort);
      assert.equal(hasRightChecksums(third), true);
    });
  }

  test('N-13, T-5.2-01, T-4.2-01 an echo keeps its session by the identifier', () => {
    const engine = nat64Engine();
    const request = icmp6({ type: 128, rest: [0x12, 0x34, 0, 7], data: counting(20) });
    const out = only(engine.run(from(HOST_A, request)));
    const { identifier } = seen(out);
    assert.deepEqual([seen(out).src, seen(out).protocol, out[20]], [POOL, 1, 8]);
    assert.equal(hasRightChecksums(out), true);
    const reply = icmp4({ type: 0, rest: [identifier >> 8, identifier & 0xff, 0, 7], data: counting(20) });
    const back = only(engine.run(toPool(reply)));
    assert.deepEqual([seen(back).dst, seen(back).identifier, back[40]], [HOST_A, 0x1234, 129]);
    assert.equal(hasRightChecksums(back), true);
    assert.equal(engine.translator.nat64?.state.counters().sessions, 1);
  });

  test('N-13, T-4.5-02 UDP without a checksum gets one on the way in, over the new port', () => {
    const engine = nat64Engine();
    const port = openUdp(engine);
    const back = only(engine.run(toPool(udp({ srcPort: 53, dstPort: port, checksum: 0, data: counting(5) }))));
    assert.notEqual(read16(seen(back).upper, 6), 0);
    assert.equal(hasRightChecksums(back), true);
  });

  test('N-13, T-4.5-04 a checksum that was wrong stays wrong', () => {
    const engine = nat64Engine();
    const out = only(engine.run(from(HOST_A, udp({ srcPort: 4000, checksum: 0x1111, data: counting(8) }))));
    assert.equal(hasRightChecksums(out), false);
  });

  test('N-13, T-O-01 a super-packet goes through as one, and its partial checksum knows nothing of ports', () => {
    const engine = nat64Engine();
    const packet = from(HOST_A, tcp({ srcPort: 5000, flags: SYN, data: counting(4000) }));
    const pseudo = sumWords(pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), 6, packet.length - 40));
    const header = offloadHeader({ flags: 1, type: 4, hdrLen: 60, gsoSize: 1400, start: 40, offset: 16 });
    const result = engine.run(mutate(packet, 56, ...bytes16(pseudo)), header);
    const out = only(result);
    const expected = sumWords(pseudoHeader4(ip4(POOL), ip4(SERVER), 6, out.length - 20));
    assert.equal(read16(out, 36), expected);
    assert.equal(
      toHex(result.offload[0] as Uint8Array),
      toHex(offloadHeader({ flags: 1, type: 1, hdrLen: 40, gsoSize: 1400, start: 20, offset: 16 })),
    );
    assert.notEqual(seen(out).srcPort, -1);
  });

  test('N-13, T-O-02, T-5.1-05 segments that do not fit are answered, and the packet is quoted as it came', () => {
    const engine = nat64Engine({}, { ipv4Mtu: 1300 });
    const packet = from(HOST_A, udp({ srcPort: 4000, data: counting(1400) }));
    const { verdict, reply } = engine.run(packet);
    assert.equal(verdict, 'too-big');
    assert.equal(toHex((reply as Uint8Array).slice(48)), toHex(packet.slice(0, 1232)));
  });

  test('N-13, T-5.1-04 extension headers are skipped, T-5.1-01 the last hop is refused and makes no session', () => {
    const engine = nat64Engine();
    const { verdict } = engine.run(ipv6({ src: HOST_A, dst: SERVER6, hopLimit: 1, payload: udp() }));
    assert.equal(verdict, 'hop-limit');
    assert.equal(engine.translator.nat64?.patienceMs(0), -1);
  });
});

describe('packets that get no session', () => {
  test('N-08 a source inside the prefix, or one of the pool’s addresses from outside, is dropped', () => {
    const engine = nat64Engine();
    assert.equal(engine.run(from('2001:db8:64::c000:2ff', udp())).verdict, 'own-source');
    const port = openUdp(engine);
    assert.equal(engine.run(ipv4({ src: POOL, dst: POOL, payload: udp({ dstPort: port }) })).verdict, 'own-source');
  });

  test('O-04, N-08 who is no client gets nothing', () => {
    const engine = nat64Engine({ clients: [prefix6('2001:db8:a::/48'), prefix6('2001:db8:c::c')] });
    assert.equal(engine.run(from(HOST_A, udp())).verdict, 'translated');
    assert.equal(engine.run(from('2001:db8:c::c', udp())).verdict, 'translated');
    for (const [src, payload] of [
      [HOST_B, udp()],
      [HOST_B, icmp6({ type: 128 })],
      ['2001:db8:c::d', tcp({ flags: SYN })],
    ] as const) {
      const { verdict, reply } = engine.run(from(src, payload));
      assert.deepEqual([verdict, reply], ['not-a-client', null]);
    }
  });

  test('N-13, N-08 protocols without ports are told so in IPv6, and dropped from outside', () => {
    const engine = nat64Engine();
    const { verdict, reply } = engine.run(from(HOST_A, raw(132, counting(40))));
    assert.equal(verdict, 'protocol');
    assert.equal(toHex((reply as Uint8Array).slice(40, 42)), '0401');
    assert.equal(read16(reply as Uint8Array, 46), 6);
    assert.deepEqual(engine.run(toPool(raw(132, counting(40)))).reply, null);
  });

  test('N-10 a full table answers ICMPv6 1/3, or nothing, and established sessions go on', () => {
    for (const whenFull of ['unreachable', 'drop'] as const) {
      const engine = nat64Engine({ whenFull, limits: { ...NAT64.limits, sessions: 1 } });
      openUdp(engine);
      const { verdict, reply } = engine.run(from(HOST_B, udp({ srcPort: 4001 })));
      assert.equal(verdict, 'session-limit');
      assert.equal(reply === null ? null : toHex(reply.slice(40, 42)), whenFull === 'drop' ? null : '0103');
      openUdp(engine);
    }
  });

  test('N-10, T-E-01 a refusal is answered whatever packet came before', () => {
    const engine = nat64Engine({ limits: { ...NAT64.limits, sessions: 1 } });
    openUdp(engine);
    const extensions = [fragmentHeader(1480, true)];
    engine.run(ipv6({ src: HOST_A, dst: SERVER6, extensions, payload: raw(17, counting(8)) }));
    assert.notEqual(engine.run(from(HOST_B, udp({ srcPort: 4001 }))).reply, null);
    engine.run(from(HOST_A, icmp6({ type: 1, code: 4, data: counting(8) })));
    assert.notEqual(engine.run(from(HOST_B, udp({ srcPort: 4001 }))).reply, null);
  });

  test('N-10, T-E-02 refusals are limited like all errors', () => {
    const engine = nat64Engine({ limits: { ...NAT64.limits, sessions: 1 } }, { errorsPerSecond: 1 });
    openUdp(engine);
    const again = () => engine.run(from(HOST_B, udp({ srcPort: 4001 }))).reply;
    assert.deepEqual([again() === null, again() === null], [false, true]);
  });

  test('N-02 what nobody asked for is dropped in silence, or answered with ICMPv4 3/3', () => {
    const packet = toPool(udp({ dstPort: 5353 }));
    assert.deepEqual(nat64Engine().run(packet), { verdict: 'no-binding', out: [], offload: [], reply: null });
    const { verdict, reply } = nat64Engine({ answersUnsolicited: true }).run(packet);
    assert.equal(verdict, 'no-binding');
    assert.equal(toHex((reply as Uint8Array).slice(20, 22)), '0303');
    assert.equal(toHex((reply as Uint8Array).slice(28)), toHex(packet));
  });

  test('N-02 filtering by address lets in who was sent to, and nobody else', () => {
    const engine = nat64Engine({ filtering: 'address-dependent', answersUnsolicited: true });
    const dstPort = openUdp(engine);
    assert.equal(engine.run(toPool(udp({ srcPort: 9, dstPort }))).verdict, 'translated');
    const { verdict, reply } = engine.run(toPool(udp({ dstPort }), '203.0.113.9'));
    assert.equal(verdict, 'filtered');
    assert.equal(toHex((reply as Uint8Array).slice(20, 22)), '030d');
  });

  test('N-13, A-03 private addresses do not go through the well-known prefix', () => {
    const engine = nat64Engine({}, { prefix: prefix6('64:ff9b::/96') });
    const { verdict, reply } = engine.run(from(HOST_A, udp(), '64:ff9b::a00:1'));
    assert.equal(verdict, 'non-global');
    assert.equal(toHex((reply as Uint8Array).slice(40, 42)), '0100');
  });
});

describe('the gateway itself', () => {
  const ping = (id: number): Layer => icmp4({ type: 8, rest: [id >> 8, id & 0xff, 0, 1], data: counting(8) });

  test('N-13 its addresses answer ping, also where the IPv4 one is the pool’s', () => {
    const engine = nat64Engine({}, { ownIpv4: ip4(POOL) });
    const { verdict, reply } = engine.run(toPool(ping(77)));
    assert.equal(verdict, 'answered');
    assert.deepEqual([seen(reply as Uint8Array).src, (reply as Uint8Array)[20]], [POOL, 0]);
    const six = engine.run(from(HOST_A, icmp6({ type: 128 }), '2001:db8:6464::1'));
    assert.equal(six.verdict, 'answered');
    assert.equal(nat64Engine().run(toPool(ping(77))).verdict, 'no-binding');
  });

  test('N-13 a ping to the pool’s address that has a binding goes to its host', () => {
    const engine = nat64Engine({}, { ownIpv4: ip4(POOL) });
    const { identifier } = seen(only(engine.run(from(HOST_A, icmp6({ type: 128, rest: [1, 2, 0, 0] })))));
    assert.equal(seen(only(engine.run(toPool(ping(identifier))))).dst, HOST_A);
    // The same two ends: no session of its own.
    assert.equal(engine.translator.nat64?.state.counters().sessions, 1);
  });
});

describe('hairpinning', () => {
  /** B's UDP port 6000 in the pool. */
  const bindB = (engine: Engine): number =>
    seen(only(engine.run(from(HOST_B, udp({ srcPort: 6000, dstPort: 53 }))))).srcPort;

  test('N-06 UDP turns round: from the sender’s own mapping, to the host behind the other', () => {
    const engine = nat64Engine();
    const dstPort = bindB(engine);
    const out = only(engine.run(from(HOST_A, udp({ srcPort: 4000, dstPort, data: counting(9) }), POOL6)));
    const { src, dst, srcPort, dstPort: to, hops } = seen(out);
    assert.deepEqual({ src, dst, to, hops }, { src: POOL6, dst: HOST_B, to: 6000, hops: 63 });
    assert.equal(hasRightChecksums(out), true);
    const back = only(engine.run(from(HOST_B, udp({ srcPort: 6000, dstPort: srcPort }), POOL6)));
    assert.deepEqual([seen(back).src, seen(back).dst, seen(back).srcPort], [POOL6, HOST_A, dstPort]);
    assert.equal(seen(back).dstPort, 4000);
    assert.equal(hasRightChecksums(back), true);
  });

  test('N-06, N-09 TCP turns round to a static binding', () => {
    const binding = { protocol: 'tcp', ipv6: ip6(HOST_B), port6: 80, ipv4: ip4(POOL), port4: 8080 } as const;
    const engine = nat64Engine({ staticBindings: [binding] });
    const out = only(engine.run(from(HOST_A, tcp({ srcPort: 4000, dstPort: 8080, flags: SYN }), POOL6)));
    assert.deepEqual([seen(out).src, seen(out).dst, seen(out).dstPort], [POOL6, HOST_B, 80]);
    assert.equal(hasRightChecksums(out), true);
    const back = only(engine.run(from(HOST_B, tcp({ srcPort: 80, dstPort: seen(out).srcPort, flags: 0x12 }), POOL6)));
    assert.deepEqual([seen(back).dst, seen(back).srcPort, seen(back).dstPort], [HOST_A, 8080, 4000]);
  });

  test('N-06 an echo to the pool’s address turns round by its identifier', () => {
    const engine = nat64Engine();
    const out = only(engine.run(from(HOST_A, icmp6({ type: 128, rest: [0, 9, 0, 1], data: counting(8) }), POOL6)));
    assert.deepEqual([seen(out).src, seen(out).dst, out[40], seen(out).identifier], [POOL6, HOST_A, 128, 9]);
    assert.equal(hasRightChecksums(out), true);
  });

  test('N-06, N-04 an error about a packet that turned round turns round to its sender', () => {
    const engine = nat64Engine();
    const dstPort = bindB(engine);
    const first = only(engine.run(from(HOST_A, udp({ srcPort: 4000, dstPort, data: counting(9) }), POOL6)));
    const error = icmp6({ type: 1, code: 4, data: first });
    const out = only(engine.run(ipv6({ src: HOST_B, dst: POOL6, payload: error })));
    assert.deepEqual([seen(out).src, seen(out).dst, toHex(out.slice(40, 42))], [POOL6, HOST_A, '0104']);
    const inner = out.slice(48);
    assert.deepEqual(
      [seen(inner).src, seen(inner).dst, seen(inner).srcPort, seen(inner).dstPort],
      [HOST_A, POOL6, 4000, dstPort],
    );
    assert.equal(hasRightChecksums(out), true);
    assert.equal(hasRightChecksums(inner), true);
  });

  test('N-06 an address of the gateway’s own does not answer what turned round, in IPv4', () => {
    const second = poolOf('192.0.2.2');
    const engine = nat64Engine({ pool: [...NAT64.pool, ...second] }, { ownIpv4: ip4(POOL) });
    const pings = [...Array(20).keys()].map((id) =>
      engine.run(
        from(HOST_A, icmp6({ type: 128, rest: [0, id, 0, 1] }), id % 2 === 0 ? POOL6 : '2001:db8:64::c000:202'),
      ),
    );
    const astray = pings.filter(({ verdict }) => verdict === 'no-binding');
    assert.ok(astray.length > 0);
    for (const { verdict, out, reply } of pings) {
      if (verdict === 'no-binding') assert.deepEqual([out, reply], [[], null]);
      else assert.equal((out[0] as Uint8Array)[0], 0x60);
    }
  });

  test('N-06 without a binding there nothing leaves, in no family', () => {
    const engine = nat64Engine();
    const { verdict, out } = engine.run(from(HOST_A, udp({ dstPort: 5353 }), POOL6));
    assert.deepEqual([verdict, out], ['no-binding', []]);
  });

  test('N-06 a binding that leads back into the prefix makes no loop', () => {
    const binding = { protocol: 'udp', ipv6: ip6(POOL6), port6: 9, ipv4: ip4(POOL), port4: 9 } as const;
    const engine = nat64Engine({ staticBindings: [binding] });
    for (const packet of [from(HOST_A, udp({ dstPort: 9 }), POOL6), toPool(udp({ dstPort: 9 }))]) {
      assert.equal(engine.run(packet).verdict, 'hairpin-loop');
    }
  });
});

describe('ICMP errors', () => {
  test('N-04, N-13, T-5.2-10 an error of an IPv6 router goes to the server, about the packet that the server sent', () => {
    const engine = nat64Engine();
    const dstPort = openUdp(engine);
    const inner = only(engine.run(toPool(udp({ srcPort: 53, dstPort, data: counting(20) }))));
    for (const [src, source4] of [
      ['2001:db8:ffff::1', '192.0.2.9'],
      [HOST_A, POOL],
    ] as const) {
      const out = only(engine.run(ipv6({ src, dst: SERVER6, payload: icmp6({ type: 1, code: 4, data: inner }) })));
      assert.deepEqual([seen(out).src, seen(out).dst, toHex(out.slice(20, 22))], [source4, SERVER, '0303']);
      assert.equal(hasRightChecksums(out), true);
      const quoted = out.slice(28);
      assert.deepEqual(
        [seen(quoted).src, seen(quoted).dst, seen(quoted).srcPort, seen(quoted).dstPort],
        [SERVER, POOL, 53, dstPort],
      );
      assert.equal(hasRightChecksums(quoted), true);
    }
  });

  test('N-13 without an address of its own it speaks for the router by the pool’s', () => {
    const engine = nat64Engine({}, { ownIpv4: 0 });
    const dstPort = openUdp(engine);
    const data = only(engine.run(toPool(udp({ srcPort: 53, dstPort }))));
    const error = icmp6({ type: 3, code: 0, data });
    assert.equal(seen(only(engine.run(ipv6({ src: '2001:db8:ffff::1', dst: SERVER6, payload: error })))).src, POOL);
  });

  for (const [name, payload, bytes] of [
    ['UDP', udp({ srcPort: 4000, dstPort: 53, data: counting(64) }), 28],
    ['TCP', tcp({ srcPort: 4000, dstPort: 80, flags: SYN }), 40],
    ['an echo', icmp6({ type: 128, rest: [0x0f, 0xa0, 0, 1], data: counting(16) }), 28],
  ] as const) {
    test(`N-04, N-13, T-4.2-06 "too big" about ${name} reaches the host, with its own ports inside`, () => {
      const engine = nat64Engine();
      const packet = from(HOST_A, payload);
      const sent = only(engine.run(packet));
      for (const data of [sent, sent.slice(0, bytes)]) {
        const error = icmp4({ type: 3, code: 4, rest: [0, 0, 0x05, 0x14], data });
        const out = only(engine.run(ipv4({ src: '203.0.113.1', dst: POOL, payload: error })));
        assert.deepEqual([seen(out).src, seen(out).dst, out[40]], ['2001:db8:64::cb00:7101', HOST_A, 2]);
        assert.equal(hasRightChecksums(out), true);
        const inner = out.slice(48);
        assert.deepEqual([seen(inner).src, seen(inner).dst], [HOST_A, SERVER6]);
        // The hop limit went down by one; the rest is what the host sent.
        assert.equal(toHex(inner.slice(40)), toHex(packet.slice(40, 40 + inner.length - 40)));
      }
    });
  }

  test('N-08, N-04 the kernel that shares the pool’s address may speak of what it could not send on', () => {
    const engine = nat64Engine();
    const data = only(engine.run(from(HOST_A, udp({ srcPort: 4000, dstPort: 53 }))));
    const error = icmp4({ type: 3, code: 4, rest: [0, 0, 5, 0xd4], data });
    assert.equal(seen(only(engine.run(ipv4({ src: POOL, dst: POOL, payload: error })))).dst, HOST_A);
  });

  test('N-04 an error about nothing that was sent, to somebody else, or cut before the ports is dropped', () => {
    const engine = nat64Engine();
    const sent = only(engine.run(from(HOST_A, udp({ srcPort: 4000, dstPort: 53 }))));
    const error = (data: Uint8Array, dst = POOL) =>
      engine.run(ipv4({ src: '203.0.113.1', dst, payload: icmp4({ type: 11, data }) })).verdict;
    assert.equal(error(mutate(sent, 22, 0, 54)), 'no-session');
    assert.equal(error(mutate(sent, 20, 0, 1)), 'no-binding');
    assert.equal(error(sent, '192.0.2.2'), 'icmp-inner');
    assert.equal(error(sent.slice(0, 23)), 'icmp-inner');
    assert.equal(error(ipv4({ src: POOL, payload: icmp4({ type: 3, data: sent }) })), 'icmp-nested');
    // A fragment that is not the first has no ports, whatever its data looks like.
    const later = { src: POOL, dst: SERVER, mf: true, fragmentOffset: 8, payload: raw(17, sent.slice(20)) };
    assert.equal(error(ipv4(later)), 'icmp-inner');
    assert.equal(error(ipv4({ src: POOL, payload: raw(132, counting(20)) })), 'icmp-inner');
  });

  test('N-04, N-08 a forged error of an IPv6 host is dropped', () => {
    const engine = nat64Engine();
    const dstPort = openUdp(engine);
    const data = only(engine.run(toPool(udp({ srcPort: 53, dstPort }))));
    const error = (src: string, dst: string) =>
      engine.run(ipv6({ src, dst, payload: icmp6({ type: 1, code: 4, data }) })).verdict;
    assert.equal(error(HOST_A, '2001:db8:64::cb00:7101'), 'icmp-inner');
    assert.equal(error('2001:db8:64::cb00:7101', SERVER6), 'own-source');
    const extensions = [fragmentHeader(8, true)];
    const later = ipv6({ src: SERVER6, dst: HOST_A, extensions, payload: raw(17, data.slice(40)) });
    const about = ipv6({ src: HOST_A, dst: SERVER6, payload: icmp6({ type: 1, code: 4, data: later }) });
    assert.equal(engine.run(about).verdict, 'icmp-inner');
  });

  test('N-04 errors keep no session alive and end none', () => {
    const engine = nat64Engine();
    const dstPort = openUdp(engine, 0);
    const data = only(engine.run(toPool(udp({ srcPort: 53, dstPort })), undefined, 0));
    const error = ipv6({ src: HOST_A, dst: SERVER6, payload: icmp6({ type: 1, code: 4, data }) });
    for (const nowMs of [100_000, 200_000, 299_000]) {
      engine.expire(nowMs);
      assert.equal(engine.run(error, undefined, nowMs).verdict, 'translated');
    }
    engine.expire(303_000);
    assert.equal(engine.run(error, undefined, 303_000).verdict, 'no-binding');
  });
});

describe('time', () => {
  test('N-04 while nothing is in the tables nothing is waited for', () => {
    const engine = nat64Engine();
    const patience = (nowMs: number) => engine.translator.nat64?.patienceMs(nowMs);
    const extensions = [fragmentHeader(8, true)];
    assert.equal(patience(0), -1);
    engine.run(ipv6({ src: HOST_A, dst: SERVER6, extensions, payload: raw(17, counting(8)) }));
    assert.deepEqual([patience(0), patience(1500), patience(9999)], [1000, 500, 0]);
    engine.expire(2000);
    assert.equal(patience(2000), -1);
    openUdp(engine);
    assert.equal(patience(2000), 1000);
    engine.expire(400_000);
    assert.equal(patience(400_000), -1);
  });

  test('N-05 an established connection that ran out is probed at its IPv6 end', () => {
    const engine = nat64Engine();
    const { srcPort } = seen(only(engine.run(from(HOST_A, tcp({ srcPort: 5000, flags: SYN })))));
    engine.run(toPool(tcp({ srcPort: 80, dstPort: srcPort, flags: 0x12 })));
    const sent = engine.expire(NAT64.timers.tcpEstablishedMs + 2000);
    assert.equal(sent.length, 1);
    const probe = sent[0] as Uint8Array;
    assert.deepEqual(
      [seen(probe).src, seen(probe).dst, seen(probe).srcPort, seen(probe).dstPort],
      [SERVER6, HOST_A, 80, 5000],
    );
    assert.equal(probe[40 + 13], 0x10);
    assert.equal(hasRightChecksums(probe), true);
  });

  test('N-02 a SYN that was held in vain is answered with ICMPv4 3/3 after 6 s, where unsolicited packets are', () => {
    for (const answersUnsolicited of [true, false]) {
      const engine = nat64Engine({ answersUnsolicited, filtering: 'address-dependent' });
      const { srcPort } = seen(only(engine.run(from(HOST_A, tcp({ srcPort: 5000, flags: SYN })))));
      const packet = toPool(tcp({ srcPort: 999, dstPort: srcPort, flags: SYN, data: counting(100) }), '203.0.113.5');
      assert.equal(engine.run(packet, undefined, 1000).verdict, 'syn-held');
      assert.deepEqual(engine.expire(6500), []);
      const sent = engine.expire(9000);
      assert.equal(sent.length, answersUnsolicited ? 1 : 0);
      if (!answersUnsolicited) continue;
      const [error] = sent as [Uint8Array];
      assert.deepEqual([seen(error).dst, toHex(error.slice(20, 22))], ['203.0.113.5', '0303']);
      assert.equal(toHex(error.slice(28)), toHex(packet.slice(0, 68)));
      assert.equal(hasRightChecksums(error), true);
    }
  });
});
