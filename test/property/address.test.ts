// Addresses against their plain twins: RFC 6052, explicit mappings by linear search, the dynamic pool by a Map.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AddressMap, ALL, BY_MAPPING, BY_PREFIX, PREFIX_ONLY, UNMAPPED } from '../../src/core/address/address-map.ts';
import { DynamicPool } from '../../src/core/address/dynamic-pool.ts';
import { PrefixTable } from '../../src/core/address/prefix-table.ts';
import { addressWord, EMBEDDING_LENGTHS } from '../../src/core/address/rfc6052.ts';
import { DEFAULT_SETTINGS, type Mapping, type Prefix6 } from '../../src/core/translate/settings.ts';
import { Random } from '../fuzz/random.ts';
import { eam4To6, eam6To4, embed, extract, isInPrefix6 } from '../reference/addresses.ts';
import { prefix4 } from '../support/addresses.ts';

type Words = [number, number, number, number];
const wordsOf = (address: Uint8Array): Words => [0, 1, 2, 3].map((i) => addressWord(address, i)) as Words;
const resultOf = (map: AddressMap): Words => [map.w0, map.w1, map.w2, map.w3];

/** Bits behind `length` cleared. */
const masked = (bytes: Uint8Array, length: number): Uint8Array =>
  bytes.map((octet, i) => octet & (0xff00 >> Math.min(8, Math.max(0, length - i * 8))));

function randomPrefix6(rng: Random, length: number): Prefix6 {
  const address = masked(rng.bytes(16), length);
  address[8] = 0;
  return { address, length };
}

describe('addresses against their plain twins', () => {
  for (const length of EMBEDDING_LENGTHS) {
    test(`A-01 a prefix of ${length} bits embeds and extracts by RFC 6052's table, the suffix ignored`, () => {
      const rng = new Random(length);
      for (let i = 0; i < 2000; i++) {
        const prefix = randomPrefix6(rng, length);
        const map = new AddressMap({ ...DEFAULT_SETTINGS, prefix, allowNonGlobal: true });
        const ipv4 = rng.pick([0, 0xffff_ffff, 0x8000_0000, rng.next()]);
        assert.equal(map.toIpv6(ipv4 | 0, ALL), BY_PREFIX);
        const expected = embed(prefix, ipv4);
        assert.deepEqual(resultOf(map), wordsOf(expected));
        const noisy = expected.map((octet, at) => (at === 8 || (length < 96 && at > 12) ? rng.next() & 0xff : octet));
        const address = length === 96 ? expected : noisy;
        assert.equal(map.toIpv4(...wordsOf(address), ALL, -1), BY_PREFIX);
        assert.equal(map.ipv4 >>> 0, extract(prefix, address));
      }
    });

    test(`A-01 one bit outside of a prefix of ${length} bits is outside`, () => {
      const rng = new Random(length + 1);
      const prefix = randomPrefix6(rng, length);
      const map = new AddressMap({ ...DEFAULT_SETTINGS, prefix });
      for (let bit = 0; bit < length; bit++) {
        const address = embed(prefix, 0x08080808);
        address[bit >> 3] = (address[bit >> 3] as number) ^ (0x80 >> (bit & 7));
        assert.equal(isInPrefix6(prefix, address), false);
        assert.equal(map.toIpv4(...wordsOf(address), ALL, -1), UNMAPPED, `bit ${bit}`);
      }
    });
  }

  test('A-05 explicit mappings of any lengths find and map as a linear search does', () => {
    const rng = new Random(5);
    for (let round = 0; round < 150; round++) {
      const mappings = randomMappings(rng, 1 + rng.below(40));
      const map = new AddressMap({ ...DEFAULT_SETTINGS, mappings });
      for (let i = 0; i < 60; i++) {
        const { ipv4, ipv6 } = rng.pick(mappings);
        const address4 = rng.oneIn(4)
          ? rng.next()
          : (ipv4.address + rng.below(2 ** Math.min(30, 32 - ipv4.length))) >>> 0;
        const expected6 = eam4To6(mappings, address4);
        assert.equal(map.toIpv6(address4 | 0, ALL), expected6 === null ? UNMAPPED : BY_MAPPING);
        if (expected6 !== null) assert.deepEqual(resultOf(map), wordsOf(expected6));
        assert.equal(map.hasMapping(address4 | 0), expected6 !== null);
        const noise = rng.bytes(16);
        const free = masked(new Uint8Array(16).fill(0xff), ipv6.length);
        const address6 = ipv6.address.map((octet, at) => octet | ((noise[at] as number) & ~(free[at] as number)));
        const expected4 = eam6To4(mappings, address6);
        assert.equal(map.toIpv4(...wordsOf(address6), ALL, -1), BY_MAPPING);
        assert.equal(map.ipv4 >>> 0, expected4);
      }
    }
  });

  test('A-05 an explicit mapping wins over the prefix, unless the prefix alone is asked for', () => {
    const prefix = { address: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 0x64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), length: 96 };
    const mappings = [{ ipv4: prefix4('8.8.8.8'), ipv6: { address: new Uint8Array(16).fill(0x33), length: 128 } }];
    const map = new AddressMap({ ...DEFAULT_SETTINGS, prefix, mappings });
    assert.equal(map.toIpv6(0x08080808, ALL), BY_MAPPING);
    assert.equal(map.toIpv6(0x08080808, PREFIX_ONLY), BY_PREFIX);
    assert.deepEqual(resultOf(map), wordsOf(embed(prefix, 0x08080808)));
  });

  test('A-05 the prefix table finds the longest of 500 prefixes, as a linear search does', () => {
    const rng = new Random(6);
    const lengths = Array.from({ length: 500 }, () => rng.pick([0, 1, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128]));
    const prefixes = lengths.map((length) =>
      masked(
        Uint8Array.from(rng.bytes(16), (b) => b & 0x83),
        length,
      ),
    );
    const table = new PrefixTable(Int32Array.from(prefixes.flatMap(wordsOf)), lengths);
    for (let i = 0; i < 500; i++) {
      const address = rng.oneIn(3) ? rng.bytes(16) : rng.pick(prefixes).map((b) => (rng.oneIn(16) ? b ^ 1 : b));
      let best = -1;
      prefixes.forEach((prefix, at) => {
        const length = lengths[at] as number;
        if (length > (best < 0 ? -1 : (lengths[best] as number)) && isInPrefix6({ address: prefix, length }, address))
          best = at;
      });
      assert.equal(table.lookup(...wordsOf(address)), best);
    }
  });

  test('A-05 the dynamic pool leases, expires, fills up, restores and forgets as a Map does', () => {
    for (let round = 0; round < 60; round++) poolAgainstMap(new Random(100 + round));
  });
});

