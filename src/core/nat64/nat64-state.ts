// The tables of one stateful NAT64 as the packet path sees them (RFC 6146 §3.5): which binding and session a packet belongs to,
// whether it may open one, and what has run out. Read next: nat64-tables.ts (what there is), tcp-state.ts, port-pool.ts.
//
//     outgoing():  (IPv6, port) ─ bib.ts ─► binding ─ session-table.ts ─► session ─► state     none: limits, pool, new ones
//     incoming():  (IPv4, port) ─ bib.ts ─► binding ─ session-table.ts ─► session ─► state     none: filter, held SYN
//
// The methods up to expire() run for each packet. They leave their result in the registers below and return TRANSLATED or the
// reason why not (translate/verdict.ts). Addresses are signed words, ports 0–65535, an ICMP identifier stands for a port.
// A session whose time is over, but which expire() has not reached yet, lives on when a packet comes.

import * as verdicts from '../translate/verdict.ts';
import { type Bib, HOLDS_PORT, IS_CONFIGURED, IS_RESTORED, IS_STATIC } from './bib.ts';
import { TCP_BIB } from './bib-protocol.ts';
import { TICK_MS } from './expiry-wheel.ts';
import { QUOTE_BYTES } from './held-syns.ts';
import { ADMITTED, HOST_IS_FULL, type Hosts, leaving, NETWORK_IS_FULL } from './hosts.ts';
import { type BindingPage, listBindings, listSessions, type SessionPage, type TableFilter } from './listing.ts';
import type { MappingRecord } from './mapping-log.ts';
import { countersOf } from './nat64-counters.ts';
import { type Nat64Counters, Nat64Tables } from './nat64-tables.ts';
import { shareOf } from './port-shares.ts';
import { type Dropped, reconfigure } from './reconfigure.ts';
import { type RestoreResult, restoreBindings, saveBindings } from './saved-bindings.ts';
import { FIRST_STATE_V4, FIRST_STATE_V6, TRANSITIONS } from './session-state.ts';
import type { SessionTable } from './session-table.ts';
import type { Nat64Settings, StaticBinding } from './settings.ts';
import { addStatic, removeStatic, type StaticResult } from './static-bindings.ts';
import { ESTABLISHED, EVENTS, FROM_V4, OPENS, REFRESHES, TRANS, tcpEvent } from './tcp-state.ts';

export { QUOTE_BYTES };

const { TRANSLATED } = verdicts;

/** What {@link Nat64State.expire} found. */
export const EXPIRED_ALL = 0;
/** The budget is used up; more is due. */
export const EXPIRED_SOME = 1;
/** An established TCP session ran out and is in TRANS now: send a probe. Set: s0…s3, port6, source4, sourcePort, remote4, remotePort. */
export const EXPIRED_PROBE = 2;
/** A held SYN ran out. Set: source4 and sourcePort (where it went), remote4 and remotePort, quote and quoteLength. */
export const EXPIRED_SYN = 3;

/** Stateful NAT64's tables. One thread uses them; never throws after construction, but for settings that cannot be. */
export class Nat64State {
  /** IPv4 side of the binding at work, signed. */
  source4 = 0;
  sourcePort = 0;
  /** IPv6 side of the binding at work. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  port6 = 0;
  /** The far end; only expire() sets it. */
  remote4 = 0;
  remotePort = 0;
  /** The session at work; 0: a TCP segment that passes by its binding alone (RFC 6146 §3.5.2.2, CLOSED). */
  session = 0;
  /** First bytes of a held SYN that ran out; overwritten by the next. */
  readonly quote = new Uint8Array(QUOTE_BYTES);
  quoteLength = 0;
  /** What the last {@link expire} left of its budget. */
  budgetLeft = 0;
  /** What the last {@link reconfigure} had no room for. */
  dropped: Dropped = { bindings: 0, sessions: 0 };
  /** All that lasts. The packet path asks it whether anything can run out; the rest is for the cold files of this folder. */
  readonly tables: Nat64Tables;
  // Three of the tables, for a step less per packet.
  private readonly bib: Bib;
  private readonly sessions: SessionTable;
  private readonly hosts: Hosts;
  /** The place of the SYN that was held last. */
  private heldPlace = -1;

  /**
   * @param random 32 unpredictable bits: ports and hash keys come from it
   * @throws RangeError for a pool, limits or port blocks that cannot be; src/config refuses those with a message
   */
  constructor(settings: Nat64Settings, random: () => number, nowMs: number) {
    this.tables = new Nat64Tables(settings, random, nowMs);
    this.bib = this.tables.bib;
    this.sessions = this.tables.sessions;
    this.hosts = this.tables.hosts;
    for (const binding of settings.staticBindings) addStatic(this.tables, binding, IS_CONFIGURED, nowMs);
  }

