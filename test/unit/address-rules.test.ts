// What a mapping and a prefix may be; martians; the corners of the dynamic pool.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DynamicPool, MAX_POOL_ADDRESSES, poolSize } from '../../src/core/address/dynamic-pool.ts';
import { hasRoomForSuffix } from '../../src/core/address/eam.ts';
import { addressWord, isEmbeddingPrefix, makeEmbeddingPrefix } from '../../src/core/address/rfc6052.ts';
import { isMartian4, isMartian6, isWellKnownPrefix } from '../../src/core/address/special.ts';
import { text6, textPrefix6 } from '../../src/core/address/text.ts';
import { ip4, ip6, mapping, prefix4, prefix6 } from '../support/addresses.ts';

describe('mappings', () => {
  test('A-05 an IPv6 suffix shorter than the IPv4 one is no mapping', () => {
    assert.equal(hasRoomForSuffix(mapping('192.0.2.0/24', '2001:db8::/120')), true);
    assert.equal(hasRoomForSuffix(mapping('192.0.2.0/24', '2001:db8::/121')), false);
    assert.equal(hasRoomForSuffix(mapping('0.0.0.0/0', '2001:db8::/96')), true);
    assert.equal(hasRoomForSuffix(mapping('0.0.0.0/0', '2001:db8::/97')), false);
    assert.equal(hasRoomForSuffix(mapping('192.0.2.1', '2001:db8::/128')), true);
  });
});

describe('prefixes', () => {
  test('A-01 only six lengths, bits 64 to 71 and those behind the prefix zero', () => {
    const lengths = Array.from({ length: 129 }, (_, i) => i);
    const allowed = lengths.filter((length) => isEmbeddingPrefix({ address: new Uint8Array(16), length }));
    assert.deepEqual(allowed, [32, 40, 48, 56, 64, 96]);
    assert.equal(isEmbeddingPrefix({ address: ip6('2001:db8:0:0:100::'), length: 96 }), false);
    assert.equal(isEmbeddingPrefix({ address: ip6('2001:db8::1'), length: 96 }), false);
    assert.equal(isEmbeddingPrefix({ address: new Uint8Array(15), length: 96 }), false);
    assert.throws(() => makeEmbeddingPrefix({ address: new Uint8Array(16), length: 63 }), RangeError);
  });

  test('A-03 the well-known prefix is the one /96 and nothing near it', () => {
    assert.deepEqual(
      ['64:ff9b::/96', '64:ff9b:1::/96', '64:ff9b::/64', '64:ff9a::/96'].map((p) => isWellKnownPrefix(prefix6(p))),
      [true, false, false, false],
    );
  });
});

describe('martians', () => {
  test('A-04 each range with its neighbours', () => {
    const four = [
      '0.255.255.255',
      '1.0.0.0',
      '126.255.255.255',
      '127.0.0.0',
      '127.255.255.255',
      '128.0.0.0',
      '223.255.255.255',
      '224.0.0.0',
      '239.0.0.0',
      '240.0.0.0',
      '255.255.255.255',
    ];
    assert.deepEqual(
      four.map((a) => isMartian4(ip4(a) | 0)),
      [true, false, false, true, true, false, false, true, true, true, true],
    );
    const six = [
      '::',
      '::1',
      '::2',
      '0:0:0:1::',
      '::1:0:0',
      '::1:0',
      'fe7f:ffff::',
      'fe80::',
      'febf:ffff::',
      'fec0::',
      'feff::',
      'ff00::',
      'ffff::',
    ];
    const words = (a: string) => [0, 1, 2, 3].map((i) => addressWord(ip6(a), i)) as [number, number, number, number];
    assert.deepEqual(
      six.map((a) => isMartian6(...words(a))),
      [true, true, false, false, false, false, false, true, true, false, false, true, true],
    );
  });
});

