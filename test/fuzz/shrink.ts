// Makes a find small: cuts and clears bytes as long as the same complaint comes, then shows it as commented hex, ready for a test.

import { bytes16, concat, read16 } from '../reference/bytes.ts';
import { toHex } from '../support/packets.ts';
import { repaired } from './generate.ts';

/** Says what is wrong about a packet, or null. */
export type Complaint = (packet: Uint8Array) => string | null;

/** What stays the same while a find shrinks: the first line without its numbers. */
const kindOf = (complaint: string): string => (complaint.split('\n')[0] ?? '').replaceAll(/\d+/g, '#');

/** The smallest packet found that has the same kind of complaint. */
export function shrink(packet: Uint8Array, complaint: Complaint): Uint8Array {
  const first = complaint(packet);
  if (first === null) return packet;
  const kind = kindOf(first);
  const isStillBad = (candidate: Uint8Array) => {
    const now = complaint(candidate);
    return now !== null && kindOf(now) === kind;
  };
  let best = packet;
  for (let size = -1; size !== best.length; ) {
    size = best.length;
    best = shorter(best, isStillBad);
    best = cleared(best, isStillBad);
  }
  return best;
}

function shorter(packet: Uint8Array, isStillBad: (candidate: Uint8Array) => boolean): Uint8Array {
  let best = packet;
  for (let step = best.length >> 1; step > 0; step >>= 1) {
    for (let at = best.length - step; at >= 20; at -= step) {
      const without = concat(best.slice(0, at), best.slice(at + step));
      const candidate = [repaired(resized(without)), resized(without), without].find(isStillBad);
      if (candidate !== undefined) best = candidate;
    }
  }
  return best;
}

/** The packet with its IP length field right. */
function resized(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  const version = (copy[0] ?? 0) >> 4;
  if (version === 4 && copy.length >= 20) copy.set(bytes16(copy.length), 2);
  if (version === 6 && copy.length >= 40) copy.set(bytes16(copy.length - 40), 4);
  return copy;
}

function cleared(packet: Uint8Array, isStillBad: (candidate: Uint8Array) => boolean): Uint8Array {
  let best = packet;
  for (let at = 0; at < Math.min(best.length, 2048); at++) {
    if (best[at] === 0) continue;
    const copy = best.slice();
    copy[at] = 0;
    const candidate = [repaired(copy), copy].find(isStillBad);
    if (candidate !== undefined) best = candidate;
  }
  return best;
}

/** A packet as commented hex: headers apart, sixteen bytes a line. */
export function commentedHex(packet: Uint8Array): string {
  const version = (packet[0] ?? 0) >> 4;
  const header =
    version === 4 ? Math.min(packet.length, ((packet[0] as number) & 15) * 4) : Math.min(packet.length, 40);
  const comment = version === 4 && packet.length >= 20 ? ipv4Comment(packet) : ipv6Comment(packet);
  return [`# ${comment}`, ...lines(packet.slice(0, header)), '# payload', ...lines(packet.slice(header))].join('\n');
}

const ipv4Comment = (p: Uint8Array): string =>
  `IPv4, total length ${read16(p, 2)}, fragment word 0x${toHex(p.slice(6, 8))}, TTL ${p[8]}, protocol ${p[9]}`;

const ipv6Comment = (p: Uint8Array): string =>
  p.length < 40 ? `${p.length} bytes` : `IPv6, payload length ${read16(p, 4)}, next header ${p[6]}, hop limit ${p[7]}`;

/** Longer packets are shown by their beginning; the seed brings them back. */
const MOST_LINES = 100;

function lines(bytes: Uint8Array): string[] {
  const out: string[] = [];
  for (let at = 0; at < bytes.length; at += 16)
    out.push(toHex(bytes.slice(at, at + 16)).replaceAll(/(..)(?=.)/g, '$1 '));
  if (out.length <= MOST_LINES) return out;
  return [...out.slice(0, MOST_LINES), `# … ${bytes.length} bytes in all`];
}
