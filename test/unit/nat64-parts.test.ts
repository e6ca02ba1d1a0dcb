// The parts that NAT64's tables are made of, each against the plainest thing that does the same; and bindings saved over a restart.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressTable } from '../../src/core/nat64/address-table.ts';
import { KeyedHash } from '../../src/core/nat64/hash.ts';
import { HeldSyns } from '../../src/core/nat64/held-syns.ts';
import { OpenIndex } from '../../src/core/nat64/open-index.ts';
import type { Nat64Settings } from '../../src/core/nat64/settings.ts';
import { Random } from '../fuzz/random.ts';
import { prefix6 } from '../support/addresses.ts';
import { NAT64, poolOf } from '../support/nat64.ts';
import { Nat64Driver, SEGMENTS, staticBinding } from '../support/nat64-driver.ts';

const SERVER = '198.51.100.7:80';
const generator = (seed: number): (() => number) => {
  const random = new Random(seed);
  return () => random.next();
};

/** Whether an index leads to an entry, as its users look. */
function finds(index: OpenIndex, hash: number, entry: number): boolean {
  for (let at = hash & index.mask; index.slots[at] !== 0; at = (at + 1) & index.mask)
    if (((index.slots[at] ^ hash) & index.tagMask) === 0 && (index.slots[at] & index.entryMask) === entry) return true;
  return false;
}

describe('an open index', () => {
  for (const [name, spread] of [
    ['spread hashes', 0xffff_ffff],
    ['hashes that all lie within a few places', 0x0000_0007],
    ['hashes at the end of the slots, which wrap around', 0x8000_007f],
  ] as const) {
    test(`N-01 finds what was put in and not taken out: ${name}`, () => {
      const rng = new Random(spread);
      const hashes = Int32Array.from({ length: 97 }, () => (rng.next() & spread) | (spread === 0x8000_007f ? 0x78 : 0));
      const index = new OpenIndex(96, (entry) => hashes[entry] as number);
      const there = new Set<number>();
      for (let i = 0; i < 20_000; i++) {
        const entry = 1 + rng.below(96);
        if (there.has(entry)) index.remove(hashes[entry] as number, entry);
        else index.add(hashes[entry] as number, entry);
        if (!there.delete(entry)) there.add(entry);
        if (i % 50 !== 0) continue;
        for (let e = 1; e <= 96; e++) assert.equal(finds(index, hashes[e] as number, e), there.has(e));
      }
      for (const entry of there) index.remove(hashes[entry] as number, entry);
      assert.ok(index.slots.every((slot) => slot === 0));
    });
  }
});

describe('a keyed hash', () => {
  test('N-10 addresses and ports in a row spread over the places as random ones do, with any keys', () => {
    for (let seed = 0; seed < 20; seed++) {
      const hash = new KeyedHash(generator(seed));
      const counts = new Int32Array(1024);
      for (let i = 0; i < 10_240; i++) counts[hash.address(0x20010db8, i >> 12, 0, i & 63, i >> 6) & 1023]++;
      const pairs = new Int32Array(1024);
      for (let i = 0; i < 10_240; i++) pairs[hash.triple(i, 0x08080808, i & 7) & 1023]++;
      // 10 in a place on average; 50 in one has a probability of 10^-17.
      assert.ok(Math.max(...counts, ...pairs) < 50);
    }
  });

  test('N-10 who meets whom depends on the keys: what collides with one set seldom does with another', () => {
    const [a, b] = [new KeyedHash(generator(1)), new KeyedHash(generator(2))];
    let both = 0;
    let one = 0;
    for (let i = 1; i < 200_000; i++) {
      if ((a.pair(i, i & 0xffff) & 0xff) !== (a.pair(0, 0) & 0xff)) continue;
      one++;
      if ((b.pair(i, i & 0xffff) & 0xff) === (b.pair(0, 0) & 0xff)) both++;
    }
    assert.ok(one > 400);
    assert.ok(both < one / 20);
  });

  test('N-01 the same address hashes the same, whatever was hashed between', () => {
    const hash = new KeyedHash(generator(3));
    const first = hash.address(1, 2, 3, 4, 5);
    hash.address(9, 2, 3, 4, 5);
    assert.equal(hash.address(1, 2, 3, 4, 5), first);
    assert.notEqual(hash.address(9, 2, 3, 4, 5), first);
  });
});

describe('a table of addresses', () => {
  test('N-10 agrees with a Map, also when it grows', () => {
    const rng = new Random(8);
    const table = new AddressTable(60, 1, generator(1));
    const plain = new Map<string, number>();
    const addresses = Array.from({ length: 60 }, (_, i) => [0x20010db8, i >> 4, 0, i] as const);
    for (let i = 0; i < 5000; i++) {
      const address = rng.pick(addresses);
      const record = table.find(...address);
      assert.equal(record, plain.get(address.join()) ?? 0);
      if (record === 0) plain.set(address.join(), table.add(...address));
      else if (plain.delete(address.join())) table.remove(record);
      if (i === 2500) table.grow(5000, (r) => [...plain.values()].includes(r));
      assert.equal(table.count, plain.size);
    }
  });
});

