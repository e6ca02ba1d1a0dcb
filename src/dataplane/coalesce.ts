// Coalescing: between translation and write, consecutive segments of a flow become one super-packet that the kernel
// takes in one step and cuts up again only where it must. Owns the groups of a batch and their order.
// Read next: coalesce-rules.ts (what may merge), coalesce-merge.ts (checksums and the merged header).
//
//     packets      A1 B1 A2 C1 B2 A3          (A, B flows; C a single packet)
//     groups       A1→A2→A3   B1→B2   C1      in the order of their first packets
//     write list   [offload+headers+A1 | A2 payload | A3 payload] [offload+headers+B1 | B2 payload] [offload+C1]
//
// No payload is copied: the pieces of a super-packet are gathered by writev. Packets of one flow never overtake each
// other: a flow has one open group at a time, a packet that cannot join it starts the next one, and one whose flow cannot
// be seen (a fragment) closes all groups before it. Different flows may change places within a batch.

import { OFFLOAD_HEADER } from '../core/wire/offload.ts';
import { TCP } from '../core/wire/protocol.ts';
import type { SegmentSum } from '../core/wire/segment-checksum.ts';
import type { PacketList, Slab } from '../core/wire/slab.ts';
import { emitSuperHeader, isIntact } from './coalesce-merge.ts';
import {
  endsGroup,
  HIDDEN,
  hashFlow,
  headerLength,
  isSameFlow,
  isSameIp,
  isSameTcp,
  type Kind,
  kindOf,
  mergeablePayload,
  OTHER,
  protocolOf,
  sequenceOf,
} from './coalesce-rules.ts';
import { segmentSumOf } from './coalesce-simd.ts';
import type { WriteList } from './tun-queue.ts';

/** Pieces of one super-packet: what a write takes, and GRO's own limit for UDP (UDP_GRO_CNT_MAX). */
export const MAX_SEGMENTS = 64;
/** Bytes of one super-packet from its IP header on; GSO_LEGACY_MAX_SIZE, which every device takes, less one. */
export const MAX_SUPER_PACKET = 65_535;

/** What a coalescer has done since it was made; only ever grows. */
export interface CoalesceCounters {
  /** Packets that went out as part of a super-packet. */
  mergedPackets: number;
  /** Super-packets made. */
  groups: number;
}

/** Merges the packets of a batch for the write. Used by one thread; keeps nothing from one batch to the next. */
export interface Coalescer {
  readonly counters: Readonly<CoalesceCounters>;
  /**
   * Fills `out` from scratch with all packets of the list, each with its offload header. The headers of merged packets are rewritten
   * in the slab; their payloads are referred to, so the slab has to stay as it is until `out` is written.
   * @throws RangeError when the list holds more than `maxPackets` or `out` has not as many packets and pieces
   */
  coalesce(slab: Slab, packets: PacketList, out: WriteList): void;
}

/** A group's state: nothing may be added; its first packet's checksum is unverified as long as it is alone; verified. */
const CLOSED = 0;
const UNVERIFIED = 1;
const VERIFIED = 2;

const NONE = -1;
/** Slots looked at before a flow counts as unknown, so that flows made to collide cannot cost more. */
const MAX_PROBES = 8;

interface State {
  readonly tcp: boolean;
  readonly udp: boolean;
  slab: Slab;
  sum: SegmentSum;
  /** Open-addressed: number of a flow's latest group + 1, 0 where free. At most half full. */
  readonly table: Int32Array;
  /** Packet after this one in its group. */
  readonly next: Int32Array;
  /** Group columns; a group is an index into all of them. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  readonly state: Int32Array;
  readonly kind: Int32Array;
  readonly count: Int32Array;
  /** Bytes so far, from the IP header on. */
  readonly total: Int32Array;
  /** Payload bytes of the first packet: gso_size. */
  readonly segment: Int32Array;
  readonly nextSequence: Int32Array;
  groups: number;
  /** Groups below this number are closed, because a packet of an unseen flow came after them. */
  barrier: number;
  /** Group and slot found last: batches come in runs of a flow. */
  recent: number;
  recentSlot: number;
}

