// The ICMP errors that the translator sends itself: about what, how often, how long, and which of the two zero addresses means none.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ErrorLimit } from '../../src/core/translate/error-limit.ts';
import { TokenBucket } from '../../src/core/translate/token-bucket.ts';
import { Engine, runOnce } from '../support/engine.ts';
import {
  counting,
  fragmentHeader,
  hex,
  icmp4,
  icmp6,
  ipv4,
  ipv6,
  mutate,
  raw,
  routingHeader,
  tcp,
  toHex,
  udp,
} from '../support/packets.ts';
import { settingsFrom } from '../vectors/load.ts';

const BASE = {
  prefix: '2001:db8:64::/96',
  mappings: [['192.0.2.33', '2001:db8::1']],
  ownIpv4: '192.0.2.1',
  ownIpv6: '2001:db8:64::c000:201',
} as const;
const settings = settingsFrom(BASE);

/** Who the error is from and to, type, code and second word, as hex. */
const icmpOf = (reply: Uint8Array | null): string => {
  if (reply === null) return 'none';
  const at = (reply[0] as number) >> 4 === 4 ? 20 : 40;
  return toHex(Uint8Array.of(...reply.slice(at, at + 2), ...reply.slice(at + 4, at + 8)));
};

const TIME_EXCEEDED4 = '0b0000000000';
const TIME_EXCEEDED6 = '030000000000';
const inner4 = ipv4({ src: '198.51.100.7', dst: '192.0.2.33', payload: udp() });
const inner6 = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp() });

