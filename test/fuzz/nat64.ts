// A stateful NAT64 under random traffic: hosts, servers, answers, errors, fragments in any order, damaged packets, time that jumps.
// Two engines get the same: one may take the short way, the other never does; they must agree in every byte. Nothing may throw or
// write outside, every packet that goes out is sound, and when time has passed the tables are empty.

import { DEFAULT_LIMITS, DEFAULT_NAT64, type Nat64Settings } from '../../src/core/nat64/settings.ts';
import { DEFAULT_SETTINGS, type TranslatorSettings } from '../../src/core/translate/settings.ts';
import { embed } from '../reference/addresses.ts';
import { bytes16, read16, read32 } from '../reference/bytes.ts';
import { pseudoHeader4, pseudoHeader6, sumWords } from '../reference/checksum.ts';
import { ip4, ip6, prefix6, text6 } from '../support/addresses.ts';
import { Engine, type EngineResult } from '../support/engine.ts';
import { poolOf, seen } from '../support/nat64.ts';
import {
  fragmentHeader,
  icmp4,
  icmp6,
  ipv4,
  ipv6,
  type Layer,
  mutate,
  optionsHeader,
  raw,
  tcp,
  toHex,
  udp,
} from '../support/packets.ts';
import { damaged, repaired } from './generate.ts';
import { faultsOf, hasRightChecksums } from './invariants.ts';
import { offloadHeader } from './offload.ts';
import { Random } from './random.ts';

/** Packets of one run. */
export const NAT64_STEPS = 120;
const HOSTS = ['2001:db8:a::1', '2001:db8:a::2', '2001:db8:b::1', 'fd00::5'];
const REMOTES = ['198.51.100.7', '203.0.113.9', '8.8.8.8', '10.1.2.3', '127.0.0.1', '192.0.2.9'];
const PREFIXES = [
  '2001:db8:64::/96',
  '64:ff9b::/96',
  '2001:db8::/32',
  '2001:db8:122:344::/64',
  '2001:db8:122:300::/56',
];
const TCP_FLAGS = [2, 2, 2, 0x12, 0x10, 0x10, 0x18, 0x11, 0x04, 0x14];
const FOR_EVER = 1e9;

/** One packet of the traffic. */
interface Sample {
  readonly packet: Uint8Array;
  /** The ten bytes before it; left out: plain. */
  readonly header?: Uint8Array;
}

/** A run: the settings, what went out so far, and what waits to be sent. */
class Traffic {
  readonly rng: Random;
  readonly settings: TranslatorSettings;
  readonly nat64: Nat64Settings;
  /** What came out lately, for answers and errors. */
  readonly sent: Uint8Array[] = [];
  private readonly fragments: Uint8Array[] = [];

  constructor(seed: number) {
    const rng = new Random(seed);
    this.rng = rng;
    this.settings = {
      ...DEFAULT_SETTINGS,
      prefix: prefix6(rng.pick(PREFIXES)),
      ownIpv4: ip4(rng.pick(['192.0.2.1', '192.0.2.9'])),
      ownIpv6: ip6('fd00::1'),
      ipv4Mtu: rng.pick([576, 1280, 1500, 1500, 9000]),
      ipv6Mtu: rng.pick([1280, 1500, 1500, 9000]),
      udpZeroChecksum: rng.pick(['compute', 'compute', 'drop', 'forward']),
      allowNonGlobal: rng.oneIn(2),
      errorsPerSecond: rng.pick([1000, 3]),
    };
    this.nat64 = {
      ...DEFAULT_NAT64,
      pool: poolOf('192.0.2.1', 1024, rng.pick([1031, 65_535])),
      staticBindings: rng.oneIn(3)
        ? [{ protocol: 'udp', ipv6: ip6('2001:db8:a::1'), port6: 40_000, ipv4: ip4('192.0.2.1'), port4: 1026 }]
        : [],
      filtering: rng.pick(['endpoint-independent', 'address-dependent']),
      answersUnsolicited: rng.oneIn(2),
      whenFull: rng.pick(['unreachable', 'drop']),
      clients: rng.oneIn(4) ? [prefix6('2001:db8:a::/48'), prefix6('fd00::/16')] : [],
      limits: { ...DEFAULT_LIMITS, sessions: rng.pick([1000, 20]), fragmentBytes: 5000, fragmentBytesPerHost: 2200 },
    };
  }

