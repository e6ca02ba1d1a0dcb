// The programs of the redirect uplink: what they decide, over generated packets, against a plain description of the same rules;
// and their bytes, against LLVM's.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { neighbourFilter, tunIngress, uplinkIngress } from '../../src/core/bpf/programs.ts';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { GOLDEN, goldenBytes } from './bpf-golden.ts';
import { interpret, type Outcome, type Packet, unreachable } from './bpf-interpreter.ts';

const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const NEXT = -1;
const DROP = 2;
const REDIRECT = 7;

const CLAT = Uint8Array.from(Buffer.from('20010db8000100001122334455667788', 'hex'));
const ROUTER = Uint8Array.from(Buffer.from('fe80000000000000a0b1c2fffed3e4f5', 'hex'));
const LENGTHS = [32, 40, 48, 56, 64, 96] as const;

/** A prefix of a given length over bytes that differ from each other. */
function prefixOf(length: number): Prefix6 {
  const address = Uint8Array.from(Buffer.from('20010db8fedcba9800a1b2c3d4e5f607', 'hex'));
  return { address: address.fill(0, length / 8), length };
}

/** An IPv6 packet: addresses, next header, hop limit, and what follows. */
function ipv6(source: Uint8Array, destination: Uint8Array, next: number, payload: Uint8Array, hops = 64): Uint8Array {
  const start = [0x60, 0, 0, 0, payload.length >> 8, payload.length & 0xff, next, hops];
  return Uint8Array.from([...start, ...source, ...destination, ...payload]);
}

const asReceived = (bytes: Uint8Array, more: Partial<Packet> = {}): Packet => ({
  bytes,
  protocol: ETH_P_IPV6,
  packetType: 0,
  vlan: null,
  ...more,
});

const startsWith = (address: Uint8Array, prefix: Prefix6): boolean =>
  Buffer.compare(address.subarray(0, prefix.length / 8), prefix.address.subarray(0, prefix.length / 8)) === 0;

/** The rules of the uplink's ingress, in words. */
function expectedAtUplink(packet: Packet, prefix: Prefix6): number {
  const { bytes } = packet;
  const isForeign = packet.protocol !== ETH_P_IPV6 || packet.packetType !== 0;
  const isOfVlan = packet.vlan !== null && (packet.vlan & 0xfff) !== 0;
  if (isForeign || isOfVlan || bytes.length < 40) return NEXT;
  if (Buffer.compare(bytes.subarray(24, 40), CLAT) !== 0) return NEXT;
  if (startsWith(bytes.subarray(8, 24), prefix)) return REDIRECT;
  if (bytes[6] !== 58 || bytes.length < 41) return DROP;
  if (bytes[40] >= 1 && bytes[40] <= 4) return REDIRECT;
  return bytes[40] >= 133 && bytes[40] <= 137 ? NEXT : DROP;
}

/** An address that is `base`, or `base` with one bit turned over, or anything. */
const near = (base: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constant(base) },
    fc.nat(127).map((bit) => base.map((octet, i) => (i === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet))),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
  );

const within = (prefix: Prefix6): fc.Arbitrary<Uint8Array> =>
  fc
    .uint8Array({ minLength: 16, maxLength: 16 })
    .map((b) => b.map((o, i) => (i < prefix.length / 8 ? prefix.address[i] : o)));

/** Packets around the rules' edges, cut short now and then. */
const packets = (source: fc.Arbitrary<Uint8Array>, destination: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Packet> =>
  fc
    .record({
      source,
      destination,
      next: fc.oneof(fc.constantFrom(58, 58, 6, 17), fc.nat(255)),
      first: fc.oneof(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 132, max: 138 }), fc.nat(255)),
      length: fc.oneof({ weight: 5, arbitrary: fc.constant(64) }, fc.integer({ min: 0, max: 64 })),
      packetType: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.nat(7)),
      protocol: fc.oneof({ weight: 9, arbitrary: fc.constant(ETH_P_IPV6) }, fc.constant(ETH_P_IP)),
      vlan: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, fc.constantFrom(0xe000, 0x0001, 0xffff)),
      hops: fc.constantFrom(255, 254),
    })
    .map(({ next, first, length, hops, source: from, destination: to, ...rest }) => {
      const payload = new Uint8Array(24).fill(0xaa);
      payload[0] = first;
      payload.set(CLAT, 8);
      return asReceived(ipv6(from, to, next, payload, hops).slice(0, length), rest);
    });

