// IPv4 packets at the edges of RFC 7915 §4.1 and §4.5: header fields, sizes, fragments, options, addresses, checksums.

import { read16 } from '../reference/bytes.ts';
import { type Case, MAPPED, NETWORK, WORLD } from './differential-network.ts';
import {
  counting,
  dccp,
  hex,
  type Ipv4Fields,
  icmp4,
  ipv4,
  ipv6,
  type Layer,
  raw,
  tcp,
  udp,
  udpLite,
} from './packets.ts';

const OUT = { src: MAPPED[0].ipv4, dst: WORLD[0].ipv4 };
const IN = { src: WORLD[1].ipv4, dst: MAPPED[1].ipv4 };

const make = (name: string, fields: Ipv4Fields): Case => ({
  name: `IPv4 ${name}`,
  packet: ipv4({ ...OUT, ...fields }),
});

/** One of each transport with `length` bytes of data. */
export const transports4 = (length: number): readonly (readonly [string, Layer])[] => [
  ['TCP', tcp({ data: counting(length) })],
  ['UDP', udp({ data: counting(length) })],
  ['UDP-Lite', udpLite({ data: counting(length) })],
  ['UDP-Lite, header covered', udpLite({ data: counting(length), coverage: 8 })],
  ['DCCP', dccp({ data: counting(length) })],
  ['SCTP', raw(132, counting(length + 12))],
  ['ESP', raw(50, counting(length + 8))],
  ['AH', raw(51, counting(length + 12))],
  ['GRE', raw(47, counting(length + 4))],
  ['echo request', icmp4({ type: 8, rest: [1, 2, 3, 4], data: counting(length) })],
  ['echo reply', icmp4({ type: 0, rest: [1, 2, 3, 4], data: counting(length) })],
];

/** Lengths of whole packets around what 1280 and 1500 bytes of IPv6 hold. */
const EDGE_SIZES = [
  1228, 1232, 1239, 1240, 1241, 1252, 1259, 1260, 1261, 1262, 1280, 1281, 1472, 1479, 1480, 1481, 1500,
];

function sizes(): Case[] {
  return EDGE_SIZES.flatMap((size) =>
    [true, false].flatMap((df) => [
      make(`UDP of ${size}, DF ${df}`, { df, payload: udp({ data: counting(size - 28) }) }),
      make(`TCP of ${size}, DF ${df}`, { ...IN, df, payload: tcp({ data: counting(size - 40) }) }),
      make(`echo of ${size}, DF ${df}`, { df, payload: icmp4({ type: 8, data: counting(size - 28) }) }),
      make(`other of ${size}, DF ${df}`, { ...IN, df, payload: raw(253, counting(size - 20)) }),
    ]),
  );
}

function headers(): Case[] {
  const all: Case[] = [];
  for (const [name, payload] of [...transports4(0), ...transports4(17), ...transports4(400)]) {
    for (const ttl of [0, 1, 2, 255]) all.push(make(`${name}, TTL ${ttl}`, { ttl, payload }));
    all.push(make(`${name}, inbound`, { ...IN, payload }));
    all.push(make(`${name}, DF 0`, { df: false, tos: 0xb9, payload }));
  }
  for (let protocol = 0; protocol < 256; protocol += 3) {
    if (![1, 6, 17].includes(protocol))
      all.push(make(`protocol ${protocol}`, { payload: raw(protocol, counting(40)) }));
  }
  return all;
}

/** First, middle and last fragments of each transport, with and without DF, small and large. */
function fragments(): Case[] {
  const all: Case[] = [];
  for (const size of [8, 16, 24, 800, 1200, 1224, 1232, 1240, 1440, 1448, 1456, 1472]) {
    for (const df of [true, false]) {
      const first = { df, mf: true, id: 0xbeef };
      all.push(
        make(`first fragment of UDP, ${size}, DF ${df}`, { ...first, payload: udp({ data: counting(size - 8) }) }),
      );
      if (size >= 24) {
        all.push(
          make(`first fragment of TCP, ${size}, DF ${df}`, { ...first, payload: tcp({ data: counting(size - 20) }) }),
        );
      }
      for (const [mf, fragmentOffset] of [
        [true, 1480],
        [false, 2960],
        [false, 64000],
        [false, 65528],
      ] as const) {
        const name = `fragment of UDP at ${fragmentOffset}, ${size}, DF ${df}, MF ${mf}`;
        all.push(make(name, { ...IN, df, mf, fragmentOffset, payload: raw(17, counting(size)) }));
      }
    }
  }
  return [...all, ...oddFragments()];
}

