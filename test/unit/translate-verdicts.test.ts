// Each verdict, reached by one packet; the numbers and the table agree; what happens when the batch has no room.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as verdicts from '../../src/core/translate/verdict.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { prefix4 } from '../support/addresses.ts';
import { Engine, type EngineOptions, runOnce } from '../support/engine.ts';
import {
  counting,
  fragmentHeader,
  hex,
  icmp4,
  icmp6,
  ipv4,
  ipv6,
  mutate,
  optionsHeader,
  raw,
  routingHeader,
  tcp,
  toHex,
  udp,
} from '../support/packets.ts';
import { type SettingsText, settingsFrom } from '../vectors/load.ts';

const BASE = {
  prefix: '2001:db8:64::/96',
  mappings: [['192.0.2.33', '2001:db8::1']],
  ownIpv4: '192.0.2.1',
  ownIpv6: '2001:db8:64::c000:201',
} as const;
const settings = (change: SettingsText = {}) => settingsFrom({ ...BASE, ...change });
const error4 = (data: Uint8Array) => ipv4({ payload: icmp4({ type: 3, data }) });

/** The verdicts of stateful NAT64, which a stateless translator never gives; the tests of NAT64 reach them. */
const STATEFUL = [
  'no-binding',
  'no-session',
  'filtered',
  'ports-exhausted',
  'session-limit',
  'host-limit',
  'network-limit',
  'rate-limit',
  'syn-held',
  'syn-limit',
  'not-a-client',
  'own-source',
  'hairpin-loop',
  'fragment-wait',
  'fragment-memory',
  'fragment-overlap',
  'fragment-timeout',
] as const;

/** What goes on, or may still go on. */
const NO_DROPS = ['translated', 'answered', 'fragmented', 'segmented', 'syn-held', 'fragment-wait'];

/** What leads to each verdict: a packet, settings, an offload header. */
const REACHED: Readonly<
  Record<
    Exclude<verdicts.VerdictName, (typeof STATEFUL)[number]>,
    { packet: Uint8Array; change?: SettingsText; header?: Uint8Array; options?: EngineOptions }
  >
> = {
  translated: { packet: ipv4({ payload: udp() }) },
  answered: { packet: ipv4({ dst: '192.0.2.1', payload: icmp4({ type: 8 }) }) },
  fragmented: { packet: ipv4({ df: false, payload: udp({ data: counting(1300) }) }) },
  segmented: {
    packet: ipv4({ df: false, payload: tcp({ data: counting(2800) }) }),
    header: offloadHeader({ flags: 1, type: 1, hdrLen: 40, gsoSize: 1400, start: 20, offset: 16 }),
  },
  'too-short': { packet: ipv4().slice(0, 19) },
  'bad-version': { packet: mutate(ipv4(), 0, 0x55) },
  'bad-length': { packet: ipv4({ ihl: 4 }) },
  'bad-header-checksum': { packet: ipv4({ checksum: 1 }) },
  'bad-option': { packet: ipv4({ options: hex`07 28 04 00` }) },
  'bad-extension': {
    packet: ipv6({ extensions: [optionsHeader(60)] })
      .slice(0, 48)
      .fill(9, 41, 42),
  },
  'bad-transport': { packet: ipv4({ payload: raw(6, counting(17)) }) },
  'bad-icmp-checksum': { packet: ipv4({ payload: icmp4({ type: 8, checksum: 1 }) }) },
  'bad-offload': { packet: ipv4({ payload: tcp() }), header: mutate(new Uint8Array(10), 1, 1) },
  'martian-source': { packet: ipv4({ src: '127.0.0.1' }) },
  'martian-destination': { packet: ipv6({ dst: 'ff02::1' }) },
  'no-mapping-source': { packet: ipv6({ src: '2001:db8:9::9' }) },
  'no-mapping-destination': { packet: ipv6({ dst: '2001:db8:9::9' }) },
  'non-global': { packet: ipv4({ dst: '10.0.0.1' }), change: { prefix: '64:ff9b::/96' } },
  'pool-exhausted': { packet: ipv4({ src: '203.0.113.99', payload: udp() }) },
  'hop-limit': { packet: ipv4({ ttl: 1 }) },
  'too-big': { packet: ipv4({ payload: raw(47, counting(1461)) }) },
  'source-route': { packet: ipv4({ options: hex`83 07 04 c0 00 02 09` }) },
  'routing-header': { packet: ipv6({ extensions: [routingHeader(1)] }) },
  'fragmented-icmp': { packet: ipv4({ mf: true, payload: icmp4({ type: 8 }) }) },
  'fragment-extension': { packet: ipv6({ extensions: [fragmentHeader(0, true), optionsHeader(60)] }) },
  'bad-fragment': { packet: ipv4({ mf: true, payload: raw(17, counting(9)) }) },
  'udp-zero-checksum': { packet: ipv4({ payload: udp({ checksum: 0 }) }), change: { udpZeroChecksum: 'drop' } },
  'icmp-type': { packet: ipv4({ payload: icmp4({ type: 13 }) }) },
  'icmp-code': { packet: ipv4({ payload: icmp4({ type: 3, code: 14 }) }) },
  'icmp-inner': { packet: error4(counting(20)) },
  'icmp-nested': { packet: error4(error4(counting(20))) },
  'both-embedded': { packet: ipv4({ src: '192.0.2.99' }), change: { allowBothEmbedded: false } },
  'to-translator': { packet: ipv4({ dst: '192.0.2.1', payload: udp() }) },
  'no-room': { packet: ipv4({ payload: udp() }), options: { capacity: 0 } },
  protocol: { packet: ipv4({ payload: raw(44, counting(16)) }) },
};

