// NAT64's tables as the packet path uses them: mapping, filtering, timers, limits, bindings by hand, changes while running.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_TIMERS, type Nat64Limits, type Nat64Protocol } from '../../src/core/nat64/settings.ts';
import { ip4, ip6, prefix6, text4, text6 } from '../support/addresses.ts';
import { NAT64, poolOf } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS, staticBinding } from '../support/nat64-driver.ts';

const HOST = '[2001:db8::1]:5000';
const OTHER = '[2001:db8::2]:5000';
const SERVER = '198.51.100.7:80';
const FLAGS: Readonly<Record<Nat64Protocol, number>> = { udp: 0, tcp: SEGMENTS.syn, icmp: 0 };
const PROTOCOLS: readonly Nat64Protocol[] = ['udp', 'tcp', 'icmp'];
const limits = (change: Partial<Nat64Limits>) => ({ ...NAT64, limits: { ...NAT64.limits, ...change } });
const host = (i: number): string => `[2001:db8::${(i + 1).toString(16)}]:5000`;

describe('mapping', () => {
  test('N-01 a host and port keep their address and port whatever the destination', () => {
    const driver = new Nat64Driver(NAT64);
    const pool = driver.out('udp', HOST, SERVER);
    for (let i = 1; i < 50; i++) assert.equal(driver.out('udp', HOST, `203.0.113.${i}:${i}`), pool);
    assert.equal(driver.bindings().length, 1);
    assert.equal(driver.sessions().length, 50);
  });

  test('N-01 each protocol has a table of its own', () => {
    const driver = new Nat64Driver({ ...NAT64, pool: poolOf('192.0.2.1', 2000, 2000) });
    for (const protocol of PROTOCOLS)
      assert.equal(driver.out(protocol, HOST, SERVER, FLAGS[protocol]), '192.0.2.1:2000');
    assert.deepEqual(driver.state.counters().bindings, { udp: 1, tcp: 1, icmp: 1 });
    for (const protocol of PROTOCOLS) assert.equal(driver.in(protocol, '192.0.2.1:2000', SERVER, SEGMENTS.syn), HOST);
  });

  test('N-01 another port or another host is another binding', () => {
    const driver = new Nat64Driver(NAT64);
    const sources = [HOST, '[2001:db8::1]:5001', OTHER, '[2001:db8:1::1]:5000', '[2001:db8::1:0:0:1]:5000'];
    assert.equal(new Set(sources.map((source) => driver.out('udp', source, SERVER))).size, sources.length);
  });

  test('N-01 a binding ends with its last session, and its port is free again', () => {
    const driver = new Nat64Driver({ ...NAT64, pool: poolOf('192.0.2.1', 2000, 2000) });
    driver.out('udp', HOST, SERVER);
    driver.wait(200_000);
    driver.out('udp', HOST, '203.0.113.1:53');
    driver.wait(101_000);
    assert.equal(driver.sessions().length, 1);
    assert.equal(driver.out('udp', OTHER, SERVER), 'ports-exhausted');
    driver.wait(200_000);
    assert.deepEqual(driver.bindings(), []);
    assert.equal(driver.out('udp', OTHER, SERVER), '192.0.2.1:2000');
  });
});

