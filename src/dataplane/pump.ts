// The packet loop's body: read a batch, translate each packet where it lies, merge, write. Owns the slab. One pump a worker.
//
//     slab:  | input: packets as they were read, translated in place | spare: errors, fragments, segments |
//
// Read first: ../core/wire/slab.ts, ../core/translate/translate.ts, coalesce.ts.

import type { Nat64Path } from '../core/nat64/packet-path.ts';
import { expireSessions } from '../core/nat64/probe.ts';
import { translate } from '../core/translate/translate.ts';
import type { Translator } from '../core/translate/translator.ts';
import { FRAGMENT_TIMEOUT, TRANSLATED } from '../core/translate/verdict.ts';
import { HEADROOM, MAX_PACKET, makePacketList, type PacketList, type Slab } from '../core/wire/slab.ts';
import { CAPTURE_IN, CAPTURE_OUT, type Recorder } from './capture.ts';
import { clockMs } from './clock.ts';
import { type Coalescer, makeCoalescer } from './coalesce.ts';
import { makeSimdSlab } from './coalesce-simd.ts';
import {
  BATCHES,
  BYTES_IN4,
  BYTES_IN6,
  BYTES_OUT4,
  BYTES_OUT6,
  NAT64_BASE,
  PACKETS_IN4,
  PACKETS_IN6,
  PACKETS_MERGED,
  PACKETS_OUT4,
  PACKETS_OUT6,
  SUPER_PACKETS_MADE,
  verdictIndex,
} from './counters.ts';
import { writeNat64Counters } from './nat64-counters.ts';
import { countRefused } from './refused.ts';
import { makeWriteList, type TunQueue, type WriteList } from './tun-queue.ts';

/** Packets read at once. More gains nothing measurable and makes the first one wait. */
const MAX_BATCH = 256;
/** Three super-packets or 256 small ones: small enough to stay in a core's second-level cache. */
const INPUT_BYTES = 4 * (MAX_PACKET + HEADROOM);
/** One super-packet's worth of fragments of segments, twice. */
const SPARE_BYTES = 512 * 1024;
/** With less than this left the batch so far is written first: what one packet can need at most. */
const SPARE_NEEDED = 256 * 1024;
const MAX_OUT = 2048;
/** Packets that one packet can become at most: a super-packet segmented, each segment cut in two, with room to spare. */
const OUT_NEEDED = 512;

/** Sessions of stateful NAT64 that are looked at between two batches: a fraction of a millisecond. */
const EXPIRE_BUDGET = 1024;
/** NAT64's figures are at most this old while packets come. */
const PUBLISH_MS = 100;

/** Moves packets of one queue. Used by one thread. */
export class Pump {
  translator: Translator;
  /** Records both sides while a capture runs; null otherwise. */
  recorder: Recorder | null = null;
  /** When NAT64's figures were written last. */
  private publishedMs = Number.NEGATIVE_INFINITY;
  private readonly queue: TunQueue;
  private readonly counters: Float64Array;
  private readonly coalescer: Coalescer;
  private readonly slab: Slab = makeSimdSlab(INPUT_BYTES + SPARE_BYTES);
  private readonly input: PacketList = makePacketList(MAX_BATCH);
  private readonly output: PacketList = makePacketList(MAX_OUT);
  private readonly writes: WriteList = makeWriteList(MAX_OUT, MAX_OUT);

  /**
   * @param counters this worker's block, from countersOf
   * @param coalesce whether segments are merged before the write, as far as the queue takes super-packets
   */
  constructor(queue: TunQueue, translator: Translator, counters: Float64Array, coalesce: boolean) {
    const { tcpSegmentation, udpSegmentation } = queue.capabilities;
    this.queue = queue;
    this.translator = translator;
    this.counters = counters;
    this.coalescer = makeCoalescer({
      tcp: coalesce && tcpSegmentation,
      udp: coalesce && udpSegmentation,
      maxPackets: MAX_OUT,
    });
    this.output.spareEnd = INPUT_BYTES + SPARE_BYTES;
    this.reset();
  }

  /**
   * One turn: waits for packets, moves all that are there.
   * @param timeoutMs how long to wait for the first; -1: for ever
   * @returns packets read; 0 after a wake-up or time-out. Throws when the device is gone.
   */
  step(timeoutMs: number): number {
    const input = this.input;
    const n = this.queue.readBatch(this.slab.bytes, 0, INPUT_BYTES, input, timeoutMs);
    if (n === 0) return 0;
    const now = clockMs();
    const { offset, length } = input;
    for (let i = 0; i < n; i++) {
      this.move(offset[i] as number, length[i] as number, now);
      if (this.isNearlyFull()) this.flush();
    }
    this.flush();
    this.counters[BATCHES] = (this.counters[BATCHES] as number) + 1;
    return n;
  }

