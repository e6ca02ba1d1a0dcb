// The pool: which address and port a binding gets, port blocks, and the log of both.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PortSet } from '../../src/core/nat64/port-set.ts';
import type { Nat64Settings, PoolRange } from '../../src/core/nat64/settings.ts';
import { Random } from '../fuzz/random.ts';
import { ip4, text4 } from '../support/addresses.ts';
import { NAT64, poolOf } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS, staticBinding } from '../support/nat64-driver.ts';

const SERVER = '198.51.100.7:80';
const FREE = { ...NAT64.limits, sessions: 100_000, sessionsPerHost: 0, newSessionsPerSecondPerHost: 0 };
const settings = (pool: readonly PoolRange[], change: Partial<Nat64Settings> = {}): Nat64Settings => ({
  ...NAT64,
  pool,
  limits: FREE,
  ...change,
});
const inside = (host: number, port: number): string => `[2001:db8::${host.toString(16)}]:${port}`;
const portOf = (pool: string): number => Number(pool.split(':')[1]);
const addressOf = (pool: string): string => pool.split(':')[0] ?? '';

describe('a set of ports', () => {
  test('N-03 gives what a linear search gives, however full it is', () => {
    const rng = new Random(3);
    const set = new PortSet();
    const free = new Set<number>();
    for (let port = 0; port < 65_536; port++) {
      if (rng.below(100) >= 3) continue;
      set.add(port);
      free.add(port);
    }
    for (let i = 0; i < 3000; i++) {
      const [parity, a, b, random] = [rng.below(2), rng.below(32_768), rng.below(32_768), rng.next() >>> 1];
      const [first, last] = [Math.min(a, b), Math.max(a, b)];
      const port = set.pick(parity, first, last, random);
      assert.equal(port, linearPick(free, parity, first, last, random));
      if (port < 0) continue;
      assert.equal(set.isFree(port), true);
      const what = rng.below(3);
      const back = rng.below(65_536);
      if (what === 0) set.take(port);
      if (what === 0) free.delete(port);
      if (what === 1 && !free.has(back)) set.add(back);
      if (what === 1) free.add(back);
      assert.equal(set.free, free.size);
    }
  });

  test('N-03 a range of ports is the same as each port of it', () => {
    const rng = new Random(6);
    for (let i = 0; i < 300; i++) {
      const [a, b] = i % 3 === 0 ? [rng.below(200), rng.below(200)] : [rng.below(65_536), rng.below(65_536)];
      const [first, last] = i === 0 ? [0, 65_535] : [Math.min(a, b), Math.max(a, b)];
      const [whole, single] = [new PortSet(), new PortSet()];
      whole.addRange(first, last);
      for (let port = first; port <= last; port++) single.add(port);
      assert.deepEqual(whole, single);
    }
  });

  test('N-03 every port can be taken, the last one too, from any start', () => {
    const set = new PortSet();
    const rng = new Random(4);
    for (let port = 1024; port < 65_536; port++) set.add(port);
    const taken = new Set<number>();
    for (let i = 0; i < 64_512; i++) {
      const port = Math.max(set.pick(i & 1, 512, 32_767, rng.next() >>> 1), set.pick(~i & 1, 512, 32_767, i));
      set.take(port);
      taken.add(port);
    }
    assert.equal(taken.size, 64_512);
    assert.deepEqual([set.free, set.pick(0, 0, 32_767, 5), set.pick(1, 0, 32_767, 5)], [0, -1, -1]);
  });
});

/** The next free port at or after a random place, then from the front: RFC 6056 §3.3.1. */
function linearPick(free: ReadonlySet<number>, parity: number, first: number, last: number, random: number): number {
  const size = last - first + 1;
  const start = random % size;
  for (let i = 0; i < size; i++) {
    const port = (first + ((start + i) % size)) * 2 + parity;
    if (free.has(port)) return port;
  }
  return -1;
}

