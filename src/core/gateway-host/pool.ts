// Fits the NAT64's IPv4 pool to a host: a free private range for the default, or a check of the operator's own wish. Pure.
//
//     masquerade   NAT64 ── 10.64.46.0/28 ── kernel's masquerade ── the router's address   no thought, ports chosen twice
//     routed       NAT64 ── 192.0.2.64/28 ── routed as it is                               endpoint-independent, needs addresses
//     shared       NAT64 ── 10.64.3.17 ══ the router's address, ports of it                endpoint-independent, one address
//
// `shared` is a rewriting without state in nftables: address for address, nothing else. The private address is chosen so that
// its checksum (RFC 1071) is that of the router's, so no checksum in a packet, and none of the packet inside an ICMP error, changes.

import { text4, textPrefix4 } from '../address/text.ts';
import type { HostFacts } from '../host/host-config.ts';
import { EPHEMERAL_PORTS } from '../host/host-config.ts';
import type { Nat64Protocol, PoolRange } from '../nat64/settings.ts';
import type { Prefix4 } from '../translate/settings.ts';
import type { PoolChoice, PoolWish } from './config.ts';
import type { PortSpan, UsedPorts } from './ports.ts';
import { joinSpans, keptPorts, parseSpans, spansOf, subtractSpans, textSpans } from './ports.ts';
import { overlaps4, parsePrefix4 } from './text.ts';

export type { UsedPorts } from './ports.ts';

/** A wish that this host cannot meet: why, in one sentence, and what to do. */
export interface PoolRefusal {
  readonly refused: string;
  readonly advice: string;
}

/** 16 addresses: as many ports as the default limit has sessions. */
const RANGE_LENGTH = 28;
/** First word of the candidates: 10.64.46.0, 10.65.46.0, …, 172.16.46.0, …: rarely used parts of what RFC 1918 leaves to everybody. */
const SECOND_OCTETS: readonly (readonly [first: number, from: number, to: number])[] = [
  [10, 64, 255],
  [172, 16, 31],
];
const THIRD_OCTET = 46;
const ALL_PORTS = { first: 0, last: 0xffff } as const;
const PROTOCOLS: readonly Nat64Protocol[] = ['tcp', 'udp', 'icmp'];
const EPHEMERAL_DEFAULT = { first: 32_768, last: 60_999 } as const;

/** The candidates' first two octets as one number. */
const highHalves = (): number[] =>
  SECOND_OCTETS.flatMap(([first, from, to]) => Array.from({ length: to - from + 1 }, (_, i) => first * 256 + from + i));

interface Taken {
  readonly network: Prefix4;
  readonly by: string;
}

/** IPv4 networks that this host knows of. */
function takenNetworks({ links, routes }: HostFacts): Taken[] {
  const named = [
    ...links.flatMap((l) => l.addresses.map((a) => [a, `an address of ${l.name}`] as const)),
    ...routes.filter((r) => r.family === 4).map((r) => [r.destination, `a route through ${r.device}`] as const),
  ];
  return named.flatMap(([text, by]) => {
    const network = parsePrefix4(text);
    return network === null || network.length === 0 ? [] : [{ network, by }];
  });
}

const conflictOf = (network: Prefix4, taken: readonly Taken[]): Taken | undefined =>
  taken.find((t) => overlaps4(t.network, network));

const rangesOver = (range: Prefix4): PoolRange[] =>
  PROTOCOLS.map((protocol) => ({
    protocol,
    address: range.address,
    addresses: 2 ** (32 - range.length),
    firstPort: protocol === 'icmp' ? ALL_PORTS.first : 1_024,
    lastPort: ALL_PORTS.last,
  }));

function chooseMasquerade(range: Prefix4 | null, facts: HostFacts): PoolChoice | PoolRefusal {
  const taken = takenNetworks(facts);
  const candidates = range === null ? highHalves().map((high) => candidate(high, THIRD_OCTET * 256)) : [range];
  const free = candidates.find((c) => conflictOf(c, taken) === undefined);
  if (free !== undefined) {
    return { place: { kind: 'masquerade', range: free }, ranges: rangesOver(free), warnings: [] };
  }
  const advice = 'name a private range that is used nowhere else: nat64.pool';
  if (range === null) return { refused: 'no private IPv4 range is free on this host', advice };
  const conflict = conflictOf(range, taken) as Taken;
  return { refused: `${textPrefix4(range)} overlaps ${textPrefix4(conflict.network)}, ${conflict.by}`, advice };
}

const candidate = (high: number, low: number): Prefix4 => ({
  address: high * 65_536 + low,
  length: RANGE_LENGTH,
});

/** The link that has an address of its own inside a range. */
function ownerOf(range: PoolRange, { links }: HostFacts): { readonly name: string; readonly address: number } | null {
  for (const { name, addresses } of links) {
    for (const text of addresses) {
      const own = parsePrefix4(text);
      if (own === null) continue;
      if (own.address >= range.address && own.address < range.address + range.addresses)
        return { name, address: own.address };
    }
  }
  return null;
}