describe('the program on the ingress of the uplink', () => {
  for (const length of LENGTHS) {
    it(`decides as described for a NAT64 prefix of ${length} bits`, () => {
      const prefix = prefixOf(length);
      const code = uplinkIngress({ clat: CLAT, prefix, tunIndex: 9 });
      const sources = fc.oneof(within(prefix), near(prefix.address));
      fc.assert(
        fc.property(packets(sources, near(CLAT)), (packet) => {
          const outcome = interpret(code, packet);
          const expected = expectedAtUplink(packet, prefix);
          assert.equal(outcome.result, expected);
          assert.deepEqual(
            outcome.redirected,
            expected === REDIRECT ? { helper: 'redirect', ifIndex: 9, nextHop: null } : null,
          );
        }),
        { numRuns: 3000 },
      );
    });
  }

  const decide = (bytes: Uint8Array, more: Partial<Packet> = {}): number =>
    interpret(uplinkIngress({ clat: CLAT, prefix: prefixOf(96), tunIndex: 9 }), asReceived(bytes, more)).result;
  const foreign = new Uint8Array(16).fill(0x20);
  const syn = new Uint8Array(20);

  it('takes what comes from the NAT64 for the CLAT address', () => {
    assert.equal(decide(ipv6(prefixOf(96).address, CLAT, 6, syn)), REDIRECT);
  });

  it('leaves frames for other machines alone (PACKET_OTHERHOST)', () => {
    assert.equal(decide(ipv6(prefixOf(96).address, CLAT, 6, syn), { packetType: 3 }), NEXT);
  });

  it('leaves packets of a VLAN to the VLAN, and takes those with a priority tag only', () => {
    const bytes = ipv6(prefixOf(96).address, CLAT, 6, syn);
    assert.equal(decide(bytes, { vlan: 0x0007 }), NEXT);
    assert.equal(decide(bytes, { vlan: 0x6000 }), REDIRECT);
  });

  it('lets nothing from elsewhere reach this host by the CLAT address, but neighbour discovery', () => {
    assert.equal(decide(ipv6(foreign, CLAT, 6, syn)), DROP);
    assert.equal(decide(ipv6(foreign, CLAT, 58, Uint8Array.of(128, 0, 0, 0))), DROP);
    assert.equal(decide(ipv6(foreign, CLAT, 58, Uint8Array.of(135, 0, 0, 0))), NEXT);
  });

  it('D-11 lets routers on the way report errors: ICMPv6 types 1 to 4', () => {
    const results = [0, 1, 2, 3, 4, 5].map((type) => decide(ipv6(foreign, CLAT, 58, Uint8Array.of(type, 0, 0, 0))));
    assert.deepEqual(results, [DROP, REDIRECT, REDIRECT, REDIRECT, REDIRECT, DROP]);
  });
});

describe('the program on the ingress of the TUN', () => {
  const neighbours = tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: true, router: null });
  const byRouter = tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: true, router: ROUTER });
  const pointToPoint = tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: false, router: null });
  const anywhere = fc.uint8Array({ minLength: 16, maxLength: 16 });

  /** What a program does with a packet if it takes it. */
  function check(code: Uint8Array, taken: Outcome): void {
    fc.assert(
      fc.property(packets(near(CLAT), anywhere), (packet) => {
        const isOurs = packet.protocol === ETH_P_IPV6 && packet.bytes.length >= 24;
        const isTaken = isOurs && Buffer.compare(packet.bytes.subarray(8, 24), CLAT) === 0;
        assert.deepEqual(interpret(code, packet), isTaken ? taken : { result: NEXT, redirected: null, headGrown: 0 });
      }),
      { numRuns: 3000 },
    );
  }

  it('hands packets from the CLAT address to the neighbours of the uplink, with room for an Ethernet header', () => {
    const redirected = { helper: 'redirect_neigh', ifIndex: 3, nextHop: null } as const;
    check(neighbours, { result: REDIRECT, redirected, headGrown: 14 });
  });

  it('hands them to a router of the uplink whatever the routes say', () => {
    const redirected = { helper: 'redirect_neigh', ifIndex: 3, nextHop: Buffer.from(ROUTER).toString('hex') } as const;
    check(byRouter, { result: REDIRECT, redirected, headGrown: 14 });
  });

  it('hands them to a point-to-point uplink as they are', () => {
    check(pointToPoint, {
      result: REDIRECT,
      redirected: { helper: 'redirect', ifIndex: 3, nextHop: null },
      headGrown: 0,
    });
  });

  it('drops a packet that there is no memory for', () => {
    const packet = asReceived(ipv6(CLAT, CLAT, 6, new Uint8Array(20)), { hasHeadroom: false });
    assert.equal(interpret(neighbours, packet).result, DROP);
  });
});