describe('filtering', () => {
  for (const protocol of PROTOCOLS) {
    test(`N-02 endpoint-independent: whoever knows the port reaches the host (${protocol})`, () => {
      const driver = new Nat64Driver(NAT64);
      const pool = driver.out(protocol, HOST, SERVER, FLAGS[protocol]);
      assert.equal(driver.in(protocol, pool, '203.0.113.99:999', FLAGS[protocol]), HOST);
      assert.equal(driver.sessions().length, 2);
    });

    test(`N-02 address-dependent: only addresses that the host has sent to, with any port (${protocol})`, () => {
      const driver = new Nat64Driver({ ...NAT64, filtering: 'address-dependent' });
      const pool = driver.out(protocol, HOST, SERVER, FLAGS[protocol]);
      const refusal = protocol === 'tcp' ? 'syn-held' : 'filtered';
      assert.equal(driver.in(protocol, pool, '203.0.113.99:80', FLAGS[protocol]), refusal);
      assert.equal(driver.in(protocol, pool, '198.51.100.7:1234', FLAGS[protocol]), HOST);
      assert.equal(driver.out(protocol, HOST, '203.0.113.99:1', FLAGS[protocol]), pool);
      assert.equal(driver.in(protocol, pool, '203.0.113.99:80', FLAGS[protocol]), HOST);
    });
  }

  test('N-02 address-dependent: the permission ends with the last session that gave it', () => {
    const driver = new Nat64Driver({ ...NAT64, filtering: 'address-dependent' });
    const pool = driver.out('udp', HOST, SERVER);
    for (let waited = 0; waited < 600; waited += 200) {
      driver.wait(200_000);
      driver.out('udp', HOST, '203.0.113.1:1');
    }
    assert.equal(driver.in('udp', pool, SERVER), 'filtered');
    assert.equal(driver.in('udp', pool, '203.0.113.1:77'), HOST);
  });

  test('N-02 address-dependent: a TCP segment of a stranger is filtered even with a binding', () => {
    const driver = new Nat64Driver({ ...NAT64, filtering: 'address-dependent' });
    const pool = driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    assert.equal(driver.in('tcp', pool, '203.0.113.99:80', SEGMENTS.ack), 'filtered');
    assert.equal(driver.in('tcp', pool, '198.51.100.7:81', SEGMENTS.ack), HOST);
  });

  test('N-02 without a binding nothing comes in', () => {
    const driver = new Nat64Driver(NAT64);
    assert.equal(driver.in('udp', '192.0.2.1:4000', SERVER), 'no-binding');
    assert.equal(driver.in('icmp', '192.0.2.1:4000', SERVER), 'no-binding');
  });
});