  /** The next packet. */
  next(): Sample {
    const { rng } = this;
    const waiting = this.fragments.length;
    if (waiting > 0 && rng.oneIn(2)) return { packet: this.fragments.splice(rng.below(waiting), 1)[0] as Uint8Array };
    const packet = this.whole();
    if (rng.oneIn(8)) return { packet: rng.oneIn(2) ? damaged(rng, packet) : repaired(damaged(rng, packet)) };
    if (rng.oneIn(6) && this.cut(packet)) return this.next();
    return rng.oneIn(5) ? offloaded(rng, packet) : { packet };
  }

  /** Keeps what came out. */
  note(packets: readonly Uint8Array[]): void {
    for (const packet of packets) {
      if (this.sent.length === 32) this.sent.splice(this.rng.below(32), 1);
      this.sent.push(packet);
    }
  }

  private whole(): Uint8Array {
    const { rng, sent } = this;
    if (rng.oneIn(12)) return this.unsolicited();
    const earlier = sent.length === 0 || rng.oneIn(3) ? undefined : rng.pick(sent);
    if (earlier === undefined) return this.outgoing();
    const isFragment = (earlier[0] as number) >> 4 === 6 ? earlier[6] === 44 : (read16(earlier, 6) & 0x3fff) !== 0;
    if (isFragment) return this.outgoing();
    return rng.oneIn(3) ? this.errorAbout(earlier) : this.answerTo(earlier);
  }

  /** A host speaks to a server, or to the pool. */
  private outgoing(): Uint8Array {
    const { rng } = this;
    const remote = rng.oneIn(5) ? '192.0.2.1' : rng.pick(REMOTES);
    const dst = text6(embed(this.settings.prefix as NonNullable<TranslatorSettings['prefix']>, ip4(remote)));
    const src = rng.oneIn(30) ? rng.pick([dst, 'fe80::5', '::1']) : rng.pick(HOSTS);
    const extensions = rng.oneIn(10) ? [optionsHeader(60)] : [];
    const port = (): number => rng.pick([53, 80, 1024, 1026, 1030, 40_000, 40_001]);
    const payload = this.payload(port(), rng.oneIn(4) ? this.poolPort() : port(), 128);
    return ipv6({ src, dst, hopLimit: rng.pick([64, 64, 64, 2, 1]), extensions, payload });
  }

  /** Somebody outside speaks first, or somebody speaks to the translator itself. */
  private unsolicited(): Uint8Array {
    const { rng } = this;
    const port = rng.pick([1024, 1026, 1030, 9]);
    if (rng.oneIn(4)) return ipv6({ src: rng.pick(HOSTS), dst: 'fd00::1', payload: this.payload(port, port, 128) });
    const dst = rng.pick(['192.0.2.1', '192.0.2.1', '192.0.2.9']);
    return ipv4({ src: rng.pick(REMOTES), dst, payload: this.payload(53, port, 8) });
  }

  /** A port that the pool has given to somebody, when it has. */
  private poolPort(): number {
    const out = this.sent.filter((packet) => (packet[0] as number) >> 4 === 4 && packet.length >= 28);
    return out.length === 0 ? 1024 : read16(this.rng.pick(out), 20);
  }

  private payload(srcPort: number, dstPort: number, echoType: number): Layer {
    const { rng } = this;
    const data = rng.bytes(rng.oneIn(6) ? 1200 + rng.below(600) : rng.below(40));
    const n = rng.below(20);
    if (n < 7) return tcp({ srcPort, dstPort, flags: rng.pick(TCP_FLAGS), data });
    if (n < 14) return udp({ srcPort, dstPort, data, ...(rng.oneIn(6) ? { checksum: 0 } : {}) });
    if (n === 14) return raw(rng.pick([132, 47, 50, 255]), data);
    const echo = { type: echoType, rest: [...bytes16(srcPort), 0, 1], data };
    return echoType >= 128 ? icmp6(echo) : icmp4(echo);
  }

