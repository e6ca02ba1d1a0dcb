// The way of a packet through stateful NAT64: RFC 6146 §3.4–3.6, rules N-02, N-06, N-08, N-13. translate/v6-to-v4.ts and
// v4-to-v6.ts check a packet as they check every packet, and come here for its addresses and port; what is then done with it
// is theirs again. Read first: ../translate/translate.ts.
//
//     IPv6 in:  source6:port6, PREF64+remote4 ──outgoing()──► pool4:port4, remote4
//     IPv4 in:  remote4, pool4:port4          ──incoming()──► PREF64+remote4, source6:port6
//
// Beside it: fast-nat64.ts (plain TCP and UDP), packet-path-fragments.ts, packet-path-refusals.ts, icmp-errors.ts, probe.ts.

import { PREFIX_ONLY, REFUSED_NON_GLOBAL } from '../address/address-map.ts';
import { type EmbeddingPrefix, isInside, makeEmbeddingPrefix } from '../address/rfc6052.ts';
import { isMartian4, isNonGlobal4, isWellKnownPrefix } from '../address/special.ts';
import type { TranslatorSettings } from '../translate/settings.ts';
import type { Translator } from '../translate/translator.ts';
import { sendToIpv6 } from '../translate/v4-to-v6.ts';
import { sendToIpv4 } from '../translate/v6-to-v4.ts';
import * as verdicts from '../translate/verdict.ts';
import { destination, MF, OFFSET_MASK, protocol, source } from '../wire/ipv4.ts';
import { FRAGMENT_MORE, FRAGMENT_OFFSET_MASK, IPV6_DESTINATION, IPV6_SOURCE } from '../wire/ipv6.ts';
import type { PacketList, Slab } from '../wire/slab.ts';
import { TCP_FLAGS, TCP_HEADER } from '../wire/tcp.ts';
import { UDP_HEADER } from '../wire/udp.ts';
import { ICMP_BIB, TCP_BIB } from './bib-protocol.ts';
import { ClientRanges } from './client-ranges.ts';
import { fastToIpv4, fastToIpv6 } from './fast-nat64.ts';
import type { Datagram, FragmentTable } from './fragments.ts';
import { errorToIpv4, errorToIpv6, InnerTuples } from './icmp-errors.ts';
import type { Nat64State } from './nat64-state.ts';
import { fragmentToIpv4, fragmentToIpv6 } from './packet-path-fragments.ts';
import { refuse4, refuse6 } from './packet-path-refusals.ts';
import {
  bibOfProtocol,
  DESTINATION_PORT,
  ECHO_IDENTIFIER,
  SOURCE_PORT,
  setIpv4,
  setIpv6,
  setPort,
} from './registers.ts';
import type { Nat64Settings } from './settings.ts';

const { TRANSLATED } = verdicts;

/** How often the tables are looked at while no packet comes. Sessions end up to that much late. */
const EXPIRY_MS = 1000;

/** What makes a Fragment Header more than an empty one (RFC 6946). */
const ANY_FRAGMENT = FRAGMENT_MORE | FRAGMENT_OFFSET_MASK;

/** Stateful NAT64 of one translator. A new configuration makes a new one with the same tables. Never throws after construction. */
export class Nat64Path {
  readonly state: Nat64State;
  readonly fragments: FragmentTable;
  readonly settings: Nat64Settings;
  readonly prefix: EmbeddingPrefix;
  readonly clients: ClientRanges;
  readonly inner = new InnerTuples();
  /** The datagram whose fragments go on after they waited; null: none. */
  releasing: Datagram | null = null;
  private readonly refusesNonGlobal: boolean;

  /**
   * @param state tables that have these settings already
   * @param translator its prefix must not be null
   * Throws RangeError without a prefix; src/config refuses that with a message.
   */
  constructor(state: Nat64State, fragments: FragmentTable, settings: Nat64Settings, translator: TranslatorSettings) {
    if (translator.prefix === null) throw new RangeError('NAT64 needs a prefix');
    this.state = state;
    this.fragments = fragments;
    this.settings = settings;
    this.prefix = makeEmbeddingPrefix(translator.prefix);
    this.refusesNonGlobal = isWellKnownPrefix(translator.prefix) && !translator.allowNonGlobal;
    this.clients = new ClientRanges(settings.clients);
  }

  /** The short way, see fast-nat64.ts. */
  fastToIpv4(t: Translator, s: Slab, at: number, length: number, out: PacketList, nowMs: number): number {
    return fastToIpv4(this, t, s, at, length, out, nowMs);
  }