describe('timers', () => {
  for (const [protocol, lifetimeMs] of [
    ['udp', DEFAULT_TIMERS.udpMs],
    ['icmp', DEFAULT_TIMERS.icmpMs],
  ] as const) {
    test(`N-04 ${protocol}: ${lifetimeMs / 1000} seconds after the last packet from either side`, () => {
      const driver = new Nat64Driver(NAT64);
      const pool = driver.out(protocol, HOST, SERVER);
      driver.wait(lifetimeMs - 1000);
      assert.equal(driver.in(protocol, pool, SERVER), HOST);
      driver.wait(lifetimeMs - 1000);
      assert.equal(driver.out(protocol, HOST, SERVER), pool);
      driver.wait(lifetimeMs - 1);
      assert.equal(driver.sessions().length, 1);
      driver.wait(1001);
      assert.equal(driver.sessions().length, 0);
    });

    test(`N-04 ${protocol}: a session from outside that the inside does not answer is not kept alive from outside`, () => {
      const driver = new Nat64Driver({ ...NAT64, staticBindings: [staticBinding(protocol, HOST, '192.0.2.1:8080')] });
      const isThere = () => driver.sessions().length === 1;
      assert.equal(driver.in(protocol, '192.0.2.1:8080', SERVER), HOST);
      assert.equal(driver.onlyState, `${protocol}-in`);
      for (let i = 0; i < 4 && isThere(); i++) {
        driver.wait(lifetimeMs / 3);
        if (i < 2) driver.in(protocol, '192.0.2.1:8080', SERVER);
      }
      assert.equal(isThere(), false);
      driver.in(protocol, '192.0.2.1:8080', SERVER);
      driver.out(protocol, HOST, SERVER);
      assert.equal(driver.onlyState, protocol);
      driver.wait(lifetimeMs - 1000);
      driver.in(protocol, '192.0.2.1:8080', SERVER);
      driver.wait(lifetimeMs - 1000);
      assert.equal(isThere(), true);
    });
  }

  test('N-04 looking for the session of an ICMP error refreshes nothing, ends nothing, makes nothing', () => {
    const driver = new Nat64Driver(NAT64);
    const { state } = driver;
    driver.out('udp', HOST, SERVER);
    const [address, port] = [state.source4, state.sourcePort];
    const far = ip4('198.51.100.7') | 0;
    driver.wait(200_000);
    const before = state.listSessions({}, 1, 0, driver.nowMs).sessions;
    assert.equal(state.findByIpv4(0, address, port, far, 80), 0);
    assert.deepEqual([state.s0, state.s3, state.port6], [0x20010db8, 1, 5000]);
    assert.equal(state.findByIpv6(0, 0x20010db8, 0, 0, 1, 5000, far, 80), 0);
    assert.deepEqual([state.source4, state.sourcePort], [address, port]);
    for (const [a, p] of [
      [far + 1, 80],
      [far, 81],
    ] as const) {
      assert.notEqual(state.findByIpv4(0, address, port, a, p), 0);
      assert.notEqual(state.findByIpv6(0, 0x20010db8, 0, 0, 1, 5000, a, p), 0);
    }
    assert.notEqual(state.findByIpv4(0, address, port + 1, far, 80), 0);
    assert.notEqual(state.findByIpv6(0, 0x20010db8, 0, 0, 2, 5000, far, 80), 0);
    assert.deepEqual(state.listSessions({}, 9, 0, driver.nowMs).sessions, before);
  });

  test('N-04 a clock that stands still for a day, or steps back, loses nothing and hangs nowhere', () => {
    const driver = new Nat64Driver(NAT64);
    driver.out('udp', HOST, SERVER);
    driver.nowMs -= 5000;
    driver.out('udp', HOST, SERVER);
    driver.expire();
    assert.equal(driver.sessions().length, 1);
    driver.nowMs += 86_400_000;
    driver.expire();
    assert.equal(driver.sessions().length, 0);
  });

  test('N-04 sessions go on where the millisecond clock passes 2^31 and 2^32', () => {
    for (const start of [2 ** 31, 2 ** 32, 2 ** 40]) {
      const driver = new Nat64Driver(NAT64, 1, start - 100_000);
      driver.out('udp', HOST, SERVER);
      driver.wait(200_000);
      driver.out('udp', HOST, SERVER);
      driver.wait(299_000);
      assert.equal(driver.sessions().length, 1);
      driver.wait(2000);
      assert.equal(driver.sessions().length, 0);
    }
  });

  test('N-04 no more is worked off at once than the budget allows', () => {
    const driver = new Nat64Driver(NAT64);
    for (let i = 0; i < 100; i++) driver.out('udp', HOST, `198.51.100.${i}:53`);
    driver.nowMs += 400_000;
    const { state } = driver;
    for (let left = 100; left > 0; left -= 10) {
      assert.equal(state.counters().sessions, left);
      assert.equal(state.expire(driver.nowMs, 10), 1);
    }
    assert.equal(state.expire(driver.nowMs, 10), 0);
  });
});

