// The TCP sessions of NAT64: every state with every segment, from the table and through the tables of sessions; and what
// happens when a state's time is over.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_TIMERS } from '../../src/core/nat64/settings.ts';
import {
  CLOSED,
  CLOSES,
  EVENTS,
  FROM_V4,
  OPENS,
  OTHER,
  REFRESHES,
  RESETS,
  TCP_STATE_NAMES,
  TCP_TRANSITIONS,
  tcpEvent,
} from '../../src/core/nat64/tcp-state.ts';
import { nextState, type Says, type State } from '../reference/nat64.ts';
import { NAT64 } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS, staticBinding } from '../support/nat64-driver.ts';

const HOST = '[2001:db8::1]:5000';
const SERVER = '198.51.100.7:80';
const SAYS: readonly Says[] = ['other', 'syn', 'fin', 'rst'];
const FLAGS: Readonly<Record<Says, number>> = {
  other: SEGMENTS.ack,
  syn: SEGMENTS.syn,
  fin: SEGMENTS.fin,
  rst: SEGMENTS.rst,
};

/** The segments that lead from nothing to each state; '<' from outside, '>' from inside. */
const WAY_TO: Readonly<Record<string, readonly string[]>> = {
  'v4-init': ['<syn'],
  'v6-init': ['>syn'],
  established: ['>syn', '<syn'],
  'v4-fin-rcv': ['>syn', '<syn', '<fin'],
  'v6-fin-rcv': ['>syn', '<syn', '>fin'],
  'v4-fin-v6-fin-rcv': ['>syn', '<syn', '>fin', '<fin'],
  trans: ['>syn', '<syn', '<rst'],
};

/** A driver with a port open from outside, on which the segments have passed. */
function driverAt(state: string): Nat64Driver {
  const driver = new Nat64Driver({ ...NAT64, staticBindings: [staticBinding('tcp', HOST, '192.0.2.1:8080')] });
  for (const step of WAY_TO[state] ?? []) send(driver, step);
  assert.equal(driver.onlyState, state);
  return driver;
}

function send(driver: Nat64Driver, step: string): void {
  const flags = FLAGS[step.slice(1) as Says];
  const result =
    step[0] === '<' ? driver.in('tcp', '192.0.2.1:8080', SERVER, flags) : driver.out('tcp', HOST, SERVER, flags);
  assert.equal(result, step[0] === '<' ? HOST : '192.0.2.1:8080', step);
}

describe('the table of TCP states', () => {
  test('N-05 agrees with RFC 6146 §3.5.2.2 as the twin tells it, in every state with every segment from either side', () => {
    for (const [state, name] of TCP_STATE_NAMES.entries()) {
      if (state === CLOSED) continue;
      for (const side of ['v6', 'v4'] as const) {
        for (const [event, says] of SAYS.entries()) {
          const transition = TCP_TRANSITIONS[state]?.[event + (side === 'v4' ? FROM_V4 : 0)] ?? -1;
          const next = nextState(name as State, side, says);
          const got = transition < REFRESHES ? null : TCP_STATE_NAMES[transition & ~REFRESHES];
          assert.equal(got, next, `${name}: ${side} ${says}`);
          if (next === null) assert.equal(transition, state, `${name}: ${side} ${says} changes nothing`);
        }
      }
    }
  });

  test('N-05 has a row of all events for each state', () => {
    assert.deepEqual(
      TCP_TRANSITIONS.map((row) => row.length),
      TCP_STATE_NAMES.map(() => EVENTS),
    );
  });

  test('N-05 a segment that says two things resets before it opens, and opens before it closes', () => {
    assert.equal(tcpEvent(0), OTHER);
    assert.equal(tcpEvent(0xf8), OTHER);
    assert.equal(tcpEvent(SEGMENTS.synAck), OPENS);
    assert.equal(tcpEvent(SEGMENTS.fin), CLOSES);
    assert.equal(tcpEvent(0x03), OPENS);
    assert.equal(tcpEvent(0x05), RESETS);
    assert.equal(tcpEvent(0xff), RESETS);
  });
});

