// Router Advertisements and their options: core/wire/ndp-options.ts and which messages discovery accepts. RFC 4861, 8106, 8781.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { emitRouterSolicitation, OPTION_MTU, parseNdp } from '../../src/core/wire/ndp.ts';
import {
  emitPref64,
  emitRdnss,
  OPTION_PREF64,
  OPTION_RDNSS,
  parsePref64,
  parseRdnss,
  readRouterOptions,
} from '../../src/core/wire/ndp-options.ts';
import { acceptAdvertisement } from '../../src/discovery/router-advertisement.ts';
import { ip6, prefix6, text6 } from '../support/addresses.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

const HEADER = '86 00 0000 40 08 0708 00000000 00000000';
/** 64:ff9b::/96 for 1800 s: 225 units of 8 s, code 0. */
const PREF64 = '26 02 0708 0064ff9b0000000000000000';
const RDNSS = '19 03 0000 00000708 20010db8000000000000000000000053';

const options = (...parts: string[]) => {
  const message = parseNdp(hex([HEADER, ...parts].join('')));
  return message?.kind === 'router' ? readRouterOptions(message.options) : null;
};
const pref64Of = (...parts: string[]): string[] | undefined =>
  options(...parts)?.pref64.map((o) => `${text6(o.prefix.address)}/${o.prefix.length} ${o.lifetimeSeconds}`);

const LINK_LOCAL = ip6('fe80::1');
const received = (bytes: Uint8Array, source = LINK_LOCAL, hopLimit = 255) => ({ bytes, source, hopLimit });

describe('the PREF64 option', () => {
  const lengths: readonly (readonly [plc: number, bytes: string, prefix: string])[] = [
    [0, '20010db8 01220344 00000000', '2001:db8:122:344::/96'],
    [1, '20010db8 01220344 00000000', '2001:db8:122:344::/64'],
    [2, '20010db8 01220300 00000000', '2001:db8:122:300::/56'],
    [3, '20010db8 01220000 00000000', '2001:db8:122::/48'],
    [4, '20010db8 01000000 00000000', '2001:db8:100::/40'],
    [5, '20010db8 00000000 00000000', '2001:db8::/32'],
  ];
  for (const [plc, bytes, prefix] of lengths) {
    it(`D-01 prefix length code ${plc} is read and written as ${prefix}`, () => {
      const field = (75 * 8 + plc).toString(16).padStart(4, '0');
      assert.deepEqual(pref64Of(`26 02 ${field} ${bytes}`), [`${prefix} 600`]);
      const { type, body } = emitPref64({ prefix: prefix6(prefix), lifetimeSeconds: 600 });
      assert.equal(type, OPTION_PREF64);
      assert.deepEqual(body, hex(`${field} ${bytes}`));
    });
  }

  it('D-01 prefix length codes 6 and 7 are ignored, and what follows them is not', () => {
    for (const plc of ['2606', '2607']) {
      assert.deepEqual(pref64Of(`26 02 ${plc} 0064ff9b0000000000000000`, PREF64), ['64:ff9b::/96 1800'], plc);
    }
    assert.equal(options(`26 02 2606 0064ff9b0000000000000000`)?.malformed, 1);
  });

  it('D-01 bits behind the prefix length do not count', () => {
    assert.deepEqual(pref64Of('26 02 0705 20010db8 ffffffff ffffffff'), ['2001:db8::/32 1792']);
  });

  it('D-01 the scaled lifetime goes from 0 to 65,528 s, and is written rounded up and capped', () => {
    assert.deepEqual(pref64Of('26 02 fff8 0064ff9b0000000000000000'), ['64:ff9b::/96 65528']);
    assert.deepEqual(pref64Of('26 02 0000 0064ff9b0000000000000000'), ['64:ff9b::/96 0']);
    const written = (s: number) => parsePref64(emitPref64({ prefix: prefix6('64:ff9b::/96'), lifetimeSeconds: s }));
    assert.equal(written(1)?.lifetimeSeconds, 8);
    assert.equal(written(1_000_000)?.lifetimeSeconds, 65_528);
    assert.throws(() => emitPref64({ prefix: prefix6('64:ff9b::/95'), lifetimeSeconds: 1 }), RangeError);
  });

  it('D-01 a length field other than 2 makes it malformed, without loss of the others', () => {
    const short = '26 01 0708 0064ff9b';
    const long = '26 03 0708 0064ff9b0000000000000000 0000000000000000';
    assert.deepEqual(pref64Of(short, PREF64, long), ['64:ff9b::/96 1800']);
    assert.equal(options(short, PREF64, long)?.malformed, 2);
  });

  it('D-01 unknown options are skipped and not malformed', () => {
    assert.deepEqual(options('fd 01 000000000000', PREF64, 'fe 02 0000000000000000000000000000')?.malformed, 0);
    assert.deepEqual(pref64Of('fd 01 000000000000', PREF64), ['64:ff9b::/96 1800']);
  });

  it('D-01 an option of length zero discards the whole advertisement, wherever it stands', () => {
    assert.equal(options('26 00 0708 0064ff9b', PREF64), null);
    assert.equal(options(PREF64, 'fd 00 000000000000'), null);
  });
});