describe('limits', () => {
  test('N-10 sessions in all: new ones are refused, those that there are go on', () => {
    const driver = new Nat64Driver(limits({ sessions: 3 }));
    const pools = [0, 1, 2].map((i) => driver.out('udp', host(i), SERVER));
    assert.equal(driver.out('udp', host(3), SERVER), 'session-limit');
    assert.equal(driver.out('udp', host(0), '203.0.113.1:1'), 'session-limit');
    assert.deepEqual(
      [0, 1, 2].map((i) => driver.out('udp', host(i), SERVER)),
      pools,
    );
    assert.equal(driver.state.counters().refused.sessionLimit, 2);
    assert.equal(driver.state.counters().hosts, 3);
  });

  test('N-10 sessions of a host: the others go on', () => {
    const driver = new Nat64Driver(limits({ sessionsPerHost: 2 }));
    for (let i = 1; i < 3; i++) driver.out('udp', HOST, `203.0.113.${i}:1`);
    assert.equal(driver.out('udp', HOST, SERVER), 'host-limit');
    assert.equal(driver.out('tcp', '[2001:db8::1]:77', SERVER, SEGMENTS.syn), 'host-limit');
    assert.match(driver.out('udp', OTHER, SERVER), /^192/);
    assert.equal(driver.state.counters().refused.hostLimit, 2);
  });

  test('N-10 sessions of a network: a host that changes its address gains nothing, another network goes on', () => {
    const driver = new Nat64Driver(limits({ sessionsPerNetwork: 4 }));
    for (let i = 0; i < 4; i++) driver.out('udp', `[2001:db8::${i}:1]:1`, SERVER);
    assert.equal(driver.out('udp', '[2001:db8::9:1]:1', SERVER), 'network-limit');
    assert.equal(driver.out('udp', '[2001:db8::0:1]:1', '203.0.113.1:1'), 'network-limit');
    assert.match(driver.out('udp', '[2001:db8:0:1::1]:1', SERVER), /^192/);
    assert.equal(driver.state.counters().refused.networkLimit, 2);
    assert.equal(driver.state.counters().networks, 2);
  });

  test('N-10 new sessions a second of a host: what it has goes on, and a second later it may open as many again', () => {
    const driver = new Nat64Driver(limits({ newSessionsPerSecondPerHost: 10 }));
    const open = (i: number) => driver.out('udp', HOST, `203.0.113.1:${i + 1}`).startsWith('192');
    const burst = (from: number) => Array.from({ length: 30 }, (_, i) => open(from + i)).filter(Boolean).length;
    assert.equal(burst(0), 10);
    assert.equal(open(0), true);
    assert.match(driver.out('udp', OTHER, SERVER), /^192/);
    driver.nowMs += 500;
    assert.equal(burst(100), 5);
    driver.nowMs += 60_000;
    assert.equal(burst(200), 10);
    assert.ok(driver.state.counters().refused.rateLimit > 0);
  });

  test('N-10 strangers outside fill half of a limit, so that the host can still open sessions', () => {
    const driver = new Nat64Driver(limits({ sessionsPerHost: 10 }));
    const pool = driver.out('udp', HOST, SERVER);
    const strangers = Array.from({ length: 20 }, (_, i) => driver.in('udp', pool, `203.0.113.${i}:1`));
    assert.equal(strangers.filter((result) => result === HOST).length, 4);
    assert.equal(strangers.at(-1), 'host-limit');
    for (let i = 0; i < 5; i++) assert.equal(driver.out('udp', HOST, `198.51.100.1:${i + 1}`), pool);
    assert.equal(driver.out('udp', HOST, '198.51.100.1:99'), 'host-limit');
  });

  test('N-10 a flood from many addresses leaves no records behind', () => {
    const driver = new Nat64Driver(limits({ sessions: 50 }));
    for (let i = 0; i < 5000; i++) driver.out('udp', `[2001:db8:${(i % 500).toString(16)}::1]:${i + 1}`, SERVER);
    const { sessions, hosts, networks } = driver.state.counters();
    assert.deepEqual([sessions, hosts, networks], [50, 50, 50]);
  });
});

