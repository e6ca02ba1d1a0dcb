// Packets for the engine and its reference: structured ones of every kind, right in all fields, and then damaged. Written for
// speed (a million packets a run), so on bytes and not with test/support/packets.ts.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { MAX_PACKET } from '../../src/core/wire/slab.ts';
import { bytes16, concat, ipv4Bytes, read16 } from '../reference/bytes.ts';
import { internetChecksum, pseudoHeader4, pseudoHeader6 } from '../reference/checksum.ts';
import type { Random } from './random.ts';
import { randomIpv4, randomIpv6 } from './settings.ts';

/** What a packet is generated under. */
export interface World {
  readonly rng: Random;
  readonly settings: TranslatorSettings;
  /** Ends of earlier packets, which come again: a translator keeps what it mapped lately. */
  readonly recent: Ends[];
}

/** A world without a past. */
export const makeWorld = (rng: Random, settings: TranslatorSettings): World => ({ rng, settings, recent: [] });

/** Both ends of a packet, in one family. */
export interface Ends {
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

interface Payload {
  readonly protocol: number;
  readonly bytes: Uint8Array;
}

/** A random packet: usually well formed, often damaged. */
export function randomPacket(world: World): Uint8Array {
  const { rng } = world;
  const version = rng.oneIn(2) ? 4 : 6;
  const packet = wholePacket(world, randomEnds(world, version), 0);
  return rng.oneIn(4) ? damaged(rng, packet) : packet;
}

const MOST_RECENT = 8;

/** Two addresses, half of the time those of an earlier packet. */
export function randomEnds({ rng, settings, recent }: World, version: 4 | 6): Ends {
  const again = rng.oneIn(2) ? recent[rng.below(MOST_RECENT)] : undefined;
  if (again?.version === version) return again;
  const one = () => (version === 4 ? ipv4Bytes(randomIpv4(rng, settings)) : randomIpv6(rng, settings));
  const ends = { version, source: one(), destination: one() };
  recent[rng.below(MOST_RECENT)] = ends;
  return ends;
}

/** `depth`: 0 for the packet itself, 1 for the one inside its ICMP error, … */
function wholePacket(world: World, ends: Ends, depth: number): Uint8Array {
  const { rng } = world;
  const payload = randomPayload(world, ends, depth);
  return ends.version === 4 ? ipv4Packet(rng, ends, payload) : ipv6Packet(rng, ends, payload);
}

/** Lengths around the sizes that decide something, and every other one. */
function randomLength(rng: Random): number {
  const n = rng.below(64);
  if (n < 40) return rng.below(64);
  if (n < 52) return 1180 + rng.below(140);
  if (n < 60) return 1400 + rng.below(130);
  if (n < 63) return rng.below(3000);
  return rng.oneIn(6) ? 65_400 + rng.below(110) : rng.below(10_000);
}

const TRANSPORTS = [6, 6, 6, 17, 17, 17, 33, 136] as const;
const OTHERS = [0, 1, 2, 41, 43, 44, 47, 50, 51, 58, 59, 60, 132, 135, 139, 140, 253, 255] as const;

function randomPayload(world: World, ends: Ends, depth: number): Payload {
  const { rng } = world;
  const n = rng.below(16);
  if (n < 7) return transport(rng, ends);
  if (n < 15) return icmp(world, ends, depth);
  return { protocol: rng.pick(OTHERS), bytes: rng.bytes(randomLength(rng)) };
}

function transport(rng: Random, ends: Ends): Payload {
  const protocol = rng.pick(TRANSPORTS);
  const headerLength = protocol === 6 ? 20 : protocol === 33 ? 12 : 8;
  const bytes = rng.bytes(headerLength + randomLength(rng));
  if (protocol === 6) bytes[12] = (rng.oneIn(8) ? rng.below(16) : 5) << 4;
  if (protocol === 17) bytes.set(bytes16(rng.oneIn(16) ? rng.below(70_000) : bytes.length), 4);
  if (protocol === 136) bytes.set(bytes16(0), 4);
  const at = protocol === 6 ? 16 : 6;
  const isZeroUdp = protocol === 17 && rng.oneIn(5);
  writeChecksum(bytes, at, isZeroUdp ? undefined : pseudoHeader(ends, protocol, bytes.length));
  // Checksums that come out at 0 or 0xffff: one's complement has two zeros.
  if (rng.oneIn(24)) bytes.set(rng.oneIn(2) ? [0, 0] : [0xff, 0xff], at);
  return { protocol, bytes };
}

const ICMP4_ERRORS = [3, 3, 3, 3, 11, 12, 4, 5] as const;
const ICMP6_ERRORS = [1, 1, 2, 2, 3, 4, 4, 100] as const;
const ICMP4_OTHERS = [9, 10, 13, 14, 15, 17, 40] as const;
const ICMP6_OTHERS = [130, 133, 134, 135, 136, 137, 143, 200] as const;

function icmp(world: World, ends: Ends, depth: number): Payload {
  const { rng } = world;
  const is4 = ends.version === 4;
  const n = rng.below(16);
  const message =
    n < 5 || depth > 2
      ? echo(rng, is4)
      : n < 15
        ? icmpError(world, ends, depth)
        : concat(Uint8Array.of(rng.pick(is4 ? ICMP4_OTHERS : ICMP6_OTHERS), 0), rng.bytes(6 + rng.below(40)));
  const protocol = is4 ? 1 : 58;
  writeChecksum(message, 2, is4 ? new Uint8Array() : pseudoHeader(ends, protocol, message.length));
  return { protocol, bytes: message };
}

function echo(rng: Random, is4: boolean): Uint8Array {
  const isRequest = rng.oneIn(2);
  const type = is4 ? (isRequest ? 8 : 0) : isRequest ? 128 : 129;
  return concat(Uint8Array.of(type, rng.oneIn(8) ? rng.next() : 0), rng.bytes(6 + randomLength(rng)));
}

function icmpError(world: World, ends: Ends, depth: number): Uint8Array {
  const { rng } = world;
  const is4 = ends.version === 4;
  const type = rng.pick(is4 ? ICMP4_ERRORS : ICMP6_ERRORS);
  const code = rng.oneIn(4) ? rng.below(18) : rng.below(5);
  const rest = errorRest(rng, is4, type);
  const whole = wholePacket(world, innerEnds(world, ends), depth + 1);
  const quoted = rng.oneIn(3) ? whole.slice(0, rng.below(whole.length + 1)) : whole.slice(0, 1232);
  const hasExtension = rng.oneIn(4) && [3, 11, 12, 1].includes(type);
  if (!hasExtension) return concat(Uint8Array.of(type, code, 0, 0), rest, quoted);
  return concat(Uint8Array.of(type, code, 0, 0), ...extended(rng, is4, rest, quoted));
}

/** The second word of an error: MTUs, pointers, lengths at their extremes. */
function errorRest(rng: Random, is4: boolean, type: number): Uint8Array {
  const mtu = rng.pick([0, 1, 67, 68, 87, 88, 576, 1260, 1279, 1280, 1300, 1400, 1480, 1500, 9000, 65535, 0xffff_ffff]);
  if (is4 && type === 3) return concat(Uint8Array.of(0, rng.oneIn(8) ? rng.next() : 0), bytes16(mtu));
  if (!is4 && type === 2) return ipv4Bytes(mtu);
  if (is4 && type === 12) return Uint8Array.of(rng.below(24), 0, 0, 0);
  if (!is4 && type === 4) return ipv4Bytes(rng.oneIn(8) ? rng.next() : rng.below(44));
  return rng.oneIn(8) ? rng.bytes(4) : new Uint8Array(4);
}

/** The quoted packet usually went the other way between the same ends. */
function innerEnds(world: World, ends: Ends): Ends {
  const { rng } = world;
  const { version, source, destination } = ends;
  if (rng.oneIn(2)) return { version, source: destination, destination: source };
  const other = randomEnds(world, rng.oneIn(32) ? (version === 4 ? 6 : 4) : version);
  return rng.oneIn(2) && other.version === version ? { ...other, source: destination } : other;
}

/** RFC 4884: length octet, padded datagram, structure; each of them wrong at times. */
function extended(rng: Random, is4: boolean, rest: Uint8Array, quoted: Uint8Array): Uint8Array[] {
  const unit = is4 ? 4 : 8;
  const units = Math.min(255, Math.max(Math.ceil(quoted.length / unit), 128 / unit));
  const field = concat(quoted, new Uint8Array(units * unit)).slice(0, units * unit);
  const structure = concat(Uint8Array.of(rng.oneIn(8) ? rng.next() : 0x20, 0, 0, 0), rng.bytes(extensionLength(rng)));
  if (rng.oneIn(4)) structure.set(rng.bytes(2), 2);
  else if (!rng.oneIn(4)) writeChecksum(structure, 2, new Uint8Array());
  const withLength = rest.slice();
  withLength[is4 ? 1 : 0] = rng.oneIn(8) ? rng.below(256) : units;
  return [withLength, field, rng.oneIn(16) ? structure.slice(0, rng.below(4)) : structure];
}

const extensionLength = (rng: Random): number => (rng.oneIn(8) ? rng.below(1600) : 4 * rng.below(20));

function pseudoHeader(ends: Ends, protocol: number, length: number): Uint8Array {
  const { version, source, destination } = ends;
  if (version === 6) return pseudoHeader6(source, destination, protocol, length);
  return pseudoHeader4(word(source), word(destination), protocol, length);
}

const word = (b: Uint8Array): number => read16(b, 0) * 65536 + read16(b, 2);

/** Writes the right checksum at `at`; a pseudo-header of undefined writes zero. */
function writeChecksum(bytes: Uint8Array, at: number, pseudo: Uint8Array | undefined): void {
  bytes.set([0, 0], at);
  if (pseudo !== undefined) bytes.set(bytes16(internetChecksum(pseudo, bytes)), at);
}

const HOPS = [0, 1, 1, 2, 3, 255, ...new Array<number>(24).fill(64)] as const;

function ipv4Packet(rng: Random, ends: Ends, payload: Payload): Uint8Array {
  const options = rng.oneIn(6) ? ipv4Options(rng) : new Uint8Array();
  const header = concat(new Uint8Array(20), options);
  const piece = fragmentOf(rng, payload.bytes);
  const bytes = piece.bytes.slice(0, 65_535 - header.length);
  const isDf = !rng.oneIn(3);
  header[0] = 0x40 | (header.length / 4);
  header[1] = rng.next();
  header.set(bytes16(header.length + bytes.length), 2);
  header.set(bytes16(rng.next()), 4);
  header.set(bytes16((isDf ? 0x4000 : 0) | (piece.more ? 0x2000 : 0) | (piece.offset >> 3)), 6);
  header[8] = rng.pick(HOPS);
  header[9] = payload.protocol;
  header.set(ends.source, 12);
  header.set(ends.destination, 16);
  writeChecksum(header, 10, new Uint8Array());
  return concat(header, bytes);
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly more: boolean;
}

/** Mostly the whole payload; now and then some fragment of it, sound or not. */
function fragmentOf(rng: Random, bytes: Uint8Array): Piece {
  if (!rng.oneIn(7)) return { bytes, offset: 0, more: false };
  const more = rng.oneIn(2);
  const offset = rng.oneIn(3) ? 0 : rng.oneIn(8) ? 0xfff8 - 8 * rng.below(20) : 8 * rng.below(200);
  const kept = more && !rng.oneIn(8) ? bytes.slice(0, bytes.length & ~7) : bytes;
  return { bytes: kept, offset, more };
}

function ipv4Options(rng: Random): Uint8Array {
  const route = (type: number, pointer: number) => Uint8Array.of(type, 7, pointer, 192, 0, 2, 9, 0);
  switch (rng.below(6)) {
    case 0:
      return Uint8Array.of(1, 1, 1, 0);
    case 1:
      return Uint8Array.of(148, 4, 0, 0); // router alert, RFC 2113
    case 2:
      return route(rng.pick([131, 137]), rng.pick([4, 7, 8, 9]));
    case 3:
      return concat(Uint8Array.of(7, 39, 4), new Uint8Array(37)); // record route
    default:
      return rng.bytes(4 * (1 + rng.below(10)));
  }
}

function ipv6Packet(rng: Random, ends: Ends, payload: Payload): Uint8Array {
  const headers: { number: number; bytes: Uint8Array }[] = [];
  while (rng.oneIn(5) && headers.length < 12) headers.push(extensionHeader(rng));
  if (rng.oneIn(200)) for (let i = 0; i < 7 + rng.below(3); i++) headers.push(extensionHeader(rng));
  const piece = rng.oneIn(5) ? fragmentOf(rng, payload.bytes) : null;
  if (piece !== null) headers.push({ number: 44, bytes: fragmentHeaderBytes(rng, piece) });
  headers.forEach((header, i) => {
    header.bytes[0] = headers[i + 1]?.number ?? payload.protocol;
  });
  const chain = concat(...headers.map((header) => header.bytes));
  const bytes = (piece?.bytes ?? payload.bytes).slice(0, 65_535 - chain.length);
  const fixed = new Uint8Array(40);
  fixed.set(ipv4Bytes(((6 << 28) | (rng.next() & 0x0fff_ffff)) >>> 0), 0);
  fixed.set(bytes16(chain.length + bytes.length), 4);
  fixed[6] = headers[0]?.number ?? payload.protocol;
  fixed[7] = rng.pick(HOPS);
  fixed.set(ends.source, 8);
  fixed.set(ends.destination, 24);
  return concat(fixed, chain, bytes);
}

function extensionHeader(rng: Random): { number: number; bytes: Uint8Array } {
  const number = rng.pick([0, 60, 43]);
  const bytes = new Uint8Array(8 * (1 + (rng.oneIn(8) ? rng.below(20) : 0)));
  bytes[1] = bytes.length / 8 - 1;
  if (number === 43 && rng.oneIn(3)) bytes[3] = rng.next();
  return { number, bytes };
}

function fragmentHeaderBytes(rng: Random, piece: Piece): Uint8Array {
  const reserved = rng.oneIn(16) ? 6 : 0;
  return concat(Uint8Array.of(0, 0), bytes16(piece.offset | reserved | (piece.more ? 1 : 0)), rng.bytes(4));
}

/** Damages a packet: bytes, length, or all of it; half of the time the checksums in front are made right again. */
export function damaged(rng: Random, packet: Uint8Array): Uint8Array {
  const n = rng.below(10);
  if (n === 0) return rng.bytes(rng.below(120));
  if (n <= 2) return packet.slice(0, rng.below(packet.length + 1));
  if (n === 3) return concat(packet, rng.bytes(1 + rng.below(16))).slice(0, MAX_PACKET);
  const copy = packet.slice();
  for (let i = 1 + rng.below(3); i > 0 && copy.length > 0; i--) {
    const near = rng.oneIn(2) ? Math.min(copy.length, 64) : copy.length;
    copy[rng.below(near)] = rng.pick([0, 1, 0x7f, 0x80, 0xff, rng.next() & 0xff]);
  }
  return rng.oneIn(2) ? repaired(copy) : copy;
}

/** The same packet with the IPv4 header checksum and an ICMP checksum right, where it is clear where they stand. */
export function repaired(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const version = (copy[0] ?? 0) >> 4;
  if (version === 4 && copy.length >= 20) repair4(copy);
  if (version === 6 && copy.length >= 44 && copy[6] === 58) {
    const message = copy.subarray(40, 40 + read16(copy, 4));
    if (message.length < 4) return copy;
    writeChecksum(message, 2, pseudoHeader6(copy.slice(8, 24), copy.slice(24, 40), 58, message.length));
  }
  return copy;
}

function repair4(copy: Uint8Array): void {
  const headerLength = Math.max(20, ((copy[0] as number) & 15) * 4);
  if (headerLength > copy.length) return;
  writeChecksum(copy.subarray(0, headerLength), 10, new Uint8Array());
  const message = copy.subarray(headerLength, Math.max(headerLength, read16(copy, 2)));
  if (copy[9] === 1 && message.length >= 4) writeChecksum(message, 2, new Uint8Array());
}
