// Vectors from the RFCs' own examples, as commented hex: the addresses of RFC 6052 §2.4, the topology of RFC 7915 appendix A,
// the mapping table of RFC 7757 §3.2. The payload is protocol 253 (RFC 3692) where the example is about addresses alone.

import type { SettingsText, VectorText } from './load.ts';

/** RFC 6052 §2.4, tables 1 and 2, all for 192.0.2.33: prefix, and the IPv6 address as 16 bytes. */
const RFC6052_ROWS: readonly (readonly [prefix: string, address: string])[] = [
  ['2001:db8::/32', '20010db8 c0000221 00 000000 00000000'],
  ['2001:db8:100::/40', '20010db8 01c00002 00 210000 00000000'],
  ['2001:db8:122::/48', '20010db8 0122c000 00 022100 00000000'],
  ['2001:db8:122:300::/56', '20010db8 012203c0 00 000221 00000000'],
  ['2001:db8:122:344::/64', '20010db8 01220344 00 c00002 21000000'],
  ['2001:db8:122:344::/96', '20010db8 01220344 00 000000 c0000221'],
  ['64:ff9b::/96', '0064ff9b 00000000 00 000000 c0000221'],
];

const common = { verdict: 'translated', reply: null } as const;

/** A packet from the mapped host 203.0.113.1 ⇄ 2001:db8:1::1 to 192.0.2.33, or back. Payload: 4 bytes. */
function rfc6052Vectors([prefix, address]: readonly [string, string], i: number): VectorText[] {
  const settings: SettingsText = {
    prefix,
    allowNonGlobal: true,
    mappings: [['203.0.113.1/32', '2001:db8:1::1/128']],
  };
  const host6 = '20010db8 00010000 00000000 00000001';
  const to6: VectorText = {
    ...{ ...common, settings, id: `rfc6052-${i}-4to6`, rule: 'A-02', title: `192.0.2.33 in ${prefix}` },
    in: `45 00 0018  0001 4000  40 fd 3bc5   # TTL 64, protocol 253
         cb 00 71 01                         # 203.0.113.1
         c0 00 02 21                         # 192.0.2.33
         de ad be ef`,
    out: [
      `60 00 00 00  0004  fd 3f               # hop limit 63
       ${host6}   # 2001:db8:1::1
       ${address}
       de ad be ef`,
    ],
  };
  const to4: VectorText = {
    ...{ ...common, settings, id: `rfc6052-${i}-6to4`, rule: 'A-02', title: `192.0.2.33 out of ${prefix}` },
    in: `60 00 00 00  0004  fd 40               # hop limit 64
         ${address}
         ${host6}   # 2001:db8:1::1
         de ad be ef`,
    out: [
      `45 00 0018  4711 0000  3f fd 35b5   # TTL 63, DF=0, Identification from the generator
       c0 00 02 21                         # 192.0.2.33
       cb 00 71 01                         # 203.0.113.1
       de ad be ef`,
    ],
  };
  return [to6, to4];
}

/** RFC 7757 §3.2, figure 1, and the addresses of §3.3: IPv4, IPv6 as 16 bytes, both of a packet's source. */
const RFC7757_MAPPINGS = [
  ['192.0.2.1/32', '2001:db8:aaaa::/128'],
  ['192.0.2.2/32', '2001:db8:bbbb::b/128'],
  ['192.0.2.16/28', '2001:db8:cccc::/124'],
  ['192.0.2.128/26', '2001:db8:dddd::/64'],
  ['192.0.2.192/29', '2001:db8:eeee:8::/62'],
  ['192.0.2.224/31', '64:ff9b::/127'],
] as const;

/** Last octet of 192.0.2.x, header checksums to and from IPv6, and the IPv6 address. */
const RFC7757_ROWS: readonly (readonly [octet: string, address: string])[] = [
  ['01', '20010db8 aaaa0000 00000000 00000000'],
  ['02', '20010db8 bbbb0000 00000000 0000000b'],
  ['10', '20010db8 cccc0000 00000000 00000000'],
  ['18', '20010db8 cccc0000 00000000 00000008'],
  ['80', '20010db8 dddd0000 00000000 00000000'],
  ['98', '20010db8 dddd0000 60000000 00000000'],
  ['c0', '20010db8 eeee0008 00000000 00000000'],
  ['c1', '20010db8 eeee0008 80000000 00000000'],
  ['c7', '20010db8 eeee000b 80000000 00000000'],
  ['e1', '0064ff9b 00000000 00000000 00000001'],
];