  /** The receiver of a packet answers, or somebody else in its place. */
  private answerTo(packet: Uint8Array): Uint8Array {
    const { rng } = this;
    const { src, dst, srcPort, dstPort, identifier, protocol } = seen(packet);
    const is6 = src.includes(':');
    const isEcho = protocol === 1 || protocol === 58;
    const ports = isEcho ? ([identifier, 0] as const) : ([dstPort, srcPort] as const);
    const payload = this.payload(Math.max(0, ports[0]), Math.max(0, ports[1]), is6 ? 129 : 0);
    const hops = rng.pick([64, 64, 2, 1]);
    if (is6) return ipv6({ src: dst, dst: src, hopLimit: hops, payload });
    const from = rng.oneIn(8) ? rng.pick(REMOTES) : dst;
    return ipv4({ src: from, dst: src, ttl: hops, df: rng.oneIn(2), id: rng.below(65_536), payload });
  }

  private errorAbout(packet: Uint8Array): Uint8Array {
    const { rng } = this;
    const { src, dst } = seen(packet);
    const data = packet.slice(0, rng.oneIn(3) ? rng.below(packet.length + 1) : 500);
    const rest = [0, 0, ...bytes16(rng.pick([0, 1300, 1500]))];
    if (!src.includes(':')) {
      const [type, code] = rng.pick([
        [3, 3],
        [3, 4],
        [11, 0],
        [12, 0],
        [3, 14],
      ] as const);
      return ipv4({
        src: rng.oneIn(2) ? dst : rng.pick(REMOTES),
        dst: src,
        payload: icmp4({ type, code, rest, data }),
      });
    }
    const [type, code] = rng.pick([
      [1, 4],
      [2, 0],
      [3, 0],
      [4, 1],
      [1, 9],
    ] as const);
    return ipv6({ src: rng.oneIn(2) ? dst : 'fd00::99', dst: src, payload: icmp6({ type, code, rest, data }) });
  }

  /** Cuts a packet into fragments that come one by one, in any order. @returns false when it is too short for it */
  private cut(packet: Uint8Array): boolean {
    const { rng } = this;
    const is6 = (packet[0] as number) >> 4 === 6;
    const header = is6 ? 40 : 20;
    const size = 8 * (1 + rng.below(rng.oneIn(4) ? 3 : 80));
    if (packet.length - header <= size || this.fragments.length > 40) return false;
    const { src, dst } = seen(packet);
    const protocol = packet[is6 ? 6 : 9] as number;
    const id = rng.below(8);
    for (let at = 0; header + at < packet.length && at < size * 20; at += size) {
      const more = header + at + size < packet.length;
      const start = rng.oneIn(60) ? Math.max(0, at - 8) : at;
      const payload = raw(protocol, packet.slice(header + at, header + at + size));
      const piece = is6
        ? ipv6({ src, dst, extensions: [fragmentHeader(start, more, id)], payload })
        : ipv4({ src, dst, id, df: false, mf: more, fragmentOffset: start, payload });
      this.fragments.push(piece);
    }
    return true;
  }
}

/** TCP and UDP as the kernel hands them over: the checksum partial, perhaps a super-packet. */
function offloaded(rng: Random, packet: Uint8Array): Sample {
  const is6 = (packet[0] as number) >> 4 === 6;
  const start = is6 ? 40 : 20;
  const protocol = packet[is6 ? 6 : 9] as number;
  if (protocol !== 6 && protocol !== 17) return { packet };
  const offset = protocol === 6 ? 16 : 6;
  const length = packet.length - start;
  const pseudo = is6
    ? pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, length)
    : pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, length);
  const gsoSize = rng.oneIn(2) ? 0 : rng.pick([100, 536, 1400]);
  const type = gsoSize === 0 ? 0 : protocol === 17 ? 5 : is6 ? 4 : 1;
  const hdrLen = gsoSize === 0 ? 0 : start + (protocol === 6 ? 20 : 8);
  const header = offloadHeader({ flags: 1, type, hdrLen, gsoSize, start, offset });
  return { packet: mutate(packet, start + offset, ...bytes16(sumWords(pseudo))), header };
}