describe('bindings by hand', () => {
  const web = staticBinding('tcp', '[2001:db8::80]:80', '192.0.2.1:8080');

  test('N-09 a port opened while running is reached from outside, and closed it is not, nor are its sessions', () => {
    const driver = new Nat64Driver(NAT64);
    const { state } = driver;
    assert.equal(state.addStatic(web, driver.nowMs), 'added');
    assert.equal(state.addStatic(web, driver.nowMs), 'exists');
    assert.equal(driver.in('tcp', '192.0.2.1:8080', SERVER, SEGMENTS.syn), '[2001:db8::80]:80');
    driver.wait(300_000);
    assert.deepEqual(driver.bindings(), ['tcp [2001:db8::80]:80 192.0.2.1:8080 static']);
    driver.in('tcp', '192.0.2.1:8080', SERVER, SEGMENTS.syn);
    assert.equal(state.removeStatic(web, driver.nowMs), true);
    assert.equal(state.removeStatic(web, driver.nowMs), false);
    assert.equal(driver.in('tcp', '192.0.2.1:8080', SERVER, SEGMENTS.ack), 'no-binding');
    driver.expire();
    assert.deepEqual([driver.sessions(), driver.bindings(), state.counters().hosts], [[], [], 0]);
  });

  test('N-09 it need not lie in the pool, and its address counts as ours while it is there', () => {
    const outside = staticBinding('udp', '[2001:db8::53]:53', '203.0.113.53:53');
    const driver = new Nat64Driver(NAT64);
    const address = ip4('203.0.113.53') | 0;
    assert.equal(driver.state.isOwn4(address), false);
    driver.state.addStatic(outside, driver.nowMs);
    assert.equal(driver.state.isOwn4(address), true);
    assert.equal(driver.in('udp', '203.0.113.53:53', SERVER), '[2001:db8::53]:53');
    assert.equal(driver.out('udp', '[2001:db8::53]:53', '198.51.100.8:1'), '203.0.113.53:53');
    driver.state.removeStatic(outside, driver.nowMs);
    assert.equal(driver.state.isOwn4(address), false);
  });

  test('N-09, N-11 it is logged with the time at which it was made and taken back', () => {
    const driver = new Nat64Driver({ ...NAT64, mappingLog: 'mapping' });
    driver.wait(5000);
    driver.state.addStatic(web, driver.nowMs);
    driver.nowMs += 7;
    driver.state.removeStatic(web, driver.nowMs);
    const records = driver.state.takeLog(9).map((record) => [record.kind, record.timeMs]);
    assert.deepEqual(records, [
      ['mapping-made', 1_005_000],
      ['mapping-ended', 1_005_007],
    ]);
  });

  test('N-09 its port is not given to anyone else', () => {
    const settings = { ...NAT64, pool: poolOf('192.0.2.1', 2000, 2001) };
    const driver = new Nat64Driver({ ...settings, staticBindings: [staticBinding('udp', OTHER, '192.0.2.1:2001')] });
    assert.equal(driver.out('udp', HOST, SERVER), '192.0.2.1:2000');
    assert.equal(driver.out('udp', '[2001:db8::1]:6', SERVER), 'ports-exhausted');
    driver.state.removeStatic(staticBinding('udp', OTHER, '192.0.2.1:2001'), driver.nowMs);
    assert.match(
      driver.out('udp', '[2001:db8::1]:6', SERVER),
      /^192/,
      'a configured one can be taken back while running',
    );
  });

  test('N-09 what traffic made gives way, what was made by hand does not', () => {
    const driver = new Nat64Driver({ ...NAT64, pool: poolOf('192.0.2.1', 2000, 2000) });
    const { state } = driver;
    assert.equal(driver.out('udp', HOST, SERVER), '192.0.2.1:2000');
    assert.equal(state.addStatic(staticBinding('udp', OTHER, '192.0.2.1:2000'), driver.nowMs), 'added');
    driver.expire();
    assert.deepEqual(driver.sessions(), []);
    assert.equal(driver.in('udp', '192.0.2.1:2000', SERVER), OTHER);
    assert.equal(state.addStatic(staticBinding('udp', HOST, '192.0.2.1:2000'), driver.nowMs), 'conflict');
    assert.equal(state.addStatic(staticBinding('udp', OTHER, '203.0.113.1:1'), driver.nowMs), 'conflict');
    assert.equal(driver.out('udp', HOST, SERVER), 'ports-exhausted');
  });

  test('N-09 a binding that traffic made is kept with its sessions when the same is made by hand', () => {
    const driver = new Nat64Driver({ ...NAT64, pool: poolOf('192.0.2.1', 2000, 2000) });
    driver.out('udp', HOST, SERVER);
    assert.equal(driver.state.addStatic(staticBinding('udp', HOST, '192.0.2.1:2000'), driver.nowMs), 'added');
    assert.equal(driver.sessions().length, 1);
    driver.wait(400_000);
    assert.deepEqual(driver.bindings(), ['udp [2001:db8::1]:5000 192.0.2.1:2000 static']);
  });
});