describe('held SYNs', () => {
  test('N-02 come out in their order after their time, but for those taken before, within their room', () => {
    const rng = new Random(9);
    const held = new HeldSyns(16, generator(2));
    const plain: { key: string; cameMs: number }[] = [];
    let used = 0;
    for (let nowMs = 0; nowMs < 5000; nowMs++) {
      const [a, b, c, d] = [rng.below(2), rng.below(3), rng.below(3), rng.below(4)];
      const key = [a, b, c, d].join();
      const at = plain.findIndex((syn) => syn.key === key);
      if (rng.oneIn(3)) {
        assert.equal(held.take(a, b, c, d), at >= 0);
        if (at >= 0) plain.splice(at, 1);
      } else if (at < 0 && held.hold(a, b, c, d, nowMs) >= 0) plain.push({ key, cameMs: nowMs });
      else used++;
      for (let place = held.oldest(nowMs, 20); place >= 0; place = held.oldest(nowMs, 20)) {
        const out = [held.pool4(place), held.port4(place), held.remote4(place), held.remotePort(place)].join();
        assert.equal(out, plain.shift()?.key);
        held.drop(place);
      }
      assert.ok(plain.every((syn) => nowMs - syn.cameMs < 20));
      assert.equal(held.count, plain.length);
    }
    assert.ok(used > 0);
  });
});

