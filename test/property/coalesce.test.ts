// Coalescing against its plain twin: whatever goes in, cut up again, is what went in, flow by flow and byte by byte.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeSegmentSum } from '../../src/core/wire/segment-checksum.ts';
import { makeSlab, type PacketList, type Slab, slabOver } from '../../src/core/wire/slab.ts';
import { MAX_SEGMENTS, MAX_SUPER_PACKET, makeCoalescer } from '../../src/dataplane/coalesce.ts';
import { makeSimdSlab, segmentSumOf } from '../../src/dataplane/coalesce-simd.ts';
import { makeWriteList } from '../../src/dataplane/tun-queue.ts';
import * as p from '../support/coalesce-packets.ts';

const SLAB_SIZE = 1 << 20;
const RUNS = Number(process.env.COALESCE_RUNS ?? 1500);

/** One step of a generated batch: the next packet of a flow, usually the expected one, sometimes with something wrong. */
interface Step {
  readonly flow: number;
  readonly size: number;
  readonly change: number;
  readonly checksum: p.ChecksumState;
}

const CHANGES: ((next: p.PacketSpec) => Partial<p.PacketSpec>)[] = [
  () => ({ flags: p.ACK | p.PSH }),
  () => ({ flags: p.ACK | p.FIN }),
  () => ({ flags: p.ACK | p.CWR }),
  () => ({ flags: p.ACK | p.ECE }),
  () => ({ flags: p.ACK | p.SYN }),
  () => ({ flags: p.RST }),
  () => ({ flags: p.ACK | p.URG, urgent: 3 }),
  (n) => ({ sequence: (n.sequence + 1) >>> 0 }),
  (n) => ({ acknowledgment: n.acknowledgment + 1 }),
  () => ({ window: 1 }),
  () => ({ options: [] }),
  () => ({ hopLimit: 9 }),
  () => ({ trafficClass: 0xb8 }),
  () => ({ flowLabel: 77 }),
  (n) => ({ identification: (n.identification + 5) & 0xffff }),
  (n) => ({ dontFragment: !n.dontFragment }),
  () => ({ fragmentOffset: 3, checksum: 'plain' }),
  () => ({ damaged: true, checksum: 'plain' }),
  () => ({ payload: new Uint8Array(0) }),
];

const FLOWS: Partial<p.PacketSpec>[] = [
  { family: 4 },
  { family: 6 },
  { family: 4, protocol: 'udp' },
  { family: 6, protocol: 'udp' },
  { family: 4, dontFragment: false, sourcePort: 5, sequence: 0xffff_fe00, identification: 0xfff0 },
  { family: 6, sourcePort: 5, sequence: 0xffff_fe00, options: [] },
];

const step: fc.Arbitrary<Step> = fc.record({
  flow: fc.nat(FLOWS.length - 1),
  size: fc.oneof(
    { weight: 8, arbitrary: fc.constant(100) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 1448 }) },
  ),
  // Mostly no change, so that groups grow.
  change: fc.oneof({ weight: 9, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(CHANGES.length - 1) }),
  checksum: fc.oneof(
    { weight: 4, arbitrary: fc.constant<p.ChecksumState>('plain') },
    { weight: 1, arbitrary: fc.constantFrom<p.ChecksumState>('partial', 'validated') },
  ),
});

function specsOf(steps: readonly Step[]): { flow: number; spec: p.PacketSpec }[] {
  const next = FLOWS.map((flow) => ({ ...p.BASE, ...flow }));
  return steps.map(({ flow, size, change, checksum }, i) => {
    const regular = { ...next[flow], payload: p.payloadOf(size, i), checksum };
    const spec = { ...regular, ...(change < 0 ? {} : CHANGES[change](regular)) };
    next[flow] = {
      ...next[flow],
      sequence: (spec.sequence + spec.payload.length) >>> 0,
      identification: (spec.identification + 1) & 0xffff,
    };
    return { flow, spec };
  });
}

/** Ports and addresses; fragments have none of the former, their place is checked against all flows by `fragmentOrder`. */
function flowOf(packet: Uint8Array): string {
  const ip = packet[0] >> 4 === 4 ? 20 : 40;
  return `${packet[ip === 20 ? 9 : 6]} ${Buffer.from(packet.subarray(ip === 20 ? 12 : 8, ip + 4)).toString('hex')}`;
}

const isFragment = (packet: Uint8Array): boolean =>
  packet[0] >> 4 === 6 ? packet[6] === 44 : ((packet[6] << 8) | packet[7]) % 0x4000 !== 0;

/** Packets by flow between fragments: within such a stretch flows may change places, packets of a flow may not. */
function byFlow(packets: readonly { key: Uint8Array; text: string }[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  let stretch = 0;
  for (const { key, text } of packets) {
    if (isFragment(key)) stretch++;
    const name = isFragment(key) ? `fragment ${stretch}` : `${stretch} ${flowOf(key)}`;
    const list = flows.get(name) ?? [];
    list.push(text);
    flows.set(name, list);
  }
  return flows;
}

function checkBatch(slab: Slab, steps: readonly Step[], merges: { count: number }): void {
  const specs = specsOf(steps).map(({ spec }) => spec);
  const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: 256 });
  const out = makeWriteList(256, 256);
  coalescer.coalesce(slab, p.load(slab, specs), out);
  const written = p.gather(slab, out);
  for (const [i, packet] of written.entries()) {
    const pieces = out.pieceEnd[i] - (i === 0 ? 0 : out.pieceEnd[i - 1]);
    assert.ok(pieces <= MAX_SEGMENTS && packet.length - 10 <= MAX_SUPER_PACKET);
  }
  const arrived = written.flatMap(p.split).map((packet) => ({ key: packet, text: p.canonical(packet) }));
  const sent = specs.map((spec) => ({ key: p.build(spec), text: p.expected(spec) }));
  assert.deepEqual(byFlow(arrived), byFlow(sent));
  assert.equal(coalescer.counters.mergedPackets - coalescer.counters.groups, specs.length - written.length);
  merges.count += coalescer.counters.groups;
}

