// What coalescing costs in memory, without a device: ns per packet for several mixes, ns per segment sum, heap growth.
// Run: node --expose-gc dist/test/bench/coalesce-bench.js. Takes a few seconds; compare lines of one run only.

import { fileURLToPath } from 'node:url';
import { makeSegmentSum, type SegmentSum } from '../../src/core/wire/segment-checksum.ts';
import { makeSlab, type PacketList, type Slab } from '../../src/core/wire/slab.ts';
import { type Coalescer, makeCoalescer } from '../../src/dataplane/coalesce.ts';
import { makeSimdSlab, segmentSumOf } from '../../src/dataplane/coalesce-simd.ts';
import { makeWriteList, type WriteList } from '../../src/dataplane/tun-queue.ts';
import { load, type PacketSpec, run } from '../support/coalesce-packets.ts';

const PACKETS = 240;
const ROUNDS = 2000;
const REPEATS = 5;
const SLAB_SIZE = 1 << 20;
/** Offload header and the largest headers that coalescing rewrites. */
const REWRITTEN = 10 + 100;

/** One row of the table. */
export interface BenchRow {
  readonly name: string;
  readonly nsPerPacket: number;
  /** Writes for each packet, 1 when nothing merges. */
  readonly writesPerPacket: number;
}

interface Mix {
  readonly name: string;
  readonly specs: readonly PacketSpec[];
  readonly isSimd: boolean;
}

function interleave(flows: number, size: number): PacketSpec[] {
  const runs = Array.from({ length: flows }, (_, f) => run({ sourcePort: 1000 + f }, PACKETS / flows, size));
  return Array.from({ length: PACKETS }, (_, i) => runs[i % flows][Math.floor(i / flows)]);
}

function mixes(): Mix[] {
  const tcp = run({}, PACKETS, 1428);
  return [
    { name: 'TCP 1428, one flow, plain JavaScript sums', specs: tcp, isSimd: false },
    { name: 'TCP 1428, one flow, SIMD sums', specs: tcp, isSimd: true },
    {
      name: 'TCP 1428, one flow, verified by the kernel',
      specs: run({ checksum: 'validated' }, PACKETS, 1428),
      isSimd: true,
    },
    { name: 'TCP 1428, one flow, partial checksums', specs: run({ checksum: 'partial' }, PACKETS, 1428), isSimd: true },
    { name: 'TCP 1428, 16 flows interleaved', specs: interleave(16, 1428), isSimd: true },
    { name: 'TCP acknowledgments (nothing merges)', specs: run({}, PACKETS, 0), isSimd: true },
    { name: 'UDP 22, one IPv4 flow', specs: run({ family: 4, protocol: 'udp' }, PACKETS, 22), isSimd: true },
    { name: 'UDP 22, one IPv6 flow', specs: run({ protocol: 'udp' }, PACKETS, 22), isSimd: true },
    { name: 'UDP 22, 240 flows (nothing merges)', specs: interleave(PACKETS, 22), isSimd: true },
  ];
}

/** Puts the rewritten headers back, once for each super-packet, so that the same batch can be coalesced again. */
function restore(slab: Slab, out: WriteList, pristine: Uint8Array): void {
  for (let i = 0, first = 0; i < out.packets; i++) {
    const at = out.pieceOffset[first];
    if (out.pieceEnd[i] - first > 1) slab.bytes.set(pristine.subarray(at, at + REWRITTEN), at);
    first = out.pieceEnd[i];
  }
}

function rounds(
  coalescer: Coalescer,
  slab: Slab,
  list: PacketList,
  out: WriteList,
  pristine: Uint8Array,
  n: number,
): void {
  for (let round = 0; round < n; round++) {
    coalescer.coalesce(slab, list, out);
    restore(slab, out, pristine);
  }
}

/** The shortest of several runs of `work`, in ns for one of its `units`. */
function best(units: number, work: () => void): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) {
    const start = process.hrtime.bigint();
    work();
    shortest = Math.min(shortest, Number(process.hrtime.bigint() - start));
  }
  return shortest / units;
}

function measure({ name, specs, isSimd }: Mix): BenchRow {
  const slab = isSimd ? makeSimdSlab(SLAB_SIZE) : makeSlab(SLAB_SIZE);
  const list = load(slab, specs);
  const pristine = slab.bytes.slice();
  const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: PACKETS });
  const out = makeWriteList(PACKETS, PACKETS);
  const nsPerPacket = best(ROUNDS * PACKETS, () => rounds(coalescer, slab, list, out, pristine, ROUNDS));
  return { name, nsPerPacket, writesPerPacket: out.packets / PACKETS };
}

/** Coalesces a million packets of single flows, whose path ends in no allocation of the bench's own. @returns bytes */
export function heapGrowth(): number {
  const slab = makeSimdSlab(SLAB_SIZE);
  const list = load(slab, interleave(PACKETS, 22));
  const pristine = slab.bytes.slice();
  const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: PACKETS });
  const out = makeWriteList(PACKETS, PACKETS);
  rounds(coalescer, slab, list, out, pristine, 500);
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  rounds(coalescer, slab, list, out, pristine, Math.ceil(1e6 / PACKETS));
  return process.memoryUsage().heapUsed - before;
}

function measureSum(name: string, sum: SegmentSum, length: number): BenchRow {
  const calls = 200_000;
  let check = 0;
  const nsPerPacket = best(calls, () => {
    for (let i = 0; i < calls; i++) check ^= sum(64 + (i & 127) * 1600, length);
  });
  if (check < 0) throw new Error('unreachable: keeps the loop from being optimised away');
  return { name: `${name}, ${length} bytes`, nsPerPacket, writesPerPacket: 0 };
}

/** The sums in both forms, for a full segment and a small datagram. */
export function benchSums(): BenchRow[] {
  const simd = makeSimdSlab(SLAB_SIZE);
  simd.bytes.fill(0x5a);
  return [1460, 62].flatMap((length) => [
    measureSum('sum, JavaScript', makeSegmentSum(simd), length),
    measureSum('sum, SIMD', segmentSumOf(simd), length),
  ]);
}

/** All rows about whole batches. */
export const benchCoalesce = (): BenchRow[] => mixes().map(measure);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const row of [...benchSums(), ...benchCoalesce()]) {
    console.log(
      `${row.name.padEnd(48)} ${row.nsPerPacket.toFixed(1).padStart(7)} ns  ${row.writesPerPacket.toFixed(3)} writes per packet`,
    );
  }
  console.log(`heap growth over a million packets: ${heapGrowth()} bytes`);
}
