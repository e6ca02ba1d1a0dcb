// A packet worker's loop: packets as fast as they come, messages between two batches. It never returns to the event loop
// until it is told to stop; messages are taken with receiveMessageOnPort. Read first: messages.ts, pump.ts.

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Translator } from '../core/translate/translator.ts';
import { makeRecorder, type Recorder, systemCaptureClock } from './capture.ts';
import { countersOf } from './counters.ts';
import type { CaptureRequest, FromWorker, QueueNumbers, ToWorker, WorkerAnswer, WorkerInit } from './messages.ts';
import { Pump } from './pump.ts';
import type { TunQueue } from './tun-queue.ts';

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
  private seen = 0;
  private isStopped = false;
  /** When the capture was handed over last. */
  private flushedMs = 0;

  constructor(port: MessagePort, init: WorkerInit, makeQueue: (numbers: QueueNumbers) => TunQueue) {
    this.port = port;
    this.signal = new Int32Array(init.signal);
    this.queue = makeQueue(init.queue);
    const translator = new Translator(init.settings, init.seed);
    translator.map.pool.restore(init.leases);
    this.pump = new Pump(this.queue, translator, countersOf(init.counters, init.worker), init.coalesce);
  }

  run(): void {
    this.say({ type: 'ready' });
    const { pump, signal } = this;
    while (!this.isStopped) {
      const isIdle = pump.step(pump.recorder === null ? -1 : CAPTURE_FLUSH_MS) === 0;
      if (pump.recorder !== null) this.flushCapture(pump.recorder, isIdle);
      if (Atomics.load(signal, 0) !== this.seen) this.takeMessages();
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
      if (message.type === 'return-buffer') this.pump.recorder?.giveBack(message.buffer);
      else this.say({ type: 'done', id: message.id, value: this.obey(message) });
    }
  }

  private obey(message: Exclude<ToWorker, { type: 'return-buffer' }>): WorkerAnswer {
    switch (message.type) {
      case 'reconfigure': {
        const leases = this.pump.translator.map.pool.leases();
        const seed = this.pump.translator.nextIdentification(0);
        this.pump.translator = new Translator(message.settings, seed);
        this.pump.translator.map.pool.restore(leases);
        return {};
      }
      case 'leases':
        return { leases: this.pump.translator.map.pool.leases() };
      case 'start-capture':
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

  private makeRecorder(request: CaptureRequest): Recorder {
    const recorder: Recorder = makeRecorder({
      ...request,
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