for (const [name, slab] of [
  ['SIMD', makeSimdSlab(SLAB_SIZE)],
  ['plain', makeSlab(SLAB_SIZE)],
] as const) {
  test(`T-O-01 super-packets of a ${name} slab split into exactly the packets that came in, in order within each flow`, () => {
    const merges = { count: 0 };
    const batch = fc.array(step, { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(batch, (steps) => checkBatch(slab, steps, merges)),
      { numRuns: RUNS },
    );
    assert.ok(merges.count > RUNS, 'the batches merged too little to prove anything');
  });
}

/** A byte to overwrite: which packet, where (from ten bytes before its IP header on), with what. */
const mutation = fc.record({ packet: fc.nat(119), at: fc.integer({ min: -10, max: 71 }), value: fc.nat(255) });

/** Index of the packet that each piece belongs to. */
function ownerOf(list: PacketList, pieceOffset: number): number {
  let owner = -1;
  for (let i = 0; i < list.count; i++) if (pieceOffset >= list.offset[i] - 10) owner = i;
  return owner;
}

function checkMutated(
  slab: Slab,
  steps: readonly Step[],
  mutations: readonly { packet: number; at: number; value: number }[],
): void {
  const list = p.load(
    slab,
    specsOf(steps).map(({ spec }) => spec),
  );
  for (const { packet, at, value } of mutations) {
    const i = packet % list.count;
    if (at < list.length[i]) slab.bytes[list.offset[i] + at] = value;
  }
  // DATA_VALID is the kernel's word that the checksum holds; it is not given for what was changed here.
  for (let i = 0; i < list.count; i++) slab.bytes[list.offset[i] - 10] &= ~2;
  const inputs = Array.from(list.offset, (offset, i) => slab.bytes.slice(offset - 10, offset + list.length[i]));
  const out = makeWriteList(256, 256);
  makeCoalescer({ tcp: true, udp: true, maxPackets: 256 }).coalesce(slab, list, out);
  assert.equal(out.pieces, list.count);
  let piece = 0;
  for (const written of p.gather(slab, out).entries()) {
    const owners: Uint8Array[] = [];
    for (; piece < out.pieceEnd[written[0]]; piece++) owners.push(inputs[ownerOf(list, out.pieceOffset[piece])]);
    if (owners.length === 1) {
      assert.deepEqual(written[1], owners[0]);
      continue;
    }
    const arrived = p.split(written[1]).map(p.canonical);
    assert.deepEqual(
      arrived,
      owners.map((input) => p.canonical(p.split(input)[0])),
    );
  }
}

test('T-O-03 hostile bytes in packets and offload headers never merge into something else than they were', () => {
  const slab = makeSimdSlab(SLAB_SIZE);
  const batch = fc.array(step, { minLength: 1, maxLength: 60 });
  const mutations = fc.array(mutation, { maxLength: 12 });
  fc.assert(
    fc.property(batch, mutations, (steps, changes) => checkMutated(slab, steps, changes)),
    { numRuns: RUNS },
  );
});

/** RFC 1071 §4.1, word by word. */
function slowSum(bytes: Uint8Array, offset: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += bytes[offset + i] * 256 + (i + 1 < length ? bytes[offset + i + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

test('the segment sum equals the plain one at every length and alignment, in all three forms', () => {
  const simd = makeSimdSlab(SLAB_SIZE - 1);
  assert.equal(simd.bytes.length, SLAB_SIZE, 'whole WebAssembly pages: this Node has SIMD');
  const plain = makeSlab(SLAB_SIZE);
  const shifted = slabOver(new Uint8Array(new ArrayBuffer(SLAB_SIZE + 1), 1));
  for (const slab of [simd, plain, shifted]) {
    const sum = segmentSumOf(slab);
    const portable = makeSegmentSum(slab);
    for (let i = 0; i < 8192; i++) slab.bytes[i] = (i * 2654435761) >>> 13;
    for (let length = 0; length < 300; length++) {
      const offset = 64 + (length % 7);
      assert.equal(sum(offset, length), slowSum(slab.bytes, offset, length), `length ${length} at ${offset}`);
      assert.equal(portable(64, length), slowSum(slab.bytes, 64, length));
    }
  }
});

test('the segment sum does not overflow on the largest packet with every bit set', () => {
  for (const slab of [makeSimdSlab(SLAB_SIZE), makeSlab(SLAB_SIZE)]) {
    slab.bytes.fill(0xff);
    const sum = segmentSumOf(slab);
    for (const length of [65_575, 65_535, 65_536]) assert.equal(sum(0, length), slowSum(slab.bytes, 0, length));
    slab.bytes.fill(0);
    assert.equal(sum(0, 65_575), 0);
  }
});