describe('verdicts', () => {
  for (const [name, { packet, change, header, options }] of Object.entries(REACHED)) {
    test(`the verdict ${name} is reached`, () => {
      const pool = name === 'pool-exhausted' ? { dynamicPool: [prefix4('203.0.113.99')] } : {};
      assert.equal(new Engine({ ...settings(change), ...pool }, options).run(packet, header).verdict, name);
    });
  }

  test('all verdicts are reached above', () => {
    const names = verdicts.VERDICTS.map(([name]) => name);
    assert.deepEqual(
      names.filter((name) => !(name in REACHED)),
      STATEFUL,
    );
  });

  test('each constant is the number of its row, and only what goes on is no drop', () => {
    const constants: Readonly<Record<string, unknown>> = { ...verdicts };
    for (const [i, [name]] of verdicts.VERDICTS.entries()) {
      const constant = name.toUpperCase().replaceAll('-', '_');
      assert.equal(constants[constant], i, name);
      assert.equal(verdicts.isDrop(i), !NO_DROPS.includes(name));
    }
  });
});

describe('the dynamic pool in the packet path', () => {
  const pool = { ...settings(), dynamicPool: [prefix4('203.0.113.4/31')], dynamicLeaseMs: 1000 };
  const from = (host: string) => ipv6({ src: host, payload: udp() });
  const to = (dst: string) => ipv4({ src: '198.51.100.7', dst, payload: udp() });

  test('A-05 two hosts get the two addresses, the third none until a lease runs out, and answers find the way back', () => {
    const engine = new Engine(pool);
    const source = (host: string, nowMs: number) => {
      const result = engine.run(from(host), undefined, nowMs);
      return result.out[0] === undefined ? result.verdict : toHex(result.out[0].slice(12, 16));
    };
    assert.deepEqual([source('2001:db8:9::1', 0), source('2001:db8:9::2', 500)], ['cb007104', 'cb007105']);
    assert.equal(source('2001:db8:9::3', 900), 'pool-exhausted');
    assert.equal(
      toHex((engine.run(to('203.0.113.5'), undefined, 900).out[0] as Uint8Array).slice(24, 40)),
      '20010db8000900000000000000000002',
    );
    assert.equal(source('2001:db8:9::1', 901), 'cb007104');
    assert.equal(source('2001:db8:9::3', 1501), 'cb007105');
    assert.equal(source('2001:db8:9::2', 1502), 'pool-exhausted');
  });

  test('A-05 a full pool is exhausted from the first millisecond on', () => {
    const engine = new Engine(pool);
    const verdicts = [1, 2, 3].map((i) => engine.run(from(`2001:db8:9::${i}`), undefined, 0).verdict);
    assert.deepEqual(verdicts, ['translated', 'translated', 'pool-exhausted']);
  });

  test('A-05 an address that nobody leases stands for nobody; packets toward a host and quoted ones lease nothing', () => {
    const engine = new Engine(pool);
    assert.equal(engine.run(to('203.0.113.4')).verdict, 'no-mapping-destination');
    assert.equal(engine.run(ipv6({ dst: '2001:db8:9::9' })).verdict, 'no-mapping-destination');
    const data = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8:9::9', payload: udp() });
    assert.equal(engine.run(ipv6({ payload: icmp6({ type: 1, data }) })).verdict, 'icmp-inner');
    assert.equal(engine.translator.map.pool.leases().length, 0);
  });
});

