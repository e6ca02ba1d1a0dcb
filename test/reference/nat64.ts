// Stateful NAT64 written down as RFC 6146 §3 tells it: maps, objects and strings, no thought of speed. The twin of
// src/core/nat64/nat64-state.ts. It is told which port the other one drew for a new binding, and says whether that was allowed.
//
// What is ours and not the RFC's stands here too, in the same plain words: a session runs out at the first whole second at or
// after its time; datagrams from outside refresh a session only once the inside has spoken; SYNs reopen what two FINs closed; the
// outside gets half of each limit, three quarters where a port is open by hand; a binding ends when the last session ends that the
// inside has spoken in, and what strangers opened on it counts for its time but is found no more. Not here: ports that rest, and
// shares of a large pool.

import type { Nat64Settings } from '../../src/core/nat64/settings.ts';

export type Protocol = 'udp' | 'tcp' | 'icmp';
/** What a TCP segment says; datagrams say 'other'. */
export type Says = 'other' | 'syn' | 'fin' | 'rst';
export type State =
  | 'v4-init'
  | 'v6-init'
  | 'established'
  | 'v4-fin-rcv'
  | 'v6-fin-rcv'
  | 'v4-fin-v6-fin-rcv'
  | 'trans'
  | 'udp'
  | 'udp-in'
  | 'icmp'
  | 'icmp-in';

export interface Binding {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port6: number;
  readonly pool: number;
  readonly port4: number;
  readonly isStatic: boolean;
}

export interface Session {
  readonly binding: Binding;
  readonly remote: number;
  readonly remotePort: number;
  state: State;
  /** When its time is over. */
  endsMs: number;
}

interface HeldSyn {
  readonly pool: number;
  readonly port4: number;
  readonly remote: number;
  readonly remotePort: number;
  readonly cameMs: number;
}

/** What a packet led to. */
export type Outcome =
  | { readonly verdict: 'translated'; readonly binding: Binding; readonly session: Session | null }
  /** Outgoing, and a binding has to be made first: ask again with the address and port that were drawn. */
  | { readonly verdict: 'draw' }
  | { readonly verdict: string };

/** States that only the outside has spoken in. */
const STRANGERS: readonly State[] = ['v4-init', 'udp-in', 'icmp-in'];

const key6 = (protocol: Protocol, host: string, port6: number) => `${protocol} ${host} ${port6}`;
const key4 = (protocol: Protocol, pool: number, port4: number) => `${protocol} ${pool} ${port4}`;

/** One NAT64. */
export class ReferenceNat64 {
  readonly bindings = new Map<string, Binding>();
  readonly byPool = new Map<string, Binding>();
  readonly sessions = new Set<Session>();
  /** Sessions of bindings that have ended; they count until their time is over. */
  readonly orphans = new Set<Session>();
  held: HeldSyn[] = [];
  private readonly settings: Nat64Settings;

  constructor(settings: Nat64Settings) {
    this.settings = settings;
  }

  addStatic(protocol: Protocol, host: string, port6: number, pool: number, port4: number): void {
    this.bind({ protocol, host, port6, pool, port4, isStatic: true });
  }

  removeStatic(protocol: Protocol, host: string, port6: number): void {
    const binding = this.bindings.get(key6(protocol, host, port6));
    if (binding === undefined) return;
    for (const session of this.sessionsOf(binding)) this.sessions.delete(session);
    this.unbind(binding);
  }

