// core/wire/ndp.ts: RFC 4861 §4. Golden packets are from scapy 2.5.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  checkNdp,
  emitNdp,
  emitNdpPacket,
  groupLinkAddress,
  type NdpMessage,
  OPTION_MTU,
  OPTION_NONCE,
  parseMtuOption,
  parseNdp,
  parsePrefixInformation,
  solicitedNodeGroup,
} from '../../src/core/wire/ndp.ts';
import { isConflict } from '../../src/platform/linux/dad.ts';
import { ip6, text6 } from '../support/addresses.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

/** A DAD probe for 2001:db8:1::99 with a nonce, as an IPv6 packet. */
const PROBE = hex(`
  60000000 0020 3a ff  00000000000000000000000000000000  ff0200000000000000000001ff000099
  87 00 34a7 00000000  20010db8000100000000000000000099
  0e 01 010203040506`);

/** A Router Advertisement: hop limit 64, M, high preference, 1800 s; prefix 2001:db8:1::/64 L A, MTU 1400. */
const ADVERTISEMENT = hex(`
  86 00 0000 40 88 0708 00000000 00000000
  03 04 40 c0 00015180 00003840 00000000 20010db8000100000000000000000000
  05 01 0000 00000578`);

const TARGET = ip6('2001:db8:1::99');
const NONCE = hex('010203040506');
const probe: NdpMessage = { kind: 'solicitation', target: TARGET, options: [{ type: OPTION_NONCE, body: NONCE }] };

/** Plain objects, so that they compare with parsed ones. */
const record = { noNullPrototype: true };
const body = fc.integer({ min: 1, max: 4 }).chain((n) => fc.uint8Array({ minLength: n * 8 - 2, maxLength: n * 8 - 2 }));
const options = fc.array(fc.record({ type: fc.nat(255), body }, record), { maxLength: 4 });
const target = fc.uint8Array({ minLength: 16, maxLength: 16 }).filter((t) => t[0] !== 0xff);
const message: fc.Arbitrary<NdpMessage> = fc.oneof(
  fc.record({ kind: fc.constant('solicitation' as const), target, options }, record),
  fc.record(
    {
      kind: fc.constant('advertisement' as const),
      target,
      isRouter: fc.boolean(),
      isSolicited: fc.boolean(),
      overrides: fc.boolean(),
      options,
    },
    record,
  ),
  fc.record(
    {
      kind: fc.constant('router' as const),
      hopLimit: fc.nat(255),
      isManaged: fc.boolean(),
      isOther: fc.boolean(),
      preference: fc.constantFrom(-1, 0, 1),
      lifetimeSeconds: fc.integer({ min: 1, max: 0xffff }),
      reachableMs: fc.nat(0xffffffff),
      retransMs: fc.nat(0xffffffff),
      options,
    },
    record,
  ),
);

