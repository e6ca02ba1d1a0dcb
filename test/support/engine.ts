// Runs the engine on one packet at a time, in a slab with canary bytes around everything that it may touch:
//
//     canary | head room | packet | canary … | spare part | canary
//
// A byte outside that changed fails the run. What lies outside is the same for every packet, so a result that depended on it
// would differ from the reference translator's, which sees the packet alone.

import { FragmentTable } from '../../src/core/nat64/fragments.ts';
import { Nat64State } from '../../src/core/nat64/nat64-state.ts';
import { Nat64Path } from '../../src/core/nat64/packet-path.ts';
import { expireSessions } from '../../src/core/nat64/probe.ts';
import type { Nat64Settings } from '../../src/core/nat64/settings.ts';
import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { translate } from '../../src/core/translate/translate.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { translateV4 } from '../../src/core/translate/v4-to-v6.ts';
import { translateV6 } from '../../src/core/translate/v6-to-v4.ts';
import { ANSWERED, isDrop, TRANSLATED, VERDICTS, type VerdictName } from '../../src/core/translate/verdict.ts';
import { OFFLOAD_HEADER } from '../../src/core/wire/offload.ts';
import {
  HEADROOM,
  MAX_PACKET,
  makePacketList,
  makeSlab,
  type PacketList,
  type Slab,
} from '../../src/core/wire/slab.ts';

/** What the engine made of a packet. The arrays are copies. */
export interface EngineResult {
  readonly verdict: VerdictName;
  /** What goes on. */
  readonly out: Uint8Array[];
  /** The ten bytes before each packet of `out`. */
  readonly offload: Uint8Array[];
  /** What goes back to the sender from the translator itself. */
  readonly reply: Uint8Array | null;
}

/** Sizes of one engine under test; bytes and packets. */
export interface EngineOptions {
  /** First IPv4 identification. */
  readonly seed?: number;
  readonly spareBytes?: number;
  /** Packets that the output list holds. */
  readonly capacity?: number;
  /** What the canaries and the unused memory are filled with. */
  readonly canary?: number;
  /** Makes it stateful; its tables begin at time 0. */
  readonly nat64?: Nat64Settings;
  /** The tables' randomness. */
  readonly random?: () => number;
  /** false: every packet goes the long way. */
  readonly isFast?: boolean;
}

const CANARY_BYTES = 128;
const AT = CANARY_BYTES + HEADROOM;
const SPARE_START = (AT + MAX_PACKET + CANARY_BYTES + 3) & ~3;

/** One translator and its slab; `run` may be called any number of times. */
export class Engine {
  readonly translator: Translator;
  private readonly slab: Slab;
  private readonly isFast: boolean;
  private readonly out: PacketList;
  private readonly spareEnd: number;
  private readonly canary: Uint8Array;

  constructor(settings: TranslatorSettings, options: EngineOptions = {}) {
    const { seed = 0, spareBytes = 256 * 1024, capacity = 2048, canary = 0xa5 } = options;
    this.translator = new Translator(settings, seed, pathFor(settings, options));
    this.isFast = options.isFast ?? true;
    this.spareEnd = SPARE_START + spareBytes;
    this.slab = makeSlab(this.spareEnd + CANARY_BYTES);
    this.slab.bytes.fill(canary);
    this.canary = new Uint8Array(CANARY_BYTES).fill(canary);
    this.out = makePacketList(capacity);
  }

  /**
   * Translates a packet.
   * @param offload the ten bytes before it; left out: a plain packet
   * @throws Error when a byte outside changed, or a result lies where it may not
   */
  run(packet: Uint8Array, offload?: Uint8Array, nowMs = 0): EngineResult {
    const { slab, out } = this;
    if (packet.length > MAX_PACKET) throw new RangeError(`no slot takes ${packet.length} bytes`);
    const end = AT + packet.length;
    slab.bytes.fill(0, AT - OFFLOAD_HEADER, AT);
    if (offload !== undefined) slab.bytes.set(offload, AT - OFFLOAD_HEADER);
    slab.bytes.set(packet, AT);
    slab.bytes.set(this.canary, end);
    out.count = 0;
    out.spareStart = SPARE_START;
    out.spareEnd = this.spareEnd;
    const verdict = this.translate(packet, nowMs);
    this.checkCanaries(end);
    return this.collect(verdict, end);
  }