function chooseRouted(ranges: readonly PoolRange[], facts: HostFacts): PoolChoice | PoolRefusal {
  for (const range of ranges) {
    const owner = ownerOf(range, facts);
    if (owner === null) continue;
    return {
      refused: `${text4(owner.address)} is an address of ${owner.name}, so the kernel keeps its packets`,
      advice: 'share it: name its ports alone in nat64.pool; or take addresses that are routed to this router',
    };
  }
  const onLink = facts.routes.filter((r) => r.family === 4 && r.gateway === null && r.destination !== 'default');
  const warnings = ranges.flatMap((range) => {
    const near = onLink.find(({ destination }) => {
      const network = parsePrefix4(destination);
      return network !== null && overlaps4(network, { address: range.address, length: 32 });
    });
    if (near === undefined) return [];
    const address = text4(range.address);
    return [
      `${address} lies in ${near.destination} on ${near.device}: the neighbours there will ask for it by ARP, and get an answer ` +
        `after "ip neighbour add proxy ${address} dev ${near.device}"`,
    ];
  });
  return { place: { kind: 'routed', ranges }, ranges, warnings: [...new Set(warnings)] };
}

/** Sum of the two halves in one's complement arithmetic, RFC 1071. */
const sumOf = (address: number): number => ((address >>> 16) + (address & 0xffff)) % 0xffff;

/**
 * Private addresses that have the checksum of another one, so that one may stand for the other in any packet.
 * @param address unsigned
 */
export const neutralAddresses = (address: number): number[] =>
  highHalves()
    .map((high) => [high, (sumOf(address) + 0xffff - (high % 0xffff)) % 0xffff] as const)
    .filter(([, low]) => low !== 0)
    .map(([high, low]) => high * 65_536 + low);

function chooseShared(ranges: readonly PoolRange[], facts: HostFacts, used: UsedPorts): PoolChoice | PoolRefusal {
  const outside = ranges[0]?.address ?? 0;
  const wrong = ranges.find((r) => r.addresses !== 1 || r.address !== outside);
  if (wrong !== undefined) {
    return { refused: 'only one address can be shared', advice: 'name one address of this router in nat64.pool' };
  }
  if (ranges[0] === undefined || ownerOf(ranges[0], facts) === null) {
    return {
      refused: `${text4(outside)} is no address of this router`,
      advice: 'name one that it has; addresses that are routed to it need no sharing',
    };
  }
  const taken = takenNetworks(facts);
  const inside = neutralAddresses(outside).find((a) => conflictOf({ address: a, length: 32 }, taken) === undefined);
  if (inside === undefined) return { refused: 'no private IPv4 address is free', advice: 'use another kind of pool' };
  const { left, warnings } = leavePorts(ranges, facts, used);
  const moved = left.map((r) => ({ ...r, address: inside }));
  return { place: { kind: 'shared', outside, inside, ranges: moved }, ranges: moved, warnings };
}

/** Ports of a pool that programs of the router listen on. */
function listening(ranges: readonly PoolRange[], protocol: 'tcp' | 'udp', used: UsedPorts): PortSpan[] {
  const spans = spansOf(ranges, protocol);
  const taken = used[protocol].filter((port) => spans.some(({ first, last }) => port >= first && port <= last));
  return joinSpans(taken.map((port) => ({ first: port, last: port })));
}

/** Takes out of a pool what the router itself needs, and says so. */
function leavePorts(
  ranges: readonly PoolRange[],
  facts: HostFacts,
  used: UsedPorts,
): { readonly left: readonly PoolRange[]; readonly warnings: readonly string[] } {
  const ephemeral = parseSpans(facts.sysctls.get(EPHEMERAL_PORTS) ?? '')[0] ?? EPHEMERAL_DEFAULT;
  const kept = keptPorts(joinSpans([...spansOf(ranges, 'tcp'), ...spansOf(ranges, 'udp')]), ephemeral);
  const own = kept === null ? [] : [kept];
  const [tcp, udp] = [listening(ranges, 'tcp', used), listening(ranges, 'udp', used)];
  const withheld = { tcp: [...tcp, ...own], udp: [...udp, ...own], icmp: [] };
  const left = ranges.flatMap((r) =>
    subtractSpans([{ first: r.firstPort, last: r.lastPort }], withheld[r.protocol]).map(
      ({ first, last }): PoolRange => ({ ...r, firstPort: first, lastPort: last }),
    ),
  );
  const said = [
    ...(tcp.length === 0 ? [] : [`TCP ${textSpans(tcp)}`]),
    ...(udp.length === 0 ? [] : [`UDP ${textSpans(udp)}`]),
  ].join('; ');
  return {
    left,
    warnings: [
      ...(said === '' ? [] : [`programs of this router listen on ports of the pool, which stay theirs: ${said}`]),
      ...own.map((span) => `ports ${textSpans([span])} of the pool stay with this router, for connections of its own`),
    ],
  };
}

/**
 * Fits a pool to this host.
 * @param used what programs of this host listen on
 * @returns the place and the NAT64's ranges; or why not. Never throws
 */
export function choosePool(wish: PoolWish, facts: HostFacts, used: UsedPorts): PoolChoice | PoolRefusal {
  switch (wish.kind) {
    case 'masquerade':
      return chooseMasquerade(wish.range, facts);
    case 'routed':
      return chooseRouted(wish.ranges, facts);
    case 'shared':
      return chooseShared(wish.ranges, facts, used);
    default:
      return wish satisfies never;
  }
}
