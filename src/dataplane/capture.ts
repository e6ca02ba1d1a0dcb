// The recorder behind `xlat464 capture`: both sides of the translation, each packet with its verdict, as pcapng.
// Owns the bounded memory between the packet worker, which fills it, and the main thread, which writes the file.
// Read first: pcapng.ts.
//
//     worker                                            main thread
//     free buffers ──► current ──(full, or flush)──► drain(buffer, length) ──► appended to the file as it is
//          ▲                                                                        │
//          └───────────────────────── giveBack(buffer) ◄────────────────────────────┘
//
// A buffer holds whole pcapng blocks. When none is free, packets are counted as lost and the data path goes on. A packet
// comes in two steps because translation writes over it: hold() copies it before, settle() adds the verdict after.

import { VERDICTS } from '../core/translate/verdict.ts';
import { flags, GSO_NONE, gsoSize, gsoType, NEEDS_CSUM, OFFLOAD_HEADER } from '../core/wire/offload.ts';
import type { Slab } from '../core/wire/slab.ts';
import {
  commentStart,
  emitPacketEnd,
  emitPacketHead,
  enhancedPacketSize,
  INBOUND,
  interfaceDescription,
  interfaceStatistics,
  LINKTYPE_RAW,
  OUTBOUND,
  packetStart,
  sectionHeader,
} from './pcapng.ts';

/** Which side of the translation a packet was seen on; the number of its interface in the file. */
export const CAPTURE_IN = 0;
export const CAPTURE_OUT = 1;
export type CaptureSide = typeof CAPTURE_IN | typeof CAPTURE_OUT;

/** What is recorded; all that is given must hold. */
export interface CaptureFilter {
  /** Only this family. */
  readonly family?: 4 | 6;
  /** Only packets with one of these verdicts. */
  readonly verdicts?: ReadonlySet<number>;
  /** Only packets from or to one of these addresses, 4 or 16 bytes each. */
  readonly addresses?: readonly Uint8Array[];
}

/** Where the time comes from: a fixed origin and the nanoseconds since, as a whole number below 2⁵³. */
export interface CaptureClock {
  readonly originNs: bigint;
  elapsedNs(): number;
}

/** The system's wall clock at this moment, and its monotonic clock from here on. */
export function systemCaptureClock(): CaptureClock {
  const start = performance.now();
  return {
    originNs: BigInt(Date.now()) * 1_000_000n,
    elapsedNs: () => Math.round((performance.now() - start) * 1e6),
  };
}

export interface RecorderOptions {
  /** Most bytes kept of a packet, 1–65,575. */
  readonly snaplenBytes: number;
  /** Number and size of the buffers: all the memory there is. */
  readonly buffers: number;
  readonly bufferBytes: number;
  readonly filter: CaptureFilter;
  readonly clock: CaptureClock;
  /** Takes a buffer's first `length` bytes, which are whole pcapng blocks. It owns the buffer until {@link Recorder.giveBack}. */
  readonly drain: (buffer: ArrayBuffer, length: number) => void;
}

/** Packets since the recorder was made; index CAPTURE_IN or CAPTURE_OUT. */
export interface CaptureCounters {
  /** In the file, or on the way to it. */
  readonly recorded: [number, number];
  /** Wanted, but there was no free buffer. */
  readonly lost: [number, number];
}

/** Records packets. Used by one thread; none of its functions throws or waits. */
export interface Recorder {
  readonly counters: CaptureCounters;
  /** Copies a packet whose verdict is not known yet. One at a time: what is held unsettled is forgotten. */
  hold(side: CaptureSide, slab: Slab, offset: number, length: number): void;
  /** Adds the verdict to what is held, and drops it where the filter does not want it. Nothing held: does nothing. */
  settle(verdict: number): void;
  /** hold() and settle() in one, for a packet whose verdict is known. */
  packet(side: CaptureSide, slab: Slab, offset: number, length: number, verdict: number): void;
  /** Hands over what is there; called when the data path is idle and at the end. */
  flush(): void;
  /** Takes a drained buffer back. It need not be the same object, a transferred one has become another. */
  giveBack(buffer: ArrayBuffer): void;
}

const SUFFIX_GSO = Buffer.from(', gso_size ');
const SUFFIX_PARTIAL = Buffer.from(', transport checksum left to the device');
const COMMENTS = VERDICTS.map(([name, rule, text]) => Buffer.from(`${name} (${rule}): ${text}`));
const LONGEST_COMMENT = Math.max(...COMMENTS.map((c) => c.length)) + SUFFIX_GSO.length + 5 + SUFFIX_PARTIAL.length;

/** What the file starts with: the section and the interfaces “in” and “out”. */
export function captureFileHeader(snaplenBytes: number): Uint8Array {
  const interfaces = ['in', 'out'].map((name) => interfaceDescription(LINKTYPE_RAW, snaplenBytes, name));
  return Buffer.concat([sectionHeader('xlat464'), ...interfaces]);
}

/** What the file ends with: how many packets there were and how many were lost, per interface. */
export function captureFileTrailer(counters: CaptureCounters, timeNs: bigint): Uint8Array {
  const blocks = ([CAPTURE_IN, CAPTURE_OUT] as const).map((side) => {
    const lost = counters.lost[side];
    return interfaceStatistics(side, timeNs, counters.recorded[side] + lost, lost);
  });
  return Buffer.concat(blocks);
}