/** Makes a coalescer for batches of at most `maxPackets`; `tcp` and `udp` say which super-packets the device takes. */
export function makeCoalescer(options: { tcp: boolean; udp: boolean; maxPackets: number }): Coalescer {
  let s: State | null = null;
  const counters: CoalesceCounters = { mergedPackets: 0, groups: 0 };
  const { tcp, udp, maxPackets } = options;
  return {
    counters,
    coalesce(slab, packets, out) {
      checkRoom(packets.count, maxPackets, out);
      out.packets = 0;
      out.pieces = 0;
      if (!tcp && !udp) {
        for (let i = 0; i < packets.count; i++) emitSingle(packets, i, out);
        return;
      }
      s ??= makeState(tcp, udp, maxPackets, slab);
      startBatch(s, slab);
      for (let i = 0; i < packets.count; i++) place(s, packets, i);
      for (let g = 0; g < s.groups; g++) emitGroup(s, packets, g, out, counters);
    },
  };
}

function checkRoom(count: number, maxPackets: number, out: WriteList): void {
  if (count <= maxPackets && count <= out.pieceEnd.length && count <= out.pieceOffset.length) return;
  throw new RangeError(`${count} packets do not fit a coalescer for ${maxPackets} or its write list`);
}

function makeState(tcp: boolean, udp: boolean, maxPackets: number, slab: Slab): State {
  const column = (): Int32Array => new Int32Array(maxPackets);
  return {
    tcp,
    udp,
    slab,
    sum: segmentSumOf(slab),
    table: new Int32Array(2 ** Math.ceil(Math.log2(2 * Math.max(maxPackets, MAX_PROBES)))),
    next: column(),
    first: column(),
    last: column(),
    state: column(),
    kind: column(),
    count: column(),
    total: column(),
    segment: column(),
    nextSequence: column(),
    groups: 0,
    barrier: 0,
    recent: NONE,
    recentSlot: NONE,
  };
}

function startBatch(s: State, slab: Slab): void {
  if (s.slab !== slab) {
    s.slab = slab;
    s.sum = segmentSumOf(slab);
  }
  s.table.fill(0);
  s.groups = 0;
  s.barrier = 0;
  s.recent = NONE;
  s.recentSlot = NONE;
}

/** Puts packet `i` into its flow's open group or into a group of its own. */
function place(s: State, packets: PacketList, i: number): void {
  const at = packets.offset[i]!;
  const length = packets.length[i]!;
  const kind = kindOf(s.slab, at, length);
  if (kind <= OTHER) {
    addGroup(s, i, kind, length, 0, CLOSED);
    if (kind === HIDDEN) s.barrier = s.groups;
    return;
  }
  const isWanted = protocolOf(kind) === TCP ? s.tcp : s.udp;
  if (!isWanted) {
    addGroup(s, i, kind, length, 0, CLOSED);
    return;
  }
  placeInFlow(s, packets, i, at, length, kind);
}

function placeInFlow(s: State, packets: PacketList, i: number, at: number, length: number, kind: Kind): void {
  const v = s.slab.view;
  const g = findGroup(s, packets, at, kind);
  const payload = mergeablePayload(s.slab, at, length, kind);
  let state = payload <= 0 || endsGroup(v, at, kind) ? CLOSED : UNVERIFIED;
  if (payload > 0 && g >= s.barrier && continues(s, packets, g, at, payload) && isFirstIntact(s, packets, g)) {
    if (isIntact(s.slab, at, length, kind, s.sum)) {
      join(s, g, i, at, payload);
      return;
    }
    state = CLOSED;
  }
  const group = addGroup(s, i, kind, length, payload, state);
  if (state !== CLOSED && protocolOf(kind) === TCP) s.nextSequence[group] = sequenceOf(v, at, kind) + payload;
  s.recent = group;
  if (s.recentSlot !== NONE) s.table[s.recentSlot] = group + 1;
}

/** The latest group of a packet's flow, or NONE; `recentSlot` is then where its next group belongs (NONE: nowhere). */
function findGroup(s: State, packets: PacketList, at: number, kind: Kind): number {
  if (s.recent !== NONE && isOfFlow(s, packets, s.recent, at, kind)) return s.recent;
  const v = s.slab.view;
  const mask = s.table.length - 1;
  const hash = hashFlow(v, at, kind);
  for (let probe = 0; probe < MAX_PROBES; probe++) {
    const slot = (hash + probe) & mask;
    const g = s.table[slot]! - 1;
    if (g === NONE || isOfFlow(s, packets, g, at, kind)) {
      s.recentSlot = slot;
      s.recent = g;
      return g;
    }
  }
  // Entries are never removed within a batch, so this flow has none: it goes unmerged and its order is safe.
  s.recentSlot = NONE;
  s.recent = NONE;
  return NONE;
}

