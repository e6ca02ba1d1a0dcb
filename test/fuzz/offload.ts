// Packets with offload metadata. A super-packet that is translated and then segmented must give what its segments give when each is
// translated on its own (T-O-01, T-O-02); metadata that does not fit must never come out as metadata that does not fit (T-O-03).

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { bytes16, concat, read16, read32 } from '../reference/bytes.ts';
import { internetChecksum, pseudoHeader4, pseudoHeader6, sumWords } from '../reference/checksum.ts';
import type { ReferenceEnvironment, ReferenceResult } from '../reference/model.ts';
import { referenceSegments } from '../reference/segments.ts';
import { referenceTranslate } from '../reference/translate.ts';
import type { Engine, EngineResult } from '../support/engine.ts';
import { toHex } from '../support/packets.ts';
import { normalised } from './compare.ts';
import { randomEnds, type World } from './generate.ts';
import { faultsOf } from './invariants.ts';
import type { Random } from './random.ts';

/** A packet and the ten bytes before it. */
export interface Offloaded {
  readonly packet: Uint8Array;
  readonly header: Uint8Array;
}

const NEEDS_CHECKSUM = 1;
const UDP_SEGMENTS = 5;
const ECN = 0x80;

interface HeaderFields {
  readonly flags: number;
  readonly type: number;
  readonly hdrLen: number;
  readonly gsoSize: number;
  readonly start: number;
  readonly offset: number;
}

/** struct virtio_net_hdr, little-endian. */
export function offloadHeader(f: HeaderFields): Uint8Array {
  const little = [f.hdrLen, f.gsoSize, f.start, f.offset].flatMap((value) => [value & 0xff, (value >> 8) & 0xff]);
  return Uint8Array.of(f.flags, f.type, ...little);
}

/** A TCP or UDP packet as the kernel hands it over: partial checksum, perhaps a super-packet. */
export function randomOffloaded(world: World): Offloaded {
  const { rng } = world;
  const isTcp = rng.oneIn(2);
  const isIpv4 = rng.oneIn(2);
  const transportLength = isTcp ? 20 + 4 * rng.pick([0, 0, 3, 10]) : 8;
  const gsoSize = rng.pick([1, 100, 536, 1200, 1208, 1220, 1228, 1240, 1400, 1440, 1448, 1460, 1472, 8000]);
  const isSuper = !rng.oneIn(4);
  const segments = isSuper ? 1 + rng.below(rng.oneIn(8) ? 45 : 5) : 1;
  const data = rng.bytes(Math.min(65_000, 1 + Math.floor((segments - rng.next() / 2 ** 32) * gsoSize)));
  const ip = isIpv4 ? ipv4Header(world, isTcp) : ipv6Header(world, isTcp);
  const transport = isTcp ? tcpHeader(rng, transportLength) : udpHeader(rng, data.length);
  const packet = sized(concat(ip, transport, data), isIpv4);
  const offset = isTcp ? 16 : 6;
  packet.set(partialChecksum(packet, ip.length, isTcp ? 6 : 17), ip.length + offset);
  const tcpType = (isIpv4 ? 1 : 4) | (rng.oneIn(4) ? ECN : 0);
  const type = isSuper ? (isTcp ? tcpType : UDP_SEGMENTS) : 0;
  const hdrLen = isSuper ? ip.length + transportLength : 0;
  const fields = { flags: NEEDS_CHECKSUM, type, hdrLen, gsoSize: isSuper ? gsoSize : 0, start: ip.length, offset };
  return { packet, header: offloadHeader(fields) };
}

/** The same with one or two fields of the metadata at other values. */
export function damagedOffload(rng: Random, { packet, header }: Offloaded): Offloaded {
  const copy = header.slice();
  for (let i = 1 + rng.below(2); i > 0; i--)
    copy[rng.below(10)] = rng.pick([0, 1, 4, 5, 6, 16, 20, 40, 0x81, 0xff, rng.next()]);
  return { packet: rng.oneIn(4) ? packet.slice(0, rng.below(packet.length)) : packet, header: copy };
}

function ipv4Header(world: World, isTcp: boolean): Uint8Array {
  const { rng } = world;
  const { source, destination } = randomEnds(world, 4);
  const options = rng.oneIn(8) ? Uint8Array.of(1, 1, 1, 0) : new Uint8Array();
  const header = concat(new Uint8Array(20), options);
  header.set([0x40 | (header.length / 4), rng.next() & 0xff], 0);
  header.set(bytes16(rng.next()), 4);
  header.set([rng.oneIn(3) ? 0 : 0x40, 0, rng.oneIn(20) ? 1 : 64, isTcp ? 6 : 17], 6);
  header.set(source, 12);
  header.set(destination, 16);
  return header;
}

function ipv6Header(world: World, isTcp: boolean): Uint8Array {
  const { rng } = world;
  const { source, destination } = randomEnds(world, 6);
  const hasOptions = rng.oneIn(8);
  const header = new Uint8Array(hasOptions ? 48 : 40);
  const protocol = isTcp ? 6 : 17;
  header.set([0x60, rng.next() & 0xf0], 0);
  header.set([hasOptions ? 60 : protocol, rng.oneIn(20) ? 1 : 64], 6);
  if (hasOptions) header.set([protocol, 0, 1, 4], 40);
  header.set(source, 8);
  header.set(destination, 24);
  return header;
}

