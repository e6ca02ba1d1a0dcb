// IPv6 packets at the edges of RFC 7915 §5.1: header fields, sizes, extension headers, fragments, addresses, checksums.

import { checksumOf } from './differential-cases-v4.ts';
import { type Case, MAPPED, NETWORK, WORLD } from './differential-network.ts';
import {
  counting,
  dccp,
  type ExtensionHeader,
  fragmentHeader,
  type Ipv6Fields,
  icmp6,
  ipv4,
  ipv6,
  type Layer,
  optionsHeader,
  raw,
  routingHeader,
  tcp,
  udp,
  udpLite,
} from './packets.ts';

const OUT = { src: MAPPED[0].ipv6, dst: WORLD[0].ipv6 };
const IN = { src: WORLD[1].ipv6, dst: MAPPED[1].ipv6 };

const make = (name: string, fields: Ipv6Fields): Case => ({
  name: `IPv6 ${name}`,
  packet: ipv6({ ...OUT, ...fields }),
});

const transports6 = (length: number): readonly (readonly [string, Layer])[] => [
  ['TCP', tcp({ data: counting(length) })],
  ['UDP', udp({ data: counting(length) })],
  ['UDP-Lite', udpLite({ data: counting(length) })],
  ['DCCP', dccp({ data: counting(length) })],
  ['SCTP', raw(132, counting(length + 12))],
  ['ESP', raw(50, counting(length + 8))],
  ['AH', raw(51, counting(length + 12))],
  ['no next header', raw(59, counting(length))],
  ['echo request', icmp6({ type: 128, rest: [1, 2, 3, 4], data: counting(length) })],
  ['echo reply', icmp6({ type: 129, rest: [1, 2, 3, 4], data: counting(length) })],
];

function headers(): Case[] {
  const all: Case[] = [];
  for (const [name, payload] of [...transports6(0), ...transports6(17), ...transports6(400)]) {
    for (const hopLimit of [0, 1, 2, 255]) all.push(make(`${name}, hop limit ${hopLimit}`, { hopLimit, payload }));
    all.push(make(`${name}, inbound`, { ...IN, trafficClass: 0xb9, flowLabel: 0xabcde, payload }));
  }
  const skipped = [0, 6, 17, 43, 44, 58, 60];
  for (let protocol = 1; protocol < 256; protocol += 3) {
    if (!skipped.includes(protocol)) all.push(make(`protocol ${protocol}`, { payload: raw(protocol, counting(40)) }));
  }
  return all;
}

/** Lengths of whole packets around those whose IPv4 form is 1260 bytes long, and the interface's. */
function sizes(): Case[] {
  return [1260, 1272, 1279, 1280, 1281, 1288, 1299, 1300, 1301, 1320, 1400, 1479, 1480, 1499, 1500].flatMap((size) => [
    make(`UDP of ${size}`, { payload: udp({ data: counting(size - 48) }) }),
    make(`TCP of ${size}`, { ...IN, payload: tcp({ data: counting(size - 60) }) }),
    make(`echo of ${size}`, { payload: icmp6({ type: 129, data: counting(size - 48) }) }),
    make(`other of ${size}, with options`, {
      ...IN,
      extensions: [optionsHeader(60)],
      payload: raw(253, counting(size - 48)),
    }),
    make(`atomic fragment of ${size}`, {
      extensions: [fragmentHeader(0, false)],
      payload: udp({ data: counting(size - 56) }),
    }),
  ]);
}

const CHAINS: readonly (readonly [string, readonly ExtensionHeader[]])[] = [
  ['hop-by-hop', [optionsHeader(0)]],
  ['hop-by-hop of 24 bytes', [optionsHeader(0, 3)]],
  ['destination options', [optionsHeader(60)]],
  ['finished routing header', [routingHeader(0)]],
  ['routing header with one segment left', [routingHeader(1)]],
  ['routing header with 255 segments left', [optionsHeader(0), routingHeader(255)]],
  ['all in order', [optionsHeader(0), optionsHeader(60), routingHeader(0), optionsHeader(60)]],
  ['hop-by-hop last', [optionsHeader(60), optionsHeader(0)]],
  ['eight headers', Array.from({ length: 8 }, () => optionsHeader(60))],
  ['nine headers', Array.from({ length: 9 }, () => optionsHeader(60))],
  ['atomic fragment', [fragmentHeader(0, false)]],
  ['options, atomic fragment', [optionsHeader(60), fragmentHeader(0, false, 0xffff)]],
  ['fragment, then options', [fragmentHeader(0, false), optionsHeader(60)]],
  ['fragment, then routing', [fragmentHeader(0, false), routingHeader(0)]],
  ['fragment, then hop-by-hop', [fragmentHeader(0, false), optionsHeader(0)]],
  ['two fragment headers', [fragmentHeader(0, false), fragmentHeader(0, false)]],
];