describe('the dynamic pool', () => {
  const host = (i: number) => [0x20010db8, 0, i, 1] as const;

  test('A-05 addresses in two ranges count once, and a pool that is too large is refused', () => {
    assert.equal(poolSize([prefix4('198.51.100.0/30'), prefix4('203.0.113.0/31')]), 6);
    const pool = new DynamicPool([prefix4('198.51.100.0/31'), prefix4('198.51.100.0/30')], 1);
    assert.equal(new Set([0, 1, 2, 3].map((i) => pool.lease(...host(i), 0))).size, 4);
    assert.equal(pool.lease(...host(4), 0), 0);
    assert.throws(() => new DynamicPool([prefix4('10.0.0.0/15')], 1), RangeError);
    assert.equal(poolSize([prefix4('10.0.0.0/16')]), MAX_POOL_ADDRESSES);
  });

  test('A-05 an empty pool is empty and knows no address', () => {
    const pool = new DynamicPool([], 1);
    assert.deepEqual(
      [pool.isEmpty, pool.slotOf(0), pool.lease(...host(1), 0), pool.leaseOf(...host(1))],
      [true, -1, 0, 0],
    );
  });

  test('A-05 a saved lease that does not fit is left out: foreign, taken, or of a host that has one', () => {
    const pool = new DynamicPool([prefix4('198.51.100.0/30')], 1000);
    const first = pool.lease(...host(1), 5);
    const lease = (ipv4: string, i: number) => ({ ipv4: ip4(ipv4), ipv6: host(i), lastUsedMs: 7 });
    pool.restore([
      lease('203.0.113.1', 2),
      { ipv4: first, ipv6: host(3), lastUsedMs: 7 },
      lease('198.51.100.3', 1),
      lease('198.51.100.2', 4),
    ]);
    assert.deepEqual(
      pool.leases().map(({ ipv4, ipv6, lastUsedMs }) => [ipv4 >>> 0, ipv6[2], lastUsedMs]),
      [
        [ip4('198.51.100.0'), 1, 5],
        [ip4('198.51.100.2'), 4, 7],
      ],
    );
  });

  test('A-05 a full pool is searched once, and again only when its oldest lease is over', () => {
    class CountingPool extends DynamicPool {
      looks = 0;
      override isLeased(slot: number): boolean {
        this.looks++;
        return super.isLeased(slot);
      }
    }
    const pool = new CountingPool([prefix4('198.51.100.0/28')], 1000);
    for (let i = 0; i < 16; i++) pool.lease(...host(i), 10 + i);
    const looksFor = (i: number, nowMs: number) => {
      const before = pool.looks;
      return [pool.lease(...host(i), nowMs) !== 0, pool.looks - before];
    };
    assert.deepEqual(looksFor(100, 500), [false, 16], 'the search that finds the pool full');
    assert.deepEqual(looksFor(101, 500), [false, 0]);
    assert.deepEqual(looksFor(102, 1009), [false, 0]);
    assert.equal(looksFor(103, 1011)[0], true, 'the oldest lease is over');
  });

  test('A-05 a full pool of 4,096 hands over every address once the leases are over', () => {
    const pool = new DynamicPool([prefix4('100.64.0.0/20')], 1000);
    const first = Array.from({ length: 4096 }, (_, i) => pool.lease(...host(i), i & 255));
    assert.equal(new Set(first).size, 4096);
    assert.equal(pool.lease(...host(9999), 900), 0);
    const second = Array.from({ length: 4096 }, (_, i) => pool.lease(...host(10_000 + i), 5000));
    assert.deepEqual([...second].sort(), [...first].sort());
    for (let i = 0; i < 4096; i++) {
      assert.equal(pool.leaseOf(...host(i)), 0);
      assert.equal(pool.leaseOf(...host(10_000 + i)), second[i]);
    }
  });
});

describe('addresses as text', () => {
  test('RFC 5952 §4 zeros go once, where most of them are, the first of several as long, never a single one', () => {
    for (const [long, text] of [
      ['2001:0db8:0:0:0:0:0:0', '2001:db8::'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
      ['0:0:1:2:3:0:0:4', '::1:2:3:0:0:4'],
      ['0:0:0:0:0:0:0:0', '::'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
      ['FE80:2:3:4:5:6:7:A', 'fe80:2:3:4:5:6:7:a'],
    ] as const) {
      assert.equal(text6(ip6(long)), text);
      assert.deepEqual(ip6(text), ip6(long));
    }
    assert.equal(textPrefix6(prefix6('2001:db8:0:0::/32')), '2001:db8::/32');
  });
});