describe('drawing ports', () => {
  test('N-03 UDP keeps parity and range', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 1, 65_535)));
    for (let i = 0; i < 400; i++) {
      const port6 = (i * 331 + 1) & 0xffff;
      const port4 = portOf(driver.out('udp', inside(1, port6), SERVER));
      assert.equal(port4 & 1, port6 & 1);
      assert.equal(port4 < 1024, port6 < 1024);
    }
  });

  test('N-03 where parity or range is used up, another port is better than none', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 1020, 1027)));
    const ports = Array.from({ length: 8 }, (_, i) => portOf(driver.out('udp', inside(1, 5000 + 2 * i), SERVER)));
    assert.deepEqual(ports.slice(0, 2).sort(), [1024, 1026]);
    assert.deepEqual(ports.slice(2, 4).sort(), [1025, 1027]);
    assert.deepEqual(ports.slice(4, 6).sort(), [1020, 1022]);
    assert.deepEqual(ports.slice(6, 8).sort(), [1021, 1023]);
    assert.equal(driver.out('udp', inside(1, 6000), SERVER), 'ports-exhausted');
    assert.equal(driver.state.counters().refused.portsExhausted, 1);
    assert.equal(driver.state.counters().freePorts.udp, 0);
  });

  test('N-03 TCP keeps the range, ICMP identifiers are any, and neither keeps the parity', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 0, 65_535)));
    const draw = (protocol: 'tcp' | 'icmp', port6: number) =>
      portOf(driver.out(protocol, inside(1, port6), SERVER, SEGMENTS.syn));
    const tcp = Array.from({ length: 200 }, (_, i) => draw('tcp', 2 * i + 2000));
    assert.ok(tcp.every((port) => port > 1023));
    assert.ok(tcp.some((port) => port % 2 === 1));
    assert.ok(draw('tcp', 22) < 1024);
    const icmp = Array.from({ length: 300 }, (_, i) => draw('icmp', i));
    assert.ok(icmp.some((id) => id > 1023));
  });

  test('N-03 port 0 is given to nobody, identifier 0 may be', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 0, 1)));
    assert.deepEqual(driver.state.counters().freePorts, { udp: 1, tcp: 1, icmp: 2 });
    for (const protocol of ['udp', 'tcp'] as const) {
      assert.equal(driver.out(protocol, inside(1, 5000), SERVER, SEGMENTS.syn), '192.0.2.1:1');
      assert.equal(driver.out(protocol, inside(1, 5001), SERVER, SEGMENTS.syn), 'ports-exhausted');
    }
    assert.deepEqual([0, 1].map((id) => driver.out('icmp', inside(1, id), SERVER)).sort(), [
      '192.0.2.1:0',
      '192.0.2.1:1',
    ]);
  });

  test('N-03 ports cannot be told from those before: the same packets, other randomness, other ports all over the range', () => {
    const draw = (seed: number) => {
      const driver = new Nat64Driver(settings(poolOf('192.0.2.1')), seed);
      return Array.from({ length: 500 }, (_, i) =>
        portOf(driver.out('tcp', inside(1, 2000 + i), SERVER, SEGMENTS.syn)),
      );
    };
    const [a, b] = [draw(1), draw(2)];
    assert.ok(a.filter((port, i) => port === b[i]).length < 5);
    const steps = a.slice(1).map((port, i) => port - (a[i] as number));
    assert.ok(new Set(steps).size > 480, 'no fixed step');
    for (let from = 1024; from < 65_536; from += 8064)
      assert.ok(a.filter((port) => port >= from && port < from + 8064).length > 25, `ports from ${from} on`);
  });

  test('N-03 a pool is given out to the last port, and no port twice', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 60_000, 61_999)));
    const host = (i: number): string => `[2001:db8:0:${i.toString(16)}::1]:5000`;
    const all = Array.from({ length: 2000 }, (_, i) => driver.out('udp', host(i), SERVER));
    assert.equal(new Set(all).size, 2000);
    assert.equal(driver.out('udp', host(3000), SERVER), 'ports-exhausted');
    assert.equal(driver.out('udp', host(7), '203.0.113.1:1'), all[7]);
    assert.deepEqual(driver.state.counters().hosts, 2000);
  });

  test('N-03 a pool may have several ranges of one address, and ranges of several addresses', () => {
    const ranges: PoolRange[] = [
      { protocol: 'udp', address: ip4('192.0.2.1'), addresses: 2, firstPort: 2000, lastPort: 2001 },
      { protocol: 'udp', address: ip4('192.0.2.2'), addresses: 1, firstPort: 4000, lastPort: 4000 },
    ];
    const driver = new Nat64Driver(settings(ranges));
    const all = Array.from({ length: 5 }, (_, i) => driver.out('udp', inside(1, i), SERVER));
    assert.deepEqual(all.sort(), [
      '192.0.2.1:2000',
      '192.0.2.1:2001',
      '192.0.2.2:2000',
      '192.0.2.2:2001',
      '192.0.2.2:4000',
    ]);
    assert.equal(driver.out('tcp', inside(1, 1), SERVER, SEGMENTS.syn), 'ports-exhausted');
  });
});

