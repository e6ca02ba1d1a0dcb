// A packet worker's loop: packets as fast as they come, messages between two batches. It never returns to the event loop
// until it is told to stop; messages are taken with receiveMessageOnPort. Read first: messages.ts, pump.ts.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { makeRecorder, type Recorder, systemCaptureClock } from './capture.ts';
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
import { Pump } from './pump.ts';
import type { TunQueue } from './tun-queue.ts';
import { makeTranslator, replaceTranslator } from './worker-translator.ts';

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
  private seen = 0;
  private isStopped = false;
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
    this.pump = new Pump(this.queue, translator, countersOf(init.counters, init.worker), init.coalesce);
  }

  run(): void {
    this.say({ type: 'ready' });
    const { pump, signal } = this;
    while (!this.isStopped) {
      const isIdle = pump.step(pump.recorder === null ? -1 : CAPTURE_FLUSH_MS) === 0;
      if (pump.recorder !== null) this.flushCapture(pump.recorder, isIdle);
      const told = Atomics.load(signal, 0);
      if (told === ABANDONED) break;
      if (told !== this.seen) this.takeMessages();
    }
    this.queue.close();
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
      else this.say({ type: 'done', id: message.id, value: this.obey(message) });
    }
  }

  /** A buffer may come back late, when its capture is over; the next one has its own. */
  private takeBack({ capture, buffer }: Extract<ToWorker, { type: 'return-buffer' }>): void {
    if (capture === this.capture) this.pump.recorder?.giveBack(buffer);
  }

  private obey(message: Exclude<ToWorker, { type: 'return-buffer' }>): WorkerAnswer {
    switch (message.type) {
      case 'reconfigure': {
        const { pump, workers } = this;
        pump.translator = replaceTranslator(pump.translator, { settings: message.settings, workers });
        return {};
      }
      case 'leases':
        return { leases: this.pump.translator.map.pool.leases() };
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
