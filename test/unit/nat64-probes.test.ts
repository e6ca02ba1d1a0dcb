// Many established connections that run out at once: every one gets its probe, and no turn takes longer than its budget. Rule N-05.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EXPIRED_PROBE } from '../../src/core/nat64/nat64-state.ts';
import { expireSessions } from '../../src/core/nat64/probe.ts';
import { makePacketList, makeSlab, type PacketList } from '../../src/core/wire/slab.ts';
import { HOST_A, NAT64, nat64Engine, only, POOL, SERVER, SERVER6, seen } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS } from '../support/nat64-driver.ts';
import { ipv4, ipv6, tcp } from '../support/packets.ts';

const SESSIONS = 3000;
const BUDGET = 100;
const LATE = NAT64.timers.tcpEstablishedMs + 2000;

/** A NAT64 with many established connections of one host. */
function established() {
  const limits = { ...NAT64.limits, sessions: SESSIONS, sessionsPerHost: 0, newSessionsPerSecondPerHost: 0 };
  const engine = nat64Engine({ limits });
  for (let i = 0; i < SESSIONS; i++) {
    const syn = tcp({ srcPort: 1024 + i, dstPort: 80, flags: SEGMENTS.syn });
    const { srcPort } = seen(only(engine.run(ipv6({ src: HOST_A, dst: SERVER6, payload: syn }))));
    const answer = tcp({ srcPort: 80, dstPort: srcPort, flags: SEGMENTS.syn | 0x10 });
    only(engine.run(ipv4({ src: SERVER, dst: POOL, payload: answer })));
  }
  const { nat64 } = engine.translator;
  assert.ok(nat64 !== null);
  const inTrans = () =>
    nat64.state.listSessions({}, 10_000, 0, LATE).sessions.filter(({ state }) => state === 'trans').length;
  const slab = makeSlab(1024 * 1024);
  const turn = (out: PacketList) => expireSessions(nat64, engine.translator, slab, out, LATE, BUDGET);
  return { turn, inTrans, bytes: slab.bytes };
}

/** An empty list with so much room. */
function listOf(packets: number, bytes: number): PacketList {
  const out = makePacketList(packets);
  out.spareEnd = bytes;
  return out;
}

describe('established connections that run out at once', () => {
  test('N-05, N-10 one turn looks at no more of them than its budget, and says that more are due', () => {
    const { turn, inTrans } = established();
    const out = listOf(2048, 512 * 1024);
    assert.equal(turn(out), true);
    assert.ok(out.count > 0 && out.count <= BUDGET, `${out.count} probes`);
    assert.equal(inTrans(), out.count);
  });

  for (const [name, packets, bytes] of [
    ['a list of 7 packets', 7, 512 * 1024],
    ['room for a few', 2048, 1000],
    ['room for all', 2048, 512 * 1024],
  ] as const) {
    test(`N-05 every one is probed once, whatever a turn has room for: ${name}`, () => {
      const { turn, inTrans, bytes: slab } = established();
      const ports = new Set<number>();
      let probes = 0;
      for (let isMore = true; isMore; ) {
        const out = listOf(packets, bytes);
        isMore = turn(out);
        probes += out.count;
        assert.equal(inTrans(), probes);
        for (let i = 0; i < out.count; i++)
          ports.add(seen(slab.slice(out.offset[i], (out.offset[i] as number) + (out.length[i] as number))).dstPort);
      }
      assert.deepEqual([probes, ports.size], [SESSIONS, SESSIONS]);
    });
  }

  test('N-05 the tables say what they left of the budget', () => {
    const driver = new Nat64Driver(NAT64);
    for (const port of [1, 2]) {
      const pool = driver.out('tcp', `[2001:db8::1]:${port}`, '198.51.100.7:80', SEGMENTS.syn);
      driver.in('tcp', pool, '198.51.100.7:80', SEGMENTS.synAck);
    }
    const { state } = driver;
    const nowMs = driver.nowMs + LATE;
    assert.equal(state.expire(nowMs, 10), EXPIRED_PROBE);
    const left = state.budgetLeft;
    assert.ok(left > 0 && left < 10);
    assert.equal(state.expire(nowMs, left), EXPIRED_PROBE);
    assert.ok(state.budgetLeft < left);
  });
});