describe('ports that were given back', () => {
  test("N-03 rest for two minutes at least while others are free, and may then be anybody's", () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 2000, 2007)));
    const take = (host: number, count: number, from = 5000) =>
      Array.from({ length: count }, (_, i) => driver.out('udp', inside(host, from + i), SERVER));
    const first = take(1, 4);
    driver.wait(301_000);
    assert.equal(driver.state.counters().freePorts.udp, 8);
    driver.wait(118_000);
    const second = take(2, 4);
    assert.deepEqual(
      second.filter((port) => first.includes(port)),
      [],
    );
    assert.deepEqual(take(3, 4).sort(), first.sort(), 'better than none');
    assert.equal(driver.out('udp', inside(3, 6000), SERVER), 'ports-exhausted');
    driver.wait(301_000 + 240_000);
    const all = new Set(Array.from({ length: 30 }, (_, i) => driver.out('udp', inside(10 + i, 5000), SERVER)));
    assert.equal(all.size, 9, 'eight ports, and none');
  });

  test('N-03 after their rest they are ready: the next host may get one although others were never used', () => {
    const again = (restMs: number): number => {
      const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 2000, 2199)));
      const first = new Set(Array.from({ length: 100 }, (_, i) => driver.out('udp', inside(1, 5000 + i), SERVER)));
      driver.wait(301_000 + restMs);
      const next = Array.from({ length: 90 }, (_, i) => driver.out('udp', inside(2, 5000 + i), SERVER));
      return next.filter((port) => first.has(port)).length;
    };
    assert.equal(again(100_000), 0);
    assert.ok(again(240_000) > 20);
  });

  test('N-03, N-11 in a block they rest as well', () => {
    const pool = poolOf('192.0.2.1', 2048, 2048 + 63);
    const driver = new Nat64Driver(settings(pool, { mappingLog: 'port-block', portBlock: 64 }));
    const first = Array.from({ length: 32 }, (_, i) => driver.out('udp', inside(1, 5000 + i), SERVER));
    driver.wait(301_000);
    const second = Array.from({ length: 32 }, (_, i) => driver.out('udp', inside(2, 5000 + i), SERVER));
    assert.equal(new Set([...first, ...second]).size, 64);
  });
});

describe('paired pooling', () => {
  const many = (addresses: number): PoolRange[] => poolOf('192.0.2.1').map((range) => ({ ...range, addresses }));

  test('N-03 all bindings of a host have one address, in all protocols, and hosts spread over the addresses', () => {
    const driver = new Nat64Driver(settings(many(8)));
    const used = new Set<string>();
    for (let host = 1; host < 100; host++) {
      const own = new Set<string>();
      for (let i = 0; i < 5; i++) own.add(addressOf(driver.out('udp', inside(host, 1000 + i), SERVER)));
      own.add(addressOf(driver.out('tcp', inside(host, 77), SERVER, SEGMENTS.syn)));
      own.add(addressOf(driver.out('icmp', inside(host, 77), SERVER)));
      assert.equal(own.size, 1);
      used.add([...own][0] as string);
    }
    assert.equal(used.size, 8);
  });

  test('N-03 a host whose address has no port left moves on to one that has, and stays there', () => {
    const pool = poolOf('192.0.2.1', 2000, 2003).map((range) => ({ ...range, addresses: 3 }));
    const driver = new Nat64Driver(settings(pool));
    const all = Array.from({ length: 12 }, (_, i) => driver.out('udp', inside(1, 3000 + i), SERVER));
    const addresses = all.map(addressOf);
    for (let i = 0; i < 12; i += 4) assert.equal(new Set(addresses.slice(i, i + 4)).size, 1);
    assert.equal(new Set(all).size, 12);
    assert.equal(driver.out('udp', inside(2, 1), SERVER), 'ports-exhausted');
  });

  test('N-03 a ping that has to go by another address does not move the host', () => {
    const pool: PoolRange[] = [
      ...poolOf('192.0.2.1').filter((range) => range.protocol !== 'icmp'),
      { protocol: 'icmp', address: ip4('192.0.2.9'), addresses: 1, firstPort: 0, lastPort: 65_535 },
    ];
    const driver = new Nat64Driver(settings(pool));
    assert.equal(addressOf(driver.out('icmp', inside(1, 1), SERVER)), '192.0.2.9');
    assert.equal(addressOf(driver.out('udp', inside(1, 1), SERVER)), '192.0.2.1');
    assert.equal(addressOf(driver.out('icmp', inside(1, 2), SERVER)), '192.0.2.9');
    assert.equal(addressOf(driver.out('udp', inside(1, 2), SERVER)), '192.0.2.1');
  });

  test('N-03 nor does it where there are other addresses to come back to', () => {
    const pool: PoolRange[] = [
      ...many(8).filter((range) => range.protocol !== 'icmp'),
      { protocol: 'icmp', address: ip4('192.0.2.99'), addresses: 1, firstPort: 0, lastPort: 65_535 },
    ];
    const driver = new Nat64Driver(settings(pool));
    for (let host = 1; host < 40; host++) {
      const own = addressOf(driver.out('udp', inside(host, 1), SERVER));
      assert.equal(addressOf(driver.out('icmp', inside(host, 1), SERVER)), '192.0.2.99');
      assert.equal(addressOf(driver.out('udp', inside(host, 2), SERVER)), own);
    }
  });
});