describe('bindings over a restart', () => {
  const settings = { ...NAT64, mappingLog: 'mapping' as const };
  const hostOf = (i: number): string => `[2001:db8::${(i + 1).toString(16)}]:5000`;

  function saved(): { driver: Nat64Driver; bytes: Uint8Array } {
    const driver = new Nat64Driver({ ...settings, staticBindings: [staticBinding('udp', hostOf(90), '192.0.2.1:90')] });
    for (let i = 0; i < 5; i++) driver.out('udp', hostOf(i), SERVER);
    driver.out('tcp', hostOf(0), SERVER, SEGMENTS.syn);
    driver.state.addStatic(staticBinding('tcp', hostOf(91), '203.0.113.1:91'), driver.nowMs);
    return { driver, bytes: driver.state.save() };
  }

  test('N-12 hosts have the same ports after a restart, and a port opened by hand is open', () => {
    const { driver, bytes } = saved();
    const after = new Nat64Driver(settings, 99);
    assert.deepEqual(after.state.restore(bytes, after.nowMs), { restored: 7, refused: 0 });
    const kept = driver.bindings().filter((binding) => !binding.endsWith('configured'));
    assert.deepEqual(after.bindings(), kept);
    for (let i = 0; i < 5; i++) assert.equal(after.out('udp', hostOf(i), SERVER), driver.out('udp', hostOf(i), SERVER));
    assert.equal(after.state.takeLog(100).length, 7);
  });

  test('N-05, N-12 a TCP connection that is older than the process goes on', () => {
    const { driver, bytes } = saved();
    const after = new Nat64Driver(settings, 99);
    after.state.restore(bytes, after.nowMs);
    const pool = driver.out('tcp', hostOf(0), SERVER, SEGMENTS.ack);
    assert.equal(after.in('tcp', pool, SERVER, SEGMENTS.ack), hostOf(0));
    assert.equal(after.out('tcp', hostOf(0), SERVER, SEGMENTS.ack), pool);
    assert.ok(after.sessions().some((session) => session.endsWith('trans')));
    assert.equal(after.in('tcp', pool, SERVER, SEGMENTS.ack), hostOf(0));
    after.wait(3_600_000);
    assert.equal(after.out('tcp', hostOf(0), SERVER, SEGMENTS.ack), pool);
    assert.ok(after.sessions().some((session) => session.endsWith('established')));
  });

  /** The bytes of one established connection from hostOf(0), and where the pool has it. */
  function connected(): { pool: string; bytes: Uint8Array } {
    const driver = new Nat64Driver(settings);
    const pool = driver.out('tcp', hostOf(0), SERVER, SEGMENTS.syn);
    driver.in('tcp', pool, SERVER, SEGMENTS.synAck);
    return { pool, bytes: driver.state.save() };
  }
  const restored = (bytes: Uint8Array, change: Partial<Nat64Settings> = {}): Nat64Driver => {
    const after = new Nat64Driver({ ...settings, ...change }, 99);
    after.state.restore(bytes, after.nowMs);
    return after;
  };

  test('N-04, N-12 an idle TCP connection outlives a restart as long as it would have without one, and another restart', () => {
    const { pool, bytes } = connected();
    const again = restored(restored(bytes).state.save());
    again.wait(7_000_000);
    assert.equal(again.in('tcp', pool, SERVER, SEGMENTS.ack), hostOf(0));
    assert.equal(again.out('tcp', hostOf(0), SERVER, SEGMENTS.ack), pool);
    again.in('tcp', pool, SERVER, SEGMENTS.ack);
    again.wait(7_000_000);
    assert.equal(again.onlyState, 'established');
    const unused = restored(bytes);
    unused.wait(7_441_000);
    assert.deepEqual([unused.bindings(), unused.sessions()], [[], []]);
  });

  test('N-12 a restored connection that is taken up and ends gives its port back as any other does', () => {
    const { pool, bytes } = connected();
    const after = restored(bytes);
    for (const segment of [SEGMENTS.ack, SEGMENTS.ack, SEGMENTS.fin]) after.out('tcp', hostOf(0), SERVER, segment);
    after.in('tcp', pool, SERVER, SEGMENTS.fin);
    after.wait(301_000);
    assert.deepEqual(after.bindings(), []);
  });

  test('N-02, N-12 with address-dependent filtering the server of a restored connection may speak first, a new one may not', () => {
    const { pool, bytes } = connected();
    const after = restored(bytes, { filtering: 'address-dependent' });
    assert.equal(after.in('tcp', pool, SERVER, SEGMENTS.ack), hostOf(0));
    assert.equal(after.in('tcp', pool, '203.0.113.9:9', SEGMENTS.syn), 'syn-held');
    after.out('tcp', hostOf(0), SERVER, SEGMENTS.ack);
    assert.equal(after.in('tcp', pool, '203.0.113.9:9', SEGMENTS.ack), 'filtered');
    assert.equal(after.in('tcp', pool, SERVER, SEGMENTS.ack), hostOf(0));
  });

  test('N-04, N-12 strangers do not hold a restored mapping', () => {
    const { pool, bytes } = connected();
    const after = restored(bytes);
    for (let i = 0; i < 40; i++) {
      for (let n = 0; n < 2; n++) after.in('tcp', pool, `203.0.113.9:${i + 1}`, SEGMENTS.ack);
      after.wait(200_000);
    }
    assert.deepEqual(after.bindings(), []);
  });

  test('N-12 the bindings of hosts that are no longer served are refused; those made by hand are not', () => {
    const after = new Nat64Driver({ ...settings, clients: [prefix6('2001:db8::/126')] });
    assert.deepEqual(after.state.restore(saved().bytes, after.nowMs), { restored: 5, refused: 2 });
    assert.ok(after.bindings().includes('tcp [2001:db8::5c]:5000 203.0.113.1:91 static'));
  });

  test('N-12 a restored binding that nobody uses ends after its time', () => {
    const after = new Nat64Driver(settings, 99);
    after.state.restore(saved().bytes, after.nowMs);
    after.wait(301_000);
    assert.equal(after.bindings().length, 1);
    assert.deepEqual(after.sessions(), []);
  });

  test('N-12 what does not fit is refused: ports outside of the pool, ports and hosts that are taken, too many', () => {
    const { driver, bytes } = saved();
    const restoreTo = (nat: Nat64Driver) => nat.state.restore(bytes, nat.nowMs);
    assert.deepEqual(restoreTo(driver), { restored: 0, refused: 7 });
    assert.deepEqual(restoreTo(new Nat64Driver({ ...settings, pool: poolOf('192.0.2.2') })), {
      restored: 1,
      refused: 6,
    });
    const small = new Nat64Driver({ ...settings, limits: { ...settings.limits, sessions: 2 } });
    assert.deepEqual(restoreTo(small), { restored: 3, refused: 4 });
    assert.equal(small.state.counters().hosts, 3);
    const perHost = { ...settings.limits, sessionsPerHost: 1 };
    assert.deepEqual(restoreTo(new Nat64Driver({ ...settings, limits: perHost })), { restored: 6, refused: 1 });
  });

  test('N-12 a file that is cut short, damaged or none at all is survived', () => {
    const { bytes } = saved();
    for (let length = 0; length < bytes.length; length++) {
      const after = new Nat64Driver(settings);
      const { restored } = after.state.restore(bytes.slice(0, length), after.nowMs);
      assert.equal(restored, length < 9 ? 0 : Math.floor((length - 9) / 25));
      assert.equal(after.bindings().length, restored);
    }
    const rng = new Random(5);
    for (let i = 0; i < 500; i++) {
      const damaged = bytes.slice();
      for (let n = 0; n < 4; n++) damaged[rng.below(bytes.length)] = rng.next() & 0xff;
      const after = new Nat64Driver({ ...settings, staticBindings: [] });
      after.state.restore(i % 2 === 0 ? damaged : rng.bytes(200), after.nowMs);
      after.nowMs += NAT64.timers.tcpEstablishedMs + 1000;
      after.expire();
      const { sessions, bindings, staticBindings } = after.state.counters();
      assert.deepEqual([sessions, bindings.udp + bindings.tcp + bindings.icmp], [0, staticBindings]);
    }
  });
});