  /** The short way, see fast-nat64.ts. */
  fastToIpv6(t: Translator, s: Slab, at: number, length: number, out: PacketList, nowMs: number): number {
    return fastToIpv6(this, t, s, at, length, out, nowMs);
  }

  /**
   * Sends on the IPv6 packet at `at`, which v6-to-v4.ts has checked; t.chain describes its headers.
   * @param field the Fragment Header's offset and M word; 0: none
   * @param isError an ICMPv6 error
   */
  toIpv4(
    t: Translator,
    s: Slab,
    at: number,
    end: number,
    field: number,
    isError: boolean,
    out: PacketList,
    nowMs: number,
  ): verdicts.Verdict {
    if (isError) return errorToIpv4(this, t, s, at, end, out, nowMs);
    if ((field & ANY_FRAGMENT) !== 0) return fragmentToIpv4(this, t, s, at, end, field, out, nowMs);
    const verdict = this.mapToIpv4(t, s, at, end, nowMs);
    if (verdict !== TRANSLATED) return refuse6(this, t, s, at, end, out, nowMs, verdict);
    return sendToIpv4(t, s, at, end, field, out, nowMs);
  }

  /**
   * Sends on the IPv4 packet at `at`, which v4-to-v6.ts has checked.
   * @param header length of its header
   * @param word its flags and offset word
   */
  toIpv6(
    t: Translator,
    s: Slab,
    at: number,
    header: number,
    end: number,
    word: number,
    isError: boolean,
    out: PacketList,
    nowMs: number,
  ): verdicts.Verdict {
    if (isError) return errorToIpv6(this, t, s, at, header, end, out);
    if ((word & (MF | OFFSET_MASK)) !== 0) return fragmentToIpv6(this, t, s, at, header, end, word, out, nowMs);
    const verdict = this.mapToIpv6(t, s, at, header, end, nowMs);
    if (verdict !== TRANSLATED) return refuse4(this, t, s, at, end, out, nowMs, verdict);
    return sendToIpv6(t, s, at, header, end, word, out, nowMs);
  }

  /** Milliseconds until something may be due; -1: there is nothing in the tables. */
  patienceMs(nowMs: number): number {
    const { deadlineMs } = this.fragments;
    if (deadlineMs !== Number.POSITIVE_INFINITY) return Math.min(EXPIRY_MS, Math.max(0, Math.ceil(deadlineMs - nowMs)));
    const { sessionCount, held } = this.state.tables;
    return sessionCount === 0 && held.count === 0 ? -1 : EXPIRY_MS;
  }

  /** Session and registers of the packet inside an ICMPv6 error; see icmp-errors.ts. */
  mapInnerToIpv4(t: Translator, s: Slab, from: number, end: number): verdicts.Verdict {
    return this.inner.mapToIpv4(this, t, s, from, end);
  }

  /** Session and registers of the packet inside an ICMPv4 error; see icmp-errors.ts. */
  mapInnerToIpv6(t: Translator, s: Slab, from: number, end: number): verdicts.Verdict {
    return this.inner.mapToIpv6(this, t, s, from, end);
  }

  /** RFC 6146 §3.5: session and registers of a whole packet or first fragment going to IPv4. Changes no byte. */
  mapToIpv4(t: Translator, s: Slab, at: number, end: number, nowMs: number): verdicts.Verdict {
    const { upper, protocol: proto } = t.chain;
    const bib = bibOfProtocol(proto);
    const refusal = this.admit6(t, s, at, bib);
    if (refusal !== TRANSLATED) return refusal;
    if (end - upper < headerOf(bib)) return verdicts.BAD_TRANSPORT;
    const v = s.view;
    const state = this.state;
    const destination4 = t.map.ipv4;
    const port6 = v.getUint16(upper + (bib === ICMP_BIB ? ECHO_IDENTIFIER : SOURCE_PORT));
    const remotePort = bib === ICMP_BIB ? 0 : v.getUint16(upper + DESTINATION_PORT);
    const isHairpin = state.isOwn4(destination4);
    const verdict = state.outgoing(
      bib,
      v.getInt32(at + IPV6_SOURCE),
      v.getInt32(at + IPV6_SOURCE + 4),
      v.getInt32(at + IPV6_SOURCE + 8),
      v.getInt32(at + IPV6_SOURCE + 12),
      port6,
      destination4,
      remotePort,
      bib === TCP_BIB ? v.getUint8(upper + TCP_FLAGS) : 0,
      nowMs,
    );
    if (verdict !== TRANSLATED) return verdict;
    setIpv4(t, s, at, state.source4, destination4, isHairpin);
    setPort(t, bib === ICMP_BIB ? ECHO_IDENTIFIER : SOURCE_PORT, port6, state.sourcePort);
    return TRANSLATED;
  }

