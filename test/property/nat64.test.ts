// NAT64's tables against their plain twin (test/reference/nat64.ts): random packets, bindings by hand and time, on both at once.
// After each event the two agree on verdicts, bindings, sessions and states; no port of the pool is ever in use twice; and
// when everything has run out, every counter is back at zero.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { BIB_PROTOCOLS } from '../../src/core/nat64/bib-protocol.ts';
import { EXPIRED_ALL, EXPIRED_PROBE, EXPIRED_SYN, Nat64State } from '../../src/core/nat64/nat64-state.ts';
import { REST_MS } from '../../src/core/nat64/resting-ports.ts';
import { DEFAULT_LIMITS, DEFAULT_NAT64, DEFAULT_TIMERS, type Nat64Settings } from '../../src/core/nat64/settings.ts';
import { VERDICTS } from '../../src/core/translate/verdict.ts';
import { FIN, RST, SYN } from '../../src/core/wire/tcp.ts';
import { Random } from '../fuzz/random.ts';
import { type Outcome, type Protocol, ReferenceNat64, type Says } from '../reference/nat64.ts';
import { ip4, text6 } from '../support/addresses.ts';

const POOL = ip4('192.0.2.1');
const OUTSIDE = ip4('203.0.113.9');
const HOSTS = ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:2::1'];
const wordsOf = (host: number): [number, number, number, number] => [
  0x20010db8,
  host < 2 ? 0x10000 : 0x20000,
  0,
  host < 2 ? host + 1 : 1,
];
const REMOTES = [0, 1, 2].map((i) => ip4('198.51.100.1') + i);
const FLAGS: Readonly<Record<Says, number>> = { other: 0x10, syn: SYN, fin: FIN | 0x10, rst: RST };

/** Few of everything, so that things meet. Ports 1020–1035: both ranges of RFC 4787 REQ-3. */
const SETTINGS: Nat64Settings = {
  ...DEFAULT_NAT64,
  pool: BIB_PROTOCOLS.map((protocol) => ({ protocol, address: POOL, addresses: 2, firstPort: 1020, lastPort: 1027 })),
  timers: { ...DEFAULT_TIMERS, udpMs: 5_000, tcpEstablishedMs: 20_000, tcpTransitoryMs: 8_000, icmpMs: 2_500 },
  limits: { ...DEFAULT_LIMITS, sessions: 40, sessionsPerHost: 20, newSessionsPerSecondPerHost: 0 },
};

type Event =
  | { kind: 'out'; protocol: Protocol; host: number; port6: number; remote: number; remotePort: number; says: Says }
  | { kind: 'in'; protocol: Protocol; pick: number; remote: number; remotePort: number; says: Says }
  | { kind: 'talk'; pick: number; isOut: boolean; says: Says }
  | { kind: 'static'; protocol: Protocol; host: number; isAdded: boolean }
  | { kind: 'wait'; ms: number };

const protocol = fc.constantFrom<Protocol>('udp', 'tcp', 'icmp');
const says = fc.constantFrom<Says>('syn', 'syn', 'other', 'fin', 'rst');
const remote = fc.nat({ max: REMOTES.length - 1 });
const remotePort = fc.integer({ min: 80, max: 82 });
const host = fc.nat({ max: HOSTS.length - 1 });
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('out' as const),
        protocol,
        host,
        port6: fc.integer({ min: 1018, max: 1030 }),
        remote,
        remotePort,
        says,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('in' as const),
        protocol,
        pick: fc.nat({ max: 40 }),
        remote,
        remotePort,
        says,
      }),
    },
    {
      weight: 9,
      arbitrary: fc.record({ kind: fc.constant('talk' as const), pick: fc.nat(), isOut: fc.boolean(), says }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('static' as const), protocol, host, isAdded: fc.boolean() }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('wait' as const),
        ms: fc.constantFrom(1, 400, 999, 1000, 2600, 9000, 70_000),
      }),
    },
  ),
  { maxLength: 150, size: 'max' },
);

/** The two, side by side. */
class Pair {
  readonly engine: Nat64State;
  readonly twin: ReferenceNat64;
  private nowMs = 5_000_000_123;
  /** When each port of the pool was last given back. */
  private readonly givenBackMs = new Map<string, number>();
  private bound = new Set<string>();

  constructor(settings: Nat64Settings) {
    const random = new Random(7);
    this.engine = new Nat64State(settings, () => random.next(), this.nowMs);
    this.twin = new ReferenceNat64(settings);
  }

  play(event: Event): void {
    if (event.kind === 'out') this.out(event);
    else if (event.kind === 'in') this.in(event);
    else if (event.kind === 'talk') this.talk(event);
    else if (event.kind === 'static') this.static(event);
    else this.wait(event.ms);
    this.compare();
  }