/** What is wrong with a result, or null. */
function faultIn({ packet, header }: Sample, result: EngineResult): string | null {
  const all = result.reply === null ? result.out : [result.reply];
  for (const out of all) {
    const fault = faultsOf(out);
    if (fault !== null) return `${result.verdict}: a packet with ${fault}\n  ${toHex(out)}`;
  }
  if (result.reply !== null && hasRightChecksums(result.reply) !== true)
    return `${result.verdict}: a reply with a wrong checksum`;
  const [first] = result.out;
  const wasRight = header === undefined && hasRightChecksums(packet) === true;
  return wasRight && first !== undefined && hasRightChecksums(first) === false ? 'a right checksum became wrong' : null;
}

const asText = (result: EngineResult): string =>
  [
    result.verdict,
    ...result.out.map(toHex),
    ...result.offload.map(toHex),
    result.reply === null ? '' : toHex(result.reply),
  ].join('\n  ');

/** What is left in the tables, in words; null: nothing. */
function leftIn(engine: Engine, configured: number): string | null {
  const { state, fragments } = engine.translator.nat64 ?? {};
  if (state === undefined || fragments === undefined) return 'no NAT64';
  const { sessions, bindings, heldSyns } = state.counters();
  const { datagrams, bytes, held } = fragments.counters;
  const left = {
    sessions,
    heldSyns,
    bindings: bindings.tcp + bindings.udp + bindings.icmp - configured,
    datagrams,
    bytes,
    held,
  };
  return Object.values(left).every((n) => n === 0) ? null : `left in the tables: ${JSON.stringify(left)}`;
}

/** Statistics of a round: how often each verdict came. */
export type VerdictCounts = Map<string, number>;

/**
 * One run of some hundred packets; everything follows from the seed.
 * @param counts gets the verdicts
 * @returns what is wrong, with the packet at which it showed; null: nothing
 */
export function nat64Complaint(seed: number, counts: VerdictCounts = new Map()): string | null {
  const traffic = new Traffic(seed);
  const { settings, nat64, rng } = traffic;
  const canary = rng.below(256);
  const [fast, slow] = [true, false].map((isFast) => new Engine(settings, { nat64, seed, canary, isFast })) as [
    Engine,
    Engine,
  ];
  let nowMs = 0;
  for (let step = 0; step < NAT64_STEPS; step++) {
    nowMs += rng.pick([0, 0, 1, 10, 100, 1000, 7000, rng.oneIn(10) ? 400_000 : 0]);
    const sample = traffic.next();
    const where = `step ${step}, ${nowMs} ms: ${toHex(sample.packet)} ${sample.header === undefined ? '' : toHex(sample.header)}`;
    const complaint = complaintOf(traffic, fast, slow, sample, nowMs, counts);
    if (complaint !== null) return `${complaint}\n${where}`;
  }
  // The longest timer, the probe's answer that does not come, and the sweep.
  for (const passed of [1, 2, 3]) for (const engine of [fast, slow]) engine.expire(nowMs + passed * FOR_EVER);
  return leftIn(fast, nat64.staticBindings.length) ?? leftIn(slow, nat64.staticBindings.length);
}

function complaintOf(
  traffic: Traffic,
  fast: Engine,
  slow: Engine,
  sample: Sample,
  nowMs: number,
  counts: VerdictCounts,
): string | null {
  try {
    const [expired, others] = [fast.expire(nowMs), slow.expire(nowMs)];
    if (expired.map(toHex).join() !== others.map(toHex).join()) return 'different probes';
    const [one, other] = [fast, slow].map((engine) => engine.run(sample.packet, sample.header, nowMs)) as [
      EngineResult,
      EngineResult,
    ];
    counts.set(one.verdict, (counts.get(one.verdict) ?? 0) + 1);
    traffic.note(one.out);
    if (asText(one) !== asText(other)) return `the short way ${asText(one)}\nthe long way ${asText(other)}`;
    return faultIn(sample, one) ?? expired.map(faultsOf).find((fault) => fault !== null) ?? null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}