/** Makes a recorder. Throws RangeError when a buffer could not hold the largest packet that it is asked to keep. */
export function makeRecorder(options: RecorderOptions): Recorder {
  const largest = enhancedPacketSize(options.snaplenBytes, LONGEST_COMMENT);
  if (options.bufferBytes < largest) throw new RangeError(`a capture buffer needs ${largest} bytes or more`);
  return new PcapngRecorder(options);
}

const NOTHING = 0;
const HELD = 1;
const NO_BUFFER = 2;

class PcapngRecorder implements Recorder {
  readonly counters: CaptureCounters = { recorded: [0, 0], lost: [0, 0] };
  readonly #options: RecorderOptions;
  readonly #free: ArrayBuffer[];
  readonly #originHigh: number;
  readonly #originLow: number;
  #buffer: ArrayBuffer | null = null;
  #bytes = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  /** Bytes of the current buffer that are whole blocks. */
  #used = 0;
  #held = NOTHING;
  #side: CaptureSide = CAPTURE_IN;
  #captured = 0;
  #gsoSize = 0;
  #isPartial = false;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#free = Array.from({ length: options.buffers }, () => new ArrayBuffer(options.bufferBytes));
    this.#originHigh = Number(options.clock.originNs >> 32n);
    this.#originLow = Number(options.clock.originNs & 0xffff_ffffn);
  }

  hold(side: CaptureSide, slab: Slab, offset: number, length: number): void {
    this.#held = NOTHING;
    if (!isWanted(this.#options.filter, slab.bytes, offset, length)) return;
    this.#side = side;
    const captured = Math.min(length, this.#options.snaplenBytes);
    if (!this.#makeRoom(enhancedPacketSize(captured, LONGEST_COMMENT))) {
      this.#held = NO_BUFFER;
      return;
    }
    this.#captured = captured;
    this.#emitHead(side, captured, length);
    this.#bytes.set(slab.bytes.subarray(offset, offset + captured), packetStart(this.#used));
    const h = offset - OFFLOAD_HEADER;
    this.#gsoSize = gsoType(slab, h) === GSO_NONE ? 0 : gsoSize(slab, h);
    this.#isPartial = (flags(slab, h) & NEEDS_CSUM) !== 0;
    this.#held = HELD;
  }

  settle(verdict: number): void {
    const held = this.#held;
    this.#held = NOTHING;
    if (held === NOTHING || this.#options.filter.verdicts?.has(verdict) === false) return;
    if (held === NO_BUFFER) {
      this.counters.lost[this.#side]++;
      return;
    }
    const comment = this.#emitComment(verdict);
    const direction = this.#side === CAPTURE_IN ? INBOUND : OUTBOUND;
    this.#used = emitPacketEnd(this.#view, this.#used, this.#captured, comment, direction);
    this.counters.recorded[this.#side]++;
  }

  packet(side: CaptureSide, slab: Slab, offset: number, length: number, verdict: number): void {
    this.hold(side, slab, offset, length);
    this.settle(verdict);
  }

  flush(): void {
    this.#held = NOTHING;
    const buffer = this.#buffer;
    if (buffer === null || this.#used === 0) return;
    const length = this.#used;
    this.#buffer = null;
    this.#used = 0;
    this.#options.drain(buffer, length);
  }

  giveBack(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
  }

  /** Sees to it that the current buffer has `size` free bytes; false when there is no buffer left. */
  #makeRoom(size: number): boolean {
    if (this.#buffer !== null && this.#used + size <= this.#buffer.byteLength) return true;
    this.flush();
    const buffer = this.#free.pop();
    if (buffer === undefined) return false;
    this.#buffer = buffer;
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    return true;
  }

  #emitHead(side: CaptureSide, captured: number, original: number): void {
    const elapsed = this.#options.clock.elapsedNs();
    const low = this.#originLow + (elapsed % 2 ** 32);
    const high = this.#originHigh + Math.floor(elapsed / 2 ** 32) + (low >= 2 ** 32 ? 1 : 0);
    // setUint32 keeps the low half of `low`; its carry is in `high`.
    emitPacketHead(this.#view, this.#used, side, high, low, captured, original);
  }

  /** Writes the comment's text; returns its length. */
  #emitComment(verdict: number): number {
    const start = commentStart(this.#used, this.#captured);
    let at = this.#emitText(start, COMMENTS[verdict] ?? Buffer.from(`verdict ${verdict}`));
    if (this.#gsoSize > 0) {
      at = this.#emitText(at, SUFFIX_GSO);
      at = this.#emitText(at, Buffer.from(String(this.#gsoSize)));
    }
    if (this.#isPartial) at = this.#emitText(at, SUFFIX_PARTIAL);
    return at - start;
  }

  #emitText(at: number, text: Uint8Array): number {
    this.#bytes.set(text, at);
    return at + text.length;
  }
}

/** Whether family and addresses are those of the filter. A packet cut short has no addresses. */
function isWanted(filter: CaptureFilter, bytes: Uint8Array, offset: number, length: number): boolean {
  const family = length > 0 ? bytes[offset]! >>> 4 : 0;
  if (filter.family !== undefined && filter.family !== family) return false;
  if (filter.addresses === undefined) return true;
  const addressLength = family === 4 ? 4 : 16;
  const source = offset + (family === 4 ? 12 : 8);
  if (source + 2 * addressLength > offset + length) return false;
  for (const address of filter.addresses) {
    if (address.length !== addressLength) continue;
    if (isAt(bytes, source, address) || isAt(bytes, source + addressLength, address)) return true;
  }
  return false;
}

function isAt(bytes: Uint8Array, offset: number, address: Uint8Array): boolean {
  for (let i = 0; i < address.length; i++) if (bytes[offset + i] !== address[i]) return false;
  return true;
}