describe('TCP sessions', () => {
  for (const state of Object.keys(WAY_TO)) {
    for (const [arrow, side] of [
      ['>', 'v6'],
      ['<', 'v4'],
    ] as const) {
      for (const says of SAYS) {
        const next = nextState(state as State, side, says);
        test(`N-05 in ${state}, ${says} from ${side} leads to ${next ?? state}${next === null ? ' and refreshes nothing' : ''}`, () => {
          const driver = driverAt(state);
          const leftMs = () => driver.state.listSessions({}, 1, 0, driver.nowMs).sessions[0]?.leftMs;
          driver.nowMs += 700;
          const before = leftMs();
          send(driver, arrow + says);
          assert.equal(driver.onlyState, next ?? state);
          const isLong = ['established', 'v4-fin-rcv', 'v6-fin-rcv'].includes(next ?? state);
          const whole = isLong ? DEFAULT_TIMERS.tcpEstablishedMs : DEFAULT_TIMERS.tcpTransitoryMs;
          assert.equal(leftMs(), next === null ? before : whole);
        });
      }
    }
  }

  for (const state of Object.keys(WAY_TO)) {
    const isLong = ['established', 'v4-fin-rcv', 'v6-fin-rcv'].includes(state);
    const lifetimeMs = isLong ? DEFAULT_TIMERS.tcpEstablishedMs : DEFAULT_TIMERS.tcpTransitoryMs;
    test(`N-04, N-05 ${state} lasts ${lifetimeMs / 60_000} minutes, to the second`, () => {
      const driver = driverAt(state);
      assert.deepEqual(driver.wait(lifetimeMs - 1), { probes: [], syns: [] });
      assert.equal(driver.onlyState, state);
      const { probes } = driver.wait(1001);
      assert.deepEqual(driver.sessions().length, state === 'established' ? 1 : 0);
      assert.equal(probes.length, state === 'established' ? 1 : 0);
    });
  }

  test('N-05 an established session that runs out sends a probe, and lives on only if something comes back', () => {
    const driver = driverAt('established');
    const { probes } = driver.wait(DEFAULT_TIMERS.tcpEstablishedMs + 1000);
    assert.deepEqual(probes, [`${HOST} 192.0.2.1:8080 ${SERVER}`]);
    assert.equal(driver.onlyState, 'trans');
    driver.wait(DEFAULT_TIMERS.tcpTransitoryMs - 2000);
    send(driver, '>other');
    assert.equal(driver.onlyState, 'established');
    assert.equal(driver.wait(DEFAULT_TIMERS.tcpEstablishedMs + 1000).probes.length, 1);
    assert.deepEqual(driver.wait(DEFAULT_TIMERS.tcpTransitoryMs + 1000), { probes: [], syns: [] });
    assert.deepEqual(driver.sessions(), []);
  });

  test('N-05 a reset takes a session of two hours into the four minutes at once', () => {
    const driver = driverAt('established');
    driver.wait(5000);
    send(driver, '<rst');
    driver.wait(DEFAULT_TIMERS.tcpTransitoryMs + 1000);
    assert.deepEqual(driver.sessions(), []);
  });

  test('N-05 data after a reset, which may have been forged, keeps the session', () => {
    const driver = driverAt('trans');
    send(driver, '>other');
    driver.wait(DEFAULT_TIMERS.tcpTransitoryMs + 2000);
    assert.equal(driver.onlyState, 'established');
  });

  test('N-05 without a binding only a SYN opens a connection from inside', () => {
    const driver = new Nat64Driver(NAT64);
    for (const says of ['other', 'fin', 'rst'] as const)
      assert.equal(driver.out('tcp', HOST, SERVER, FLAGS[says]), 'no-session');
    assert.deepEqual(driver.bindings(), []);
    assert.match(driver.out('tcp', HOST, SERVER, SEGMENTS.syn), /^192\.0\.2\.1:/);
  });

  test('N-05 with a binding other segments pass and open nothing', () => {
    const driver = new Nat64Driver(NAT64);
    const pool = driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    assert.equal(driver.out('tcp', HOST, '203.0.113.1:443', SEGMENTS.ack), pool);
    assert.equal(driver.state.session, 0);
    assert.equal(driver.in('tcp', pool, '203.0.113.1:443', SEGMENTS.ack), HOST);
    assert.equal(driver.state.session, 0);
    assert.equal(driver.sessions().length, 1);
  });
});

describe('simultaneous open', () => {
  const remote = '203.0.113.5:6000';
  const settings = { ...NAT64, filtering: 'address-dependent' as const };

  test('N-02, N-05 a SYN that the filter would stop is held, and a SYN from inside within six seconds makes it a connection', () => {
    const driver = new Nat64Driver(settings);
    const pool = driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    assert.equal(driver.in('tcp', pool, remote, SEGMENTS.syn), 'syn-held');
    assert.equal(driver.in('tcp', pool, remote, SEGMENTS.syn), 'syn-held');
    assert.equal(driver.state.counters().heldSyns, 1);
    driver.wait(5900);
    assert.equal(driver.out('tcp', HOST, remote, SEGMENTS.syn), pool);
    assert.equal(driver.state.counters().heldSyns, 0);
    assert.ok(driver.sessions().some((session) => session.endsWith(`${remote} established`)));
    assert.deepEqual(driver.wait(60_000).syns, []);
  });

  test('N-02, N-04 a held SYN that nobody answers comes out after six seconds with its first bytes', () => {
    const driver = new Nat64Driver(NAT64);
    const packet = Uint8Array.from({ length: 100 }, (_, i) => i);
    assert.equal(driver.in('tcp', '192.0.2.1:5555', remote, SEGMENTS.syn), 'syn-held');
    driver.state.keepQuote(packet, 10, 90);
    assert.deepEqual(driver.wait(5999).syns, []);
    const { syns } = driver.wait(1);
    assert.deepEqual(syns, [{ tuple: `192.0.2.1:5555 ${remote}`, quote: packet.slice(10, 78) }]);
  });

  test('N-10 held SYNs are bounded, and a flood of them is counted', () => {
    const driver = new Nat64Driver({ ...NAT64, limits: { ...NAT64.limits, heldSyns: 3 } });
    const hold = (port: number) => driver.in('tcp', '192.0.2.1:5555', `203.0.113.5:${port}`, SEGMENTS.syn);
    assert.deepEqual([1, 2, 3, 4, 1].map(hold), ['syn-held', 'syn-held', 'syn-held', 'syn-limit', 'syn-held']);
    assert.equal(driver.state.counters().refused.synLimit, 1);
    assert.equal(driver.wait(6000).syns.length, 3);
    assert.equal(hold(4), 'syn-held');
  });

  test('N-02 nothing is held for an address that is not ours, for other segments, or where the limit is none', () => {
    const driver = new Nat64Driver(NAT64);
    assert.equal(driver.in('tcp', '192.0.2.77:5555', remote, SEGMENTS.syn), 'no-binding');
    assert.equal(driver.in('tcp', '192.0.2.1:5555', remote, SEGMENTS.ack), 'no-binding');
    assert.equal(driver.in('udp', '192.0.2.1:5555', remote), 'no-binding');
    const none = new Nat64Driver({ ...NAT64, limits: { ...NAT64.limits, heldSyns: 0 } });
    assert.equal(none.in('tcp', '192.0.2.1:5555', remote, SEGMENTS.syn), 'no-binding');
  });
});
