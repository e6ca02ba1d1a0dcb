// ICMP messages of both families: every type, code and pointer, and the packets inside errors, whole, cut short, fragmented,
// with extensions (RFC 7915 §4.2, §4.3, §5.2, §5.3; RFC 4884).

import { bytes16, concat, padded } from '../reference/bytes.ts';
import { type Case, MAPPED, NETWORK, WORLD } from './differential-network.ts';
import {
  counting,
  fragmentHeader,
  hex,
  type IcmpFields,
  type Ipv4Fields,
  type Ipv6Fields,
  icmp4,
  icmp6,
  icmpExtension,
  ipv4,
  ipv6,
  optionsHeader,
  tcp,
  udp,
} from './packets.ts';

/** An IPv4 router reports to the mapped host; an IPv6 host reports to the world. */
const TO_MAPPED = { src: WORLD[1].ipv4, dst: MAPPED[0].ipv4 };
const TO_WORLD = { src: MAPPED[1].ipv6, dst: WORLD[0].ipv6 };
/** What they are about. */
const SENT4 = { src: MAPPED[0].ipv4, dst: WORLD[0].ipv4 };
const SENT6 = { src: WORLD[0].ipv6, dst: MAPPED[0].ipv6 };

const inner4 = (fields: Ipv4Fields = {}) => ipv4({ ...SENT4, ttl: 1, payload: udp({ data: counting(40) }), ...fields });
const inner6 = (fields: Ipv6Fields = {}) =>
  ipv6({ ...SENT6, hopLimit: 1, payload: udp({ data: counting(40) }), ...fields });

const make4 = (name: string, message: IcmpFields, outer: Ipv4Fields = {}): Case => ({
  name: `ICMPv4 ${name}`,
  packet: ipv4({ ...TO_MAPPED, payload: icmp4({ data: inner4(), ...message }), ...outer }),
});
const make6 = (name: string, message: IcmpFields, outer: Ipv6Fields = {}): Case => ({
  name: `ICMPv6 ${name}`,
  packet: ipv6({ ...TO_WORLD, payload: icmp6({ data: inner6(), ...message }), ...outer }),
});

function types(): Case[] {
  const all: Case[] = [];
  for (let type = 0; type < 48; type++) all.push(make4(`type ${type}`, { type, code: 0 }));
  for (let code = 0; code < 18; code++) all.push(make4(`3/${code}`, { type: 3, code }));
  for (let code = 0; code < 4; code++)
    all.push(make4(`11/${code}`, { type: 11, code }), make4(`12/${code}`, { type: 12, code }));
  for (let pointer = 0; pointer < 24; pointer++) {
    for (const code of [0, 2])
      all.push(make4(`12/${code}, pointer ${pointer}`, { type: 12, code, rest: [pointer, 0, 0, 0] }));
  }
  for (const type of [0, 1, 2, 3, 4, 5, 100, 127, 128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143, 160, 255]) {
    for (let code = 0; code < 8; code++)
      all.push(make6(`${type}/${code}`, { type, code, rest: type === 2 ? [0, 0, 5, 0] : [0, 0, 0, 0] }));
  }
  for (let pointer = 0; pointer < 44; pointer++)
    all.push(make6(`4/0, pointer ${pointer}`, { type: 4, rest: [0, 0, 0, pointer] }));
  all.push(make6('4/0, pointer 65536', { type: 4, rest: [0, 1, 0, 0] }));
  return all;
}

function mtus(): Case[] {
  const mtu4 = [0, 1, 67, 68, 69, 295, 576, 1240, 1259, 1260, 1261, 1400, 1479, 1480, 1481, 1500, 9000, 65535];
  const mtu6 = [
    0, 1, 67, 68, 87, 88, 89, 576, 1279, 1280, 1281, 1400, 1479, 1499, 1500, 1501, 9000, 65535, 65556, 0xffffffff,
  ];
  const about = (size: number) =>
    inner4({ src: MAPPED[0].ipv4, payload: udp({ data: counting(size - 28) }) }).slice(0, 548);
  return [
    ...mtu4.map((mtu) => make4(`3/4, MTU ${mtu}`, { type: 3, code: 4, rest: [0, 0, mtu >> 8, mtu & 255] })),
    ...[100, 296, 297, 508, 509, 1006, 1007, 1492, 1493, 2002, 2003, 9000].map((size) =>
      make4(`3/4 without MTU about ${size}`, { type: 3, code: 4, data: about(size) }),
    ),
    ...mtu6.map((mtu) =>
      make6(`2/0, MTU ${mtu}`, { type: 2, rest: Uint8Array.of(mtu >>> 24, mtu >>> 16, mtu >>> 8, mtu) }),
    ),
  ];
}

