// The engine in memory: nanoseconds per packet, without any device, and heap growth over a million packets. Since machines are
// shared and differ, each figure also comes as a ratio to a calibration loop that is measured right beside it.
//
//     node --expose-gc dist/test/bench/memory.js

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FragmentTable } from '../../src/core/nat64/fragments.ts';
import { Nat64State } from '../../src/core/nat64/nat64-state.ts';
import { Nat64Path } from '../../src/core/nat64/packet-path.ts';
import { DEFAULT_LIMITS, DEFAULT_NAT64, type Nat64Settings } from '../../src/core/nat64/settings.ts';
import {
  DEFAULT_SETTINGS,
  type Mapping,
  type TranslatorSettings,
  WELL_KNOWN_PREFIX,
} from '../../src/core/translate/settings.ts';
import { translate } from '../../src/core/translate/translate.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { isDrop } from '../../src/core/translate/verdict.ts';
import { OFFLOAD_HEADER } from '../../src/core/wire/offload.ts';
import { HEADROOM, makePacketList, makeSlab } from '../../src/core/wire/slab.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { embed } from '../reference/addresses.ts';
import { ip4, mapping, prefix6, text6 } from '../support/addresses.ts';
import { poolOf, seen } from '../support/nat64.ts';
import { counting, ipv4, ipv6, type Layer, tcp, udp } from '../support/packets.ts';

/** One line of the table. */
export interface MemoryFigure {
  readonly name: string;
  /** Nanoseconds per packet, the least of many rounds; putting the packet into its slot is taken off. */
  readonly nsPerPacket: number;
  /** The same in turns of the calibration loop (one turn: 32 dependent multiplications). */
  readonly ratio: number;
}

/** What measureMemory returns. */
export interface MemoryReport {
  readonly figures: readonly MemoryFigure[];
  /** Nanoseconds of one turn of the calibration loop. */
  readonly calibrationNs: number;
  /** Bytes that the heap grew by over a million packets, collected before and after where the collector can be called. */
  readonly heapGrowthBytes: number;
}

const ROUNDS = 40;
const PACKETS = 20_000;

interface Case {
  readonly name: string;
  readonly settings: TranslatorSettings;
  /** One for each host; all of one length. They come in turn. */
  readonly packets: readonly Uint8Array[];
  readonly header: Uint8Array;
  /** Of stateful NAT64: what a translator of its own has to have seen before. */
  readonly opening?: readonly Uint8Array[];
}

const PLAIN = new Uint8Array(OFFLOAD_HEADER);
const clat: TranslatorSettings = {
  ...DEFAULT_SETTINGS,
  prefix: WELL_KNOWN_PREFIX,
  mappings: [mapping('192.0.0.1', '2001:db8:1::1')],
  allowBothEmbedded: false,
};
const host4 = (i: number): string => `198.18.${i >> 8}.${i & 255}`;
const host6 = (i: number): string => `2001:db8:5117::${i.toString(16)}`;
const siit: TranslatorSettings = {
  ...DEFAULT_SETTINGS,
  prefix: prefix6('2001:db8:64::/96'),
  mappings: Array.from({ length: 1000 }, (_, i): Mapping => mapping(host4(i), host6(i))),
};
/** More than the translator remembers, so that each packet is looked up. */
const MANY_HOSTS = 512;
const FEW_HOSTS = 4;

/** 64,000 bytes of payload in 45 segments. */
const superHeader = (is4: boolean) =>
  offloadHeader({
    flags: 1,
    type: is4 ? 1 : 4,
    hdrLen: is4 ? 40 : 60,
    gsoSize: 1428,
    start: is4 ? 20 : 40,
    offset: 16,
  });