  /** Whether an address is one of the pool's or of a static binding (rule N-08). */
  isOwn4(address: number): boolean {
    const t = this.tables;
    return t.pool.placeOf(address) >= 0 || (t.staticCount !== 0 && t.staticAddresses.has(address));
  }

  /** IPv6 → IPv4: finds or makes binding and session. Sets source4, sourcePort, session. */
  outgoing(
    proto: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    port6: number,
    remote4: number,
    remotePort: number,
    tcpFlags: number,
    nowMs: number,
  ): number {
    const { bib, sessions } = this;
    const event = proto === TCP_BIB ? tcpEvent(tcpFlags) : 0;
    const binding = bib.find6(proto, s0, s1, s2, s3, port6);
    if (binding === 0) {
      this.s0 = s0;
      this.s1 = s1;
      this.s2 = s2;
      this.s3 = s3;
      return this.bind(proto, port6, remote4, remotePort, event, nowMs);
    }
    this.source4 = bib.ipv4(binding);
    this.sourcePort = bib.port4(binding);
    const session = sessions.find(binding, remote4, remotePort);
    if (session === 0) return this.openFromV6(binding, remote4, remotePort, event, nowMs);
    this.session = session;
    this.step(session, event, nowMs);
    return TRANSLATED;
  }

  /** IPv4 → IPv6: finds the binding, filters (rule N-02). Sets s0…s3, port6, session. After SYN_HELD: {@link keepQuote}. */
  incoming(
    proto: number,
    pool4: number,
    port4: number,
    remote4: number,
    remotePort: number,
    tcpFlags: number,
    nowMs: number,
  ): number {
    const { bib, sessions } = this;
    const event = proto === TCP_BIB ? tcpEvent(tcpFlags) : 0;
    const binding = bib.find4(proto, pool4, port4);
    if (binding === 0) {
      const isHeld = proto === TCP_BIB && event === OPENS && this.isOwn4(pool4);
      return isHeld ? this.hold(pool4, port4, remote4, remotePort, nowMs) : verdicts.NO_BINDING;
    }
    this.setInside(binding);
    const session = sessions.find(binding, remote4, remotePort);
    if (session === 0) return this.openFromV4(binding, remote4, remotePort, event, nowMs);
    this.session = session;
    this.step(session, event | FROM_V4, nowMs);
    return TRANSLATED;
  }

  /** Keeps the first bytes of the SYN that was just held, for the error about it. */
  keepQuote(bytes: Uint8Array, start: number, length: number): void {
    this.tables.held.quote(this.heldPlace, bytes, start, length);
  }

  /** For ICMP errors: the session of a packet that this IPv6 host sent or got. Sets source4, sourcePort, session; changes nothing. */
  findByIpv6(
    proto: number,
    s0: number,
    s1: number,
    s2: number,
    s3: number,
    port6: number,
    remote4: number,
    remotePort: number,
  ): number {
    const { bib, sessions } = this;
    const binding = bib.find6(proto, s0, s1, s2, s3, port6);
    if (binding === 0) return verdicts.NO_BINDING;
    this.source4 = bib.ipv4(binding);
    this.sourcePort = bib.port4(binding);
    this.session = sessions.find(binding, remote4, remotePort);
    return this.session === 0 ? verdicts.NO_SESSION : TRANSLATED;
  }

  /** For ICMP errors: the session of a packet from or to this pool address. Sets s0…s3, port6, session; changes nothing. */
  findByIpv4(proto: number, pool4: number, port4: number, remote4: number, remotePort: number): number {
    const { bib, sessions } = this;
    const binding = bib.find4(proto, pool4, port4);
    if (binding === 0) return verdicts.NO_BINDING;
    this.setInside(binding);
    this.session = sessions.find(binding, remote4, remotePort);
    return this.session === 0 ? verdicts.NO_SESSION : TRANSLATED;
  }

  /**
   * Works off what is due, at most `budget` entries; some 100 ns each. What is left of the budget is then in budgetLeft.
   * @returns EXPIRED_*; after a probe or a SYN call again with what is left, until EXPIRED_ALL or EXPIRED_SOME
   */
  expire(nowMs: number, budget: number): number {
    const t = this.tables;
    t.setTime(nowMs);
    for (let left = budget; left > 0; left--) {
      this.budgetLeft = left - 1;
      const row = t.sessions.wheel.nextDue(nowMs);
      if (row === 0) return this.expireOthers(nowMs, left);
      if (t.endTick(row, nowMs) > Math.floor(nowMs / TICK_MS)) t.moveInWheel(row, nowMs);
      else if (t.wantsProbe(row)) return this.probe(row, nowMs);
      else t.closeSession(row);
    }
    this.budgetLeft = 0;
    return EXPIRED_SOME;
  }

  // --- What follows runs seldom.

