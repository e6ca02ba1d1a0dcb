// One UDP address on which queries are taken: the hot path. Datagrams are read by the batch, answered from the cache into a second
// slab, and sent by the batch; what takes time is sent on its own later.

import { type AlignedBytes, alignedBytes, UDP_PAYLOAD } from '../../core/dns64/packed-answer.ts';
import { BATCH_MAX, type DatagramBatch, ENDS_BYTES, type UdpPort } from '../../platform/dns-platform.ts';
import type { Counters } from './counters.ts';
import { LATER, type Responder } from './responder.ts';

/**
 * A query of one question and OPT has at most 12 + 255 + 4 + 11 bytes and options; the rest is room for those. No power of two, or
 * the starts of all slots would share two sets of the processor's cache.
 */
const QUERY_SLOT = 2_112;
const ADDRESS = 16;

/** A batch whose slab can be written by words, too. */
interface AlignedBatch extends DatagramBatch, AlignedBytes {}

function makeBatch(
  slotBytes: number,
  slots: number,
  ends: Uint8Array = new Uint8Array(ENDS_BYTES * slots),
): AlignedBatch {
  const { bytes, words } = alignedBytes(slotBytes * slots);
  return { slab: bytes, bytes, words, slotBytes, lengths: new Int32Array(slots), ends };
}

/** What a listener works with. */
export interface ListenerParts {
  readonly responder: Responder;
  readonly counters: Counters;
  readonly nowS: () => number;
  /** The socket ended by itself; no call comes after. */
  readonly failed: (cause: Error) => void;
}

/** Errors of a send that say nothing about the socket: this datagram cannot be delivered. */
const isLocalTrouble = (cause: unknown): boolean =>
  [
    'EAGAIN',
    'ENOBUFS',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENETDOWN',
    'EINVAL',
    'EADDRNOTAVAIL',
    'EPERM',
    'EACCES',
    'EMSGSIZE',
    'ECONNREFUSED',
    'ENODEV',
    'ENXIO',
  ].includes((cause as NodeJS.ErrnoException).code ?? '');

/** Serves one bound socket, which is its own from now on. */
export class UdpListener {
  private readonly port: UdpPort;
  private readonly parts: ListenerParts;
  private readonly queries = makeBatch(QUERY_SLOT, BATCH_MAX);
  /** Its ends are those of the queries. */
  private readonly answers = makeBatch(UDP_PAYLOAD, BATCH_MAX, this.queries.ends);
  private readonly late = makeBatch(UDP_PAYLOAD, 1);
  private readonly watch: { rearm(): void };
  private isClosed = false;

  constructor(port: UdpPort, parts: ListenerParts) {
    this.port = port;
    this.parts = parts;
    this.watch = port.watch(() => this.look());
  }

  /** Ends it; answers that are not ready yet are not sent. A second call does nothing. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.port.close();
  }

  private look(): void {
    if (this.isClosed) return;
    try {
      this.answerBatch();
      if (!this.isClosed) this.watch.rearm();
    } catch (cause) {
      this.fail(cause as NodeJS.ErrnoException);
    }
  }

  private answerBatch(): void {
    const { queries, answers, parts } = this;
    const count = this.port.receive(queries);
    parts.counters.udpQueries += count;
    const nowS = parts.nowS();
    for (let i = 0; i < count; i++) answers.lengths[i] = this.answerSlot(i, nowS);
    // Slot i of the answers goes where slot i of the queries came from.
    for (let from = 0, to = 0; from < count; from = to + 1) {
      for (to = from; to < count && (answers.lengths[to] ?? 0) > 0; ) to += 1;
      this.send(answers, from, to);
    }
  }

  /** Answers the query of one slot into the same slot of the answers. @returns the answer's length, 0 if there is none yet */
  private answerSlot(slot: number, nowS: number): number {
    const { queries, answers, parts } = this;
    const length = queries.lengths[slot] ?? -1;
    if (length < 0) {
      parts.counters.malformed += 1;
      return 0;
    }
    const start = slot * QUERY_SLOT;
    const at = slot * ENDS_BYTES;
    const end = start + length;
    const { responder } = parts;
    const written = responder.answerNow(
      queries.slab,
      start,
      end,
      queries.ends,
      at,
      nowS,
      false,
      answers,
      slot * UDP_PAYLOAD,
    );
    if (written === LATER) this.answerLater(queries.slab.slice(start, end), queries.ends.slice(at, at + ENDS_BYTES));
    return Math.max(0, written);
  }

  private answerLater(query: Uint8Array, ends: Uint8Array): void {
    void this.parts.responder.answerLater(query, ends.subarray(0, ADDRESS), false).then((answer) => {
      if (answer === null || this.isClosed) return;
      this.late.slab.set(answer);
      this.late.lengths[0] = answer.length;
      this.late.ends.set(ends);
      try {
        this.send(this.late, 0, 1);
      } catch (cause) {
        this.fail(cause as NodeJS.ErrnoException);
      }
    });
  }

  /** The system gave the socket up. What is no system error is a bug, and ends the process. */
  private fail(cause: NodeJS.ErrnoException): void {
    if (cause.syscall === undefined) throw cause;
    this.close();
    this.parts.failed(cause);
  }

  /** Sends slots `first` to `end` − 1. What cannot be sent is counted: a client asks again. */
  private send(batch: DatagramBatch, first: number, end: number): void {
    for (let from = first; from < end; ) {
      try {
        from += this.port.send(batch, from, end);
      } catch (cause) {
        if (!isLocalTrouble(cause)) throw cause;
        this.parts.counters.unsent += 1;
        from += 1;
      }
    }
  }
}