  /** A packet from inside. `drawn`: what a new binding gets. */
  outgoing(
    protocol: Protocol,
    host: string,
    port6: number,
    remote: number,
    remotePort: number,
    says: Says,
    nowMs: number,
    drawn?: { readonly pool: number; readonly port4: number },
  ): Outcome {
    let binding = this.bindings.get(key6(protocol, host, port6));
    if (binding === undefined && protocol === 'tcp' && says !== 'syn') return { verdict: 'no-session' };
    const session = binding === undefined ? undefined : this.find(binding, remote, remotePort);
    if (binding !== undefined && session !== undefined) {
      this.step(session, 'v6', says, nowMs);
      return { verdict: 'translated', binding, session };
    }
    if (binding !== undefined && protocol === 'tcp' && says !== 'syn')
      return { verdict: 'translated', binding, session: null };
    const refusal = this.limits(host, 0);
    if (refusal !== null) return { verdict: refusal };
    if (binding === undefined) {
      if (drawn === undefined) return { verdict: 'draw' };
      binding = { protocol, host, port6, ...drawn, isStatic: false };
      this.bind(binding);
    }
    const meets = protocol === 'tcp' && this.takeHeld(binding, remote, remotePort);
    const first = { udp: 'udp', tcp: meets ? 'established' : 'v6-init', icmp: 'icmp' } as const;
    return { verdict: 'translated', binding, session: this.open(binding, remote, remotePort, first[protocol], nowMs) };
  }

  /** A packet from outside. `isOurs`: whether the address is one of the pool's or of a static binding. */
  incoming(
    protocol: Protocol,
    pool: number,
    port4: number,
    remote: number,
    remotePort: number,
    says: Says,
    nowMs: number,
  ): Outcome {
    const binding = this.byPool.get(key4(protocol, pool, port4));
    const isSyn = protocol === 'tcp' && says === 'syn';
    if (binding === undefined)
      return isSyn ? this.hold({ pool, port4, remote, remotePort, cameMs: nowMs }) : { verdict: 'no-binding' };
    const session = this.find(binding, remote, remotePort);
    if (session !== undefined) {
      this.step(session, 'v4', says, nowMs);
      return { verdict: 'translated', binding, session };
    }
    const isKnown = [...this.sessionsOf(binding)].some((other) => other.remote === remote);
    if (this.settings.filtering === 'address-dependent' && !isKnown && !binding.isStatic)
      return isSyn ? this.hold({ pool, port4, remote, remotePort, cameMs: nowMs }) : { verdict: 'filtered' };
    if (protocol === 'tcp' && !isSyn) return { verdict: 'translated', binding, session: null };
    const refusal = this.limits(binding.host, binding.isStatic ? 1 / 4 : 1 / 2);
    if (refusal !== null) return { verdict: refusal };
    const first = { udp: 'udp-in', tcp: 'v4-init', icmp: 'icmp-in' } as const;
    return { verdict: 'translated', binding, session: this.open(binding, remote, remotePort, first[protocol], nowMs) };
  }

  /** Lets time pass. @returns the sessions that want a probe, and the SYNs that nobody answered */
  expire(nowMs: number): { probes: Session[]; syns: HeldSyn[] } {
    const probes: Session[] = [];
    for (const session of [...this.sessions, ...this.orphans]) {
      if (Math.ceil(session.endsMs / 1000) > Math.floor(nowMs / 1000)) continue;
      if (this.orphans.delete(session)) continue;
      if (session.state === 'established') {
        session.state = 'trans';
        session.endsMs = nowMs + this.settings.timers.tcpTransitoryMs;
        probes.push(session);
      } else this.close(session);
    }
    const isOver = (syn: HeldSyn) => nowMs - syn.cameMs >= this.settings.timers.tcpIncomingSynMs;
    const syns = this.held.filter(isOver);
    this.held = this.held.filter((syn) => !isOver(syn));
    return { probes, syns };
  }

  sessionsOf(binding: Binding): Session[] {
    return [...this.sessions].filter((session) => session.binding === binding);
  }

  find(binding: Binding, remote: number, remotePort: number): Session | undefined {
    return this.sessionsOf(binding).find((s) => s.remote === remote && s.remotePort === remotePort);
  }

  private bind(binding: Binding): void {
    this.bindings.set(key6(binding.protocol, binding.host, binding.port6), binding);
    this.byPool.set(key4(binding.protocol, binding.pool, binding.port4), binding);
  }

  private unbind(binding: Binding): void {
    this.bindings.delete(key6(binding.protocol, binding.host, binding.port6));
    this.byPool.delete(key4(binding.protocol, binding.pool, binding.port4));
  }

