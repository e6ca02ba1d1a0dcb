// Who may use NAT64 up: strangers outside, a port opened by hand, one host with all its packets or all its addresses. The others,
// and those who were there before, go on.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_LIMITS, type Nat64Limits, type Nat64Settings } from '../../src/core/nat64/settings.ts';
import { NAT64, poolOf } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS, staticBinding } from '../support/nat64-driver.ts';

const HOST = '[2001:db8::1]:5000';
const SERVER = '198.51.100.7:80';
const limits = (change: Partial<Nat64Limits>): Nat64Settings => ({ ...NAT64, limits: { ...NAT64.limits, ...change } });
const isMapped = (result: string): boolean => result.startsWith('192.0.2.');
const stranger = (i: number): string => `203.0.${i >> 8}.${i & 255}:4444`;

describe('strangers outside', () => {
  test('N-04 strangers do not hold a mapping open', () => {
    const driver = new Nat64Driver(NAT64);
    const pool = driver.out('udp', HOST, SERVER);
    for (let i = 0; i < 300; i++) {
      driver.wait(290_000);
      driver.in('udp', pool, `203.0.113.66:${1000 + i}`);
    }
    const { bindings, sessions, hosts, freePorts } = driver.state.counters();
    assert.deepEqual([bindings.udp, sessions, hosts, freePorts.udp], [0, 0, 0, 64_512]);
  });

  test('N-04 neither with SYNs, which the host answers with a reset, nor with pings', () => {
    const driver = new Nat64Driver(NAT64);
    const tcp = driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    const icmp = driver.out('icmp', HOST, SERVER);
    for (let i = 0; i < 100; i++) {
      driver.wait(50_000);
      driver.in('icmp', icmp, `203.0.113.66:${i + 1}`);
      if (driver.in('tcp', tcp, `203.0.113.66:${i + 1}`, SEGMENTS.syn) === HOST)
        driver.out('tcp', HOST, `203.0.113.66:${i + 1}`, SEGMENTS.rst);
    }
    assert.deepEqual(driver.bindings(), []);
  });

  test('N-04 a stranger whom the inside answers is none: the mapping lasts as long as the two talk', () => {
    const driver = new Nat64Driver(NAT64);
    const pool = driver.out('udp', HOST, SERVER);
    driver.wait(290_000);
    assert.equal(driver.in('udp', pool, stranger(1)), HOST);
    assert.equal(driver.out('udp', HOST, stranger(1)), pool);
    for (let i = 0; i < 5; i++) {
      driver.wait(290_000);
      assert.equal(driver.in('udp', pool, stranger(1)), HOST);
    }
    assert.equal(driver.onlyState, 'udp');
  });

  test('N-04, N-05 a SYN from outside after both FINs does not keep the mapping once its own time is over', () => {
    const driver = new Nat64Driver(NAT64);
    const pool = driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    driver.in('tcp', pool, SERVER, SEGMENTS.synAck);
    driver.out('tcp', HOST, SERVER, SEGMENTS.fin);
    driver.in('tcp', pool, SERVER, SEGMENTS.fin);
    for (let i = 0; i < 20; i++) {
      driver.in('tcp', pool, i === 0 ? SERVER : stranger(i), SEGMENTS.syn);
      driver.wait(100_000);
    }
    assert.deepEqual(driver.bindings(), []);
  });

  test('N-09 a port opened by hand stays, whoever speaks', () => {
    const binding = staticBinding('udp', HOST, '192.0.2.1:53');
    const driver = new Nat64Driver({ ...NAT64, staticBindings: [binding] });
    driver.out('udp', HOST, SERVER);
    for (let i = 0; i < 10; i++) {
      driver.in('udp', '192.0.2.1:53', stranger(i));
      driver.wait(290_000);
    }
    assert.equal(driver.in('udp', '192.0.2.1:53', stranger(99)), HOST);
  });

  test('N-10 strangers fill half of the limit of a network, so that it can still open sessions', () => {
    const driver = new Nat64Driver(limits({ sessionsPerNetwork: 10 }));
    const pool = driver.out('udp', HOST, SERVER);
    const results = Array.from({ length: 20 }, (_, i) => driver.in('udp', pool, stranger(i)));
    assert.equal(results.filter((result) => result === HOST).length, 4);
    assert.equal(results.at(-1), 'network-limit');
    for (let i = 0; i < 5; i++) assert.ok(isMapped(driver.out('udp', `[2001:db8::2]:${i + 1}`, SERVER)));
  });

  test('N-10 strangers leave a host half of its new sessions a second', () => {
    const driver = new Nat64Driver(limits({ newSessionsPerSecondPerHost: 20 }));
    const pool = driver.out('udp', HOST, SERVER);
    driver.nowMs += 5000;
    const results = Array.from({ length: 30 }, (_, i) => driver.in('udp', pool, stranger(i)));
    assert.equal(results.filter((result) => result === HOST).length, 10);
    assert.equal(results.at(-1), 'rate-limit');
    const own = Array.from({ length: 30 }, (_, i) => driver.out('udp', HOST, `198.51.100.1:${i + 1}`));
    assert.equal(own.filter(isMapped).length, 10);
  });
});