describe('the other options of an advertisement', () => {
  it('RFC 8106 §5.1 resolvers are read and written', () => {
    const rdnss = options(RDNSS)?.rdnss[0];
    assert.deepEqual([rdnss?.lifetimeSeconds, rdnss?.addresses.map(text6)], [1800, ['2001:db8::53']]);
    const two = { lifetimeSeconds: 0xffffffff, addresses: [ip6('fe80::53'), ip6('2001:db8::53')] };
    assert.deepEqual(parseRdnss(emitRdnss(two)), two);
  });

  it('RFC 8106 §5.1 an RDNSS option without an address, or with part of one, is malformed', () => {
    assert.equal(parseRdnss({ type: OPTION_RDNSS, body: new Uint8Array(6) }), null);
    assert.equal(parseRdnss({ type: OPTION_RDNSS, body: new Uint8Array(30) }), null);
    assert.equal(parseRdnss({ type: OPTION_MTU, body: new Uint8Array(22) }), null);
  });

  it('RFC 4861 §6.3.4 an MTU below 1280 is not believed, the last valid one counts', () => {
    const mtu = (n: number) => `05 01 0000 ${n.toString(16).padStart(8, '0')}`;
    assert.equal(options(mtu(1400), mtu(1279))?.mtuBytes, 1400);
    assert.equal(options(mtu(1400), mtu(1280))?.mtuBytes, 1280);
    assert.equal(options(mtu(0))?.mtuBytes, null);
  });

  it('RFC 4861 §4.6.2 prefixes are read', () => {
    const pio = '03 04 40 c0 00015180 00003840 00000000 20010db8000100000000000000000000';
    assert.deepEqual(
      options(pio)?.prefixes.map((p) => text6(p.prefix)),
      ['2001:db8:1::'],
    );
  });

  it('RFC 4861 §4.1 a solicitation tells the link address where there is one', () => {
    assert.deepEqual(emitRouterSolicitation(null), hex('85 00 0000 00000000'));
    assert.deepEqual(emitRouterSolicitation(hex('020304050607')), hex('85 00 0000 00000000 01 01 020304050607'));
  });
});

describe('accepting an advertisement', () => {
  const good = hex(HEADER + RDNSS + PREF64);

  it('D-02 a valid one is accepted', () => {
    assert.equal(typeof acceptAdvertisement(received(good)), 'object');
  });

  it('D-02 a hop limit other than 255, or an unknown one, is refused', () => {
    for (const hopLimit of [254, 64, 0, -1]) {
      assert.equal(acceptAdvertisement(received(good, LINK_LOCAL, hopLimit)), 'hop-limit');
    }
  });

  it('D-02 a source that is not link-local is refused', () => {
    for (const source of ['2001:db8::1', '::', 'fec0::1', 'ff02::1', 'fe00::1']) {
      assert.equal(acceptAdvertisement(received(good, ip6(source))), 'source', source);
    }
    assert.equal(typeof acceptAdvertisement(received(good, ip6('febf::1'))), 'object');
  });

  it('D-02 a code other than 0, and any other ICMPv6 type, is refused', () => {
    assert.equal(acceptAdvertisement(received(good.with(1, 1))), 'malformed');
    for (const type of [0, 133, 135, 136, 137, 255]) {
      assert.equal(acceptAdvertisement(received(good.with(0, type))), 'malformed', `type ${type}`);
    }
  });

  it('D-02 one cut at any length is refused, unless the cut falls between options', () => {
    for (let length = 0; length < good.length; length++) {
      const isWhole = length === 16 || length === 40;
      assert.equal(typeof acceptAdvertisement(received(good.slice(0, length))) === 'object', isWhole, `${length}`);
    }
  });

  it('D-01, D-02 any bytes are judged without an exception, and what is read fits its types', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((tail) => Uint8Array.from([...hex(HEADER), ...tail]));
    const judge = (message: Uint8Array): void => {
      const ra = acceptAdvertisement(received(message));
      if (typeof ra === 'string') return;
      for (const { prefix, lifetimeSeconds } of readRouterOptions(ra.options).pref64) {
        assert.ok([32, 40, 48, 56, 64, 96].includes(prefix.length) && lifetimeSeconds <= 65_528);
      }
    };
    fc.assert(fc.property(bytes, judge), { numRuns: 2000 });
    const mutated = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, value]) => good.with(at, value));
    fc.assert(fc.property(mutated, judge), { numRuns: 2000 });
  });
});