  wait(ms: number): void {
    this.nowMs += ms;
    const { engine } = this;
    let [probes, syns] = [0, 0];
    for (let found = engine.expire(this.nowMs, 1000); found !== EXPIRED_ALL; found = engine.expire(this.nowMs, 1000)) {
      if (found === EXPIRED_PROBE) probes++;
      else if (found === EXPIRED_SYN) syns++;
    }
    const expected = this.twin.expire(this.nowMs);
    assert.deepEqual([probes, syns], [expected.probes.length, expected.syns.length], 'probes and SYNs');
  }

  /** Another packet of a session that there is. */
  private talk({ pick, isOut, says: word }: Event & { kind: 'talk' }): void {
    const sessions = [...this.twin.sessions];
    const session = sessions[pick % Math.max(1, sessions.length)];
    if (session === undefined) return;
    const { binding } = session;
    const far = { remote: REMOTES.indexOf(session.remote), remotePort: session.remotePort, says: word };
    const near = { protocol: binding.protocol, host: HOSTS.indexOf(binding.host), port6: binding.port6 };
    if (isOut) this.out({ kind: 'out', ...near, ...far });
    else
      this.in({
        kind: 'in',
        protocol: binding.protocol,
        pick: [...this.twin.bindings.values()].indexOf(binding),
        ...far,
      });
  }

  private out(event: Event & { kind: 'out' }): void {
    const { engine, twin, nowMs } = this;
    const far = REMOTES[event.remote] as number;
    const port = event.protocol === 'icmp' ? 0 : event.remotePort;
    const args = [event.protocol, HOSTS[event.host] as string, event.port6, far, port, event.says, nowMs] as const;
    const flags = event.protocol === 'tcp' ? FLAGS[event.says] : 0;
    const verdict = engine.outgoing(
      BIB_PROTOCOLS.indexOf(event.protocol),
      ...wordsOf(event.host),
      event.port6,
      far | 0,
      port,
      flags,
      nowMs,
    );
    let expected: Outcome = twin.outgoing(...args);
    if (expected.verdict === 'draw') {
      if (VERDICTS[verdict]?.[0] === 'ports-exhausted') {
        this.assertExhausted(event.protocol);
        return;
      }
      this.assertFree(event.protocol, event.port6);
      expected = twin.outgoing(...args, { pool: engine.source4 >>> 0, port4: engine.sourcePort });
    }
    this.assertOutcome(verdict, expected);
    if ('binding' in expected)
      assert.deepEqual([engine.source4 >>> 0, engine.sourcePort], [expected.binding.pool, expected.binding.port4]);
  }

  private in(event: Event & { kind: 'in' }): void {
    const { engine, twin, nowMs } = this;
    const far = REMOTES[event.remote] as number;
    const bound = [...twin.bindings.values()];
    const known = bound[event.pick];
    const kind = known?.protocol ?? event.protocol;
    const [pool, port4] = known === undefined ? [POOL, 1020 + (event.pick % 8)] : [known.pool, known.port4];
    const port = kind === 'icmp' ? 0 : event.remotePort;
    const flags = kind === 'tcp' ? FLAGS[event.says] : 0;
    const verdict = engine.incoming(BIB_PROTOCOLS.indexOf(kind), pool | 0, port4, far | 0, port, flags, nowMs);
    const expected = twin.incoming(kind, pool, port4, far, port, event.says, nowMs);
    this.assertOutcome(verdict, expected);
    if (!('binding' in expected)) return;
    const found = HOSTS.findIndex((_, i) => wordsOf(i).join() === [engine.s0, engine.s1, engine.s2, engine.s3].join());
    assert.deepEqual([HOSTS[found], engine.port6], [expected.binding.host, expected.binding.port6]);
  }

  /** Port 900 of a host, outside of the pool at an address of its own. */
  private static({ protocol: kind, host: at, isAdded }: Event & { kind: 'static' }): void {
    const { engine, twin, nowMs } = this;
    const name = HOSTS[at] as string;
    const ipv6 = new Uint8Array(16);
    const view = new DataView(ipv6.buffer);
    for (const [i, word] of wordsOf(at).entries()) view.setInt32(i * 4, word);
    const binding = { protocol: kind, ipv6, port6: 900, ipv4: OUTSIDE, port4: 900 + at };
    const isThere = twin.bindings.has(`${kind} ${name} 900`);
    if (isAdded) {
      assert.equal(engine.addStatic(binding, nowMs), isThere ? 'exists' : 'added');
      if (!isThere) twin.addStatic(kind, name, 900, OUTSIDE, 900 + at);
    } else {
      assert.equal(engine.removeStatic(binding, nowMs), isThere);
      twin.removeStatic(kind, name, 900);
      // A removed binding's sessions go with the sweep, which the clock drives.
      while (engine.expire(nowMs, 1000) !== EXPIRED_ALL);
      twin.expire(nowMs);
    }
  }

  private assertOutcome(verdict: number, expected: Outcome): void {
    assert.equal(VERDICTS[verdict]?.[0], expected.verdict);
    if ('session' in expected) assert.equal(this.engine.session !== 0, expected.session !== null, 'has a session');
  }