describe('changes while running', () => {
  test('N-12 other limits, timers and filtering leave bindings and sessions as they are, and hold from then on', () => {
    const driver = new Nat64Driver(NAT64);
    const pools = [0, 1, 2].map((i) => driver.out('udp', host(i), SERVER));
    const before = driver.sessions();
    const timers = { ...NAT64.timers, udpMs: 120_000 };
    const changed = { ...limits({ sessions: 8, networkLength: 48 }), timers, filtering: 'address-dependent' as const };
    driver.state.reconfigure(changed, driver.nowMs);
    driver.expire();
    assert.deepEqual(driver.sessions(), before);
    assert.equal(driver.in('udp', pools[0] as string, '203.0.113.1:1'), 'filtered');
    assert.equal(driver.in('udp', pools[0] as string, '198.51.100.7:1'), host(0));
    for (let i = 4; i < 8; i++) assert.match(driver.out('udp', host(i), SERVER), /^192/);
    assert.equal(driver.out('udp', host(9), SERVER), 'session-limit');
    assert.equal(driver.state.counters().networks, 1);
    driver.wait(121_000);
    assert.deepEqual(driver.sessions(), []);
  });

  test('N-12 a longer time holds for sessions that there are', () => {
    const driver = new Nat64Driver(NAT64);
    driver.out('icmp', HOST, SERVER);
    driver.state.reconfigure({ ...NAT64, timers: { ...NAT64.timers, icmpMs: 600_000 } }, driver.nowMs);
    driver.wait(590_000);
    assert.equal(driver.sessions().length, 1);
  });

  test('N-12 bindings whose port is in the new pool stay, the others go with their sessions', () => {
    const driver = new Nat64Driver({ ...NAT64, pool: [...poolOf('192.0.2.1'), ...poolOf('192.0.2.2')] });
    const pools = Array.from({ length: 40 }, (_, i) => driver.out('udp', host(i), SERVER));
    driver.state.reconfigure({ ...NAT64, pool: poolOf('192.0.2.2') }, driver.nowMs);
    driver.expire();
    const stay = pools.filter((pool) => pool.startsWith('192.0.2.2')).length;
    assert.ok(stay > 0 && stay < 40);
    assert.deepEqual(driver.state.dropped, { bindings: 40 - stay, sessions: 40 - stay });
    assert.equal(driver.sessions().length, stay);
    assert.equal(driver.state.counters().freePorts.udp, 64_512 - stay);
    for (const [i, pool] of pools.entries()) {
      const isKept = pool.startsWith('192.0.2.2');
      const now = driver.out('udp', host(i), SERVER);
      assert.equal(isKept ? now : now.slice(0, 9), isKept ? pool : '192.0.2.2');
    }
    assert.equal(driver.state.isOwn4(ip4('192.0.2.1') | 0), false);
  });

  test('N-12 room for more sessions is made without losing one', () => {
    const driver = new Nat64Driver({
      ...limits({ sessions: 100, sessionsPerHost: 0 }),
      filtering: 'address-dependent',
    });
    const open = (i: number) => driver.out('udp', host(i % 7), `198.51.100.${i % 250}:${i + 1}`);
    for (let i = 0; i < 100; i++) open(i);
    assert.equal(open(100), 'session-limit');
    const before = driver.sessions();
    driver.state.reconfigure(
      {
        ...limits({ sessions: 200_000, sessionsPerHost: 0, newSessionsPerSecondPerHost: 0 }),
        filtering: 'address-dependent',
      },
      driver.nowMs,
    );
    assert.deepEqual(driver.sessions(), before);
    for (let i = 0; i < 5000; i++) assert.match(open(i), /^192/);
    assert.equal(driver.state.counters().sessions, 5000);
    driver.wait(301_000);
    const { sessions, hosts } = driver.state.counters();
    assert.deepEqual([sessions, hosts], [0, 0]);
  });

  test('N-12 hosts that are no longer served lose their bindings, not those made by hand', () => {
    const driver = new Nat64Driver(NAT64);
    driver.out('udp', HOST, SERVER);
    driver.out('udp', '[2001:db8:9::1]:1', SERVER);
    driver.state.addStatic(staticBinding('udp', '[2001:db8:9::2]:1', '192.0.2.1:3'), driver.nowMs);
    driver.state.reconfigure({ ...NAT64, clients: [prefix6('2001:db8::/48')] }, driver.nowMs);
    driver.expire();
    assert.deepEqual(
      driver.sessions().map((session) => session.split(' ')[1]),
      [HOST],
    );
    assert.equal(driver.bindings().length, 2);
  });

  test('N-09, N-12 configured bindings come and go with the configuration; those made while running stay', () => {
    const [a, b, c] = [1, 2, 3].map((i) => staticBinding('tcp', `[2001:db8::${i}]:80`, `192.0.2.1:808${i}`));
    const driver = new Nat64Driver({ ...NAT64, staticBindings: [a!, b!] });
    driver.state.addStatic(c!, driver.nowMs);
    driver.state.addStatic(a!, driver.nowMs);
    driver.state.reconfigure({ ...NAT64, staticBindings: [b!] }, driver.nowMs);
    const origins = driver.bindings().map((binding) => binding.split(' ').at(-1));
    assert.deepEqual(origins, ['static', 'configured', 'static']);
    assert.equal(driver.state.counters().staticBindings, 3);
  });

  test('N-12 settings that cannot be change nothing', () => {
    const driver = new Nat64Driver(NAT64);
    driver.out('udp', HOST, SERVER);
    const before = [driver.sessions(), driver.bindings()];
    for (const bad of [
      { ...NAT64, pool: [{ ...NAT64.pool[0]!, addresses: 70_000 }] },
      limits({ sessions: 0 }),
      limits({ sessions: 2 ** 24 }),
      { ...NAT64, mappingLog: 'port-block' as const, portBlock: 100 },
    ]) {
      assert.throws(() => driver.state.reconfigure(bad, driver.nowMs), RangeError);
      assert.throws(() => new Nat64Driver(bad), RangeError);
    }
    assert.deepEqual([driver.sessions(), driver.bindings()], before);
    assert.match(driver.out('udp', OTHER, SERVER), /^192/);
  });
});