/** Errors about each kind of packet, whole and cut at each length that matters. */
function quotes(): Case[] {
  const all: Case[] = [];
  const kinds4: readonly (readonly [string, Ipv4Fields])[] = [
    ['TCP', { payload: tcp({ data: counting(30) }) }],
    ['UDP', {}],
    ['UDP without checksum', { payload: udp({ checksum: 0, data: counting(30) }) }],
    ['echo request', { payload: icmp4({ type: 8, data: counting(30) }) }],
    ['echo reply', { payload: icmp4({ type: 0, data: counting(30) }) }],
    ['UDP behind options', { options: hex`07 07 04 00 00 00 00`, payload: udp({ data: counting(30) }) }],
    ['first fragment', { df: false, mf: true, payload: udp({ data: counting(40) }) }],
    ['last fragment', { df: false, fragmentOffset: 64, payload: udp({ data: counting(40) }) }],
    ['a large datagram', { df: false, payload: udp({ data: counting(1400) }) }],
  ];
  for (const [name, fields] of kinds4) {
    const inner = inner4(fields);
    for (const length of [0, 10, 19, 20, 21, 24, 27, 28, 29, 36, 37, 38, 39, 40, 44, 60, inner.length]) {
      all.push(make4(`11/0 about ${length} bytes of ${name}`, { type: 11, data: inner.slice(0, length) }));
    }
    all.push(make4(`3/3 about ${name}, DF 0`, { type: 3, code: 3, data: inner }, { df: false }));
  }
  return [...all, ...quotes6()];
}

function quotes6(): Case[] {
  const all: Case[] = [];
  const kinds6: readonly (readonly [string, Ipv6Fields])[] = [
    ['TCP', { payload: tcp({ data: counting(30) }) }],
    ['UDP', {}],
    ['UDP without checksum', { payload: udp({ checksum: 0, data: counting(30) }) }],
    ['echo request', { payload: icmp6({ type: 128, data: counting(30) }) }],
    ['echo reply', { payload: icmp6({ type: 129, data: counting(30) }) }],
    ['UDP behind options', { extensions: [optionsHeader(0), optionsHeader(60)], payload: udp({ data: counting(30) }) }],
    ['first fragment', { extensions: [fragmentHeader(0, true)], payload: udp({ data: counting(40) }) }],
    ['last fragment', { extensions: [fragmentHeader(64, false)], payload: udp({ data: counting(40) }) }],
    ['a large datagram', { payload: udp({ data: counting(1100) }) }],
    ['a datagram of more than 1280', { payload: udp({ data: counting(1300) }) }],
  ];
  for (const [name, fields] of kinds6) {
    const inner = inner6(fields);
    for (const length of [
      0,
      20,
      39,
      40,
      41,
      44,
      47,
      48,
      49,
      56,
      57,
      58,
      59,
      60,
      64,
      80,
      Math.min(inner.length, 1232),
    ]) {
      all.push(make6(`3/0 about ${length} bytes of ${name}`, { type: 3, data: inner.slice(0, length) }));
    }
    all.push(make6(`1/4 about ${name}`, { type: 1, code: 4, data: inner.slice(0, 1232) }));
  }
  return all;
}

