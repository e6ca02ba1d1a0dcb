// TCP and UDP packets for the coalescing tests, and the plain twin of what a kernel does with a super-packet: it is cut up
// again, byte by byte, each segment with its own lengths and checksums. Slow on purpose; shares no code with the product.

import { makePacketList, type PacketList, type Slab } from '../../src/core/wire/slab.ts';
import type { WriteList } from '../../src/dataplane/tun-queue.ts';

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;
export const URG = 32;
export const ECE = 64;
export const CWR = 128;

/** What the kernel said about the checksum when the packet was read. */
export type ChecksumState = 'plain' | 'partial' | 'validated';

/** One packet to build; every field has a value so that a test changes only what it is about. */
export interface PacketSpec {
  readonly family: 4 | 6;
  readonly protocol: 'tcp' | 'udp';
  /** Last byte of source and destination address. */
  readonly source: number;
  readonly destination: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  /** TCP options, a multiple of 4 bytes. */
  readonly options: readonly number[];
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly hopLimit: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  /** Makes it a non-first fragment when ≠ 0 (in 8-byte units; IPv6 gets a Fragment Header). */
  readonly fragmentOffset: number;
  readonly payload: Uint8Array;
  readonly checksum: ChecksumState;
  /** Flips a payload bit after the checksum was made. */
  readonly damaged: boolean;
}

export const BASE: PacketSpec = {
  family: 6,
  protocol: 'tcp',
  source: 1,
  destination: 2,
  sourcePort: 40_000,
  destinationPort: 443,
  sequence: 1000,
  acknowledgment: 77,
  flags: ACK,
  window: 512,
  urgent: 0,
  options: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
  trafficClass: 0,
  flowLabel: 0,
  hopLimit: 63,
  identification: 0,
  dontFragment: true,
  fragmentOffset: 0,
  payload: new Uint8Array(100),
  checksum: 'plain',
  damaged: false,
};

/** A payload of `length` bytes that differs from place to place and from seed to seed. */
export function payloadOf(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed * 101) & 0xff);
}

/** `count` consecutive segments of `spec`'s flow with payloads of `size` bytes; `change` alters one before it is returned. */
export function run(
  spec: Partial<PacketSpec>,
  count: number,
  size: number,
  change: (i: number) => Partial<PacketSpec> = () => ({}),
): PacketSpec[] {
  const first = { ...BASE, ...spec };
  return Array.from({ length: count }, (_, i) => ({
    ...first,
    sequence: (first.sequence + i * size) >>> 0,
    identification: (first.identification + i) & 0xffff,
    payload: payloadOf(size, i),
    ...change(i),
  }));
}

function sumWords(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] << 8) + (i + 1 < bytes.length ? bytes[i + 1] : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum;
}

const u16 = (n: number): number[] => [(n >> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)];

function transportOf(spec: PacketSpec): Uint8Array {
  const ports = [...u16(spec.sourcePort), ...u16(spec.destinationPort)];
  if (spec.protocol === 'udp')
    return Uint8Array.from([...ports, ...u16(8 + spec.payload.length), 0, 0, ...spec.payload]);
  const offset = ((20 + spec.options.length) / 4) << 4;
  const numbers = [...u32(spec.sequence), ...u32(spec.acknowledgment), offset, spec.flags, ...u16(spec.window)];
  return Uint8Array.from([...ports, ...numbers, 0, 0, ...u16(spec.urgent), ...spec.options, ...spec.payload]);
}

function addressesOf(spec: PacketSpec): number[] {
  if (spec.family === 4) return [192, 0, 2, spec.source, 198, 51, 100, spec.destination];
  const address = (last: number): number[] => [0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, last];
  return [...address(spec.source), ...address(spec.destination)];
}

function ipHeaderOf(spec: PacketSpec, transportLength: number): number[] {
  const protocol = spec.protocol === 'tcp' ? 6 : 17;
  if (spec.family === 6) {
    const fragment = spec.fragmentOffset ? [protocol, 0, ...u16(spec.fragmentOffset << 3), 0, 0, 0, 9] : [];
    const word = ((6 << 28) | (spec.trafficClass << 20) | spec.flowLabel) >>> 0;
    const next = fragment.length > 0 ? 44 : protocol;
    return [
      ...u32(word),
      ...u16(transportLength + fragment.length),
      next,
      spec.hopLimit,
      ...addressesOf(spec),
      ...fragment,
    ];
  }
  const fragmentation = (spec.dontFragment ? 0x4000 : 0) | spec.fragmentOffset;
  const start = [
    0x45,
    spec.trafficClass,
    ...u16(20 + transportLength),
    ...u16(spec.identification),
    ...u16(fragmentation),
  ];
  const header = [...start, spec.hopLimit, protocol, 0, 0, ...addressesOf(spec)];
  const checksum = ~sumWords(Uint8Array.from(header)) & 0xffff;
  return [...header.slice(0, 10), ...u16(checksum), ...header.slice(12)];
}

/** Builds the packet, from its IP header on. */
export function build(spec: PacketSpec): Uint8Array {
  const transport = transportOf(spec);
  const header = ipHeaderOf(spec, transport.length);
  const packet = Uint8Array.from([...header, ...transport]);
  const field = header.length + (spec.protocol === 'tcp' ? 16 : 6);
  const pseudo = pseudoSum(packet, header.length, spec.protocol === 'tcp' ? 6 : 17);
  const full = ~sumWords(Uint8Array.from([...u16(pseudo), ...transport])) & 0xffff;
  const value = spec.checksum === 'partial' ? pseudo : spec.protocol === 'udp' && full === 0 ? 0xffff : full;
  packet.set(u16(value), field);
  if (spec.damaged && spec.payload.length > 0) packet[packet.length - 1] ^= 0x10;
  return packet;
}