describe('the filter of the neighbour watch', () => {
  const target = (type: number, about: Uint8Array): Uint8Array => Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, ...about);
  const passes = (withSolicitations: boolean, bytes: Uint8Array, more: Partial<Packet> = {}): boolean =>
    interpret(neighbourFilter({ clat: CLAT, withSolicitations }), asReceived(bytes, more)).result !== 0;
  const group = new Uint8Array(16).fill(0xff);

  it('D-11 passes advertisements about the CLAT address, and solicitations where they are ours to answer', () => {
    const advertisement = ipv6(CLAT, group, 58, target(136, CLAT), 255);
    const solicitation = ipv6(CLAT, group, 58, target(135, CLAT), 255);
    assert.deepEqual([passes(true, advertisement), passes(true, solicitation)], [true, true]);
    assert.deepEqual([passes(false, advertisement), passes(false, solicitation)], [true, false]);
  });

  it('RFC 4861 §7.1 passes nothing with another hop limit, target, type, protocol or receiver, and nothing cut short', () => {
    const other = CLAT.map((octet, i) => (i === 15 ? octet ^ 1 : octet));
    const wrong: (readonly [string, Uint8Array, Partial<Packet>])[] = [
      ['hop limit', ipv6(CLAT, group, 58, target(135, CLAT), 254), {}],
      ['target', ipv6(CLAT, group, 58, target(135, other), 255), {}],
      ['type', ipv6(CLAT, group, 58, target(134, CLAT), 255), {}],
      ['next header', ipv6(CLAT, group, 17, target(135, CLAT), 255), {}],
      ['IPv4', ipv6(CLAT, group, 58, target(135, CLAT), 255), { protocol: ETH_P_IP }],
      ['receiver', ipv6(CLAT, group, 58, target(135, CLAT), 255), { packetType: 3 }],
    ];
    for (const [what, bytes, more] of wrong) assert.equal(passes(true, bytes, more), false, what);
    const whole = ipv6(CLAT, group, 58, target(135, CLAT), 255);
    for (let length = 0; length < whole.length; length++) assert.equal(passes(true, whole.slice(0, length)), false);
  });
});

describe('the bytes of the programs', () => {
  it('hold no instruction that is never reached, which the kernel would refuse', () => {
    const variants = [
      ...LENGTHS.map((length) => uplinkIngress({ clat: CLAT, prefix: prefixOf(length), tunIndex: 9 })),
      ...[true, false].map((hasNeighbours) => tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours, router: null })),
      tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: true, router: ROUTER }),
      ...[true, false].map((withSolicitations) => neighbourFilter({ clat: CLAT, withSolicitations })),
    ];
    assert.deepEqual(
      variants.map(unreachable),
      variants.map(() => -1),
    );
  });

  const made: Readonly<Record<keyof typeof GOLDEN, Uint8Array>> = {
    uplink: uplinkIngress({ clat: CLAT, prefix: prefixOf(40), tunIndex: 9 }),
    tun: tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: true, router: null }),
    tunByRouter: tunIngress({ clat: CLAT, uplinkIndex: 3, hasNeighbours: true, router: ROUTER }),
    neighbours: neighbourFilter({ clat: CLAT, withSolicitations: true }),
  };
  for (const name of Object.keys(GOLDEN) as (keyof typeof GOLDEN)[]) {
    it(`of "${name}" are those that LLVM makes of the listing`, () => {
      assert.deepEqual(Buffer.from(made[name]), goldenBytes(name));
    });
  }
});