function oddQuotes(): Case[] {
  const error4 = (name: string, data: Uint8Array) => make4(`3/3 about ${name}`, { type: 3, code: 3, data });
  const error6 = (name: string, data: Uint8Array) => make6(`1/4 about ${name}`, { type: 1, code: 4, data });
  return [
    error4('an error', inner4({ payload: icmp4({ type: 3, code: 3, data: inner4() }) })),
    error4('a timestamp request', inner4({ payload: icmp4({ type: 13, data: counting(12) }) })),
    error4('a fragment of ICMP', inner4({ df: false, mf: true, payload: icmp4({ type: 8, data: counting(24) }) })),
    error4('an IPv6 packet', inner6()),
    error4('a packet from 127.0.0.1', inner4({ src: '127.0.0.1' })),
    error4('a packet to 224.0.0.1', inner4({ dst: '224.0.0.1' })),
    error4('a packet from 169.254.1.1', inner4({ src: '169.254.1.1' })),
    error4('a packet with TTL 0', inner4({ ttl: 0 })),
    error4('a packet with a wrong header checksum', inner4({ checksum: 0x1234 })),
    error4('a packet with a total length below its header', inner4({ totalLength: 10 })),
    error4('a packet with IHL 3', inner4({ ihl: 3 })),
    error4('a packet with bytes behind it', concat(inner4(), counting(12))),
    error6('an error', inner6({ payload: icmp6({ type: 1, code: 4, data: inner6() }) })),
    error6('a router solicitation', inner6({ payload: icmp6({ type: 133, data: counting(12) }) })),
    error6(
      'a fragment of ICMPv6',
      inner6({ extensions: [fragmentHeader(0, true)], payload: icmp6({ type: 128, data: counting(24) }) }),
    ),
    error6('a fragment with options', inner6({ extensions: [fragmentHeader(0, false), optionsHeader(60)] })),
    error6('an IPv4 packet', inner4()),
    error6('a packet from ::1', inner6({ src: '::1' })),
    error6('a packet from fe80::1', inner6({ src: 'fe80::1' })),
    error6('a packet to an unmapped host', inner6({ dst: '2001:db8:9::9' })),
    error6('a packet with hop limit 0', inner6({ hopLimit: 0 })),
    error6('a packet with bytes behind it', concat(inner6(), counting(12))),
    error6('a packet with an atomic fragment header', inner6({ extensions: [fragmentHeader(0, false, 0x12345678)] })),
  ];
}

/** The outer packet: TTL, TOS, fragments, checksum, and senders that have no form in the other family. */
function outers(): Case[] {
  const unmapped = { src: '2001:db8:9::9' };
  const all: Case[] = [0, 1, 2].map((ttl) => make4(`11/0 with TTL ${ttl}`, { type: 11 }, { ttl, tos: 0xc0 }));
  for (const hopLimit of [0, 1, 2])
    all.push(make6(`3/0 with hop limit ${hopLimit}`, { type: 3 }, { hopLimit, trafficClass: 0xc0 }));
  for (const [type, code] of [
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 3],
    [1, 4],
    [2, 0],
    [3, 0],
    [3, 1],
    [4, 0],
    [4, 1],
  ] as const) {
    const rest = type === 2 ? [0, 0, 5, 0x78] : [0, 0, 0, 6];
    all.push(make6(`${type}/${code} from a router without IPv4 form`, { type, code, rest }, unmapped));
  }
  return [
    ...all,
    make4('3/3 with a wrong checksum', { type: 3, code: 3, checksum: 0x1234 }),
    make6('1/4 with a wrong checksum', { type: 1, code: 4, checksum: 0x1234 }),
    make4('3/1 from 169.254.1.1', { type: 3, code: 1 }, { src: '169.254.1.1' }),
    make4('3/1 from 10.0.0.1', { type: 3, code: 1 }, { src: '10.0.0.1' }),
    make4('3/1 to the translator', { type: 3, code: 1 }, { dst: NETWORK.ownIpv4 }),
    make6('1/0 to the translator', { type: 1 }, { dst: NETWORK.ownIpv6 }),
    make4('3/1 behind options', { type: 3, code: 1 }, { options: hex`07 07 04 00 00 00 00` }),
    make6('1/4 behind options', { type: 1, code: 4 }, { extensions: [optionsHeader(60)] }),
    make6('1/4 in an atomic fragment', { type: 1, code: 4 }, { extensions: [fragmentHeader(0, false, 0x1234abcd)] }),
    make6(
      'echo in an atomic fragment',
      { type: 128, data: counting(20) },
      { extensions: [fragmentHeader(0, false, 0x1234abcd)] },
    ),
    make6('1/0 to an unmapped host', { type: 1 }, { dst: '2001:db8:9::9' }),
  ];
}