/** Header checksum of the vectors below: that of octet 00, less the octet (RFC 1624). */
const headerChecksum = (base: number, octet: string): string =>
  (base - Number.parseInt(octet, 16)).toString(16).padStart(4, '0');

/** A packet between 192.0.2.x behind a mapping and 198.51.100.7 behind 2001:db8:64::/96. */
function rfc7757Vectors([octet, address]: readonly [string, string], i: number): VectorText[] {
  const settings: SettingsText = { prefix: '2001:db8:64::/96', mappings: RFC7757_MAPPINGS };
  const server6 = '20010db8 00640000 00000000 c6336407';
  const name = `192.0.2.${Number.parseInt(octet, 16)}`;
  const to6: VectorText = {
    ...{ ...common, settings, id: `rfc7757-${i}-4to6`, rule: 'A-05', title: `the mapping of ${name}` },
    in: `45 00 0018  0001 4000  40 fd ${headerChecksum(0x4dad, octet)}  c0 00 02 ${octet}  c6 33 64 07  de ad be ef`,
    out: [`60 00 00 00  0004  fd 3f  ${address}  ${server6}  de ad be ef`],
  };
  const to4: VectorText = {
    ...{ ...common, settings, id: `rfc7757-${i}-6to4`, rule: 'A-05', title: `the mapping back to ${name}` },
    in: `60 00 00 00  0004  fd 40  ${server6}  ${address}  de ad be ef`,
    out: [`45 00 0018  4711 0000  3f fd ${headerChecksum(0x479d, octet)}  c6 33 64 07  c0 00 02 ${octet}  de ad be ef`],
  };
  return [to6, to4];
}

/**
 * RFC 7915 appendix A.1: H6 = 2001:db8:1c0:2:21:: (192.0.2.33 in 2001:db8:100::/40), H4 = 198.51.100.2, which in IPv6 is
 * 2001:db8:1c6:3364:2::. UDP port 40000 → 53, "hi". A.2 is the same conversation begun by H4.
 */
function rfc7915Vectors(): VectorText[] {
  const settings: SettingsText = { prefix: '2001:db8:100::/40' };
  return [
    {
      ...{ ...common, settings, id: 'rfc7915-a1', rule: 'T-5.1-01', title: 'appendix A.1: H6 sends UDP to H4' },
      in: `60 00 00 00  000a  11 40
           20 01 0d b8 01 c0 00 02 00 21 00 00 00 00 00 00   # H6
           20 01 0d b8 01 c6 33 64 00 02 00 00 00 00 00 00   # H4 in IPv6 form
           9c 40  00 35  00 0a  68 7a  68 69`,
      out: [
        `45 00 001e  4711 0000  3f 11 4867
         c0 00 02 21  c6 33 64 02
         9c 40  00 35  00 0a  0e a4  68 69`,
      ],
    },
    {
      ...{ ...common, settings, id: 'rfc7915-a2', rule: 'T-4.1-01', title: 'appendix A.2: H4 sends UDP to H6' },
      in: `45 00 001e  0001 4000  40 11 4e77
           c6 33 64 02  c0 00 02 21
           00 35  9c 40  00 0a  0e a4  68 69`,
      out: [
        `60 00 00 00  000a  11 3f
         20 01 0d b8 01 c6 33 64 00 02 00 00 00 00 00 00   # H4 in IPv6 form
         20 01 0d b8 01 c0 00 02 00 21 00 00 00 00 00 00   # H6
         00 35  9c 40  00 0a  68 7a  68 69`,
      ],
    },
  ];
}

/** All of them. */
export const rfcVectors: readonly VectorText[] = [
  ...RFC6052_ROWS.flatMap(rfc6052Vectors),
  ...rfc7915Vectors(),
  ...RFC7757_ROWS.flatMap(rfc7757Vectors),
];
