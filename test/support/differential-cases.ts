// The packets of the differential run: every rule of the translation at its edges, then packets made at random from a fixed
// seed. Read next: differential-cases-v4.ts, -v6.ts and -icmp.ts, which list the edges.

import { withBytes } from '../reference/bytes.ts';
import { icmpCases } from './differential-cases-icmp.ts';
import { v4Cases } from './differential-cases-v4.ts';
import { v6Cases } from './differential-cases-v6.ts';
import { type Case, MAPPED, WORLD } from './differential-network.ts';
import {
  counting,
  fragmentHeader,
  icmp4,
  icmp6,
  ipv4,
  ipv6,
  type Layer,
  optionsHeader,
  raw,
  tcp,
  udp,
} from './packets.ts';

/** Packets made at random. */
const RANDOM_PACKETS = 1200;
/** Of the valid packets, every so many-th is damaged at random as well. */
const DAMAGED_EVERY = 4;

/** A small generator of reproducible numbers: mulberry32. @returns a function that gives a whole number below `limit` */
export function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  };
}

type Random = ReturnType<typeof random>;

function randomLayer(below: Random, family: 4 | 6): Layer {
  const data = counting(below(4) === 0 ? below(1400) : below(200));
  const ports = { srcPort: below(65536), dstPort: below(65536), data };
  const damaged = below(10) === 0 ? { checksum: below(65536) } : {};
  const rest = [below(256), below(256), below(256), below(256)];
  switch (below(5)) {
    case 0:
      return tcp({ ...ports, ...damaged, sequence: below(2 ** 32), flags: below(256) });
    case 1:
      return udp({ ...ports, ...damaged });
    case 2:
      return family === 4 ? icmp4({ type: 8 * below(2), rest, data }) : icmp6({ type: 128 + below(2), rest, data });
    case 3:
      return udp({ ...ports, data: data.slice(0, 8) });
    default:
      return raw([47, 50, 51, 132, 253][below(5)], data);
  }
}

function randomV4(below: Random): Uint8Array {
  const isOutbound = below(2) === 0;
  const mapped = MAPPED[below(2)].ipv4;
  const world = WORLD[below(2)].ipv4;
  const fragment = below(6) === 0 ? { mf: below(2) === 0, fragmentOffset: 8 * below(200) } : {};
  return ipv4({
    src: isOutbound ? mapped : world,
    dst: isOutbound ? world : mapped,
    tos: below(256),
    id: below(65536),
    df: below(2) === 0,
    ttl: 2 + below(254),
    payload: randomLayer(below, 4),
    ...fragment,
  });
}

function randomV6(below: Random): Uint8Array {
  const isOutbound = below(2) === 0;
  const mapped = MAPPED[below(2)].ipv6;
  const world = WORLD[below(2)].ipv6;
  const fragment = below(6) === 0 ? [fragmentHeader(8 * below(200), below(2) === 0, below(2 ** 32))] : [];
  return ipv6({
    src: isOutbound ? mapped : world,
    dst: isOutbound ? world : mapped,
    trafficClass: below(256),
    flowLabel: below(2 ** 20),
    hopLimit: 2 + below(254),
    extensions: [...(below(5) === 0 ? [optionsHeader(below(2) === 0 ? 0 : 60, 1 + below(3))] : []), ...fragment],
    payload: randomLayer(below, 6),
  });
}

function randomCases(below: Random): Case[] {
  return Array.from({ length: RANDOM_PACKETS }, (_, i) => ({
    name: `random ${i}`,
    packet: i % 2 === 0 ? randomV4(below) : randomV6(below),
  }));
}

/** One octet behind the addresses, or one of the header's others, gets another value. */
function damaged(below: Random, { name, packet }: Case): Case {
  const at = below(Math.min(packet.length, 120));
  const change = 1 + below(255);
  return { name: `${name}, octet ${at} changed`, packet: withBytes(packet, at, [packet[at] ^ change]) };
}

/** All packets, in the order in which they are sent. Every call gives the same ones. */
export function allCases(): Case[] {
  const below = random(0x464);
  const valid = [...v4Cases(), ...v6Cases(), ...icmpCases(), ...randomCases(below)];
  const damagedOnes = valid.filter((_, i) => i % DAMAGED_EVERY === 0).map((each) => damaged(below, each));
  return [...valid, ...damagedOnes];
}
