// Segments a super-packet in software where its segments do not fit the other side (rule T-O-02): each becomes the plain
// packet that the sender's NIC would have made of it, and is translated on its own.

import { fold } from '../wire/checksum.ts';
import { identification, setIdentification, setTotalLength, writeHeaderChecksum } from '../wire/ipv4.ts';
import { IPV6_HEADER, setPayloadLength } from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { TCP, UDP } from '../wire/protocol.ts';
import { type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { transportHeader } from './offload-packet.ts';
import type { Translator } from './translator.ts';
import { completeChecksum } from './transport.ts';
import { isDrop, NO_ROOM, SEGMENTED, type Verdict } from './verdict.ts';

const TCP_SEQUENCE = 4;
const TCP_FLAGS = 13;
const FIN_PSH = 0x09;
const CWR = 0x80;
const UDP_LENGTH = 4;

type Translate = (t: Translator, s: Slab, at: number, length: number, out: PacketList, nowMs: number) => Verdict;

/**
 * Segments the super-packet that t.offload describes and translates each segment with `translate`.
 * @param header length of everything before the transport header
 * @returns SEGMENTED; NO_ROOM; or the verdict of the first segment that was dropped
 */
export function segmentAndTranslate(
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  out: PacketList,
  nowMs: number,
  translate: Translate,
): Verdict {
  const { gsoSize, csumOffset } = t.offload;
  const protocol = csumOffset === 16 ? TCP : UDP;
  const upper = at + header;
  const headers = header + transportHeader(s, upper, end - upper, protocol);
  const first = out.count;
  let index = 0;
  for (let from = at + headers; from < end; from += gsoSize) {
    const payload = Math.min(gsoSize, end - from);
    const to = reserve(out, headers + payload);
    if (to < 0) return giveUp(out, first);
    s.bytes.copyWithin(to, at, at + headers);
    s.bytes.copyWithin(to + headers, from, from + payload);
    clearOffload(s, to - OFFLOAD_HEADER);
    setIpLength(s, to, headers + payload, index++);
    setTransport(s, to + header, protocol, from - at - headers, from + payload === end, headers - header + payload);
    const field = to + header + csumOffset;
    // The partial checksum covers the length of the whole super-packet: exchange it for the segment's.
    const partial = s.view.getUint16(field) + (~(end - upper) & 0xffff) + headers - header + payload;
    s.view.setUint16(field, fold(partial));
    completeChecksum(s, to + header, to + headers + payload, field);
    const verdict = translate(t, s, to, headers + payload, out, nowMs);
    if (verdict === NO_ROOM) return giveUp(out, first);
    if (isDrop(verdict)) return verdict;
  }
  return SEGMENTED;
}

/** "No room" means that nothing of the packet went on: takes the segments before off the list. */
function giveUp(out: PacketList, first: number): Verdict {
  out.count = first;
  return NO_ROOM;
}

function setIpLength(s: Slab, at: number, length: number, index: number): void {
  if (s.view.getUint8(at) >>> 4 === 6) {
    setPayloadLength(s, at, length - IPV6_HEADER);
    return;
  }
  setTotalLength(s, at, length);
  setIdentification(s, at, (identification(s, at) + index) & 0xffff);
  writeHeaderChecksum(s, at);
}

/** Sequence number and flags of a TCP segment (FIN and PSH stay on the last, CWR on the first), or the UDP length. */
function setTransport(s: Slab, at: number, protocol: number, offset: number, isLast: boolean, length: number): void {
  const v = s.view;
  if (protocol === UDP) {
    v.setUint16(at + UDP_LENGTH, length);
    return;
  }
  v.setInt32(at + TCP_SEQUENCE, (v.getInt32(at + TCP_SEQUENCE) + offset) | 0);
  const flags = v.getUint8(at + TCP_FLAGS) & (isLast ? 0xff : ~FIN_PSH) & (offset === 0 ? 0xff : ~CWR);
  v.setUint8(at + TCP_FLAGS, flags);
}
