// core/advertise: what is said (content.ts), how it is written (message.ts), and whether another router says the same.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differences } from '../../src/core/advertise/consistency.ts';
import {
  type AdvertiseLink,
  contentOf,
  isSameContent,
  retireItems,
  STALE_PREFIX_SECONDS,
} from '../../src/core/advertise/content.ts';
import { type Advertised, advertisement } from '../../src/core/advertise/message.ts';
import { type AdvertiseSettings, DEFAULT_ADVERTISE } from '../../src/core/advertise/settings.ts';
import { emitNdp, isRouterSolicitation, parseNdp, type RouterAdvertisement } from '../../src/core/wire/ndp.ts';
import { emitDnssl, readRouterOptions } from '../../src/core/wire/ndp-options.ts';
import { ip6, prefix6, text6 } from '../support/addresses.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const NEVER = Number.POSITIVE_INFINITY;

const address = (text: string, validUntilMs = NEVER, preferredUntilMs = validUntilMs) => {
  const [own = '', length] = text.split('/');
  const bytes = ip6(own);
  const prefix = { address: bytes.map((octet, i) => (i < Number(length) / 8 ? octet : 0)), length: Number(length) };
  return { address: bytes, prefix, validUntilMs, preferredUntilMs };
};

const LINK: AdvertiseLink = {
  name: 'lan0',
  index: 7,
  linkAddress: hex('020000000001'),
  linkLocal: ip6('fe80::1'),
  mtuBytes: 1500,
  addresses: [address('fd00:1::1/64'), address('2001:db8:1::1/64')],
};

const SETTINGS: AdvertiseSettings = {
  ...DEFAULT_ADVERTISE,
  link: 'lan0',
  pref64: [{ prefix: prefix6('64:ff9b::/96'), lifetimeSeconds: null }],
  dnsServers: ['self'],
};

const advertised = (settings: AdvertiseSettings, link = LINK, retired: Advertised['retired'] = []): Advertised => ({
  settings,
  link,
  content: contentOf(settings, link),
  retired,
});

/** The one message, read by our own parser, which is tested against other encoders. */
function read(what: Advertised, isFinal = false, nowMs = 0) {
  const messages = advertisement(what, isFinal, nowMs);
  assert.equal(messages.length, 1);
  const ra = parseNdp(messages[0]) as RouterAdvertisement;
  assert.equal(ra.kind, 'router');
  return { ra, options: readRouterOptions(ra.options) };
}