describe('a port opened by hand', () => {
  const open = (change: Partial<Nat64Limits>) =>
    new Nat64Driver({ ...limits(change), staticBindings: [staticBinding('udp', HOST, '192.0.2.1:443')] });

  test('N-02, N-09 address-dependent: a port opened by hand is open to all', () => {
    for (const protocol of ['udp', 'tcp', 'icmp'] as const) {
      const byHand = staticBinding(protocol, HOST, '192.0.2.1:2000');
      const driver = new Nat64Driver({ ...NAT64, filtering: 'address-dependent', staticBindings: [byHand] });
      assert.equal(driver.in(protocol, '192.0.2.1:2000', SERVER, protocol === 'tcp' ? SEGMENTS.syn : 0), HOST);
      assert.equal(driver.sessions().length, 1);
    }
  });

  test('N-05, N-09 a connection of a port that was closed is not probed', () => {
    const driver = new Nat64Driver(NAT64);
    const web = staticBinding('tcp', '[2001:db8::80]:80', '192.0.2.1:8080');
    driver.state.addStatic(web, driver.nowMs);
    driver.in('tcp', '192.0.2.1:8080', SERVER, SEGMENTS.syn);
    driver.out('tcp', '[2001:db8::80]:80', SERVER, SEGMENTS.synAck);
    driver.nowMs += NAT64.timers.tcpEstablishedMs + 1000;
    driver.state.removeStatic(web, driver.nowMs);
    assert.deepEqual(driver.expire().probes, []);
    assert.equal(driver.state.counters().sessions, 0);
  });

  test('N-09, N-10 strangers at it get three quarters of the limit of its host, the host the rest', () => {
    const driver = open({ sessionsPerHost: 100 });
    const results = Array.from({ length: 200 }, (_, i) => driver.in('udp', '192.0.2.1:443', stranger(i)));
    assert.equal(results.filter((result) => result === HOST).length, 75);
    assert.equal(results.at(-1), 'host-limit');
    const own = Array.from({ length: 50 }, (_, i) => driver.out('udp', `[2001:db8::1]:${20_000 + i}`, SERVER));
    assert.equal(own.filter(isMapped).length, 25);
  });

  test('N-09, N-10 a flood at it leaves its host new sessions every second', () => {
    const driver = open({ sessions: 100_000, sessionsPerHost: 16_384 });
    const refused = { out: 0, in: 0 };
    for (let ms = 1; ms <= 5000; ms++) {
      driver.nowMs++;
      for (let k = 0; k < 3; k++)
        if (driver.in('udp', '192.0.2.1:443', `203.0.${k}.${ms & 255}:${ms}`) !== HOST) refused.in++;
      if (ms % 10 === 0 && !isMapped(driver.out('udp', `[2001:db8::1]:${20_000 + ms}`, SERVER))) refused.out++;
    }
    assert.equal(refused.out, 0);
    assert.ok(refused.in > 1000);
  });

  test('N-09, N-10 strangers at it leave a quarter of all sessions to the inside', () => {
    const driver = open({ sessions: 100, sessionsPerHost: 0 });
    for (let i = 0; i < 200; i++) driver.in('udp', '192.0.2.1:443', stranger(i));
    assert.equal(driver.state.counters().sessions, 75);
    assert.ok(isMapped(driver.out('udp', '[2001:db8::2]:5', SERVER)));
  });
});