  /**
   * Lets time pass for stateful NAT64: sessions and fragments whose time is up end, probes go out.
   * @param isIdle no packet came: the figures are written at once, for nothing may come for long
   * @returns whether more is due already
   */
  expire(isIdle: boolean): boolean {
    const { translator, slab, output, recorder } = this;
    if (translator.nat64 === null) {
      this.counters[NAT64_BASE] = 0;
      return false;
    }
    const isMore = expireSessions(translator.nat64, translator, slab, output, clockMs(), EXPIRE_BUDGET);
    for (let i = 0; recorder !== null && i < output.count; i++) {
      recorder.packet(CAPTURE_OUT, slab, output.offset[i] as number, output.length[i] as number, TRANSLATED);
    }
    this.flush();
    if (isIdle || performance.now() - this.publishedMs >= PUBLISH_MS) this.publish(translator.nat64);
    return isMore;
  }

  /** Writes NAT64's figures where others read them. */
  private publish({ state, fragments }: Nat64Path): void {
    this.publishedMs = performance.now();
    const { counters } = this;
    writeNat64Counters(counters, NAT64_BASE, state.counters(), fragments.counters);
    counters[verdictIndex(FRAGMENT_TIMEOUT, 4)] = fragments.counters.timedOut4;
    counters[verdictIndex(FRAGMENT_TIMEOUT, 6)] = fragments.counters.timedOut6;
  }

  private move(at: number, length: number, now: number): void {
    const slab = this.slab;
    const counters = this.counters;
    const family = (slab.bytes[at] as number) >>> 4;
    const isIpv6 = family === 6;
    const packets = isIpv6 ? PACKETS_IN6 : PACKETS_IN4;
    const bytes = isIpv6 ? BYTES_IN6 : BYTES_IN4;
    counters[packets] = (counters[packets] as number) + 1;
    counters[bytes] = (counters[bytes] as number) + length;
    const verdict =
      this.recorder === null
        ? translate(this.translator, slab, at, length, this.output, now)
        : this.moveRecorded(this.recorder, at, length, now);
    const index = verdictIndex(verdict, family);
    counters[index] = (counters[index] as number) + 1;
  }

  private moveRecorded(recorder: Recorder, at: number, length: number, now: number): number {
    const { slab, output } = this;
    const first = output.count;
    recorder.hold(CAPTURE_IN, slab, at, length);
    const verdict = translate(this.translator, slab, at, length, output, now);
    recorder.settle(verdict);
    for (let i = first; i < output.count; i++) {
      recorder.packet(CAPTURE_OUT, slab, output.offset[i] as number, output.length[i] as number, verdict);
    }
    return verdict;
  }

  private isNearlyFull(): boolean {
    const output = this.output;
    return output.count > MAX_OUT - OUT_NEEDED || output.spareEnd - output.spareStart < SPARE_NEEDED;
  }

  /** Writes everything that is ready. */
  private flush(): void {
    const { output, writes, slab, counters, coalescer } = this;
    if (output.count === 0) {
      this.reset();
      return;
    }
    this.countOutput();
    coalescer.coalesce(slab, output, writes);
    counters[PACKETS_MERGED] = coalescer.counters.mergedPackets;
    counters[SUPER_PACKETS_MADE] = coalescer.counters.groups;
    if (this.queue.writeBatch(slab.bytes, writes) !== 0) countRefused(counters, writes);
    this.reset();
  }

  private countOutput(): void {
    const { output, counters } = this;
    const bytes = this.slab.bytes;
    for (let i = 0; i < output.count; i++) {
      const isIpv6 = (bytes[output.offset[i] as number] as number) >>> 4 === 6;
      const packets = isIpv6 ? PACKETS_OUT6 : PACKETS_OUT4;
      const octets = isIpv6 ? BYTES_OUT6 : BYTES_OUT4;
      counters[packets] = (counters[packets] as number) + 1;
      counters[octets] = (counters[octets] as number) + (output.length[i] as number);
    }
  }

  private reset(): void {
    this.output.count = 0;
    this.output.spareStart = INPUT_BYTES;
  }
}