describe('what is advertised', () => {
  it('R-01 auto takes the prefixes of the interface, and the lifetimes of what lasts shorter', () => {
    const link = { ...LINK, addresses: [address('2001:db8:1::1/64', 100_000, 40_000), address('2001:db8:2::1/128')] };
    const { options } = read(advertised(SETTINGS, link), false, 10_000);
    assert.deepEqual(
      options.prefixes.map((p) => [text6(p.prefix), p.prefixLength, p.validSeconds, p.preferredSeconds]),
      [['2001:db8:1::', 64, 90, 30]],
    );
    assert.deepEqual([options.prefixes[0]?.isOnLink, options.prefixes[0]?.isAutonomous], [true, true]);
  });

  it('R-01 a prefix that is no /64 is on the link, but hosts take no address from it', () => {
    const { options } = read(advertised(SETTINGS, { ...LINK, addresses: [address('2001:db8:1::1/80')] }));
    assert.equal(options.prefixes[0]?.isAutonomous, false);
  });

  it('R-01 self is a global address before a unique local one before the link-local one', () => {
    const self = (addresses: AdvertiseLink['addresses']) =>
      text6(read(advertised(SETTINGS, { ...LINK, addresses })).options.rdnss[0]?.addresses[0] ?? new Uint8Array(16));
    assert.equal(self(LINK.addresses), '2001:db8:1::1');
    assert.equal(self([address('fd00:1::1/64')]), 'fd00:1::1');
    assert.equal(self([]), 'fe80::1');
  });

  it('R-01 PREF64 lasts three intervals, rounded up to 8 s, at most 65,528 s, unless it is told', () => {
    const lifetime = (maxIntervalSeconds: number, lifetimeSeconds: number | null) => {
      const pref64 = [{ prefix: prefix6('2001:db8:64::/64'), lifetimeSeconds }];
      const { options } = read(advertised({ ...SETTINGS, maxIntervalSeconds, pref64 }));
      assert.equal(options.pref64[0]?.prefix.length, 64);
      return options.pref64[0]?.lifetimeSeconds;
    };
    assert.equal(lifetime(600, null), 1_800);
    assert.equal(lifetime(601, null), 1_808);
    assert.equal(lifetime(600, 1), 8);
    assert.equal(lifetime(600, 70_000), 65_528);
  });

  it('R-01 header, MTU, lifetimes for ever and preference are as they are set', () => {
    const prefix = { prefix: prefix6('2001:db8:9::/64'), isOnLink: false, isAutonomous: true };
    const settings: AdvertiseSettings = {
      ...SETTINGS,
      prefixes: [{ ...prefix, validSeconds: NEVER, preferredSeconds: NEVER }],
      mtuBytes: 1400,
      isManaged: true,
      hasOtherConfiguration: true,
      preference: 'low',
      hopLimit: 0,
    };
    const { ra, options } = read(advertised(settings));
    assert.deepEqual(
      [ra.hopLimit, ra.isManaged, ra.isOther, ra.preference, ra.lifetimeSeconds],
      [0, true, true, -1, 1800],
    );
    assert.equal(options.mtuBytes, 1400);
    assert.deepEqual(
      options.prefixes.map((p) => [p.isOnLink, p.validSeconds, p.preferredSeconds]),
      [[false, 0xffffffff, 0xffffffff]],
    );
    const noRouter = read(advertised({ ...settings, routerLifetimeSeconds: 0, preference: 'high' }));
    assert.deepEqual([noRouter.ra.lifetimeSeconds, noRouter.ra.preference], [0, 0], 'RFC 4191 §2.2');
  });

  it('R-01 a search list is written as labels, filled with zeros', () => {
    const option = emitDnssl({ lifetimeSeconds: 1800, names: ['example.net', 'lan.'] });
    assert.deepEqual(
      option.body,
      hex('0000 00000708 07 6578616d706c65 03 6e6574 00 03 6c616e 00 000000 00000000'.replaceAll(' ', '').slice(0, 60)),
    );
    assert.equal((option.body.length + 2) % 8, 0);
  });

  it('R-01 what does not fit the MTU is spread over several advertisements, each whole', () => {
    const pref64 = Array.from({ length: 200 }, (_, i) => ({
      prefix: prefix6(`2001:db8:${(i + 1).toString(16)}::/96`),
      lifetimeSeconds: null,
    }));
    const messages = advertisement(advertised({ ...SETTINGS, pref64 }, { ...LINK, mtuBytes: 1280 }), false, 0);
    assert.equal(messages.length, 3);
    const found = messages.map((m) => {
      assert.ok(m.length <= 1240);
      const ra = parseNdp(m) as RouterAdvertisement;
      assert.equal(ra.lifetimeSeconds, 1800);
      return readRouterOptions(ra.options).pref64.length;
    });
    assert.equal(
      found.reduce((a, b) => a + b),
      200,
    );
  });

  it('R-02 the final one withdraws router, resolvers and NAT64 prefix, and leaves the prefixes on the link', () => {
    const { ra, options } = read(advertised({ ...SETTINGS, preference: 'high' }), true);
    assert.deepEqual([ra.lifetimeSeconds, ra.preference], [0, 0]);
    assert.deepEqual([options.pref64[0]?.lifetimeSeconds, options.rdnss[0]?.lifetimeSeconds], [0, 0]);
    assert.deepEqual(
      options.prefixes.map((p) => p.preferredSeconds),
      [2700, 2700],
    );
  });
});

describe('what is retracted', () => {
  const before = contentOf(SETTINGS, LINK);
  const other: AdvertiseSettings = { ...SETTINGS, pref64: [], dnsServers: [ip6('2001:db8::53')] };
  const after = contentOf(other, { ...LINK, addresses: [address('2001:db8:1::1/64')] });

  it('R-02 a prefix that is gone is deprecated for as long as hosts keep it, in real time', () => {
    const retired = retireItems(before, after, [], SETTINGS, 0);
    const link = { ...LINK, addresses: [address('2001:db8:1::1/64')] };
    const lifetimes = (nowMs: number) =>
      read({ settings: other, link, content: after, retired }, false, nowMs).options.prefixes.map((p) => [
        text6(p.prefix),
        p.validSeconds,
        p.preferredSeconds,
      ]);
    assert.deepEqual(lifetimes(0), [
      ['2001:db8:1::', 5400, 2700],
      ['fd00:1::', 5400, 0],
    ]);
    assert.deepEqual(lifetimes(60_000)[1], ['fd00:1::', 5340, 0]);
    assert.ok(STALE_PREFIX_SECONDS >= 5400);
  });

  it('R-02 a prefix that would last for days is deprecated for two hours (RFC 7084 L-13)', () => {
    const prefix = { prefix: prefix6('2001:db8:9::/64'), isOnLink: true, isAutonomous: true };
    const long = { ...SETTINGS, prefixes: [{ ...prefix, validSeconds: 2_592_000, preferredSeconds: 604_800 }] };
    const [gone] = retireItems(contentOf(long, LINK), after, [], long, 1_000);
    assert.deepEqual([gone?.item.kind, gone?.untilMs], ['prefix', 1_000 + 7_200_000]);
  });

  it('R-02 NAT64 prefixes and resolvers that are gone get the lifetime 0, beside those that are there', () => {
    const retired = retireItems(before, after, [], SETTINGS, 0);
    const { options } = read({ settings: other, link: LINK, content: after, retired });
    assert.deepEqual(
      options.pref64.map((p) => p.lifetimeSeconds),
      [0],
    );
    assert.deepEqual(
      options.rdnss.map((r) => [r.lifetimeSeconds, r.addresses.map(text6)]),
      [
        [1800, ['2001:db8::53']],
        [0, ['2001:db8:1::1']],
      ],
    );
  });

  it('R-02 what comes back is retracted no longer, and what is over is forgotten', () => {
    const retired = retireItems(before, after, [], SETTINGS, 0);
    assert.equal(retired.length, 3);
    assert.deepEqual(
      retireItems(after, before, retired, other, 1).map((r) => r.item.kind),
      ['rdnss'],
    );
    assert.deepEqual(retireItems(after, after, retired, other, 8_000_000), []);
  });

  it('R-02 lifetimes that only run down are no change; one that was extended is', () => {
    const until = (ms: number) => contentOf(SETTINGS, { ...LINK, addresses: [address('2001:db8:1::1/64', ms)] });
    assert.equal(isSameContent(until(100_000), until(100_900)), true);
    assert.equal(isSameContent(until(100_000), until(200_000)), false);
    assert.equal(isSameContent(before, after), false);
  });
});

