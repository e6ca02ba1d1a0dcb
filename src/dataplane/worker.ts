// A packet worker's loop: packets as fast as they come, messages between two batches. It never returns to the event loop
// until it is told to stop; messages are taken with receiveMessageOnPort. Read first: messages.ts, pump.ts.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { RestoreResult } from '../core/nat64/saved-bindings.ts';
import { makeRecorder, type Recorder, systemCaptureClock } from './capture.ts';
import { clockMs } from './clock.ts';
import { countersOf } from './counters.ts';
import {
  ABANDONED,
  type CaptureRequest,
  type FromWorker,
  type QueueNumbers,
  type ToWorker,
  type WorkerAnswer,
  type WorkerInit,
} from './messages.ts';
import { answerNat64 } from './nat64-control.ts';
import { Pump } from './pump.ts';
import type { TunQueue } from './tun-queue.ts';
import { makeTranslator, replaceTranslator } from './worker-translator.ts';

/** A message that is answered. */
type Question = Exclude<ToWorker, { type: 'return-buffer' }>;

/** While a capture runs, a worker hands over what it has this often, whether it is idle or not. */
const CAPTURE_FLUSH_MS = 250;
const CAPTURE_BUFFERS = 8;
const CAPTURE_BUFFER_BYTES = 1024 * 1024;

/**
 * Runs this thread as a packet worker until it is told to stop.
 * @param makeQueue makes this platform's queue from the numbers in `init`
 * @param init what to do; default: the thread's `workerData`
 * Throws when the device is gone, or when this thread is not a worker; the main thread gets it as the worker's failure.
 */
export function runPacketWorker(
  makeQueue: (numbers: QueueNumbers) => TunQueue,
  init: WorkerInit = workerData as WorkerInit,
): void {
  if (parentPort === null) throw new Error('not a worker thread');
  new PacketWorker(parentPort, init, makeQueue).run();
}

class PacketWorker {
  private readonly port: MessagePort;
  private readonly queue: TunQueue;
  private readonly pump: Pump;
  private readonly signal: Int32Array;
  private readonly workers: number;
  /** What became of NAT64's bindings of the last run, when there were any. */
  private readonly restored: RestoreResult | undefined;
  private seen = 0;
  private isStopped = false;
  /** Whether sessions of NAT64 wait to be ended. */
  private isMoreDue = false;
  /** Number of the capture that runs, or of the last one. */
  private capture = 0;
  /** When the capture was handed over last. */
  private flushedMs = 0;

  constructor(port: MessagePort, init: WorkerInit, makeQueue: (numbers: QueueNumbers) => TunQueue) {
    this.port = port;
    this.signal = new Int32Array(init.signal);
    this.queue = makeQueue(init.queue);
    this.workers = init.workers;
    const translator = makeTranslator(init, init.seed, init.leases);
    const { savedBindings } = init;
    if (savedBindings !== undefined) this.restored = translator.nat64?.state.restore(savedBindings, clockMs());
    this.pump = new Pump(this.queue, translator, countersOf(init.counters, init.worker), init.coalesce);
  }

  run(): void {
    const { pump, signal } = this;
    pump.expire(true);
    this.say({ type: 'ready', restored: this.restored });
    while (!this.isStopped) {
      const isIdle = pump.step(this.patienceMs()) === 0;
      if (pump.recorder !== null) this.flushCapture(pump.recorder, isIdle);
      const told = Atomics.load(signal, 0);
      if (told === ABANDONED) break;
      if (told !== this.seen) this.takeMessages();
      this.isMoreDue = pump.expire(isIdle);
    }
    this.queue.close();
  }

  /** How long to wait for a packet at most: as long as nothing else has to be done; -1: for ever. */
  private patienceMs(): number {
    if (this.isMoreDue) return 0;
    const { recorder, translator } = this.pump;
    const nat64Ms = translator.nat64?.patienceMs(clockMs()) ?? -1;
    if (recorder === null) return nat64Ms;
    return nat64Ms < 0 ? CAPTURE_FLUSH_MS : Math.min(nat64Ms, CAPTURE_FLUSH_MS);
  }

  private flushCapture(recorder: Recorder, isIdle: boolean): void {
    const now = performance.now();
    if (!isIdle && now - this.flushedMs < CAPTURE_FLUSH_MS) return;
    this.flushedMs = now;
    recorder.flush();
  }

  private takeMessages(): void {
    this.seen = Atomics.load(this.signal, 0);
    for (let next = receiveMessageOnPort(this.port); next !== undefined; next = receiveMessageOnPort(this.port)) {
      const message = next.message as ToWorker;
      if (message.type === 'return-buffer') this.takeBack(message);
      else this.answer(message);
    }
  }

  /** Whoever was answered finds the figures as they are then. */
  private answer(message: Question): void {
    const value = this.obey(message);
    this.pump.expire(true);
    this.say({ type: 'done', id: message.id, value });
  }

  /** A buffer may come back late, when its capture is over; the next one has its own. */
  private takeBack({ capture, buffer }: Extract<ToWorker, { type: 'return-buffer' }>): void {
    if (capture === this.capture) this.pump.recorder?.giveBack(buffer);
  }

  private obey(message: Question): WorkerAnswer {
    switch (message.type) {
      case 'reconfigure': {
        const { pump, workers } = this;
        const { settings, nat64 } = message;
        pump.translator = replaceTranslator(pump.translator, { settings, nat64, workers });
        return { dropped: pump.translator.nat64?.state.dropped };
      }
      case 'leases':
        return { leases: this.pump.translator.map.pool.leases() };
      case 'nat64': {
        const { nat64 } = this.pump.translator;
        return nat64 === null ? {} : { nat64: answerNat64(nat64.state, message.question) };
      }
      case 'start-capture':
        this.capture = message.request.number;
        this.pump.recorder = this.makeRecorder(message.request);
        return {};
      case 'stop-capture': {
        const recorder = this.pump.recorder;
        recorder?.flush();
        this.pump.recorder = null;
        return recorder === null ? {} : { capture: recorder.counters };
      }
      case 'stop':
        this.isStopped = true;
        return {};
      default:
        return message satisfies never;
    }
  }

  private makeRecorder({ snaplenBytes, filter }: CaptureRequest): Recorder {
    const recorder: Recorder = makeRecorder({
      snaplenBytes,
      filter,
      buffers: CAPTURE_BUFFERS,
      bufferBytes: CAPTURE_BUFFER_BYTES,
      clock: systemCaptureClock(),
      drain: (buffer, length) => {
        const captured: FromWorker = { type: 'captured', buffer, length, soFar: recorder.counters };
        this.port.postMessage(captured, [buffer]);
      },
    });
    return recorder;
  }

  private say(message: FromWorker): void {
    this.port.postMessage(message);
  }
}