  /** Makes a binding by hand (rule N-09). One that is in its way and was made by traffic goes; one made by hand stays. */
  addStatic(binding: StaticBinding, nowMs: number): StaticResult {
    return addStatic(this.tables, binding, IS_STATIC, nowMs);
  }

  /** Removes a binding made by hand, with its sessions. @returns false when there is none like it */
  removeStatic(binding: StaticBinding, nowMs: number): boolean {
    return removeStatic(this.tables, binding, IS_STATIC | IS_CONFIGURED, nowMs);
  }

  /** Applies other settings; what still fits stays (rule N-12). @throws RangeError for settings that cannot be; nothing is changed then */
  reconfigure(settings: Nat64Settings, nowMs: number): void {
    this.dropped = reconfigure(this.tables, settings, nowMs);
  }

  /** Sessions that pass a filter, one page: from `cursor` on (0: the first), at most `limit` of them. */
  listSessions(filter: TableFilter, limit: number, cursor: number, nowMs: number): SessionPage {
    return listSessions(this.tables, filter, limit, cursor, nowMs);
  }

  /** Bindings that pass a filter, one page, likewise. */
  listBindings(filter: TableFilter, limit: number, cursor: number): BindingPage {
    return listBindings(this.tables, filter, limit, cursor);
  }

  /** Records of the mapping log, the oldest first; they are taken out. */
  takeLog(limit: number): MappingRecord[] {
    return this.tables.log?.take(limit) ?? [];
  }

  /** All bindings but the configured ones as bytes, for {@link restore}. */
  save(): Uint8Array {
    return saveBindings(this.tables);
  }

  /** Takes saved bindings over; whatever the bytes are, nothing worse than a refusal happens. */
  restore(bytes: Uint8Array, nowMs: number): RestoreResult {
    return restoreBindings(this.tables, bytes, nowMs);
  }

  /** What there is and what was refused. */
  counters(): Nat64Counters {
    return countersOf(this.tables);
  }

  /** What a packet does to a session. */
  private step(session: number, event: number, nowMs: number): void {
    const { sessions } = this;
    const state = sessions.state(session);
    const transition = TRANSITIONS[state * EVENTS + event];
    if (transition >= REFRESHES) sessions.setSeen(session, nowMs | 0);
    const next = transition & ~REFRESHES;
    if (next !== state) this.tables.changeState(session, next, nowMs);
  }

  private setInside(binding: number): void {
    const { bib, hosts } = this;
    const host = bib.host(binding);
    this.s0 = hosts.word(host, 0);
    this.s1 = hosts.word(host, 1);
    this.s2 = hosts.word(host, 2);
    this.s3 = hosts.word(host, 3);
    this.port6 = bib.port6(binding);
  }

  /** Makes the binding and first session of (s0…s3, port6). */
  private bind(
    proto: number,
    port6: number,
    remote4: number,
    remotePort: number,
    event: number,
    nowMs: number,
  ): number {
    const t = this.tables;
    if (proto === TCP_BIB && event !== OPENS) return verdicts.NO_SESSION;
    const known = t.hosts.find(this.s0, this.s1, this.s2, this.s3);
    const refusal = this.admit(known, nowMs, 0);
    if (refusal !== TRANSLATED) return refusal;
    t.setTime(nowMs);
    const share = shareOf(t.pool, t.hosts, proto, known, this.s0, this.s1, this.s2, this.s3, nowMs);
    if (share !== TRANSLATED) return this.refuse(share);
    const host = known === 0 ? t.hosts.add(this.s0, this.s1, this.s2, this.s3, nowMs) : known;
    if (!t.pool.allocate(proto, host, port6)) {
      if (known === 0) t.removeHost(host);
      return this.refuse(verdicts.PORTS_EXHAUSTED);
    }
    const binding = t.addBinding(proto, host, port6, t.pool.address, t.pool.port, HOLDS_PORT);
    this.source4 = t.pool.address;
    this.sourcePort = t.pool.port;
    this.open(binding, remote4, remotePort, nowMs);
    return TRANSLATED;
  }

  /** A packet from inside that has a binding and no session. */
  private openFromV6(binding: number, remote4: number, remotePort: number, event: number, nowMs: number): number {
    const { bib } = this;
    this.session = 0;
    const isSegment = bib.protocol(binding) === TCP_BIB && event !== OPENS;
    // RFC 6146 §3.5.2.2, CLOSED: a segment that opens nothing passes by its binding alone, and changes nothing.
    if (isSegment && bib.flags(binding, IS_RESTORED) === 0) return TRANSLATED;
    const refusal = this.admit(bib.host(binding), nowMs, 0);
    if (refusal !== TRANSLATED) return refusal;
    // A restored binding's connections are older than this table: they are taken up as RFC 6146 takes them up from TRANS.
    if (isSegment) {
      this.session = this.tables.openSession(binding, remote4, remotePort, TRANS, nowMs);
      this.tables.takeUp(binding, nowMs);
    } else this.open(binding, remote4, remotePort, nowMs);
    return TRANSLATED;
  }