  /** A drawn port is of the pool, nobody's, and keeps range and parity where it can. */
  private assertFree(kind: Protocol, port6: number): void {
    const [pool, port4] = [this.engine.source4 >>> 0, this.engine.sourcePort];
    assert.ok(pool === POOL || pool === POOL + 1, 'of the pool');
    const allFree = this.freePorts(kind, pool);
    assert.ok(allFree.includes(port4), `${port4} is free`);
    const restedMs = (port: number) => this.nowMs - (this.givenBackMs.get(`${kind} ${pool} ${port}`) ?? -Infinity);
    // Between the two it may rest, or no longer.
    const free = allFree.filter((port) => restedMs(port) > 2 * REST_MS);
    if (free.length > 0) assert.ok(restedMs(port4) >= REST_MS, `${port4} has rested`);
    if (kind === 'icmp') return;
    const inRange = free.filter((port) => port < 1024 === port6 < 1024);
    if (inRange.length > 0) assert.equal(port4 < 1024, port6 < 1024, `${port6} → ${port4} keeps its range`);
    const sameParity = inRange.filter((port) => port % 2 === port6 % 2);
    if (kind === 'udp' && sameParity.length > 0)
      assert.equal(port4 % 2, port6 % 2, `${port6} → ${port4} keeps its parity`);
  }

  private assertExhausted(kind: Protocol): void {
    assert.deepEqual([...this.freePorts(kind, POOL), ...this.freePorts(kind, POOL + 1)], [], 'ports are exhausted');
  }

  private freePorts(kind: Protocol, pool: number): number[] {
    return Array.from({ length: 8 }, (_, i) => 1020 + i).filter(
      (port) => !this.twin.byPool.has(`${kind} ${pool} ${port}`),
    );
  }

  /** Notes the ports that were given back since the last time. */
  private noteGivenBack(): void {
    const bound = new Set(this.twin.byPool.keys());
    for (const key of this.bound) if (!bound.has(key)) this.givenBackMs.set(key, this.nowMs);
    this.bound = bound;
  }

  compare(): void {
    const { engine, twin, nowMs } = this;
    this.noteGivenBack();
    const have = engine.listSessions({}, 1000, 0, nowMs).sessions;
    const sessions = have.map(
      (s) =>
        `${s.protocol} ${text6(s.ipv6)} ${s.port6} ${s.ipv4} ${s.port4} ${s.remote4} ${s.remotePort} ${s.state} ${nowMs + s.leftMs}`,
    );
    const want = [...twin.sessions].map(
      ({ binding: b, remote: r, remotePort: p, state, endsMs }) =>
        `${b.protocol} ${b.host} ${b.port6} ${b.pool} ${b.port4} ${r} ${p} ${state} ${Math.max(endsMs, nowMs)}`,
    );
    assert.deepEqual(sessions.sort(), want.sort());
    const bindings = engine
      .listBindings({}, 1000, 0)
      .bindings.map((b) => `${b.protocol} ${text6(b.ipv6)} ${b.port6} ${b.ipv4} ${b.port4} ${b.sessions}`);
    const wanted = [...twin.bindings.values()].map(
      (b) => `${b.protocol} ${b.host} ${b.port6} ${b.pool} ${b.port4} ${twin.sessionsOf(b).length}`,
    );
    assert.deepEqual(bindings.sort(), wanted.sort());
    assert.equal(engine.counters().heldSyns, twin.held.length);
  }
}

const cases: readonly (readonly [string, Nat64Settings])[] = [
  ['endpoint-independent filtering', SETTINGS],
  ['address-dependent filtering', { ...SETTINGS, filtering: 'address-dependent' }],
  ['tight limits', { ...SETTINGS, limits: { ...SETTINGS.limits, sessions: 9, sessionsPerHost: 5 } }],
];

describe("NAT64's tables against their plain twin", () => {
  for (const [name, settings] of cases) {
    test(`N-01, N-02, N-03, N-04, N-05, N-09 any packets and any time lead to the same bindings, sessions and states: ${name}`, () => {
      fc.assert(
        fc.property(events, (list) => {
          const pair = new Pair(settings);
          for (const event of list) pair.play(event);
          for (let i = 0; i < 5; i++) pair.wait(30_000);
          pair.compare();
          const { engine, twin } = pair;
          const statics = [...twin.bindings.values()].length;
          const { sessions, bindings, heldSyns, hosts, networks, freePorts } = engine.counters();
          assert.deepEqual([sessions, heldSyns, twin.sessions.size], [0, 0, 0]);
          assert.equal(bindings.udp + bindings.tcp + bindings.icmp, statics);
          assert.deepEqual(freePorts, { udp: 16, tcp: 16, icmp: 16 });
          if (statics === 0) assert.deepEqual([hosts, networks], [0, 0]);
        }),
        { numRuns: 100, seed: 1 },
      );
    });
  }
});