  /** Lets time pass for NAT64. @returns what it sends by itself */
  expire(nowMs: number): Uint8Array[] {
    const { slab, out, translator } = this;
    const sent: Uint8Array[] = [];
    let isMore = translator.nat64 !== null;
    while (isMore && translator.nat64 !== null) {
      out.count = 0;
      out.spareStart = SPARE_START;
      out.spareEnd = this.spareEnd;
      isMore = expireSessions(translator.nat64, translator, slab, out, nowMs, 100);
      this.checkCanaries(SPARE_START - CANARY_BYTES);
      sent.push(...this.collect(TRANSLATED, AT).out);
    }
    return sent;
  }

  private translate(packet: Uint8Array, nowMs: number): number {
    const { translator, slab, out } = this;
    const version = (packet[0] ?? 0) >> 4;
    if (this.isFast || (version !== 4 && version !== 6)) {
      return translate(translator, slab, AT, packet.length, out, nowMs);
    }
    return (version === 4 ? translateV4 : translateV6)(translator, slab, AT, packet.length, out, nowMs);
  }

  private checkCanaries(end: number): void {
    for (const start of [0, end, SPARE_START - CANARY_BYTES, this.spareEnd]) {
      if (Buffer.compare(this.slab.bytes.subarray(start, start + CANARY_BYTES), this.canary) !== 0) {
        this.slab.bytes.set(this.canary, start);
        throw new Error(`a byte outside of the packet changed, behind offset ${start - AT} from its start`);
      }
    }
  }

  private collect(number: number, end: number): EngineResult {
    const packets: Uint8Array[] = [];
    const headers: Uint8Array[] = [];
    for (let i = 0; i < this.out.count; i++) {
      const at = this.out.offset[i];
      const length = this.out.length[i];
      this.checkPlace(at, length, end);
      packets.push(this.slab.bytes.slice(at, at + length));
      headers.push(this.slab.bytes.slice(at - OFFLOAD_HEADER, at));
    }
    const verdict = VERDICTS[number]?.[0];
    if (verdict === undefined) throw new Error(`no such verdict: ${number}`);
    const isReply = isDrop(number) || number === ANSWERED;
    if (!isReply) return { verdict, out: packets, offload: headers, reply: null };
    if (packets.length > 1) throw new Error(`${verdict} with ${packets.length} packets`);
    return { verdict, out: [], offload: [], reply: packets[0] ?? null };
  }

  private checkPlace(at: number, length: number, end: number): void {
    const isInPlace = at - OFFLOAD_HEADER >= AT - HEADROOM && at + length <= end;
    const isSpare = at - OFFLOAD_HEADER >= SPARE_START && at + length <= this.out.spareStart;
    if (length < 20 || (!isInPlace && !isSpare)) throw new Error(`a result of ${length} bytes at ${at - AT}`);
  }
}

function pathFor(settings: TranslatorSettings, { nat64, random }: EngineOptions): Nat64Path | null {
  if (nat64 === undefined) return null;
  const { limits, timers } = nat64;
  const words = random ?? countingWords();
  const state = new Nat64State(nat64, words, 0);
  const fragments = new FragmentTable({ ...limits, fragmentMs: timers.fragmentMs }, words);
  return new Nat64Path(state, fragments, nat64, settings);
}

/** Words that differ, the same ones in each run. */
function countingWords(): () => number {
  let n = 0;
  return () => Math.imul(++n, 0x9e3779b1) >>> 0;
}

/** One packet through a fresh engine. */
export const runOnce = (settings: TranslatorSettings, packet: Uint8Array, options: EngineOptions = {}): EngineResult =>
  new Engine(settings, options).run(packet);