function oddFragments(): Case[] {
  const odd = (name: string, fields: Ipv4Fields) => make(name, { df: false, ...fields });
  return [
    ...[1, 4, 7, 9, 15].map((n) => odd(`MF with ${n} bytes`, { mf: true, payload: raw(17, counting(n)) })),
    ...[0, 1, 4, 7].map((n) =>
      odd(`last fragment with ${n} bytes`, { fragmentOffset: 80, payload: raw(17, counting(n)) }),
    ),
    odd('MF without data', { mf: true, payload: raw(17, new Uint8Array()) }),
    odd('first fragment of TCP, header cut short', { mf: true, payload: raw(6, counting(16)) }),
    odd('first fragment of UDP without a checksum', { mf: true, payload: udp({ checksum: 0, data: counting(16) }) }),
    odd('fragment of an echo request', { mf: true, payload: icmp4({ type: 8, data: counting(24) }) }),
    odd('last fragment of ICMP', { fragmentOffset: 24, payload: raw(1, counting(24)) }),
    odd('first fragment with TTL 1', { ttl: 1, mf: true, payload: udp({ data: counting(8) }) }),
    odd('last fragment with TTL 1', { ttl: 1, fragmentOffset: 24, payload: raw(17, counting(8)) }),
    odd('last fragment with TTL 0', { ttl: 0, fragmentOffset: 24, payload: raw(17, counting(8)) }),
  ];
}

function options(): Case[] {
  const list: readonly (readonly [string, Uint8Array])[] = [
    ['no operation', hex`01 01 01 01`],
    ['record route', hex`07 07 04 00 00 00 00`],
    ['timestamp', hex`44 0c 05 00 00 00 00 00 00 00 00 00`],
    ['router alert', hex`94 04 00 00`],
    ['security', hex`82 0b 00 00 00 00 00 00 00 00 00`],
    ['finished LSRR', hex`83 07 08 c0 00 02 01`],
    ['unexpired LSRR', hex`83 07 04 c0 00 02 01`],
    ['unexpired SSRR', hex`89 07 04 c0 00 02 01`],
    ['option without its length', hex`01 01 01 83`],
    ['option of length 1', hex`07 01 00 00`],
    ['option beyond the header', hex`07 20 04 00`],
    ['all room', new Uint8Array(40).fill(1)],
  ];
  return list.flatMap(([name, bytes]) => [
    make(`${name}, UDP`, { options: bytes, payload: udp({ data: counting(20) }) }),
    make(`${name}, TCP inbound, DF 0`, { ...IN, df: false, options: bytes, payload: tcp() }),
    make(`${name}, echo`, { options: bytes, payload: icmp4({ type: 8, data: counting(5) }) }),
    make(`${name}, large`, { options: bytes, df: false, payload: raw(253, counting(1300)) }),
  ]);
}

/** Sources and destinations that are special, unmapped, or the translator itself. */
function addresses(): Case[] {
  const special = [
    ...['0.0.0.0', '0.1.2.3', '10.1.2.3', '100.64.0.1', '127.0.0.1', '169.254.3.4', '172.16.0.9', '192.168.1.1'],
    ...[
      '192.0.0.8',
      '198.18.0.1',
      '224.0.0.1',
      '239.1.2.3',
      '240.0.0.1',
      '255.255.255.255',
      '192.0.2.64',
      '192.0.2.127',
    ],
  ];
  const own = NETWORK.ownIpv4;
  return [
    ...special.flatMap((address) => [
      make(`from ${address}`, { src: address, payload: udp() }),
      make(`to ${address}`, { dst: address, payload: udp() }),
      make(`to ${address}, TTL 1`, { dst: address, ttl: 1, payload: tcp() }),
    ]),
    make('between two mapped hosts', { src: MAPPED[0].ipv4, dst: MAPPED[1].ipv4, payload: udp() }),
    make('between two hosts of the world', { src: WORLD[0].ipv4, dst: WORLD[1].ipv4, payload: tcp() }),
    make('from a host to itself', { src: MAPPED[0].ipv4, dst: MAPPED[0].ipv4, payload: tcp() }),
    ...[1, 2, 64].map((ttl) =>
      make(`ping, TTL ${ttl}`, {
        dst: own,
        ttl,
        tos: 0x28,
        payload: icmp4({ type: 8, rest: [0, 1, 0, 2], data: counting(56) }),
      }),
    ),
    make('echo reply to the translator', { dst: own, payload: icmp4({ type: 0, data: counting(8) }) }),
    make('UDP to the translator', { dst: own, payload: udp({ data: counting(8) }) }),
    make('TCP to the translator', { dst: own, payload: tcp() }),
    make('UDP from the translator', { src: own, payload: udp() }),
  ];
}