describe('neighbour discovery messages', () => {
  it('RFC 4861 §4.3 a DAD probe is written byte for byte, checksum included', () => {
    const packet = emitNdpPacket(new Uint8Array(16), solicitedNodeGroup(TARGET), probe);
    assert.equal(Buffer.from(packet).toString('hex'), Buffer.from(PROBE).toString('hex'));
  });

  it('RFC 4861 §4.2 a Router Advertisement is read with its options', () => {
    const ra = parseNdp(ADVERTISEMENT);
    assert.ok(ra?.kind === 'router');
    assert.deepEqual(
      [ra.hopLimit, ra.isManaged, ra.isOther, ra.preference, ra.lifetimeSeconds],
      [64, true, false, 1, 1800],
    );
    const prefix = parsePrefixInformation(ra.options[0]);
    assert.ok(prefix);
    assert.deepEqual([text6(prefix.prefix), prefix.prefixLength], ['2001:db8:1::', 64]);
    assert.deepEqual([prefix.isOnLink, prefix.isAutonomous], [true, true]);
    assert.deepEqual([prefix.validSeconds, prefix.preferredSeconds], [86400, 14400]);
    assert.equal(parseMtuOption(ra.options[1]), 1400);
    assert.equal(parsePrefixInformation(ra.options[1]), null);
    assert.equal(parseMtuOption({ type: OPTION_MTU, body: new Uint8Array(14) }), null);
  });

  it('RFC 4191 §2.2 the preference of a router that is no default router is ignored', () => {
    const m = ADVERTISEMENT.slice();
    m.set([0, 0], 6);
    const ra = parseNdp(m);
    assert.ok(ra?.kind === 'router');
    assert.deepEqual([ra.preference, ra.lifetimeSeconds], [0, 0]);
  });

  it('what is written is read again', () => {
    fc.assert(fc.property(message, (m) => assert.deepEqual(parseNdp(emitNdp(m)), m)));
  });

  it('RFC 4861 §4.6 a message cut at any length is refused or a shorter list of options', () => {
    for (let length = 0; length < ADVERTISEMENT.length; length++) {
      const expected = length === 16 || length === 48;
      assert.equal(checkNdp(ADVERTISEMENT.subarray(0, length)), expected, `${length} bytes`);
    }
  });

  it('RFC 4861 §7.1 an option of length zero, a code, a multicast target and other types are refused', () => {
    const change = (at: number, value: number): Uint8Array => PROBE.slice(40).fill(value, at, at + 1);
    assert.equal(checkNdp(PROBE.subarray(40)), true);
    assert.equal(checkNdp(change(25, 0)), false, 'option length 0');
    assert.equal(checkNdp(change(25, 2)), false, 'option beyond the end');
    assert.equal(checkNdp(change(1, 1)), false, 'code');
    assert.equal(checkNdp(change(8, 0xff)), false, 'multicast target');
    assert.equal(checkNdp(change(0, 128)), false, 'echo request');
  });

  it('any bytes are parsed without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (m) => void parseNdp(m)),
      { numRuns: 5_000 },
    );
  });

  it('RFC 4291 §2.7.1, RFC 2464 §7 the solicited-node group and its Ethernet address', () => {
    const group = solicitedNodeGroup(ip6('2001:db8::0102:0304'));
    assert.equal(text6(group), 'ff02::1:ff02:304');
    assert.deepEqual([...groupLinkAddress(group)], [0x33, 0x33, 0xff, 0x02, 0x03, 0x04]);
  });
});

describe('a duplicate address is', () => {
  const MAC = hex('02005e005301');
  const PROBE = { target: TARGET, linkAddress: MAC, nonce: NONCE };
  const other = ip6('fe80::1');
  const advertised: NdpMessage = {
    kind: 'advertisement',
    target: TARGET,
    isRouter: false,
    isSolicited: false,
    overrides: true,
    options: [],
  };

  it('RFC 4862 §5.4.4 an advertisement of it, from anyone', () => {
    assert.equal(isConflict(advertised, other, PROBE), true);
    assert.equal(isConflict({ ...advertised, target: other }, other, PROBE), false);
  });

  it('RFC 4862 §5.4.4 no advertisement that names our own link, brought back by a bridge', () => {
    const naming = (body: Uint8Array): NdpMessage => ({ ...advertised, options: [{ type: 2, body }] });
    assert.equal(isConflict(naming(MAC), other, PROBE), false);
    assert.equal(isConflict(naming(hex('02005e005302')), other, PROBE), true);
    assert.equal(isConflict(naming(hex('02005e005301ffffffffffffffff')), other, PROBE), true, 'a longer one');
    assert.equal(isConflict(naming(MAC), other, { ...PROBE, linkAddress: null }), true);
  });

  it('RFC 4862 §5.4.3 another probe for it, but not someone who looks for it', () => {
    const theirs: NdpMessage = { ...probe, options: [] };
    assert.equal(isConflict(theirs, new Uint8Array(16), PROBE), true);
    assert.equal(isConflict(theirs, other, PROBE), false);
  });

  it('RFC 7527 §4.2 not our own probe that a loop brings back', () => {
    assert.equal(isConflict(probe, new Uint8Array(16), PROBE), false);
    assert.equal(isConflict(probe, new Uint8Array(16), { ...PROBE, nonce: hex('999999999999') }), true);
  });
});
