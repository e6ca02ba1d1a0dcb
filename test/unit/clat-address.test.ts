// core/address/clat-address.ts: rules A-06 and D-10.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  canBeNeutral,
  isChecksumNeutral,
  isReservedIdentifier,
  makeClatAddress,
} from '../../src/core/address/clat-address.ts';
import { EMBEDDING_LENGTHS } from '../../src/core/address/rfc6052.ts';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { ip4, ip6, prefix6, text6 } from '../support/addresses.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });

/** A NAT64 prefix of any of the six lengths, bits 64–71 zero. */
const pref64 = fc.tuple(bytes(16), fc.constantFrom(...EMBEDDING_LENGTHS)).map(([address, length]): Prefix6 => {
  const kept = address.map((octet, i) => (i < length / 8 && i !== 8 ? octet : 0));
  return { address: kept, length };
});

/** An on-link prefix of 64–96 bits, its other bits zero. */
const onLink = fc.tuple(bytes(16), fc.integer({ min: 64, max: 96 })).map(([address, length]): Prefix6 => {
  const masked = address.map((octet, i) => octet & (0xff00 >> Math.min(Math.max(length - i * 8, 0), 8)) & 0xff);
  return { address: masked, length };
});

/** RFC 1071 the slow way: add word by word, carry around each time. */
function slowSum(octets: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < octets.length; i += 2) {
    sum += (octets[i] << 8) | octets[i + 1];
    if (sum > 0xffff) sum = (sum & 0xffff) + 1;
  }
  return sum === 0xffff ? 0 : sum;
}

const octets4 = (address: number): number[] => [24, 16, 8, 0].map((shift) => (address >>> shift) & 0xff);

/** RFC 6052 by bytes: the IPv4 octets after the prefix, octet 8 skipped. */
function embed(prefix: Prefix6, ipv4: number): number[] {
  const address = [...prefix.address];
  let at = prefix.length / 8;
  for (const octet of octets4(ipv4)) {
    if (at === 8) at += 1;
    address[at] = octet;
    at += 1;
  }
  return address;
}

const ipv4 = fc.integer({ min: 0xc0000001, max: 0xc0000006 });
const anyIpv4 = fc.integer({ min: 0, max: 0xffffffff });

describe('the CLAT address', () => {
  it('A-06 keeps the sum of the addresses for every prefix that allows it, every destination, every random', () => {
    fc.assert(
      fc.property(onLink, pref64, ipv4, bytes(8), anyIpv4, (prefix, nat64, own, random, destination) => {
        const clat = makeClatAddress(prefix, nat64, own, random);
        if (clat === null || !canBeNeutral(nat64)) return;
        const six = slowSum([...clat, ...embed(nat64, destination)]);
        const four = slowSum([...octets4(own), ...octets4(destination)]);
        assert.equal(six, four);
        assert.ok(isChecksumNeutral(clat, nat64, own));
      }),
      { numRuns: 20_000 },
    );
  });

  it('D-10 lies in the on-link prefix, is not reserved, and says nothing about a MAC address', () => {
    fc.assert(
      fc.property(onLink, pref64, ipv4, bytes(8), (prefix, nat64, own, random) => {
        const clat = makeClatAddress(prefix, nat64, own, random);
        if (clat === null) return;
        for (let bit = 0; bit < prefix.length; bit++) {
          const mask = 0x80 >> (bit & 7);
          assert.equal(clat[bit >> 3] & mask, prefix.address[bit >> 3] & mask);
        }
        assert.equal(isReservedIdentifier(clat), false);
        if (prefix.length === 64) assert.equal(clat[8] & 3, 0);
      }),
      { numRuns: 5_000 },
    );
  });

  it('D-10 the same random bytes give the same address, others another', () => {
    const make = (octet: number): string => {
      const random = new Uint8Array(8).fill(octet);
      const clat = makeClatAddress(prefix6('2001:db8:1::/64'), prefix6('64:ff9b::/96'), ip4('192.0.0.1'), random);
      return text6(clat ?? new Uint8Array(16));
    };
    assert.equal(make(0x5a), make(0x5a));
    assert.notEqual(make(0x5a), make(0x5b));
  });

  it('A-06 the well-known prefix, by hand', () => {
    const random = Uint8Array.from([0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44]);
    const clat = makeClatAddress(prefix6('2001:db8:1::/64'), prefix6('64:ff9b::/96'), ip4('192.0.0.1'), random);
    // 2001 + 0db8 + 0001 + 1011 (u and g cleared: 11 → 10) + 2222 + 3333 + 0064 + ff9b = 9320 with its carry, and
    // 192.0.0.1 is c000 + 0001: the last word is c001 − 9320.
    assert.equal(text6(clat ?? new Uint8Array(16)), '2001:db8:1:0:1011:2222:3333:2ce1');
  });

  it('A-06 where the embedded address is split at odd bytes no address is called neutral', () => {
    for (const length of [40, 48, 56, 64]) assert.equal(canBeNeutral({ address: ip6('2001:db8::'), length }), false);
  });

  it('D-10 random bytes that lead to the subnet-router anycast address are refused', () => {
    const nat64 = prefix6('2001:db8:46::/48');
    assert.equal(makeClatAddress(prefix6('2001:db8::/64'), nat64, ip4('192.0.0.1'), new Uint8Array(8)), null);
    assert.equal(makeClatAddress(prefix6('2001:db8::/96'), nat64, ip4('192.0.0.1'), new Uint8Array(8)), null);
  });

  it('D-10 the reserved identifiers of RFC 5453 are recognised at their edges', () => {
    for (const text of [
      '::',
      '::200:5eff:fe00:0',
      '::200:5eff:fe00:5213',
      '::fdff:ffff:ffff:ff80',
      '::fdff:ffff:ffff:ffff',
    ]) {
      assert.equal(isReservedIdentifier(ip6(text)), true, text);
    }
    for (const text of ['::1', '::200:5eff:fdff:ffff', '::fdff:ffff:ffff:ff7f', '::200:5f00:fe00:0']) {
      assert.equal(isReservedIdentifier(ip6(text)), false, text);
    }
  });

  it('a prefix without room and a wrong amount of random bytes are bugs', () => {
    const nat64 = prefix6('64:ff9b::/96');
    assert.throws(() => makeClatAddress(prefix6('2001:db8::/97'), nat64, 1, new Uint8Array(8)), RangeError);
    assert.throws(() => makeClatAddress(prefix6('2001:db8::/64'), nat64, 1, new Uint8Array(7)), RangeError);
  });
});