describe('the log of mappings', () => {
  test('N-11 is off by default', () => {
    const driver = new Nat64Driver(NAT64);
    driver.out('udp', inside(1, 5000), SERVER);
    assert.deepEqual(driver.state.takeLog(10), []);
  });

  test('N-11 tells time, protocol, host, address and port of each mapping when it is made and when it ends', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1', 2000, 2000), { mappingLog: 'mapping' }));
    const made = driver.nowMs;
    driver.out('udp', inside(1, 5000), SERVER);
    driver.out('udp', inside(1, 5000), '203.0.113.1:1');
    driver.wait(301_000);
    const fixed = {
      protocol: 'udp',
      ipv6: [0x20010db8, 0, 0, 1],
      port6: 5000,
      ipv4: ip4('192.0.2.1'),
      firstPort: 2000,
      lastPort: 2000,
    };
    assert.deepEqual(driver.state.takeLog(10), [
      { kind: 'mapping-made', timeMs: made, ...fixed },
      { kind: 'mapping-ended', timeMs: made + 300_000, ...fixed },
    ]);
    assert.deepEqual(driver.state.takeLog(10), []);
  });

  test('N-11 what nobody reads is lost and counted, and the packets go on', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1'), { mappingLog: 'mapping' }));
    for (let i = 0; i < 10_000; i++) assert.match(driver.out('udp', inside(i, 5000), SERVER), /^192/);
    assert.equal(driver.state.counters().logRecordsLost, 10_000 - 8192);
    const first = driver.state.takeLog(5000);
    for (let i = 0; i < 5; i++) driver.out('udp', inside(i, 6000), SERVER);
    const rest = driver.state.takeLog(100_000);
    assert.deepEqual([first.length, rest.length], [5000, 3192 + 5]);
    assert.deepEqual(
      rest.slice(-2).map((record) => [record.ipv6[3], record.port6]),
      [
        [3, 6000],
        [4, 6000],
      ],
    );
  });

  test('N-11, N-12 switched on while running it begins with what there is', () => {
    const driver = new Nat64Driver(settings(poolOf('192.0.2.1')));
    driver.out('udp', inside(1, 5000), SERVER);
    driver.state.reconfigure(settings(poolOf('192.0.2.1'), { mappingLog: 'mapping' }), driver.nowMs);
    assert.deepEqual(
      driver.state.takeLog(10).map((record) => record.kind),
      ['mapping-made'],
    );
  });
});

