// NAT64's tables driven by text: one packet in, the verdict's name and the other side as text out. Time is the driver's.

import { BIB_PROTOCOLS } from '../../src/core/nat64/bib-protocol.ts';
import { EXPIRED_ALL, EXPIRED_PROBE, EXPIRED_SOME, EXPIRED_SYN, Nat64State } from '../../src/core/nat64/nat64-state.ts';
import type { Nat64Protocol, Nat64Settings, StaticBinding } from '../../src/core/nat64/settings.ts';
import { TRANSLATED, VERDICTS } from '../../src/core/translate/verdict.ts';
import { ACK, FIN, RST, SYN } from '../../src/core/wire/tcp.ts';
import { Random } from '../fuzz/random.ts';
import { ip4, ip6, text4, text6 } from './addresses.ts';

/** The flags of TCP segments by what they say. */
export const SEGMENTS = { syn: SYN, synAck: SYN | ACK, ack: ACK, fin: FIN | ACK, rst: RST } as const;

/** What {@link Nat64Driver.wait} met. */
export interface Expired {
  /** "[ipv6]:port ipv4:port remote:port" of each. */
  readonly probes: string[];
  /** "ipv4:port remote:port" of each, with the bytes kept. */
  readonly syns: { readonly tuple: string; readonly quote: Uint8Array }[];
}

/** Splits "192.0.2.1:80". */
function endpoint4(text: string): [address: number, port: number] {
  const [address = '', port = ''] = text.split(':');
  return [ip4(address) | 0, Number(port)];
}

/** Splits "[2001:db8::1]:80". */
function endpoint6(text: string): [bytes: Uint8Array, port: number] {
  const [, address = '', port = ''] = /^\[(.*)\]:(\d+)$/.exec(text) ?? [];
  return [ip6(address), Number(port)];
}

const wordsOf = (bytes: Uint8Array): [number, number, number, number] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return [view.getInt32(0), view.getInt32(4), view.getInt32(8), view.getInt32(12)];
};

/** A binding by hand from text. */
export function staticBinding(protocol: Nat64Protocol, inside: string, outside: string): StaticBinding {
  const [ipv6, port6] = endpoint6(inside);
  const [ipv4, port4] = endpoint4(outside);
  return { protocol, ipv6, port6, ipv4: ipv4 >>> 0, port4 };
}

/** Drives one state. */
export class Nat64Driver {
  readonly state: Nat64State;
  nowMs: number;

  constructor(settings: Nat64Settings, seed = 1, nowMs = 1_000_000) {
    const random = new Random(seed);
    this.nowMs = nowMs;
    this.state = new Nat64State(settings, () => random.next(), nowMs);
  }

  /** A packet from inside. @returns "192.0.2.1:4711", or the verdict's name */
  out(protocol: Nat64Protocol, inside: string, remote: string, flags = 0): string {
    const { state } = this;
    const [ipv6, port6] = endpoint6(inside);
    const [far, farPort] = endpoint4(remote);
    const proto = BIB_PROTOCOLS.indexOf(protocol);
    const verdict = state.outgoing(proto, ...wordsOf(ipv6), port6, far, farPort, flags, this.nowMs);
    return verdict === TRANSLATED ? `${text4(state.source4 >>> 0)}:${state.sourcePort}` : nameOf(verdict);
  }

  /** A packet from outside. @returns "[2001:db8::1]:4711", or the verdict's name */
  in(protocol: Nat64Protocol, pool: string, remote: string, flags = 0): string {
    const { state } = this;
    const [near, nearPort] = endpoint4(pool);
    const [far, farPort] = endpoint4(remote);
    const verdict = state.incoming(BIB_PROTOCOLS.indexOf(protocol), near, nearPort, far, farPort, flags, this.nowMs);
    return verdict === TRANSLATED ? this.inside() : nameOf(verdict);
  }

  /** Lets time pass, a second at a time, as the packet path does. */
  wait(ms: number): Expired {
    const expired: Expired = { probes: [], syns: [] };
    for (let left = ms; left > 0; left -= 1000) {
      this.nowMs += Math.min(left, 1000);
      this.expire(expired);
    }
    return expired;
  }

  /** All sessions as "tcp [inside]:port pool:port remote:port state", sorted. */
  sessions(): string[] {
    const { sessions } = this.state.listSessions({}, 10_000, 0, this.nowMs);
    return sessions
      .map(
        (s) =>
          `${s.protocol} [${text6(s.ipv6)}]:${s.port6} ${text4(s.ipv4)}:${s.port4} ${text4(s.remote4)}:${s.remotePort} ${s.state}`,
      )
      .sort();
  }

  /** The state of the only session. */
  get onlyState(): string {
    const all = this.sessions();
    if (all.length !== 1) throw new Error(`${all.length} sessions`);
    return all[0]?.split(' ').at(-1) ?? '';
  }

  /** All bindings as "tcp [inside]:port pool:port origin", sorted. */
  bindings(): string[] {
    return this.state
      .listBindings({}, 10_000, 0)
      .bindings.map((b) => `${b.protocol} [${text6(b.ipv6)}]:${b.port6} ${text4(b.ipv4)}:${b.port4} ${b.origin}`)
      .sort();
  }

  /** Works off all that is due now. */
  expire(into: Expired = { probes: [], syns: [] }): Expired {
    const { state } = this;
    const far = () => `${text4(state.remote4 >>> 0)}:${state.remotePort}`;
    const pool = () => `${text4(state.source4 >>> 0)}:${state.sourcePort}`;
    for (;;) {
      const found = state.expire(this.nowMs, 100);
      if (found === EXPIRED_ALL) return into;
      if (found === EXPIRED_PROBE) into.probes.push(`${this.inside()} ${pool()} ${far()}`);
      else if (found === EXPIRED_SYN)
        into.syns.push({ tuple: `${pool()} ${far()}`, quote: state.quote.slice(0, state.quoteLength) });
      else if (found !== EXPIRED_SOME) throw new Error(`expire() gave ${found}`);
    }
  }

  private inside(): string {
    const { s0, s1, s2, s3, port6 } = this.state;
    const bytes = new Uint8Array(16);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of [s0, s1, s2, s3].entries()) view.setInt32(i * 4, word);
    return `[${text6(bytes)}]:${port6}`;
  }
}

function nameOf(verdict: number): string {
  return VERDICTS[verdict]?.[0] ?? `verdict ${verdict}`;
}