function chains(): Case[] {
  return CHAINS.flatMap(([name, extensions]) => [
    ...transports6(24).map(([what, payload]) => make(`${name}, ${what}`, { extensions, payload })),
    make(`${name}, hop limit 1`, { extensions, hopLimit: 1, payload: udp() }),
  ]);
}

function fragments(): Case[] {
  const all: Case[] = [];
  const add = (name: string, offset: number, more: boolean, payload: Layer, id?: number) =>
    all.push(make(name, { ...IN, extensions: [fragmentHeader(offset, more, id)], payload }));
  for (const size of [8, 16, 24, 800, 1200, 1232, 1240, 1448]) {
    add(`first fragment of UDP, ${size}`, 0, true, udp({ data: counting(size - 8) }));
    if (size >= 24) add(`first fragment of TCP, ${size}`, 0, true, tcp({ data: counting(size - 20) }));
    for (const [offset, more] of [
      [8, true],
      [1232, true],
      [2464, false],
      [64000, false],
      [65528, false],
    ] as const) {
      add(
        `fragment of UDP at ${offset}, ${size}, M ${more}`,
        offset,
        more,
        raw(17, counting(size)),
        0xffff_0000 + size,
      );
      add(`fragment of ESP at ${offset}, ${size}, M ${more}`, offset, more, raw(50, counting(size)));
    }
  }
  for (const size of [1, 4, 7, 9]) add(`M with ${size} bytes`, 80, true, raw(17, counting(size)));
  for (const size of [0, 1, 4, 7]) add(`last fragment with ${size} bytes`, 80, false, raw(17, counting(size)));
  for (const protocol of [17, 50])
    add(`M without data, protocol ${protocol}`, 0, true, raw(protocol, new Uint8Array()));
  add('first fragment of TCP, header cut short', 0, true, raw(6, counting(16)));
  add('first fragment of UDP without a checksum', 0, true, udp({ checksum: 0, data: counting(16) }));
  add('fragment of an echo request', 0, true, icmp6({ type: 128, data: counting(24) }));
  add('last fragment of ICMPv6', 24, false, raw(58, counting(24)));
  for (const hopLimit of [0, 1]) {
    const extensions = [fragmentHeader(24, false)];
    all.push(make(`last fragment with hop limit ${hopLimit}`, { hopLimit, extensions, payload: raw(17, counting(8)) }));
  }
  return all;
}

function addresses(): Case[] {
  const special = [
    ...['::', '::1', '::192.0.2.33', '::ffff:192.0.2.33', '64:ff9b::808:808', '64:ff9b::a00:1', '100::1', 'fc00::1'],
    ...['fe80::1', 'fec0::1', 'ff02::1', 'ff0e::1', '2001:db8::2', '2001:db8:1::40', '2001:db8:64:1::808:808'],
    ...['2001:db8:64::', '2001:db8:64::7f00:1', '2001:db8:64::a9fe:304', '2001:db8:64::a01:203', '2001:db8:64::e000:1'],
    ...['2001:db8:64::f000:1', '2001:db8:64::ffff:ffff', '2001:db8:64::c000:245', '2001:db8:64::c000:221'],
  ];
  const own = NETWORK.ownIpv6;
  return [
    ...special.flatMap((address) => [
      make(`from ${address}`, { src: address, payload: udp() }),
      make(`from ${address} inbound`, { ...IN, src: address, payload: tcp() }),
      make(`to ${address}`, { dst: address, payload: udp() }),
      make(`to ${address}, echo`, { dst: address, payload: icmp6({ type: 128, data: counting(8) }) }),
      make(`to ${address}, hop limit 1`, { dst: address, hopLimit: 1, payload: tcp() }),
    ]),
    make('between two mapped hosts', { dst: MAPPED[1].ipv6, payload: udp() }),
    make('between two hosts of the world', { ...IN, dst: WORLD[0].ipv6, payload: tcp() }),
    ...[1, 2, 64].map((hopLimit) =>
      make(`ping, hop limit ${hopLimit}`, {
        dst: own,
        hopLimit,
        trafficClass: 0x28,
        payload: icmp6({ type: 128, rest: [0, 1, 0, 2], data: counting(56) }),
      }),
    ),
    make('echo reply to the translator', { dst: own, payload: icmp6({ type: 129, data: counting(8) }) }),
    make('UDP to the translator', { dst: own, payload: udp({ data: counting(8) }) }),
    make('TCP to the translator, with options', { dst: own, extensions: [optionsHeader(60)], payload: tcp() }),
    make('UDP from the translator', { src: own, payload: udp() }),
  ];
}