function pseudoSum(packet: Uint8Array, transportAt: number, protocol: number): number {
  const addresses = packet[0] >> 4 === 4 ? packet.subarray(12, 20) : packet.subarray(8, 40);
  return sumWords(Uint8Array.from([...addresses, 0, protocol, ...u16(packet.length - transportAt)]));
}

/** Offload header of a single packet as the kernel would have handed it over. */
function offloadOf(spec: PacketSpec): number[] {
  if (spec.checksum === 'plain') return [0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  if (spec.checksum === 'validated') return [2, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  const ip = (spec.family === 4 ? 20 : 40) + (spec.family === 6 && spec.fragmentOffset ? 8 : 0);
  return [1, 0, 0, 0, 0, 0, ip, 0, spec.protocol === 'tcp' ? 16 : 6, 0];
}

/** Puts packets into the slab with head room and offload headers, 4-aligned. */
export function load(slab: Slab, specs: readonly PacketSpec[]): PacketList {
  const list = makePacketList(specs.length);
  let at = 64;
  for (const spec of specs) {
    const packet = build(spec);
    slab.bytes.set(offloadOf(spec), at - 10);
    slab.bytes.set(packet, at);
    list.offset[list.count] = at;
    list.length[list.count++] = packet.length;
    at = (at + packet.length + 64 + 3) & ~3;
  }
  return list;
}

/** The pieces of each packet of a write list put together, offload header first. */
export function gather(slab: Slab, out: WriteList): Uint8Array[] {
  return Array.from({ length: out.packets }, (_, i) => {
    const parts: Uint8Array[] = [];
    for (let p = i === 0 ? 0 : out.pieceEnd[i - 1]; p < out.pieceEnd[i]; p++) {
      parts.push(slab.bytes.slice(out.pieceOffset[p], out.pieceOffset[p] + out.pieceLength[p]));
    }
    return new Uint8Array(Buffer.concat(parts));
  });
}

const le16 = (b: Uint8Array, at: number): number => b[at] | (b[at + 1] << 8);
const be16 = (b: Uint8Array, at: number): number => (b[at] << 8) | b[at + 1];

/** Splits what was written into the packets that arrive, checksums completed. */
export function split(written: Uint8Array): Uint8Array[] {
  const packet = written.slice(10);
  const [flags, type] = written;
  const transportAt = le16(written, 6);
  if (type === 0) return [flags & 1 ? completed(packet, transportAt, transportAt + le16(written, 8)) : packet];
  const headers = le16(written, 2);
  const size = le16(written, 4);
  const segments: Uint8Array[] = [];
  for (let at = headers, i = 0; at < packet.length; at += size, i++) {
    const isLast = at + size >= packet.length;
    segments.push(segmentOf(packet, headers, size, i, isLast, transportAt, le16(written, 8)));
  }
  return segments;
}

function segmentOf(
  packet: Uint8Array,
  headers: number,
  size: number,
  index: number,
  isLast: boolean,
  transportAt: number,
  checksumOffset: number,
): Uint8Array {
  const start = headers + index * size;
  const segment = Uint8Array.from([...packet.subarray(0, headers), ...packet.subarray(start, start + size)]);
  const isTcp = checksumOffset === 16;
  if (isTcp) {
    const sequence = new DataView(packet.buffer).getUint32(transportAt + 4) + index * size;
    segment.set(u32(sequence >>> 0), transportAt + 4);
    if (!isLast) segment[transportAt + 13] &= ~(PSH | FIN);
    if (index > 0) segment[transportAt + 13] &= ~CWR;
  } else {
    segment.set(u16(segment.length - transportAt), transportAt + 4);
  }
  setIpLength(segment, packet, index);
  const field = transportAt + checksumOffset;
  segment.set(u16(pseudoSum(segment, transportAt, isTcp ? 6 : 17)), field);
  return completed(segment, transportAt, field);
}

function setIpLength(segment: Uint8Array, packet: Uint8Array, index: number): void {
  if (segment[0] >> 4 === 6) {
    segment.set(u16(segment.length - 40), 4);
    return;
  }
  segment.set(u16(segment.length), 2);
  setIdentification(segment, (be16(packet, 4) + index) & 0xffff);
}

function setIdentification(packet: Uint8Array, identification: number): void {
  packet.set(u16(identification), 4);
  packet.set([0, 0], 10);
  packet.set(u16(~sumWords(packet.subarray(0, 20)) & 0xffff), 10);
}

/** Completes a partial checksum as skb_checksum_help does. */
function completed(packet: Uint8Array, start: number, field: number): Uint8Array {
  const copy = packet.slice();
  const value = ~sumWords(copy.subarray(start)) & 0xffff;
  copy.set(u16(value === 0 && field - start === 6 ? 0xffff : value), field);
  return copy;
}

/** The packet as a receiver may see it: partial checksum completed, the identification of an atomic IPv4 packet (RFC 6864) blanked. */
export function canonical(packet: Uint8Array): string {
  const copy = packet.slice();
  if (copy[0] >> 4 === 4 && (be16(copy, 6) & 0x4000) !== 0) setIdentification(copy, 0);
  return Buffer.from(copy).toString('hex');
}

/** What should arrive for an input packet. */
export function expected(spec: PacketSpec): string {
  const offload = Uint8Array.from(offloadOf(spec));
  return canonical(split(Uint8Array.from([...offload, ...build(spec)]))[0]);
}