function casesOf(name: string, settings: TranslatorSettings, hosts: readonly (readonly [string, string])[]): Case[] {
  const server4 = '93.184.216.34';
  const server6 = text6(embed(settings.prefix as NonNullable<TranslatorSettings['prefix']>, ip4(server4)));
  const small = udp({ data: counting(22) });
  const large = tcp({ data: counting(1400) });
  const huge = tcp({ data: new Uint8Array(64_000) });
  const few = hosts.slice(0, FEW_HOSTS);
  const up = (payload: Layer, from = hosts) => from.map(([four]) => ipv4({ src: four, dst: server4, payload }));
  const down = (payload: Layer, to = hosts) => to.map(([, six]) => ipv6({ src: server6, dst: six, payload }));
  return [
    { name: `${name}, UDP 4→6`, settings, packets: up(small), header: PLAIN },
    { name: `${name}, UDP 6→4`, settings, packets: down(small), header: PLAIN },
    { name: `${name}, TCP 4→6`, settings, packets: up(large), header: PLAIN },
    { name: `${name}, TCP 6→4`, settings, packets: down(large), header: PLAIN },
    { name: `${name}, super-packet 4→6`, settings, packets: up(huge, few), header: superHeader(true) },
    { name: `${name}, super-packet 6→4`, settings, packets: down(huge, few), header: superHeader(false) },
  ];
}

const nat64: Nat64Settings = {
  ...DEFAULT_NAT64,
  pool: poolOf('192.0.2.1'),
  limits: { ...DEFAULT_LIMITS, sessions: 10_000 },
};

/** A translator with NAT64's tables, the same each time. */
function makeNat64(settings: TranslatorSettings): Translator {
  let n = 0;
  const random = (): number => Math.imul(++n, 0x9e3779b1) >>> 0;
  const state = new Nat64State(nat64, random, 0);
  const fragments = new FragmentTable({ ...nat64.limits, fragmentMs: 2000 }, random);
  return new Translator(settings, 1, new Nat64Path(state, fragments, nat64, settings));
}

/** One session a host, both ways. */
function nat64Cases(name: string): Case[] {
  const settings: TranslatorSettings = { ...DEFAULT_SETTINGS, prefix: prefix6('2001:db8:64::/96') };
  const hosts = Array.from({ length: MANY_HOSTS }, (_, i) => host6(i));
  const server = '93.184.216.34';
  const server6 = '2001:db8:64::5db8:d822';
  const both = (kind: string, up: Layer, down: (dstPort: number) => Layer, from = hosts, isSuper = false): Case[] => {
    const packets = from.map((src) => ipv6({ src, dst: server6, payload: up }));
    const opening = from.map((src) => ipv6({ src, dst: server6, payload: kind === 'UDP' ? up : tcp({ flags: 2 }) }));
    const translator = makeNat64(settings);
    const answers = opening.map((packet) =>
      ipv4({ src: server, dst: '192.0.2.1', payload: down(seen(translated(translator, packet)).srcPort) }),
    );
    const header = (is4: boolean) => (isSuper ? superHeader(is4) : PLAIN);
    return [
      { name: `${name}, ${kind} 6→4`, settings, packets, header: header(false), opening },
      { name: `${name}, ${kind} 4→6`, settings, packets: answers, header: header(true), opening },
    ];
  };
  const few = hosts.slice(0, FEW_HOSTS);
  const [large, huge] = [counting(1400), new Uint8Array(64_000)];
  return [
    ...both('UDP', udp({ data: counting(22) }), (dstPort) => udp({ srcPort: 53, dstPort, data: counting(22) })),
    ...both('TCP', tcp({ data: large }), (dstPort) => tcp({ srcPort: 80, dstPort, data: large })),
    ...both('super-packet', tcp({ data: huge }), (dstPort) => tcp({ srcPort: 80, dstPort, data: huge }), few, true),
  ];
}

/** What a translator makes of a packet. */
function translated(translator: Translator, packet: Uint8Array): Uint8Array {
  const slab = makeSlab(4096);
  const out = makePacketList(1);
  slab.bytes.set(packet, HEADROOM);
  if (isDrop(translate(translator, slab, HEADROOM, packet.length, out, 1))) throw new Error('dropped');
  const at = out.offset[0] as number;
  return slab.bytes.slice(at, at + (out.length[0] as number));
}

const CASES: readonly Case[] = [
  ...casesOf('CLAT', clat, [['192.0.0.1', '2001:db8:1::1']]),
  ...casesOf(
    `SIIT, 1,000 EAMs, ${MANY_HOSTS} hosts`,
    siit,
    Array.from({ length: MANY_HOSTS }, (_, i) => [host4(i), host6(i)] as const),
  ),
  ...nat64Cases(`NAT64, ${MANY_HOSTS} sessions`),
];

/** Bytes of a slot that a translation overwrites: the headers. The rest of the packet stays as it is. */
const REFRESHED = 64;
const MIN_SLOTS = 64;