function randomMappings(rng: Random, count: number): Mapping[] {
  return Array.from({ length: count }, () => {
    const length4 = rng.pick([0, 1, 8, 15, 16, 24, 26, 29, 31, 32, 32, 32]);
    const longest6 = 96 + length4;
    const length6 = rng.pick([longest6, longest6, rng.below(longest6 + 1), Math.min(longest6, 64)]);
    const mask = length4 === 0 ? 0 : -1 << (32 - length4);
    return {
      ipv4: { address: (rng.next() & 0x0303_0303 & mask) >>> 0, length: length4 },
      ipv6: { address: masked(rng.bytes(16), length6), length: length6 },
    };
  });
}

const LEASE_MS = 1000;

/** A pool of eight addresses and forty hosts that come and go, beside a Map that remembers who has what since when. */
function poolAgainstMap(rng: Random): void {
  const ranges = [prefix4('198.51.100.0/30'), prefix4('203.0.113.8/30'), prefix4('198.51.100.2/31')];
  let pool = new DynamicPool(ranges, LEASE_MS);
  const model = new Map<string, { ipv4: number; lastMs: number }>();
  let now = 1;
  for (let step = 0; step < 400; step++) {
    now += rng.below(200);
    const host: Words = [0x20010db8, 0, 0, rng.below(rng.oneIn(2) ? 40 : 10)];
    const key = String(host);
    const isLive = (lease: { lastMs: number }) => now - lease.lastMs <= LEASE_MS;
    if (rng.oneIn(12)) {
      const saved = pool.leases();
      assert.equal(saved.length, model.size);
      pool = new DynamicPool(ranges, LEASE_MS);
      pool.restore(saved);
    }
    const known = model.get(key);
    const ipv4 = pool.lease(...host, now);
    if (known !== undefined) assert.equal(ipv4, known.ipv4, 'a host keeps its address, also after the lease ran out');
    else if (ipv4 === 0) {
      assert.equal([...model.values()].filter(isLive).length, 8, 'refused only when all eight are leased');
      assert.equal(pool.leaseOf(...host), 0);
      continue;
    } else {
      const holder = [...model].find(([, lease]) => lease.ipv4 === ipv4);
      if (holder !== undefined) {
        assert.ok(!isLive(holder[1]), 'only an address whose lease ran out goes to another host');
        model.delete(holder[0]);
      }
    }
    model.set(key, { ipv4, lastMs: now });
    for (const [name, lease] of model)
      assert.equal(pool.leaseOf(...(name.split(',').map(Number) as Words)), lease.ipv4);
    const slot = pool.slotOf(ipv4);
    assert.ok(pool.isLeased(slot));
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => pool.word(slot, i)),
      host,
    );
  }
}