describe('a batch without room', () => {
  const big = ipv4({ df: false, payload: udp({ data: counting(3000) }) });

  test('T-4.1-06 fragments go all or not at all, whether the list or the memory is short', () => {
    for (const options of [{ capacity: 2 }, { spareBytes: 1400 }, { spareBytes: 3000 }, { spareBytes: 0 }]) {
      const result = runOnce(settings(), big, options);
      assert.deepEqual([result.verdict, result.out, result.reply], ['no-room', [], null]);
    }
    assert.equal(runOnce(settings(), big, { capacity: 3 }).out.length, 3);
  });

  test('T-5.1-03 the same to IPv4', () => {
    const six = ipv6({ extensions: [fragmentHeader(0, true)], payload: raw(17, counting(1400)) });
    const small = settings({ ipv4Mtu: 576 });
    assert.equal(runOnce(small, six, { capacity: 3 }).out.length, 3);
    for (const options of [{ capacity: 2 }, { spareBytes: 1000 }])
      assert.equal(runOnce(small, six, options).verdict, 'no-room');
  });

  test('T-O-02 segments go all or not at all', () => {
    const { packet, header } = REACHED.segmented;
    for (let capacity = 0; capacity < 4; capacity++) {
      const result = new Engine(settings(), { capacity }).run(packet, header);
      assert.deepEqual([result.verdict, result.out.length], ['no-room', 0]);
    }
    assert.equal(new Engine(settings(), { capacity: 4 }).run(packet, header).out.length, 4);
    assert.equal(new Engine(settings(), { spareBytes: 4000 }).run(packet, header).verdict, 'no-room');
  });

  test('T-4.2-12, T-5.2-11 a translated error needs room for the largest one', () => {
    const inner4 = ipv4({ src: '198.51.100.7', dst: '192.0.2.33', payload: udp() });
    const inner6 = ipv6({ src: '2001:db8:64::c633:6407', dst: '2001:db8::1', payload: udp() });
    for (const packet of [error4(inner4), ipv6({ payload: icmp6({ type: 1, data: inner6 }) })]) {
      assert.equal(runOnce(settings(), packet, { spareBytes: 500 }).verdict, 'no-room');
      assert.equal(runOnce(settings(), packet, { spareBytes: 1400 }).verdict, 'translated');
    }
  });

  test('T-E-03 an own error that has no room is left out, the packet is dropped all the same', () => {
    for (const packet of [ipv4({ ttl: 1 }), ipv6({ hopLimit: 1 })]) {
      const result = runOnce(settings(), packet, { spareBytes: 60 });
      assert.deepEqual([result.verdict, result.reply], ['hop-limit', null]);
    }
  });

  test('T-4.2-12 memory of an error that was refused is free again', () => {
    const engine = new Engine(settings(), { spareBytes: 1400 });
    for (let i = 0; i < 5; i++) assert.equal(engine.run(error4(counting(20))).verdict, 'icmp-inner');
    assert.equal(engine.run(ipv4({ payload: udp() })).verdict, 'translated');
  });
});