  /** The same going to IPv6. */
  mapToIpv6(t: Translator, s: Slab, at: number, header: number, end: number, nowMs: number): verdicts.Verdict {
    const bib = bibOfProtocol(protocol(s, at));
    const refusal = this.admit4(t, s, at, bib);
    if (refusal !== TRANSLATED) return refusal;
    const upper = at + header;
    if (end - upper < headerOf(bib)) return verdicts.BAD_TRANSPORT;
    const v = s.view;
    const state = this.state;
    const field = bib === ICMP_BIB ? ECHO_IDENTIFIER : DESTINATION_PORT;
    const port4 = v.getUint16(upper + field);
    const verdict = state.incoming(
      bib,
      destination(s, at),
      port4,
      source(s, at),
      bib === ICMP_BIB ? 0 : v.getUint16(upper),
      bib === TCP_BIB ? v.getUint8(upper + TCP_FLAGS) : 0,
      nowMs,
    );
    if (verdict !== TRANSLATED) return verdict;
    if (isInside(this.prefix, state.s0, state.s1, state.s2)) return verdicts.HAIRPIN_LOOP;
    setIpv6(t, s, at, state.s0, state.s1, state.s2, state.s3);
    setPort(t, field, port4, state.port6);
    return TRANSLATED;
  }

  /** Who may send what where, without ports. The destination is then in t.map.ipv4. */
  admit6(t: Translator, s: Slab, at: number, bib: number): verdicts.Verdict {
    if (bib < 0) return verdicts.PROTOCOL;
    const v = s.view;
    const a = v.getInt32(at + IPV6_SOURCE);
    const b = v.getInt32(at + IPV6_SOURCE + 4);
    const c = v.getInt32(at + IPV6_SOURCE + 8);
    if (isInside(this.prefix, a, b, c)) return verdicts.OWN_SOURCE; // RFC 6146 §3.5: hairpinning loops otherwise
    if (!this.clients.has(a, b, c, v.getInt32(at + IPV6_SOURCE + 12))) return verdicts.NOT_A_CLIENT;
    return this.mapRemote6(t, s, at + IPV6_DESTINATION);
  }

  /** The IPv4 address in the IPv6 address at `at`, into t.map.ipv4, or why there is none. */
  mapRemote6(t: Translator, s: Slab, at: number): verdicts.Verdict {
    const v = s.view;
    t.isSourceRefused = false;
    const words = v.getInt32(at + 12);
    const how = t.map.toIpv4(v.getInt32(at), v.getInt32(at + 4), v.getInt32(at + 8), words, PREFIX_ONLY, -1);
    if (how < 0) return how === REFUSED_NON_GLOBAL ? verdicts.NON_GLOBAL : verdicts.NO_MAPPING_DESTINATION;
    const isMartian = t.checkMartians4(t.map.ipv4, t.map.ipv4) !== TRANSLATED;
    return isMartian ? verdicts.MARTIAN_DESTINATION : TRANSLATED;
  }

  /** Who may send to the pool. The sender's IPv6 form is then in t.map. */
  admit4(t: Translator, s: Slab, at: number, bib: number): verdicts.Verdict {
    if (bib < 0) return verdicts.PROTOCOL;
    if (!t.isSecondPass && this.state.isOwn4(source(s, at))) return verdicts.OWN_SOURCE;
    t.isSourceRefused = true;
    const how = t.map.toIpv6(source(s, at), PREFIX_ONLY);
    return how < 0 ? verdicts.NON_GLOBAL : TRANSLATED;
  }

  /** Whether an IPv4 address needs a second look: martian, not to be carried by the prefix, or of the pool. */
  isDelicate4(ipv4: number): boolean {
    return isMartian4(ipv4) || (this.refusesNonGlobal && isNonGlobal4(ipv4)) || this.state.isOwn4(ipv4);
  }
}

/** The least that a session is made by: ports or identifier, and of TCP the flags. */
const headerOf = (bib: number): number => (bib === TCP_BIB ? TCP_HEADER : UDP_HEADER);