describe('lists', () => {
  test('N-01 sessions and bindings are listed by any of their fields, page by page', () => {
    const driver = new Nat64Driver(NAT64);
    const pools = Array.from({ length: 25 }, (_, i) => driver.out('udp', host(i), SERVER));
    driver.out('tcp', HOST, SERVER, SEGMENTS.syn);
    const { state, nowMs } = driver;
    const count = (filter: Parameters<typeof state.listSessions>[0]) =>
      state.listSessions(filter, 100, 0, nowMs).sessions.length;
    assert.equal(count({}), 26);
    assert.equal(count({ protocol: 'tcp' }), 1);
    assert.equal(count({ ipv6: ip6('2001:db8::1') }), 2);
    assert.equal(count({ ipv6: ip6('2001:db8::1'), protocol: 'udp', port6: 5000 }), 1);
    assert.equal(count({ remote4: ip4('198.51.100.7'), remotePort: 80 }), 26);
    assert.equal(count({ remotePort: 81 }), 0);
    const [address = '', port] = (pools[3] as string).split(':');
    assert.equal(count({ protocol: 'udp', ipv4: ip4(address), port4: Number(port) }), 1);
    const seen: string[] = [];
    for (let cursor = 0, first = true; first || cursor !== 0; first = false) {
      const page = state.listBindings({ protocol: 'udp' }, 10, cursor);
      assert.ok(page.bindings.length <= 10);
      seen.push(...page.bindings.map((b) => `${text6(b.ipv6)} ${text4(b.ipv4)}:${b.port4}`));
      cursor = page.next;
    }
    assert.equal(new Set(seen).size, 25);
    assert.equal(seen.length, 25);
    const first = state.listSessions({}, 20, 0, nowMs);
    const last = state.listSessions({}, 20, first.next, nowMs);
    assert.deepEqual([first.sessions.length, last.sessions.length, last.next], [20, 6, 0]);
  });
});