  private open(binding: Binding, remote: number, remotePort: number, state: State, nowMs: number): Session {
    const session = { binding, remote, remotePort, state, endsMs: nowMs + this.lifetime(state) };
    this.sessions.add(session);
    return session;
  }

  private close(session: Session): void {
    this.sessions.delete(session);
    const { binding } = session;
    const others = this.sessionsOf(binding);
    if (binding.isStatic || others.some(({ state }) => !STRANGERS.includes(state))) return;
    this.unbind(binding);
    for (const other of others) {
      this.sessions.delete(other);
      this.orphans.add(other);
    }
  }

  /** `left`: the part of each limit that is left to the inside. */
  private limits(host: string, left: number): string | null {
    const { sessions, sessionsPerHost } = this.settings.limits;
    const allowed = (limit: number) => limit - Math.floor(limit * left);
    const all = [...this.sessions, ...this.orphans];
    if (all.length >= allowed(sessions)) return 'session-limit';
    const ofHost = all.filter((session) => session.binding.host === host).length;
    return sessionsPerHost !== 0 && ofHost >= allowed(sessionsPerHost) ? 'host-limit' : null;
  }

  private hold(syn: HeldSyn): Outcome {
    const isSame = (other: HeldSyn) =>
      other.pool === syn.pool &&
      other.port4 === syn.port4 &&
      other.remote === syn.remote &&
      other.remotePort === syn.remotePort;
    if (!this.held.some(isSame)) this.held.push(syn);
    return { verdict: 'syn-held' };
  }

  private takeHeld(binding: Binding, remote: number, remotePort: number): boolean {
    const before = this.held.length;
    this.held = this.held.filter(
      (syn) =>
        syn.pool !== binding.pool ||
        syn.port4 !== binding.port4 ||
        syn.remote !== remote ||
        syn.remotePort !== remotePort,
    );
    return this.held.length < before;
  }

  private lifetime(state: State): number {
    const { timers } = this.settings;
    if (state === 'udp' || state === 'udp-in') return timers.udpMs;
    if (state === 'icmp' || state === 'icmp-in') return timers.icmpMs;
    const isLong = state === 'established' || state === 'v4-fin-rcv' || state === 'v6-fin-rcv';
    return isLong ? timers.tcpEstablishedMs : timers.tcpTransitoryMs;
  }

  /** RFC 6146 §3.5.1, §3.5.2.2, §3.5.3: what a packet does to a session. */
  private step(session: Session, side: 'v4' | 'v6', says: Says, nowMs: number): void {
    const next = nextState(session.state, side, says);
    if (next === null) return;
    session.state = next;
    session.endsMs = nowMs + this.lifetime(next);
  }
}

/** The next state, its time begun anew; null: nothing changes. */
export function nextState(state: State, side: 'v4' | 'v6', says: Says): State | null {
  switch (state) {
    case 'udp':
    case 'icmp':
      return state;
    case 'udp-in':
      return side === 'v6' ? 'udp' : null;
    case 'icmp-in':
      return side === 'v6' ? 'icmp' : null;
    case 'v4-init':
      return side === 'v6' && says === 'syn' ? 'established' : null;
    case 'v6-init':
      if (says !== 'syn') return null;
      return side === 'v4' ? 'established' : 'v6-init';
    case 'established':
      if (says === 'rst') return 'trans';
      if (says === 'fin') return side === 'v4' ? 'v4-fin-rcv' : 'v6-fin-rcv';
      return 'established';
    case 'v4-fin-rcv':
      return side === 'v6' && says === 'fin' ? 'v4-fin-v6-fin-rcv' : 'v4-fin-rcv';
    case 'v6-fin-rcv':
      return side === 'v4' && says === 'fin' ? 'v4-fin-v6-fin-rcv' : 'v6-fin-rcv';
    case 'v4-fin-v6-fin-rcv':
      if (says !== 'syn') return null;
      return side === 'v4' ? 'v4-init' : 'v6-init';
    case 'trans':
      return says === 'rst' ? null : 'established';
  }
}