describe('what other routers advertise', () => {
  const theirs: RouterAdvertisement = {
    kind: 'router',
    hopLimit: 64,
    isManaged: false,
    isOther: false,
    preference: 0,
    lifetimeSeconds: 1800,
    reachableMs: 0,
    retransMs: 0,
    options: [],
  };
  const compare = (settings: AdvertiseSettings, ra: Partial<RouterAdvertisement>, what: Advertised) =>
    differences(settings, what.content, { ...theirs, ...ra }, readRouterOptions(ra.options ?? []));

  it('R-03 differences in flags, hop limit, MTU and prefix lifetimes are named', () => {
    const prefix = { prefix: prefix6('2001:db8:9::/64'), isOnLink: true, isAutonomous: true };
    const ours = { ...SETTINGS, mtuBytes: 1500, prefixes: [{ ...prefix, validSeconds: 5400, preferredSeconds: 2700 }] };
    const other = { ...ours, mtuBytes: 1400, prefixes: [{ ...prefix, validSeconds: 60, preferredSeconds: 30 }] };
    const { ra } = read(advertised(other));
    const found = compare(ours, { ...ra, hopLimit: 32, isManaged: true }, advertised(ours));
    assert.deepEqual(found, [
      'hop limit',
      'the flag M',
      'MTU',
      'valid lifetime of a prefix',
      'preferred lifetime of a prefix',
    ]);
  });

  it('R-03 a prefix that the other one deprecates is no difference', () => {
    const prefix = { prefix: prefix6('2001:db8:9::/64'), isOnLink: true, isAutonomous: true };
    const ours = { ...SETTINGS, prefixes: [{ ...prefix, validSeconds: 5400, preferredSeconds: 2700 }] };
    const other = { ...ours, prefixes: [{ ...prefix, validSeconds: 60, preferredSeconds: 0 }] };
    assert.deepEqual(compare(ours, read(advertised(other)).ra, advertised(ours)), []);
  });

  it('R-03 what one of both does not say is no difference, nor are other prefixes', () => {
    const ours = { ...SETTINGS, hopLimit: 0 };
    const other = { ...SETTINGS, mtuBytes: 1400 };
    const elsewhere = { ...LINK, addresses: [address('2001:db8:77::1/64')] };
    assert.deepEqual(compare(ours, read(advertised(other, elsewhere)).ra, advertised(ours)), []);
  });
});

describe('a router solicitation', () => {
  const host = ip6('fe80::9');
  const plain = hex('85 00 0000 00000000');
  const withAddress = hex('85 00 0000 00000000 01 01 020000000009');

  it('R-02 is taken with or without a link-layer address, and cut or damaged ones are not', () => {
    assert.equal(isRouterSolicitation(plain, host), true);
    assert.equal(isRouterSolicitation(withAddress, host), true);
    assert.equal(isRouterSolicitation(plain, new Uint8Array(16)), true);
    assert.equal(isRouterSolicitation(withAddress, new Uint8Array(16)), false, 'RFC 4861 §6.1.1');
    for (let length = 0; length < withAddress.length; length++) {
      assert.equal(isRouterSolicitation(withAddress.subarray(0, length), host), length === 8, String(length));
    }
    assert.equal(isRouterSolicitation(hex('85 01 0000 00000000'), host), false);
    assert.equal(isRouterSolicitation(hex('85 00 0000 00000000 01 00 020000000009'), host), false);
    assert.equal(isRouterSolicitation(emitNdp({ ...RA }), host), false);
  });
});

const RA: RouterAdvertisement = {
  kind: 'router',
  hopLimit: 64,
  isManaged: false,
  isOther: false,
  preference: 0,
  lifetimeSeconds: 0,
  reachableMs: 0,
  retransMs: 0,
  options: [],
};