describe('port blocks', () => {
  const blocks = (pool: readonly PoolRange[], portBlock = 64, change: Partial<Nat64Settings> = {}) =>
    settings(pool, { mappingLog: 'port-block', portBlock, ...change });
  const told = (driver: Nat64Driver) =>
    driver.state
      .takeLog(1000)
      .map((r) => `${r.kind} ${r.protocol} ${r.ipv6[3]} ${text4(r.ipv4)} ${r.firstPort}-${r.lastPort}`);

  test('N-03, N-11 one line stands for all ports of a block, and every port lies in a block of its host and protocol', () => {
    const driver = new Nat64Driver(blocks(poolOf('192.0.2.1')));
    const owners = new Map<string, number>();
    for (let i = 0; i < 1200; i++) {
      const host = (i % 5) + 1;
      const protocol = i % 2 === 0 ? 'udp' : 'tcp';
      const block = portOf(driver.out(protocol, inside(host, 3000 + i), SERVER, SEGMENTS.syn)) >> 6;
      assert.equal(owners.get(`${protocol} ${block}`) ?? host, host);
      owners.set(`${protocol} ${block}`, host);
    }
    const lines = told(driver);
    assert.equal(lines.length, 20, '120 ports of each host and protocol in two blocks of 64');
    for (const [name, host] of owners) {
      const [protocol, block] = name.split(' ');
      const first = Number(block) * 64;
      assert.ok(lines.includes(`block-taken ${protocol} ${host} 192.0.2.1 ${first}-${first + 63}`));
    }
    driver.wait(301_000);
    assert.deepEqual(told(driver).sort(), lines.map((line) => line.replace('taken', 'left')).sort());
  });

  test("N-11 a block goes back with its last port, and is somebody else's then", () => {
    const driver = new Nat64Driver(blocks(poolOf('192.0.2.1', 1024, 1024 + 63)));
    for (let i = 0; i < 64; i++) driver.out('udp', inside(1, 3000 + i), SERVER);
    assert.equal(driver.out('udp', inside(1, 9), SERVER), 'ports-exhausted');
    assert.equal(driver.out('udp', inside(2, 9), SERVER), 'ports-exhausted');
    driver.wait(301_000);
    assert.match(driver.out('udp', inside(2, 9), SERVER), /^192/);
    const range = '192.0.2.1 1024-1087';
    assert.deepEqual(told(driver), [
      `block-taken udp 1 ${range}`,
      `block-left udp 1 ${range}`,
      `block-taken udp 2 ${range}`,
    ]);
  });

  test('N-03 parity is kept in a block while it can be, and the pool is used to the last block', () => {
    const driver = new Nat64Driver(blocks(poolOf('192.0.2.1', 1024, 1024 + 255)));
    const ports = Array.from({ length: 32 }, (_, i) => portOf(driver.out('udp', inside(1, 3000 + 2 * i), SERVER)));
    assert.ok(ports.every((port) => port % 2 === 0));
    for (let host = 2; host < 5; host++) assert.match(driver.out('udp', inside(host, 1), SERVER), /^192/);
    assert.equal(driver.out('udp', inside(5, 1), SERVER), 'ports-exhausted');
    assert.match(driver.out('tcp', inside(5, 1), SERVER, SEGMENTS.syn), /^192/);
  });

  test('N-03 blocks at both ends of the range are used as far as they go', () => {
    for (const [first, last] of [
      [1, 127],
      [65_500, 65_535],
      [100, 200],
    ] as const) {
      const driver = new Nat64Driver(blocks(poolOf('192.0.2.1', first, last)));
      const ports = last - first + 1;
      const all = Array.from({ length: ports }, (_, i) => driver.out('udp', inside(1, 3000 + i), SERVER));
      assert.equal(new Set(all).size, ports);
      assert.equal(driver.out('udp', inside(1, 9), SERVER), 'ports-exhausted');
      assert.equal(told(driver).length, (last >> 6) - (first >> 6) + 1);
    }
  });

  test('N-03 a host with full blocks gets another at its address, then at the next address', () => {
    const pool = poolOf('192.0.2.1', 1024, 1024 + 127).map((range) => ({ ...range, addresses: 2 }));
    const driver = new Nat64Driver(blocks(pool));
    const all = Array.from({ length: 256 }, (_, i) => driver.out('udp', inside(1, 3000 + i), SERVER));
    assert.equal(new Set(all).size, 256);
    assert.equal(new Set(all.slice(0, 128).map(addressOf)).size, 1);
    assert.equal(told(driver).length, 4);
  });

  test('N-09, N-11 a port opened by hand takes its block; outside of the pool it has a line of its own', () => {
    const driver = new Nat64Driver(blocks(poolOf('192.0.2.1')));
    driver.state.addStatic(staticBinding('tcp', '[2001:db8::80]:80', '192.0.2.1:8080'), driver.nowMs);
    driver.state.addStatic(staticBinding('tcp', '[2001:db8::80]:81', '192.0.2.1:81'), driver.nowMs);
    assert.deepEqual(told(driver), ['block-taken tcp 128 192.0.2.1 8064-8127', 'mapping-made tcp 128 192.0.2.1 81-81']);
    driver.state.removeStatic(staticBinding('tcp', '[2001:db8::80]:80', '192.0.2.1:8080'), driver.nowMs);
    driver.state.removeStatic(staticBinding('tcp', '[2001:db8::80]:81', '192.0.2.1:81'), driver.nowMs);
    assert.deepEqual(told(driver), ['block-left tcp 128 192.0.2.1 8064-8127', 'mapping-ended tcp 128 192.0.2.1 81-81']);
  });

  test('N-11, N-12 switching to blocks keeps all bindings; those in a block of another host have lines of their own', () => {
    const pool = poolOf('192.0.2.1', 1024, 1024 + 63);
    const driver = new Nat64Driver(settings(pool));
    const before = [1, 2, 3].map((host) => driver.out('udp', inside(host, 3000), SERVER));
    driver.state.reconfigure(blocks(pool), driver.nowMs);
    driver.expire();
    assert.deepEqual(
      [1, 2, 3].map((host) => driver.out('udp', inside(host, 3000), SERVER)),
      before,
    );
    assert.deepEqual(
      told(driver).map((line) => line.split(' ')[0]),
      ['block-taken', 'mapping-made', 'mapping-made'],
    );
    assert.match(driver.out('udp', inside(1, 9), SERVER), /^192/);
    assert.equal(driver.out('udp', inside(2, 9), SERVER), 'ports-exhausted');
    driver.wait(301_000);
    assert.equal(driver.state.counters().hosts, 0);
    assert.match(driver.out('udp', inside(2, 9), SERVER), /^192/, 'the block is free again');
  });

  test("N-11, N-12 a block whose host is gone is nobody else's while a port of it is in use by one who had it before", () => {
    const narrow = poolOf('192.0.2.1', 1024, 1024 + 63);
    const wide = poolOf('192.0.2.1', 1024, 1024 + 127);
    for (let seed = 1; seed < 10; seed++) {
      const driver = new Nat64Driver(settings(narrow), seed);
      for (const host of [1, 2]) driver.out('udp', inside(host, 3000), SERVER);
      driver.state.reconfigure(blocks(wide), driver.nowMs);
      driver.wait(200_000);
      driver.out('udp', inside(2, 3000), SERVER);
      driver.wait(200_000);
      assert.equal(driver.bindings().length, 1);
      assert.ok(portOf(driver.out('udp', inside(3, 9), SERVER)) > 1087, 'the other block');
      assert.equal(driver.out('udp', inside(4, 9), SERVER), 'ports-exhausted');
      driver.wait(101_000);
      assert.ok(portOf(driver.out('udp', inside(4, 9), SERVER)) < 1088);
    }
  });

  test('N-03 ports keep their range in blocks while it has free ones', () => {
    const driver = new Nat64Driver(blocks(poolOf('192.0.2.1', 1, 65_535), 256));
    for (let host = 1; host < 253; host++) {
      assert.ok(portOf(driver.out('udp', inside(host, 50_000), SERVER)) > 1023);
      if (host < 4) assert.ok(portOf(driver.out('udp', inside(host, 500), SERVER)) < 1024);
    }
    assert.ok(portOf(driver.out('udp', inside(300, 50_000), SERVER)) < 1024, 'better than none');
  });

  test("N-11, N-12 back without blocks every port is anybody's again", () => {
    const pool = poolOf('192.0.2.1', 1024, 1024 + 63);
    const driver = new Nat64Driver(blocks(pool));
    const own = driver.out('udp', inside(1, 3000), SERVER);
    driver.state.reconfigure(settings(pool), driver.nowMs);
    assert.equal(driver.out('udp', inside(1, 3000), SERVER), own);
    for (let host = 2; host < 65; host++) assert.match(driver.out('udp', inside(host, 3000), SERVER), /^192/);
  });
});
