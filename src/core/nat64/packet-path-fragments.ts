// Fragments through stateful NAT64, both ways: rule N-07. The first fragment goes like a whole packet and tells the datagram its
// mapping; later ones go by that, or wait for it. Read first: fragments.ts, packet-path.ts.

import type { Translator } from '../translate/translator.ts';
import { sendToIpv6, translateV4 } from '../translate/v4-to-v6.ts';
import { sendToIpv4, translateV6 } from '../translate/v6-to-v4.ts';
import {
  FRAGMENT_MEMORY,
  FRAGMENT_OVERLAP,
  FRAGMENT_WAIT,
  isDrop,
  NO_BINDING,
  NO_ROOM,
  TRANSLATED,
  type Verdict,
} from '../translate/verdict.ts';
import { destination, identification, MF, OFFSET_MASK, protocol, source } from '../wire/ipv4.ts';
import { FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, IPV6_SOURCE } from '../wire/ipv6.ts';
import { clearOffload, OFFLOAD_HEADER } from '../wire/offload.ts';
import { type PacketList, reserve, type Slab } from '../wire/slab.ts';
import { IS_IPV6 } from './fragment-memory.ts';
import { type Datagram, DEAD, MAPPED, NEW_PIECE, OVERLAPS } from './fragments.ts';
import type { Nat64Path } from './packet-path.ts';
import { refuse4, refuse6 } from './packet-path-refusals.ts';
import { bibOfProtocol, setIpv4, setIpv6, setPort } from './registers.ts';

/** Sends on, or lets wait, the checked IPv6 fragment at `at`. @param field its offset and M word */
export function fragmentToIpv4(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  const refusal = path.admit6(t, s, at, bibOfProtocol(t.chain.protocol));
  if (refusal !== TRANSLATED) return refuse6(path, t, s, at, end, out, nowMs, refusal);
  const d = open6(path, t, s, at, (field & FRAGMENT_OFFSET_MASK) === 0, nowMs);
  if (d === null) return FRAGMENT_MEMORY;
  const { isAtWork } = d;
  d.isAtWork = true;
  const verdict = moveToIpv4(path, d, t, s, at, end, field, out, nowMs);
  d.isAtWork = isAtWork;
  return verdict;
}

function moveToIpv4(
  path: Nat64Path,
  d: Datagram,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  const start = field & FRAGMENT_OFFSET_MASK;
  const fault = take(path, d, start, end - t.chain.upper, (field & FRAGMENT_MORE) !== 0);
  if (fault !== TRANSLATED) return fault;
  if (start !== 0) return laterToIpv4(path, d, t, s, at, end, field, out, nowMs);
  const verdict = path.mapToIpv4(t, s, at, end, nowMs);
  if (verdict !== TRANSLATED) {
    path.fragments.kill(d, verdict);
    return refuse6(path, t, s, at, end, out, nowMs, verdict);
  }
  d.state = MAPPED;
  d.mapped4 = t.source4;
  d.isHairpin = t.isHairpin;
  return settleFirst(path, d, t, s, sendToIpv4(t, s, at, end, field, out, nowMs), out, nowMs);
}

/** The same for the checked IPv4 fragment at `at`. @param word its flags and offset word */
export function fragmentToIpv6(
  path: Nat64Path,
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  const refusal = path.admit4(t, s, at, bibOfProtocol(protocol(s, at)));
  if (refusal !== TRANSLATED) return refuse4(path, t, s, at, end, out, nowMs, refusal);
  // What nobody can have a binding for does not wait.
  if (!path.state.isOwn4(destination(s, at))) return refuse4(path, t, s, at, end, out, nowMs, NO_BINDING);
  const id = identification(s, at);
  const isFirst = (word & OFFSET_MASK) === 0;
  const d = path.fragments.open(0, 0, 0, source(s, at), destination(s, at), id, protocol(s, at), isFirst, nowMs);
  if (d === null) return FRAGMENT_MEMORY;
  const { isAtWork } = d;
  d.isAtWork = true;
  const verdict = moveToIpv6(path, d, t, s, at, header, end, word, out, nowMs);
  d.isAtWork = isAtWork;
  return verdict;
}

