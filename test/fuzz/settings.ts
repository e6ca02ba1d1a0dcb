// Translator settings for generated packets: all six prefix lengths and none, CLAT, SIIT with explicit mappings (overlapping, of
// unequal lengths, private ones), pools, sizes and switches; and the addresses that matter under each.

import { DEFAULT_SETTINGS, type Mapping, type TranslatorSettings } from '../../src/core/translate/settings.ts';
import { embed } from '../reference/addresses.ts';
import { ip4, ip6, mapping, prefix4, prefix6 } from '../support/addresses.ts';
import type { Random } from './random.ts';

const PREFIXES = [
  ...['2001:db8::/32', '2001:db8:100::/40', '2001:db8:122::/48', '2001:db8:122:300::/56', '2001:db8:122:344::/64'],
  ...['2001:db8:64::/96', '64:ff9b::/96', '64:ff9b:1::/96', '64:ff9b:1::/48'],
].map(prefix6);

const CLAT: readonly Mapping[] = [mapping('192.0.0.1', '2001:db8:c1a7::1')];
const SIIT: readonly Mapping[] = [
  mapping('192.0.2.1', '2001:db8:aaaa::'),
  mapping('192.0.2.16/28', '2001:db8:cccc::/124'),
  mapping('192.0.2.128/26', '2001:db8:dddd::/64'),
  mapping('192.0.2.192/29', '2001:db8:eeee:8::/62'),
  mapping('198.51.100.0/24', '2001:db8:51::/120'),
];
const OVERLAPPING: readonly Mapping[] = [
  ...SIIT,
  mapping('198.51.100.64/26', '2001:db8:51:4::/64'),
  mapping('198.51.100.77', '2001:db8:51::4d'),
  mapping('10.0.0.0/8', '2001:db8:a::/72'),
  mapping('8.8.0.0/16', '2001:db8:8::/112'),
];
const EVERYTHING: readonly Mapping[] = [...CLAT, mapping('0.0.0.0/0', '2001:db8:ffff::/96')];

const OWN4 = ip4('192.0.2.250');
const OWN6 = ip6('2001:db8:64::c000:2fa');

/** Random settings; `rng` decides everything. */
export function randomSettings(rng: Random): TranslatorSettings {
  const ipv6Mtu = rng.pick([1280, 1480, 1500, 1500, 9000, 65535]);
  return {
    ...DEFAULT_SETTINGS,
    prefix: rng.oneIn(8) ? null : rng.pick(PREFIXES),
    mappings: rng.pick([[], CLAT, CLAT, SIIT, SIIT, OVERLAPPING, EVERYTHING]),
    ownIpv4: rng.oneIn(4) ? 0 : OWN4,
    ownIpv6: rng.oneIn(4) ? null : OWN6,
    icmpPoolIpv4: rng.pick([[], [prefix4('192.0.0.8')], [prefix4('203.0.113.0/29'), prefix4('203.0.113.128/31')]]),
    icmpPoolIpv6: rng.pick([
      null,
      prefix6('2001:db8:6791::/64'),
      prefix6('2001:db8:6791::8'),
      prefix6('2001:db8:6791::/120'),
    ]),
    ipv4Mtu: rng.pick([68, 576, 1280, 1500, 1500, 1500, 9000, 65535]),
    ipv6Mtu,
    lowestIpv6Mtu: rng.pick([1280, 1280, 1400, ipv6Mtu]),
    udpZeroChecksum: rng.pick(['compute', 'compute', 'drop', 'forward']),
    trafficClass: rng.oneIn(4) ? 'zero' : 'copy',
    tos: rng.pick(['copy', 'copy', 0, 0xb8]),
    allowNonGlobal: rng.oneIn(2),
    allowBothEmbedded: !rng.oneIn(4),
    decrementHopLimit: !rng.oneIn(4),
    tolerate: {
      headerChecksum: rng.oneIn(6),
      icmpChecksum: rng.oneIn(6),
      martians: rng.oneIn(6),
      sourceRoute: rng.oneIn(6),
    },
    errorsPerSecond: 1_000_000_000,
    icmpv4ErrorSize: rng.pick([576, 576, 576, 96, 1280, 65535]),
    icmpv6ErrorSize: rng.pick([1280, 1280, 1280, 128]),
  };
}

const SPECIAL4 = [
  ...['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
  ...['10.1.2.3', '100.64.0.1', '169.254.1.1', '172.16.0.1', '192.168.1.1', '192.0.0.8', '198.18.0.1', '203.0.113.7'],
].map(ip4);
const PLAIN4 = ['8.8.8.8', '1.1.1.1', '93.184.216.34', '192.0.2.33', '198.51.100.7', '255.255.0.1', '0.255.0.255'].map(
  ip4,
);
const SPECIAL6 = ['::', '::1', 'fe80::1', 'febf:ffff::1', 'ff02::1', 'fec0::1', 'fe7f::1', '2001:db8:dead::1'].map(ip6);

/** An IPv4 address: usually one that maps. */
export function randomIpv4(rng: Random, settings: TranslatorSettings): number {
  const n = rng.below(48);
  if (n < 20 && settings.mappings.length > 0) {
    const { ipv4 } = rng.pick(settings.mappings);
    return (ipv4.address + Math.floor((rng.next() / 2 ** 32) * 2 ** (32 - ipv4.length))) >>> 0;
  }
  if (n < 44) return rng.pick(PLAIN4);
  if (n < 46) return rng.pick(SPECIAL4);
  return n === 46 ? OWN4 : rng.next();
}

/** An IPv6 address: usually one that maps. */
export function randomIpv6(rng: Random, settings: TranslatorSettings): Uint8Array {
  const n = rng.below(48);
  if (n < 22 && settings.mappings.length > 0) return randomInside(rng, rng.pick(settings.mappings));
  if (n < 45 && settings.prefix !== null) return embedded(rng, settings.prefix, settings);
  if (n === 45) return rng.pick(SPECIAL6);
  return n === 46 ? OWN6 : rng.bytes(16);
}

function embedded(
  rng: Random,
  prefix: NonNullable<TranslatorSettings['prefix']>,
  settings: TranslatorSettings,
): Uint8Array {
  const address = embed(prefix, randomIpv4(rng, settings));
  // RFC 6052 §2.3: "u" and the suffix are ignored on extraction.
  if (rng.oneIn(16) && prefix.length < 96) address[rng.oneIn(2) ? 8 : 15] = rng.next() & 0xff;
  return address;
}

function randomInside(rng: Random, { ipv6 }: Mapping): Uint8Array {
  const noise = rng.bytes(16);
  return Uint8Array.from(ipv6.address, (octet, i) => {
    const hostBits = Math.min(8, Math.max(0, i * 8 + 8 - ipv6.length));
    return octet | ((noise[i] as number) & ((1 << hostBits) - 1));
  });
}