function checksums(): Case[] {
  const all: Case[] = [];
  for (const length of [0, 1, 2, 3, 100, 1212, 1232, 1452]) {
    for (const df of [true, false]) {
      const data = counting(length);
      all.push(make(`UDP without a checksum, ${length} bytes, DF ${df}`, { df, payload: udp({ checksum: 0, data }) }));
    }
    all.push(
      make(`UDP with a wrong checksum, ${length}`, { payload: udp({ checksum: 0x1234, data: counting(length) }) }),
    );
    all.push(
      make(`TCP with a wrong checksum, ${length}`, { payload: tcp({ checksum: 0xfffe, data: counting(length) }) }),
    );
    all.push(
      make(`echo with a wrong checksum, ${length}`, {
        payload: icmp4({ type: 8, checksum: 0x1234, data: counting(length) }),
      }),
    );
  }
  // Every value of the checksum's low octet, so that the sums pass over 0 and 0xffff on the way.
  for (let n = 0; n < 96; n++) {
    const checksum = (0xffff - 0x300 + n * 16) & 0xffff;
    all.push(make(`UDP, checksum field ${checksum}`, { ...IN, payload: udp({ checksum, data: counting(9) }) }));
  }
  return [...all, ...zeroSums()];
}

/** Datagrams whose checksum becomes zero on the other side, or nearly. */
function zeroSums(): Case[] {
  const directions = [
    [OUT, { src: MAPPED[0].ipv6, dst: WORLD[0].ipv6 }],
    [IN, { src: WORLD[1].ipv6, dst: MAPPED[1].ipv6 }],
  ] as const;
  return directions.flatMap(([here, there]) =>
    (
      [
        ['UDP', udp],
        ['TCP', tcp],
        ['UDP-Lite', udpLite],
      ] as const
    ).flatMap(([name, layer]) => {
      const zero = checksumOf(ipv6({ ...there, payload: layer({ srcPort: 0 }) }), layer === tcp ? 56 : 46);
      return [zero, zero - 1, zero + 1].map((srcPort, i) =>
        make(`${name} whose checksum becomes ${['zero', 'one', '0xfffe'][i]}`, {
          ...here,
          payload: layer({ srcPort }),
        }),
      );
    }),
  );
}

/** A checksum as it stands in a packet; a port of the same value would make it zero. */
export const checksumOf = (packet: Uint8Array, at: number): number => read16(packet, at);

/** All IPv4 packets of the list. */
export const v4Cases = (): Case[] => [
  ...sizes(),
  ...headers(),
  ...fragments(),
  ...options(),
  ...addresses(),
  ...checksums(),
  ...malformed(),
];

function malformed(): Case[] {
  const good = ipv4({ ...OUT, payload: udp({ data: counting(24) }) });
  const trailing = new Uint8Array(good.length + 9);
  trailing.set(good);
  return [
    ...Array.from({ length: good.length - 1 }, (_, i) => ({
      name: `IPv4 cut to ${i + 1}`,
      packet: good.slice(0, i + 1),
    })),
    { name: 'IPv4 with bytes behind its end', packet: trailing },
    make('header checksum wrong', { checksum: 0x1234, payload: udp() }),
    make('total length too large', { totalLength: 60, payload: udp() }),
    make('total length below the header', { totalLength: 19, payload: udp() }),
    ...[0, 4, 6, 15].map((ihl) => make(`IHL ${ihl}`, { ihl, payload: udp({ data: counting(60) }) })),
    ...[0, 5, 15].map((version) => make(`version ${version}`, { version, payload: udp() })),
    ...[0, 7, 8, 12, 17, 18, 19].map((n) => make(`TCP of ${n} bytes`, { payload: raw(6, counting(n)) })),
    ...[0, 4, 6, 7].map((n) => make(`UDP of ${n} bytes`, { payload: raw(17, counting(n)) })),
    ...[0, 4, 7].map((n) => make(`ICMP of ${n} bytes`, { payload: raw(1, counting(n)) })),
    ...[7, 9, 2000].map((length) => make(`UDP length ${length}`, { payload: udp({ length, data: counting(10) }) })),
    ...[7, 9, 2000].map((length) =>
      make(`UDP length ${length}, no checksum`, { payload: udp({ length, checksum: 0, data: counting(10) }) }),
    ),
  ];
}