function checksums(): Case[] {
  const all: Case[] = [];
  for (const length of [0, 1, 3, 100, 1212, 1452]) {
    const data = counting(length);
    all.push(make(`UDP without a checksum, ${length}`, { payload: udp({ checksum: 0, data }) }));
    all.push(make(`UDP with a wrong checksum, ${length}`, { payload: udp({ checksum: 0x1234, data }) }));
    all.push(
      make(`TCP with a wrong checksum, ${length}`, { payload: tcp({ checksum: 0xfffe, data: data.slice(0, 1440) }) }),
    );
    all.push(make(`echo with a wrong checksum, ${length}`, { payload: icmp6({ type: 128, checksum: 0x1234, data }) }));
  }
  for (const [here, there] of [
    [OUT, { src: MAPPED[0].ipv4, dst: WORLD[0].ipv4 }],
    [IN, { src: WORLD[1].ipv4, dst: MAPPED[1].ipv4 }],
  ] as const) {
    for (const [name, layer] of [
      ['UDP', udp],
      ['TCP', tcp],
      ['UDP-Lite', udpLite],
    ] as const) {
      const zero = checksumOf(ipv4({ ...there, payload: layer({ srcPort: 0 }) }), layer === tcp ? 36 : 26);
      for (const srcPort of [zero, zero - 1, zero + 1]) {
        all.push(make(`${name} whose checksum becomes nearly zero`, { ...here, payload: layer({ srcPort }) }));
      }
    }
  }
  return all;
}

function malformed(): Case[] {
  const good = ipv6({
    ...OUT,
    extensions: [optionsHeader(0), fragmentHeader(0, false)],
    payload: udp({ data: counting(16) }),
  });
  const trailing = new Uint8Array(good.length + 9);
  trailing.set(good);
  const cutInside = Array.from({ length: good.length - 41 }, (_, i) => i + 41);
  return [
    ...cutInside.map((end) => ({ name: `IPv6 cut to ${end}`, packet: good.slice(0, end) })),
    ...cutInside.map((end) => {
      const packet = good.slice(0, end);
      packet[5] = end - 40;
      return { name: `IPv6 cut to ${end}, its length told so`, packet };
    }),
    ...[1, 20, 39, 40].map((end) => ({ name: `IPv6 cut to ${end}`, packet: good.slice(0, end) })),
    { name: 'IPv6 with bytes behind its end', packet: trailing },
    make('payload length too large', { payloadLength: 60, payload: udp() }),
    make('payload length zero', { payloadLength: 0, payload: udp() }),
    ...[0, 7, 15].map((version) => make(`version ${version}`, { version, payload: udp() })),
    ...[0, 7, 12, 17, 18, 19].map((n) => make(`TCP of ${n} bytes`, { payload: raw(6, counting(n)) })),
    ...[0, 4, 6, 7].map((n) => make(`UDP of ${n} bytes`, { payload: raw(17, counting(n)) })),
    ...[0, 4, 7].map((n) => make(`ICMPv6 of ${n} bytes`, { payload: raw(58, counting(n)) })),
    ...[7, 9, 2000].map((length) => make(`UDP length ${length}`, { payload: udp({ length, data: counting(10) }) })),
  ];
}

/** All IPv6 packets of the list. */
export const v6Cases = (): Case[] => [
  ...headers(),
  ...sizes(),
  ...chains(),
  ...fragments(),
  ...addresses(),
  ...checksums(),
  ...malformed(),
];