  /** Opens a session from inside; one that meets a held SYN is a simultaneous open, and established. */
  private open(binding: number, remote4: number, remotePort: number, nowMs: number): void {
    const { bib } = this;
    const { held } = this.tables;
    const proto = bib.protocol(binding);
    let state = FIRST_STATE_V6[proto];
    if (proto === TCP_BIB && held.count !== 0 && held.take(this.source4, this.sourcePort, remote4, remotePort))
      state = ESTABLISHED;
    this.session = this.tables.openSession(binding, remote4, remotePort, state, nowMs);
  }

  /** A packet from outside that has a binding and no session. */
  private openFromV4(binding: number, remote4: number, remotePort: number, event: number, nowMs: number): number {
    const t = this.tables;
    const proto = t.bib.protocol(binding);
    const isSyn = proto === TCP_BIB && event === OPENS;
    const isByHand = t.bib.flags(binding, IS_STATIC | IS_CONFIGURED) !== 0;
    this.session = 0;
    // A port opened by hand is open to all. A restored binding has forgotten whom its connection was with.
    if (
      t.isAddressDependent &&
      !isByHand &&
      !t.isPermitted(binding, remote4) &&
      (isSyn || !t.awaitsConnection(binding))
    ) {
      if (!isSyn) return verdicts.FILTERED;
      return this.hold(t.bib.ipv4(binding), t.bib.port4(binding), remote4, remotePort, nowMs);
    }
    if (proto === TCP_BIB && !isSyn) return TRANSLATED;
    // Whoever is outside may take half of a limit only, three quarters where a port is open by hand, or strangers could keep a
    // host from opening sessions of its own.
    const refusal = this.admit(t.bib.host(binding), nowMs, isByHand ? 2 : 1);
    if (refusal !== TRANSLATED) return refusal;
    this.session = t.openSession(binding, remote4, remotePort, FIRST_STATE_V4[proto], nowMs);
    return TRANSLATED;
  }

  /** Whether a host may have one session more (rule N-10); 0: the one at s0…s3, which has no record yet. `shift`: as in Hosts. */
  private admit(host: number, nowMs: number, shift: number): number {
    const t = this.tables;
    if (t.sessionCount >= leaving(t.settings.limits.sessions, shift)) return this.refuse(verdicts.SESSION_LIMIT);
    const found = t.hosts.admit(host, this.s0, this.s1, this.s2, this.s3, nowMs, shift);
    if (found === ADMITTED) return TRANSLATED;
    if (found === HOST_IS_FULL) return this.refuse(verdicts.HOST_LIMIT);
    return this.refuse(found === NETWORK_IS_FULL ? verdicts.NETWORK_LIMIT : verdicts.RATE_LIMIT);
  }

  private refuse(verdict: number): number {
    this.tables.refused[verdict]++;
    return verdict;
  }

  private hold(pool4: number, port4: number, remote4: number, remotePort: number, nowMs: number): number {
    const { held } = this.tables;
    if (held.capacity === 0) return verdicts.NO_BINDING;
    this.heldPlace = held.hold(pool4, port4, remote4, remotePort, nowMs | 0);
    return this.heldPlace < 0 ? this.refuse(verdicts.SYN_LIMIT) : verdicts.SYN_HELD;
  }

  /** Held SYNs, then the sweep. */
  private expireOthers(nowMs: number, budget: number): number {
    const t = this.tables;
    const place = t.held.oldest(nowMs, t.settings.timers.tcpIncomingSynMs);
    if (place < 0) return t.sweep(budget, nowMs) ? EXPIRED_ALL : EXPIRED_SOME;
    this.source4 = t.held.pool4(place);
    this.sourcePort = t.held.port4(place);
    this.remote4 = t.held.remote4(place);
    this.remotePort = t.held.remotePort(place);
    this.quoteLength = t.held.readQuote(place, this.quote);
    t.held.drop(place);
    return EXPIRED_SYN;
  }

  /** RFC 6146 §3.5.2.2: an established session that runs out gets another four minutes, and its host a probe. */
  private probe(row: number, nowMs: number): number {
    const { bib, sessions } = this;
    const binding = sessions.binding(row);
    sessions.setSeen(row, nowMs | 0);
    this.tables.changeState(row, TRANS, nowMs);
    this.setInside(binding);
    this.source4 = bib.ipv4(binding);
    this.sourcePort = bib.port4(binding);
    this.remote4 = sessions.remote4(row);
    this.remotePort = sessions.remotePort(row);
    this.session = row;
    return EXPIRED_PROBE;
  }
}
