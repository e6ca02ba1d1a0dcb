// The engine in memory: nanoseconds per packet, without any device, and heap growth over a million packets. Since machines are
// shared and differ, each figure also comes as a ratio to a calibration loop that is measured right beside it.
//
//     node --expose-gc dist/test/bench/memory.js

import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { embed } from '../reference/addresses.ts';
import { translate } from '../../src/core/translate/translate.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { DEFAULT_SETTINGS, type Mapping, type TranslatorSettings, WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';
import { isDrop } from '../../src/core/translate/verdict.ts';
import { OFFLOAD_HEADER } from '../../src/core/wire/offload.ts';
import { HEADROOM, makePacketList, makeSlab } from '../../src/core/wire/slab.ts';
import { offloadHeader } from '../fuzz/offload.ts';
import { ip4, ip6, mapping, prefix6, text4, text6 } from '../support/addresses.ts';
import { counting, ipv4, ipv6, tcp, udp } from '../support/packets.ts';

/** One line of the table. */
export interface MemoryFigure {
  readonly name: string;
  /** Median of the runs, nanoseconds per packet, copying the packet into its slot included and then taken off. */
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

const RUNS = 7;
const PACKETS = 200_000;
const SLOTS = 64;

interface Case {
  readonly name: string;
  readonly settings: TranslatorSettings;
  readonly packet: Uint8Array;
  readonly header: Uint8Array;
}

const PLAIN = new Uint8Array(OFFLOAD_HEADER);
const HOST6 = '2001:db8:1::1';
const clat: TranslatorSettings = {
  ...DEFAULT_SETTINGS,
  prefix: WELL_KNOWN_PREFIX,
  mappings: [mapping('192.0.0.1', HOST6)],
  allowBothEmbedded: false,
};
const manyMappings: readonly Mapping[] = Array.from({ length: 1000 }, (_, i) =>
  mapping(`198.18.${i >> 8}.${i & 255}`, `2001:db8:5117::${i.toString(16)}`),
);
const siit: TranslatorSettings = { ...DEFAULT_SETTINGS, prefix: prefix6('2001:db8:64::/96'), mappings: manyMappings };

/** 65,200 bytes in 45 segments. */
const superHeader = (is4: boolean) =>
  offloadHeader({ flags: 1, type: is4 ? 1 : 4, hdrLen: is4 ? 40 : 60, gsoSize: 1428, start: is4 ? 20 : 40, offset: 16 });

function casesOf(name: string, settings: TranslatorSettings, host4: string, host6: string): Case[] {
  const server4 = '93.184.216.34';
  const server6 = text6(embed(settings.prefix as NonNullable<TranslatorSettings['prefix']>, ip4(server4)));
  const up = { src: host4, dst: server4 };
  const down = { src: server6, dst: host6 };
  const small = udp({ data: counting(22) });
  const large = tcp({ data: counting(1400) });
  const huge = tcp({ data: new Uint8Array(64_000) });
  return [
    { name: `${name}, UDP 4→6`, settings, packet: ipv4({ ...up, payload: small }), header: PLAIN },
    { name: `${name}, UDP 6→4`, settings, packet: ipv6({ ...down, payload: small }), header: PLAIN },
    { name: `${name}, TCP 4→6`, settings, packet: ipv4({ ...up, payload: large }), header: PLAIN },
    { name: `${name}, TCP 6→4`, settings, packet: ipv6({ ...down, payload: large }), header: PLAIN },
    { name: `${name}, super-packet 4→6`, settings, packet: ipv4({ ...up, payload: huge }), header: superHeader(true) },
    { name: `${name}, super-packet 6→4`, settings, packet: ipv6({ ...down, payload: huge }), header: superHeader(false) },
  ];
}

const CASES: readonly Case[] = [
  ...casesOf('CLAT', clat, '192.0.0.1', HOST6),
  ...casesOf('SIIT with 1,000 EAMs', siit, text4(ip4('198.18.2.9')), text6(ip6('2001:db8:5117::209'))),
];

/** Bytes of a slot that a translation overwrites: head room and headers. The rest of the packet stays as it is. */
const REFRESHED = 64;

/** A loop that puts the packet's head back and, if told so, translates it, `packets` times. Returns nanoseconds in all. */
function makeLoop({ settings, packet, header }: Case): (packets: number, translates: boolean) => number {
  const stride = (HEADROOM + packet.length + 63) & ~63;
  const slots = packet.length > 10_000 ? 4 : SLOTS;
  const slab = makeSlab(slots * stride + 4096);
  const out = makePacketList(SLOTS * 2);
  const translator = new Translator(settings, 1);
  const head = new Uint32Array(REFRESHED / 4);
  new Uint8Array(head.buffer).set(packet.slice(0, REFRESHED));
  const words = new Uint32Array(slab.bytes.buffer);
  for (let i = 0; i < slots; i++) slab.bytes.set(packet, i * stride + HEADROOM);
  const [h0, h1, h2] = [header[0] as number, header[1] as number, header.slice(2)];
  return (packets, translates) => {
    const started = process.hrtime.bigint();
    for (let i = 0; i < packets; i++) {
      const at = (i % slots) * stride + HEADROOM;
      const word = at >> 2;
      for (let k = 0; k < REFRESHED / 4; k++) words[word + k] = head[k] as number;
      slab.bytes[at - 10] = h0;
      slab.bytes[at - 9] = h1;
      for (let k = 0; k < 8; k++) slab.bytes[at - 8 + k] = h2[k] as number;
      out.count = 0;
      if (translates && isDrop(translate(translator, slab, at, packet.length, out, 1))) throw new Error('dropped');
    }
    return Number(process.hrtime.bigint() - started);
  };
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1] as number;

/** One turn: 32 multiplications, each needing the one before. */
function calibrate(): number {
  const turns = 200_000;
  let x = 1;
  const started = process.hrtime.bigint();
  for (let i = 0; i < turns; i++) for (let k = 0; k < 32; k++) x = Math.imul(x, 0x9e3779b1) ^ k;
  const ns = Number(process.hrtime.bigint() - started) / turns;
  if (x === 0) throw new Error('the loop was optimised away');
  return ns;
}

function measure(one: Case): { ns: number; calibration: number } {
  const loop = makeLoop(one);
  for (let i = 0; i < 3; i++) {
    loop(PACKETS / 10, true);
    loop(PACKETS / 10, false);
  }
  const runs = Array.from({ length: RUNS }, () => ({
    ns: (loop(PACKETS, true) - loop(PACKETS, false)) / PACKETS,
    calibration: calibrate(),
  }));
  return { ns: median(runs.map((run) => run.ns)), calibration: median(runs.map((run) => run.calibration)) };
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
    calibrationNs: median(results.map((result) => result.calibration)),
    heapGrowthBytes: heapGrowth(),
  };
}

function print({ figures, calibrationNs, heapGrowthBytes }: MemoryReport): void {
  for (const { name, nsPerPacket, ratio } of figures) {
    console.log(`${name.padEnd(40)} ${nsPerPacket.toFixed(1).padStart(7)} ns  ${ratio.toFixed(2).padStart(6)} turns`);
  }
  console.log(`one turn of the calibration loop: ${calibrationNs.toFixed(1)} ns`);
  console.log(`heap growth over a million packets: ${heapGrowthBytes} bytes${globalThis.gc === undefined ? ' (uncollected; run with --expose-gc)' : ''}`);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) print(measureMemory());