describe('one host that wants all ports', () => {
  /** What the default shares with the kernel: 4535 ports of each protocol. */
  const SHARED = poolOf('192.0.2.1', 61_001, 65_535);
  const unlimited = { ...DEFAULT_LIMITS, sessions: 100_000, sessionsPerHost: 0, newSessionsPerSecondPerHost: 0 };
  const driverOf = (pool = SHARED) => new Nat64Driver({ ...NAT64, pool, limits: unlimited });
  /** Takes as many ports as there are for it. @returns how many */
  const grab = (driver: Nat64Driver, address: string, wanted: number, protocol: 'udp' | 'tcp' = 'udp'): number =>
    Array.from({ length: wanted }, (_, i) =>
      driver.out(protocol, `[${address}]:${1024 + i}`, SERVER, SEGMENTS.syn),
    ).filter(isMapped).length;

  test('N-10 one address gets half of the pool of a protocol, and the next host what it needs', () => {
    const driver = driverOf();
    assert.equal(grab(driver, '2001:db8::bad', 6000), 2268);
    assert.equal(driver.out('udp', '[2001:db8::bad]:9', SERVER), 'host-limit');
    assert.equal(grab(driver, '2001:db8::1', 500), 500);
    assert.equal(grab(driver, '2001:db8::bad', 600, 'tcp'), 600, 'protocols are counted apart');
  });

  test('N-10 four addresses of one host leave a fifth', () => {
    const driver = driverOf();
    for (let i = 0; i < 6000; i++)
      for (let host = 1; host < 5; host++) driver.out('udp', `[2001:db8::bad:${host}]:${i}`, SERVER);
    assert.ok(driver.state.counters().freePorts.udp >= 4535 / 5 - 1);
    assert.equal(grab(driver, '2001:db8::1', 300), 300);
  });

  test('N-10 thousands of new addresses do not get what is reserved for hosts that have been there', () => {
    const driver = driverOf();
    driver.out('udp', HOST, SERVER);
    driver.wait(200_000);
    driver.out('udp', HOST, SERVER);
    driver.wait(100_000);
    for (let i = 0; i < 10_000; i++) driver.out('udp', `[2001:db8::bad:${(i + 1).toString(16)}]:7`, SERVER);
    assert.equal(driver.out('udp', '[2001:db8::2]:5000', SERVER), 'ports-exhausted');
    assert.equal(driver.state.counters().freePorts.udp, 4535 >> 3);
    assert.equal(grab(driver, '2001:db8::1', 250), 250, 'a host that has been there');
    assert.equal(grab(driver, '2001:db8:0:1::1', 50), 50, 'another network');
  });

  test('N-10 ports that a host gives back are no longer counted as its own', () => {
    const driver = driverOf();
    for (let round = 0; round < 3; round++) {
      assert.equal(grab(driver, '2001:db8::bad', 6000), 2268);
      driver.wait(301_000);
    }
  });

  test('N-10, N-12 what a host holds counts in another pool as well, and only what is in it', () => {
    const driver = driverOf();
    grab(driver, '2001:db8::bad', 2000);
    driver.state.reconfigure({ ...NAT64, pool: SHARED, limits: unlimited }, driver.nowMs);
    assert.equal(grab(driver, '2001:db8::bad', 6000), 2268);
    driver.state.reconfigure({ ...NAT64, pool: poolOf('192.0.2.2', 61_001, 65_535), limits: unlimited }, driver.nowMs);
    driver.expire();
    assert.equal(grab(driver, '2001:db8::bad', 6000), 2268);
  });

  test('N-10 small pools are given out to the last port', () => {
    const driver = driverOf(poolOf('192.0.2.1', 2000, 2510));
    assert.equal(grab(driver, '2001:db8::bad', 600), 511);
  });
});