function extensions(): Case[] {
  const all: Case[] = [];
  const structures: readonly (readonly [string, Uint8Array])[] = [
    ['one object', icmpExtension()],
    ['an object of 24 bytes', icmpExtension(counting(20))],
    ['a wrong version', concat(hex`10`, icmpExtension().slice(1))],
    ['a wrong checksum', concat(icmpExtension().slice(0, 2), bytes16(0x1234), icmpExtension().slice(4))],
    ['no checksum', concat(hex`20 00 00 00`, icmpExtension().slice(4))],
    ['nothing', new Uint8Array()],
  ];
  for (const [name, structure] of structures) {
    for (const size of [128, 152, 256]) {
      const quote4 = concat(padded(inner4(), size), structure);
      const quote6 = concat(padded(inner6(), size), structure);
      for (const [type, code] of [
        [3, 1],
        [3, 3],
        [3, 4],
        [11, 0],
        [12, 0],
      ] as const) {
        const rest = [0, size / 4, type === 3 && code === 4 ? 5 : 0, 0x50 * Number(code === 4)];
        all.push(make4(`${type}/${code} with ${name} behind ${size}`, { type, code, rest, data: quote4 }));
      }
      for (const [type, code] of [
        [1, 0],
        [1, 4],
        [3, 0],
      ] as const) {
        all.push(
          make6(`${type}/${code} with ${name} behind ${size}`, { type, code, rest: [size / 8, 0, 0, 0], data: quote6 }),
        );
      }
    }
  }
  const long = concat(padded(inner4({ payload: udp({ data: counting(600) }) }), 1000).slice(0, 1000), icmpExtension());
  return [
    ...all,
    make4('3/3 with an extension behind 1000', { type: 3, code: 3, rest: [0, 250, 0, 0], data: long }),
    make4('3/3 whose length attribute is too large', { type: 3, code: 3, rest: [0, 200, 0, 0] }),
    make4('3/3 whose length attribute is below 128', { type: 3, code: 3, rest: [0, 10, 0, 0] }),
    make6('1/4 whose length attribute is too large', { type: 1, code: 4, rest: [200, 0, 0, 0] }),
    make6('1/4 whose length attribute is below 128', { type: 1, code: 4, rest: [10, 0, 0, 0] }),
  ];
}

/** Errors that are longer than the other family allows. */
function longErrors(): Case[] {
  const sizes = [500, 520, 521, 540, 548, 549, 576, 600, 1000, 1200, 1204, 1212, 1213, 1232, 1400, 1472];
  return sizes.flatMap((size) => [
    make4(
      `3/3 about ${size} bytes`,
      { type: 3, code: 3, data: inner4({ payload: udp({ data: counting(size - 28) }) }) },
      { df: size % 2 === 0 },
    ),
    ...(size <= 1400
      ? [
          make6(`1/4 about ${size} bytes`, {
            type: 1,
            code: 4,
            data: inner6({ payload: tcp({ data: counting(size - 60) }) }),
          }),
        ]
      : []),
  ]);
}

/** After the reports above of an MTU below 1280, packets around it to the same host. */
function afterReports(): Case[] {
  return [1280, 1281, 1290, 1300, 1301, 1320, 1321].map((size) => ({
    name: `IPv6 UDP of ${size} after 3/4`,
    packet: ipv6({ src: SENT6.dst, dst: SENT6.src, payload: udp({ data: counting(size - 48) }) }),
  }));
}

/** All ICMP messages of the list, echo messages aside, which the other two lists hold. */
export const icmpCases = (): Case[] => [
  ...types(),
  ...mtus(),
  ...quotes(),
  ...oddQuotes(),
  ...outers(),
  ...extensions(),
  ...longErrors(),
  ...afterReports(),
];