function tcpHeader(rng: Random, length: number): Uint8Array {
  const header = rng.bytes(length);
  header[12] = (length / 4) << 4;
  return header;
}

const udpHeader = (rng: Random, dataLength: number): Uint8Array =>
  concat(rng.bytes(4), bytes16(8 + dataLength), Uint8Array.of(0, 0));

/** Lengths and the IPv4 header checksum. */
function sized(packet: Uint8Array, isIpv4: boolean): Uint8Array {
  if (!isIpv4) {
    packet.set(bytes16(packet.length - 40), 4);
    return packet;
  }
  packet.set(bytes16(packet.length), 2);
  packet.set(bytes16(internetChecksum(packet.slice(0, ((packet[0] as number) & 15) * 4))), 10);
  return packet;
}

function partialChecksum(packet: Uint8Array, start: number, protocol: number): Uint8Array {
  const length = packet.length - start;
  const isIpv4 = (packet[0] as number) >> 4 === 4;
  const pseudo = isIpv4
    ? pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, length)
    : pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, length);
  return bytes16(sumWords(pseudo));
}

/** T-O-03: whatever the metadata says, what comes out is sound. Null, or what is wrong. */
export function offloadDamage(engine: Engine, { packet, header }: Offloaded): string | null {
  const result = engine.run(packet, header);
  return unsoundOutput(result);
}

function unsoundOutput(result: EngineResult): string | null {
  for (const [i, out] of result.out.entries()) {
    const fault = faultsOf(out);
    if (fault !== null) return `${result.verdict}: emitted a packet with ${fault}`;
    const segments = referenceSegments(out, result.offload[i] as Uint8Array);
    if (segments === null)
      return `${result.verdict}: emitted metadata that does not fit: ${toHex(result.offload[i] as Uint8Array)}`;
    const segmentFault = segments.map(faultsOf).find((f) => f !== null);
    if (segmentFault !== undefined) return `${result.verdict}: emitted segments with ${segmentFault}`;
  }
  return null;
}

/** T-O-01, T-O-02: segmenting and translating commute. Null, or what differs. `packet` and `header` are sound. */
export function offloadDifference(
  engine: Engine,
  settings: TranslatorSettings,
  env: ReferenceEnvironment,
  { packet, header }: Offloaded,
): string | null {
  const segments = referenceSegments(packet, header);
  if (segments === null) return 'the generated metadata is not sound';
  const expected = segments.map((segment) => referenceTranslate(segment, settings, env));
  const actual = engine.run(packet, header);
  const refusal = expected.find((result) => result.out.length === 0);
  if (refusal !== undefined || actual.out.length === 0)
    return refusalDifference(actual, expected[0] as ReferenceResult);
  const damage = unsoundOutput(actual);
  if (damage !== null) return damage;
  const sent = actual.out.flatMap((out, i) => referenceSegments(out, actual.offload[i] as Uint8Array) ?? []);
  return packetsDifference(
    sent,
    expected.flatMap((result) => result.out),
  );
}

/** A super-packet is refused as its first segment is; the answer quotes the super-packet, so only its ICMP header can be compared. */
function refusalDifference(actual: EngineResult, expected: ReferenceResult): string | null {
  if (actual.verdict !== expected.verdict)
    return `verdict ${actual.verdict}, the first segment's is ${expected.verdict}`;
  const [a, e] = [actual.reply, expected.reply].map((reply) => (reply === null ? '' : icmpHeader(reply)));
  return a === e ? null : `${actual.verdict}: answered with ${a}, the first segment with ${e}`;
}

function icmpHeader(reply: Uint8Array): string {
  const at = (reply[0] as number) >> 4 === 4 ? 20 : 40;
  return toHex(concat(reply.slice(at, at + 2), reply.slice(at + 4, at + 8)));
}

function packetsDifference(actual: Uint8Array[], expected: Uint8Array[]): string | null {
  if (actual.length !== expected.length) return `${actual.length} packets, each on its own gives ${expected.length}`;
  for (const [i, e] of expected.entries()) {
    const a = actual[i] as Uint8Array;
    // DF is that of the largest segment: a last, shorter one shares it.
    const isLast = i === expected.length - 1 && i > 0;
    const [x, y] = [a, e].map((p) => normalised(isLast ? withoutDf(p) : p)) as [Uint8Array, Uint8Array];
    if (Buffer.compare(x, y) !== 0) return `packet ${i} differs\n  engine    ${toHex(a)}\n  reference ${toHex(e)}`;
  }
  return null;
}

function withoutDf(packet: Uint8Array): Uint8Array {
  if ((packet[0] as number) >> 4 !== 4) return packet;
  const copy = packet.slice();
  copy.set(bytes16(read16(copy, 6) & ~0x4000), 6);
  copy.set([0, 0], 10);
  return copy;
}