/** A loop that puts each packet's head back and, if told so, translates it, `packets` times. Returns nanoseconds in all. */
function makeLoop({
  settings,
  packets: samples,
  header,
  opening,
}: Case): (packets: number, translates: boolean) => number {
  const { length } = samples[0] as Uint8Array;
  const stride = (HEADROOM + length + 63) & ~63;
  const slots = length > 10_000 ? samples.length : Math.max(MIN_SLOTS, samples.length);
  const slab = makeSlab(slots * stride + 4096);
  const out = makePacketList(8);
  const translator = opening === undefined ? new Translator(settings, 1) : makeNat64(settings);
  for (const packet of opening ?? []) translated(translator, packet);
  const heads = new Uint32Array((slots * REFRESHED) / 4);
  const words = new Uint32Array(slab.bytes.buffer);
  for (let i = 0; i < slots; i++) {
    const sample = samples[i % samples.length] as Uint8Array;
    slab.bytes.set(sample, i * stride + HEADROOM);
    new Uint8Array(heads.buffer).set(sample.slice(0, REFRESHED), i * REFRESHED);
  }
  // In the units in which it is read: a load that spans two fresh stores waits for both.
  const halves = new Uint16Array(slab.bytes.buffer);
  const offload = new Uint16Array(header.slice().buffer);
  return (packets, translates) => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < packets; i++) {
      const slot = i % slots;
      const at = slot * stride + HEADROOM;
      for (let k = 0; k < REFRESHED / 4; k++) words[(at >> 2) + k] = heads[slot * (REFRESHED / 4) + k] as number;
      for (let k = 0; k < OFFLOAD_HEADER / 2; k++) halves[((at - OFFLOAD_HEADER) >> 1) + k] = offload[k] as number;
      out.count = 0;
      if (translates && isDrop(translate(translator, slab, at, length, out, 1))) throw new Error('dropped');
    }
    return Number(process.hrtime.bigint() - started);
  };
}

/** One turn: 32 multiplications, each needing the one before. */
function calibrate(): number {
  const turns = 20_000;
  let x = 1;
  const started = process.hrtime.bigint();
  for (let i = 0; i < turns; i++) for (let k = 0; k < 32; k++) x = Math.imul(x, 0x9e3779b1) ^ k;
  const ns = Number(process.hrtime.bigint() - started) / turns;
  if (x === 0) throw new Error('the loop was optimised away');
  return ns;
}

/** The least of many short rounds: other programs can only add time. */
const least = (round: () => number): number => Math.min(...Array.from({ length: ROUNDS }, round));

function measure(one: Case): { ns: number; calibration: number } {
  const loop = makeLoop(one);
  const warmUp = loop(PACKETS, true) + loop(PACKETS, false) + calibrate();
  if (warmUp === 0) throw new Error('the clock stands still');
  const both = least(() => loop(PACKETS, true));
  const alone = least(() => loop(PACKETS, false));
  return { ns: (both - alone) / PACKETS, calibration: least(calibrate) };
}

function heapGrowth(): number {
  const loop = makeLoop(CASES[0] as Case);
  loop(PACKETS, true);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  loop(1_000_000, true);
  globalThis.gc?.();
  return Math.max(0, process.memoryUsage().heapUsed - before);
}

/** Measures all cases; some seconds. Throws when a packet is dropped. */
export function measureMemory(): MemoryReport {
  const results = CASES.map((one) => ({ name: one.name, ...measure(one) }));
  return {
    figures: results.map(({ name, ns, calibration }) => ({ name, nsPerPacket: ns, ratio: ns / calibration })),
    calibrationNs: Math.min(...results.map((result) => result.calibration)),
    heapGrowthBytes: heapGrowth(),
  };
}

function print({ figures, calibrationNs, heapGrowthBytes }: MemoryReport): void {
  for (const { name, nsPerPacket, ratio } of figures) {
    console.log(`${name.padEnd(40)} ${nsPerPacket.toFixed(1).padStart(7)} ns  ${ratio.toFixed(2).padStart(6)} turns`);
  }
  console.log(`one turn of the calibration loop: ${calibrationNs.toFixed(1)} ns`);
  console.log(
    `heap growth over a million packets: ${heapGrowthBytes} bytes${globalThis.gc === undefined ? ' (uncollected; run with --expose-gc)' : ''}`,
  );
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  print(measureMemory());