function moveToIpv6(
  path: Nat64Path,
  d: Datagram,
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  const start = (word & OFFSET_MASK) << 3;
  const fault = take(path, d, start, end - at - header, (word & MF) !== 0);
  if (fault !== TRANSLATED) return fault;
  if (start !== 0) return laterToIpv6(path, d, t, s, at, header, end, word, out, nowMs);
  const verdict = path.mapToIpv6(t, s, at, header, end, nowMs);
  if (verdict !== TRANSLATED) {
    path.fragments.kill(d, verdict);
    return refuse4(path, t, s, at, end, out, nowMs, verdict);
  }
  d.state = MAPPED;
  d.d0 = t.d0;
  d.d1 = t.d1;
  d.d2 = t.d2;
  d.d3 = t.d3;
  return settleFirst(path, d, t, s, sendToIpv6(t, s, at, header, end, word, out, nowMs), out, nowMs);
}

function open6(path: Nat64Path, t: Translator, s: Slab, at: number, isFirst: boolean, nowMs: number): Datagram | null {
  const v = s.view;
  return path.fragments.open(
    v.getInt32(at + IPV6_SOURCE),
    v.getInt32(at + IPV6_SOURCE + 4),
    v.getInt32(at + IPV6_SOURCE + 8),
    v.getInt32(at + IPV6_SOURCE + 12),
    t.map.ipv4,
    v.getInt32(t.chain.fragment + 4),
    t.chain.protocol | IS_IPV6,
    isFirst,
    nowMs,
  );
}

/** Notes a fragment; one that waited has been noted already. An overlap ends its datagram (RFC 5722 §4), a duplicate only itself. */
function take(path: Nat64Path, d: Datagram, start: number, length: number, isMore: boolean): Verdict {
  if (d === path.releasing) return TRANSLATED;
  if (d.state === DEAD) return d.verdict;
  const noted = path.fragments.note(d, start, length, isMore);
  if (noted === NEW_PIECE) return TRANSLATED;
  if (noted === OVERLAPS) path.fragments.kill(d, FRAGMENT_OVERLAP);
  return FRAGMENT_OVERLAP;
}

function laterToIpv4(
  path: Nat64Path,
  d: Datagram,
  t: Translator,
  s: Slab,
  at: number,
  end: number,
  field: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  if (d.state !== MAPPED) return wait(path, d, s, at, end);
  setIpv4(t, s, at, d.mapped4, t.map.ipv4, d.isHairpin);
  setPort(t, 0, 0, 0);
  const verdict = sendToIpv4(t, s, at, end, field, out, nowMs);
  if (d !== path.releasing) path.fragments.closeIfComplete(d);
  return verdict;
}

function laterToIpv6(
  path: Nat64Path,
  d: Datagram,
  t: Translator,
  s: Slab,
  at: number,
  header: number,
  end: number,
  word: number,
  out: PacketList,
  nowMs: number,
): Verdict {
  if (d.state !== MAPPED) return wait(path, d, s, at, end);
  setIpv6(t, s, at, d.d0, d.d1, d.d2, d.d3);
  setPort(t, 0, 0, 0);
  const verdict = sendToIpv6(t, s, at, header, end, word, out, nowMs);
  if (d !== path.releasing) path.fragments.closeIfComplete(d);
  return verdict;
}

function wait(path: Nat64Path, d: Datagram, s: Slab, at: number, end: number): Verdict {
  return path.fragments.hold(d, s.bytes, at, end - at) ? FRAGMENT_WAIT : FRAGMENT_MEMORY;
}

/** After the first fragment: those that waited go on, or, where it did not, none. */
function settleFirst(
  path: Nat64Path,
  d: Datagram,
  t: Translator,
  s: Slab,
  verdict: Verdict,
  out: PacketList,
  nowMs: number,
): Verdict {
  if (isDrop(verdict)) {
    path.fragments.kill(d, verdict);
    return verdict;
  }
  const { releasing } = path;
  path.releasing = d;
  for (let i = 0; i < d.held.length; i++) {
    if (isDrop(sendHeld(t, s, d.held[i], out, nowMs))) path.fragments.counters.lost++;
  }
  path.releasing = releasing;
  path.fragments.dropHeld(d);
  path.fragments.closeIfComplete(d);
  return verdict;
}

/** Puts a fragment that waited into the spare part of the slab and sends it on. Without room there it is lost. */
function sendHeld(t: Translator, s: Slab, packet: Uint8Array, out: PacketList, nowMs: number): Verdict {
  const at = reserve(out, packet.length);
  if (at < 0) return NO_ROOM;
  s.bytes.set(packet, at);
  clearOffload(s, at - OFFLOAD_HEADER);
  const translateOne = packet[0] >>> 4 === 6 ? translateV6 : translateV4;
  return translateOne(t, s, at, packet.length, out, nowMs);
}