describe('own ICMP errors', () => {
  const expired4 = [
    ['a datagram', { payload: udp() }, TIME_EXCEEDED4],
    ['a first fragment', { payload: raw(17, counting(16)), mf: true }, TIME_EXCEEDED4],
    ['a later fragment', { payload: raw(17, counting(16)), fragmentOffset: 8 }, 'none'],
    ['an echo request', { payload: icmp4({ type: 8 }) }, TIME_EXCEEDED4],
    ['an ICMP error', { payload: icmp4({ type: 3, data: inner4 }) }, 'none'],
    ['a multicast destination', { payload: udp(), dst: '224.0.0.5' }, 'none'],
    ['a broadcast destination', { payload: udp(), dst: '255.255.255.255' }, 'none'],
    ['a loopback source', { payload: udp(), src: '127.0.0.1' }, 'none'],
    ['the unspecified source', { payload: udp(), src: '0.0.0.0' }, 'none'],
    ['a multicast source', { payload: udp(), src: '239.1.1.1' }, 'none'],
  ] as const;
  for (const [name, fields, expected] of expired4) {
    test(`T-E-01 TTL 1 of ${name}: ${expected === 'none' ? 'silence' : 'time exceeded'} in IPv4`, () => {
      assert.equal(icmpOf(runOnce(settings, ipv4({ ...fields, ttl: 1 })).reply), expected);
    });
  }

  const expired6 = [
    ['a datagram', { payload: udp() }, TIME_EXCEEDED6],
    ['a first fragment', { payload: raw(17, counting(16)), extensions: [fragmentHeader(0, true)] }, TIME_EXCEEDED6],
    ['a later fragment', { payload: raw(17, counting(16)), extensions: [fragmentHeader(8, false)] }, 'none'],
    ['an echo request', { payload: icmp6({ type: 128 }) }, TIME_EXCEEDED6],
    ['an ICMP error', { payload: icmp6({ type: 1, data: inner6 }) }, 'none'],
    ['a multicast destination', { payload: udp(), dst: 'ff0e::1' }, 'none'],
    ['a link-local source', { payload: udp(), src: 'fe80::1' }, 'none'],
    ['the unspecified source', { payload: udp(), src: '::' }, 'none'],
  ] as const;
  for (const [name, fields, expected] of expired6) {
    test(`T-E-01 hop limit 1 of ${name}: ${expected === 'none' ? 'silence' : 'time exceeded'} in IPv6`, () => {
      assert.equal(icmpOf(runOnce(settings, ipv6({ ...fields, hopLimit: 1 })).reply), expected);
    });
  }

  test('T-E-01 a routing header in front of a Redirect or of an ICMPv6 error is not answered, one in front of an echo is', () => {
    const withRoute = (type: number) => ipv6({ extensions: [routingHeader(1)], payload: icmp6({ type }) });
    assert.equal(icmpOf(runOnce(settings, withRoute(137)).reply), 'none');
    assert.equal(icmpOf(runOnce(settings, withRoute(1)).reply), 'none');
    assert.equal(icmpOf(runOnce(settings, withRoute(128)).reply), '04000000002b');
  });

  test('T-E-01 a routing header in front of a later fragment is not answered, and the first one of two is pointed at', () => {
    const later = ipv6({ extensions: [routingHeader(1), fragmentHeader(8, false)], payload: raw(17, counting(16)) });
    assert.equal(icmpOf(runOnce(settings, later).reply), 'none');
    const two = ipv6({ extensions: [routingHeader(0), routingHeader(1), routingHeader(2)], payload: udp() });
    assert.equal(icmpOf(runOnce(settings, two).reply), '040000000033');
  });

  test('T-E-01 without an own address there is no answer', () => {
    const silent = settingsFrom({ prefix: BASE.prefix, mappings: BASE.mappings });
    assert.equal(runOnce(silent, ipv4({ ttl: 1, payload: udp() })).reply, null);
    assert.equal(runOnce(silent, ipv6({ hopLimit: 1, payload: udp() })).reply, null);
  });

  test('T-E-02 both sides have a bucket of their own, filled by the clock that is passed in', () => {
    const engine = new Engine(settingsFrom({ ...BASE, errorsPerSecond: 2 }));
    const answers = (packet: Uint8Array, nowMs: number) => engine.run(packet, undefined, nowMs).reply !== null;
    const [four, six] = [ipv4({ ttl: 1, payload: udp() }), ipv6({ hopLimit: 1, payload: udp() })];
    assert.deepEqual(
      [1, 2, 3].map(() => answers(four, 1000)),
      [true, true, false],
    );
    assert.deepEqual(
      [1, 2, 3].map(() => answers(six, 1000)),
      [true, true, false],
    );
    assert.equal(answers(four, 1499), false);
    assert.equal(answers(four, 1500), true);
    assert.equal(answers(four, 1500), false);
    assert.equal(
      engine.run(four, undefined, 1500).verdict,
      'hop-limit',
      'the packet is dropped and counted all the same',
    );
  });

  test('T-E-02 no more than a second’s worth is ever saved up, and zero means none', () => {
    const bucket = new TokenBucket(3);
    const take = (nowMs: number) => Array.from({ length: 5 }, () => bucket.take(nowMs)).filter(Boolean).length;
    assert.equal(take(0), 3);
    assert.equal(take(100_000), 3);
    assert.equal(take(100_333), 0);
    assert.equal(take(100_334), 1);
    const none = new TokenBucket(0);
    assert.equal(none.take(0) || none.take(1_000_000), false);
  });

  test('T-E-02 a clock that runs backwards adds nothing and does not lock the bucket', () => {
    const bucket = new TokenBucket(1);
    assert.equal(bucket.take(10_000), true);
    assert.equal(bucket.take(5_000), false);
    assert.equal(bucket.take(5_500), false);
    assert.equal(bucket.take(6_000), true);
  });

  test('T-E-02, T-5.1-05, T-4.1-05 a flood of other errors does not silence those about size, and the other way round', () => {
    const engine = new Engine(settingsFrom({ ...BASE, errorsPerSecond: 100, ipv4Mtu: 1300, ipv6Mtu: 1400 }));
    const answered = (packet: Uint8Array, n: number, nowMs: number) =>
      Array.from({ length: n }, () => engine.run(packet, undefined, nowMs).reply).filter((reply) => reply !== null)
        .length;
    const large = udp({ data: counting(1372) });
    const sides = [
      [ipv4({ ttl: 1, payload: udp() }), ipv4({ payload: large })],
      [ipv6({ hopLimit: 1, payload: udp() }), ipv6({ payload: large })],
    ] as const;
    for (const [expired, tooBig] of sides) {
      assert.equal(answered(expired, 1000, 0), 75);
      assert.deepEqual([answered(tooBig, 1000, 0), answered(expired, 1, 0)], [25, 0], 'together what is allowed');
      assert.equal(answered(tooBig, 1000, 5000), 75);
      assert.deepEqual([answered(expired, 1000, 5000), answered(tooBig, 1, 5000)], [25, 0]);
      // Both at once share what comes in; one alone gets all of it.
      assert.deepEqual([answered(expired, 1000, 5100), answered(tooBig, 1000, 5100)], [5, 5]);
      assert.deepEqual(
        [1, 2, 3, 4].map((turn) => answered(expired, 1000, 15_000 + turn * 100)),
        [75, 10, 10, 10],
      );
    }
  });

  test('T-E-02 the limit of a side holds for all kinds of errors together, whatever it is', () => {
    for (const perSecond of [0, 0.25, 1, 2, 3, 4, 5, 7, 100, 333.3]) {
      const limit = new ErrorLimit(perSecond);
      const most = perSecond === 0 ? 0 : Math.max(1, perSecond);
      const take = (nowMs: number) =>
        [true, false].flatMap((kind) => Array.from({ length: 500 }, () => limit.take(kind, nowMs))).filter(Boolean)
          .length;
      assert.equal(take(0), Math.floor(most));
      const later = Array.from({ length: 1000 }, (_, i) => take((i + 1) * 10)).reduce((sum, n) => sum + n, 0);
      assert.ok(later <= perSecond * 10 + 1 && later >= perSecond * 10 - 3, `${later} in ten seconds at ${perSecond}`);
      assert.ok(!limit.take(true, 0) || perSecond === 0, 'a clock that runs backwards');
    }
  });

  test('T-E-03 quotes as much as fits the largest error, from the own address with TTL 64', () => {
    const long = ipv4({ ttl: 1, payload: udp({ data: counting(1200) }) });
    const reply = runOnce(settings, long).reply as Uint8Array;
    assert.equal(reply.length, 576);
    assert.equal(toHex(reply.slice(0, 20)), '45000240000040004001b49ac0000201c0000221');
    assert.equal(toHex(reply.slice(28)), toHex(long.slice(0, 548)));
    const long6 = ipv6({ hopLimit: 1, payload: udp({ data: counting(1400) }) });
    const reply6 = runOnce(settings, long6).reply as Uint8Array;
    assert.equal(reply6.length, 1280);
    assert.equal(toHex(reply6.slice(48)), toHex(long6.slice(0, 1232)));
  });

  test('T-E-03 an ICMPv4 error never exceeds the IPv4 MTU', () => {
    const small = settingsFrom({ ...BASE, ipv4Mtu: 300 });
    const reply = runOnce(small, ipv4({ ttl: 1, payload: udp({ data: counting(1200) }) })).reply as Uint8Array;
    assert.equal(reply.length, 300);
    const error = ipv6({
      payload: icmp6({
        type: 3,
        data: ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp({ data: counting(900) }) }),
      }),
    });
    assert.equal(runOnce(small, error).out[0]?.length, 300);
  });

  test('T-E-03 quotes without the link padding', () => {
    const packet = ipv4({ ttl: 1, payload: udp() });
    const reply = runOnce(settings, Uint8Array.of(...packet, 0, 0, 0, 0)).reply as Uint8Array;
    assert.equal(reply.length, 28 + packet.length);
  });

  test('T-4.1-05 the MTU of 3/4 leaves room for the Fragment Header where there will be one', () => {
    const big = { payload: raw(17, counting(1480)), df: true };
    assert.equal(icmpOf(runOnce(settings, ipv4(big)).reply), '0304000005c8');
    assert.equal(icmpOf(runOnce(settings, ipv4({ ...big, mf: true })).reply), '0304000005c0');
  });

  test('T-5.1-05 the MTU of 2/0 is never below 1280', () => {
    const big = ipv6({ payload: tcp({ data: counting(1300) }) });
    assert.equal(icmpOf(runOnce(settingsFrom({ ...BASE, ipv4Mtu: 576 }), big).reply), '020000000500');
    assert.equal(icmpOf(runOnce(settingsFrom({ ...BASE, ipv4Mtu: 1300 }), big).reply), '020000000528');
  });

  const refusals = [
    [
      'A-06',
      'both addresses embedded, from IPv4',
      { allowBothEmbedded: false },
      ipv4({ src: '192.0.2.99', payload: udp() }),
      '030d00000000',
    ],
    [
      'A-06',
      'both addresses embedded, from IPv6',
      { allowBothEmbedded: false },
      ipv6({ src: '2001:db8:64::c000:263', payload: udp() }),
      '010500000000',
    ],
    [
      'A-05',
      'a source without an IPv6 form',
      { prefix: null },
      ipv4({ src: '192.0.2.99', payload: udp() }),
      '030d00000000',
    ],
    ['A-05', 'a destination without an IPv6 form', { prefix: null }, ipv4({ payload: udp() }), '030100000000'],
    ['T-5.1-06', 'a source without an IPv4 form', {}, ipv6({ src: '2001:db8:9::9', payload: udp() }), '010500000000'],
    [
      'T-5.1-06',
      'a destination without an IPv4 form',
      {},
      ipv6({ dst: '2001:db8:9::9', payload: udp() }),
      '010000000000',
    ],
    [
      'A-03',
      'a private source and the well-known prefix',
      { prefix: '64:ff9b::/96' },
      ipv4({ src: '10.0.0.1', payload: udp() }),
      '030d00000000',
    ],
    [
      'A-03',
      'a private destination and the well-known prefix',
      { prefix: '64:ff9b::/96' },
      ipv4({ dst: '10.0.0.1', payload: udp() }),
      '030100000000',
    ],
    [
      'A-03',
      'a private destination inside the well-known prefix',
      { prefix: '64:ff9b::/96' },
      ipv6({ dst: '64:ff9b::a00:1', payload: udp() }),
      '010000000000',
    ],
  ] as const;
  for (const [id, name, change, packet, expected] of refusals) {
    test(`${id} ${name} is answered`, () => {
      assert.equal(icmpOf(runOnce(settingsFrom({ ...BASE, ...change }), packet).reply), expected);
    });
  }

  test('T-4.1-03 an unexpired source route is answered with 3/5, a tolerated one passes', () => {
    const packet = ipv4({ options: hex`83 07 04 c0 00 02 09`, payload: udp() });
    assert.equal(icmpOf(runOnce(settings, packet).reply), '030500000000');
    const tolerant = settingsFrom({ ...BASE, tolerate: { ...settings.tolerate, sourceRoute: true } });
    assert.equal(runOnce(tolerant, packet).verdict, 'translated');
    assert.equal(runOnce(settings, ipv4({ options: hex`89 07 08 c0 00 02 09`, payload: udp() })).verdict, 'translated');
    assert.equal(runOnce(settings, mutate(packet, 20, 0)).verdict, 'bad-header-checksum');
  });
});