function isOfFlow(s: State, packets: PacketList, g: number, at: number, kind: Kind): boolean {
  return s.kind[g] === kind && isSameFlow(s.slab.view, packets.offset[s.first[g]!]!, at, kind);
}

/** Whether a packet of the same flow is the next segment of open group `g`; its checksum apart. */
function continues(s: State, packets: PacketList, g: number, at: number, payload: number): boolean {
  const count = s.count[g]!;
  const isFull = count >= MAX_SEGMENTS || s.total[g]! + payload > MAX_SUPER_PACKET;
  if (s.state[g] === CLOSED || isFull || payload > s.segment[g]!) return false;
  const v = s.slab.view;
  const head = packets.offset[s.first[g]!]!;
  const kind = s.kind[g]!;
  if (!isSameIp(s.slab, head, at, kind, count)) return false;
  if (protocolOf(kind) !== TCP) return true;
  return (
    sequenceOf(v, at, kind) === s.nextSequence[g]! && isSameTcp(v, head, at, kind, headerLength(s.slab, head, kind))
  );
}

/** Verifies a group's first packet when the second one comes, so that single packets cost nothing. Damage closes the group. */
function isFirstIntact(s: State, packets: PacketList, g: number): boolean {
  if (s.state[g] === VERIFIED) return true;
  const first = s.first[g]!;
  const isGood = isIntact(s.slab, packets.offset[first]!, packets.length[first]!, s.kind[g]!, s.sum);
  s.state[g] = isGood ? VERIFIED : CLOSED;
  return isGood;
}

function join(s: State, g: number, i: number, at: number, payload: number): void {
  s.next[s.last[g]!] = i;
  s.last[g] = i;
  s.count[g] = s.count[g]! + 1;
  s.total[g] = s.total[g]! + payload;
  s.nextSequence[g] = s.nextSequence[g]! + payload;
  if (payload < s.segment[g]! || endsGroup(s.slab.view, at, s.kind[g]!)) s.state[g] = CLOSED;
}

function addGroup(s: State, i: number, kind: Kind, length: number, payload: number, state: number): number {
  const g = s.groups;
  s.groups = g + 1;
  s.first[g] = i;
  s.last[g] = i;
  s.state[g] = state;
  s.kind[g] = kind;
  s.count[g] = 1;
  s.total[g] = length;
  s.segment[g] = payload;
  return g;
}

function emitGroup(s: State, packets: PacketList, g: number, out: WriteList, counters: CoalesceCounters): void {
  const count = s.count[g]!;
  const first = s.first[g]!;
  if (count === 1) {
    emitSingle(packets, first, out);
    return;
  }
  const at = packets.offset[first]!;
  const kind = s.kind[g]!;
  const headers = headerLength(s.slab, at, kind);
  emitSuperHeader(s.slab, at, kind, s.total[g]!, headers, s.segment[g]!, packets.offset[s.last[g]!]!, s.sum);
  addPiece(out, at - OFFLOAD_HEADER, packets.length[first]! + OFFLOAD_HEADER);
  for (let i = s.next[first]!, left = count - 1; left > 0; left--, i = s.next[i]!) {
    addPiece(out, packets.offset[i]! + headers, packets.length[i]! - headers);
  }
  endPacket(out);
  counters.mergedPackets += count;
  counters.groups++;
}

function emitSingle(packets: PacketList, i: number, out: WriteList): void {
  addPiece(out, packets.offset[i]! - OFFLOAD_HEADER, packets.length[i]! + OFFLOAD_HEADER);
  endPacket(out);
}

function addPiece(out: WriteList, offset: number, length: number): void {
  out.pieceOffset[out.pieces] = offset;
  out.pieceLength[out.pieces] = length;
  out.pieces++;
}

function endPacket(out: WriteList): void {
  out.pieceEnd[out.packets] = out.pieces;
  out.packets++;
}
