// The data plane as the main thread holds it: one worker a queue, questions to them with answers, counters, one capture.
// Read next: worker.ts (the other end), messages.ts (what is said).

import { randomInt } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { XlatError } from '../contract/errors.ts';
import type { Lease } from '../core/address/dynamic-pool.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { MAX_PACKET } from '../core/wire/slab.ts';
import { type CaptureCounters, type CaptureFilter, captureFileHeader, captureFileTrailer } from './capture.ts';
import type { CaptureSink } from './capture-sink.ts';
import { type CounterSnapshot, makeCounterMemory, readCounters } from './counters.ts';
import type { FromWorker, QueueNumbers, ToWorker, WorkerAnswer, WorkerInit } from './messages.ts';

/** What a data plane is started with. */
export interface DataPlaneOptions {
  /** The queues of an open interface, which must stay open until `stop` has resolved. */
  readonly queues: readonly QueueNumbers[];
  /** Makes the worker of one queue look up from its wait. */
  readonly wake: (queue: number) => void;
  /** Starts a worker thread whose program calls runPacketWorker with `init`. */
  readonly startThread: (init: WorkerInit, name: string) => Worker;
  readonly settings: TranslatorSettings;
  /** Merge segments before they are written, where the device takes super-packets. */
  readonly coalesce: boolean;
  /** Leases of the dynamic pool from an earlier run. */
  readonly leases?: readonly Lease[];
}

/** What a capture records, and where. */
export interface CaptureOptions {
  /** Owned by the capture from now on: it closes it. */
  readonly sink: CaptureSink;
  /** Bytes kept of each packet; all by default. */
  readonly snaplenBytes?: number;
  readonly filter?: CaptureFilter;
}

/** A running data plane. */
export interface DataPlane {
  /** All counters now; costs the workers nothing. */
  counters(): CounterSnapshot;
  /** Resolves when every worker translates by the new settings; no packet is lost and leases are kept. */
  reconfigure(settings: TranslatorSettings): Promise<void>;
  /** Leases of the dynamic pool. */
  leases(): Promise<readonly Lease[]>;
  /** Records both sides as a pcapng file. Throws USAGE when one runs already; the sink is closed then. */
  startCapture(options: CaptureOptions): Promise<void>;
  /** Ends the capture. @returns what it recorded and lost; throws HOST_CHANGE_FAILED when the file could not be written */
  stopCapture(): Promise<CaptureCounters>;
  /** Calls back once when a worker has failed; at once when one has already. */
  onFailure(callback: (error: XlatError) => void): void;
  /** Ends capture and workers. A second call waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts a worker for each queue and resolves when all of them translate.
 * @throws XlatError DATA_PATH_FAILED when a worker cannot start; the others are stopped then
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const plane = new WorkerDataPlane(options);
  try {
    await plane.ready;
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

interface WorkerHandle {
  readonly thread: Worker;
  readonly signal: Int32Array;
  readonly exited: Promise<void>;
  readonly questions: Map<number, (answer: WorkerAnswer) => void>;
}

interface RunningCapture {
  readonly sink: CaptureSink;
  /** Of each worker, up to its last buffer. */
  readonly soFar: CaptureCounters[];
}

class WorkerDataPlane implements DataPlane {
  readonly ready: Promise<void>;
  private readonly memory: SharedArrayBuffer;
  private readonly wake: (queue: number) => void;
  private readonly workers: readonly WorkerHandle[];
  private readonly failureCallbacks: ((error: XlatError) => void)[] = [];
  private failure: XlatError | null = null;
  private capture: RunningCapture | null = null;
  private nextId = 0;
  private stopping: Promise<void> | null = null;

  constructor(options: DataPlaneOptions) {
    this.memory = makeCounterMemory(options.queues.length);
    this.wake = options.wake;
    const started: Promise<void>[] = [];
    this.workers = options.queues.map((queue, worker) => {
      const handle = this.startWorker(options, queue, worker);
      started.push(new Promise((resolve) => handle.questions.set(READY, () => resolve())));
      return handle;
    });
    const failed = new Promise<never>((_, reject) => this.onFailure(reject));
    failed.catch(() => undefined); // whoever waits for `ready` gets it
    this.ready = Promise.race([Promise.all(started).then(() => undefined), failed]);
  }

  counters(): CounterSnapshot {
    return readCounters(this.memory);
  }

  async reconfigure(settings: TranslatorSettings): Promise<void> {
    await this.askAll((id) => ({ type: 'reconfigure', id, settings }));
  }

  async leases(): Promise<readonly Lease[]> {
    const answers = await this.askAll((id) => ({ type: 'leases', id }));
    return answers.flatMap((answer) => answer.leases ?? []);
  }

  async startCapture({ sink, snaplenBytes = MAX_PACKET, filter = {} }: CaptureOptions): Promise<void> {
    if (this.capture !== null || this.stopping !== null) {
      await sink.close();
      const why = this.stopping === null ? 'a capture is running already' : 'the data path is ending';
      throw new XlatError('USAGE', 'start a capture', why);
    }
    const soFar = this.workers.map(() => NOTHING_CAPTURED);
    this.capture = { sink, soFar };
    sink.append(captureFileHeader(snaplenBytes), NOTHING_CAPTURED, () => undefined);
    const request = { snaplenBytes, filter };
    await this.askAll((id) => ({ type: 'start-capture', id, request }));
  }

  async stopCapture(): Promise<CaptureCounters> {
    const capture = this.capture;
    if (capture === null) throw new XlatError('USAGE', 'stop the capture', 'no capture is running');
    const answers = await this.askAll((id) => ({ type: 'stop-capture', id }));
    this.capture = null;
    const counters = sumCaptures(answers.map((answer) => answer.capture ?? NOTHING_CAPTURED));
    try {
      const timeNs = BigInt(Date.now()) * 1_000_000n;
      capture.sink.append(captureFileTrailer(counters, timeNs), counters, () => undefined);
      await capture.sink.close();
    } catch (cause) {
      throw new XlatError('HOST_CHANGE_FAILED', 'write the capture', messageOf(cause), { cause });
    }
    return counters;
  }

  onFailure(callback: (error: XlatError) => void): void {
    if (this.failure !== null) callback(this.failure);
    else this.failureCallbacks.push(callback);
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    try {
      if (this.capture !== null) await this.stopCapture();
    } finally {
      await this.askAll((id) => ({ type: 'stop', id }));
      await Promise.all(this.workers.map(({ exited }) => exited));
    }
  }

  private startWorker(options: DataPlaneOptions, queue: QueueNumbers, worker: number): WorkerHandle {
    const signal = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const { settings, coalesce, leases = [] } = options;
    const seed = randomInt(0x10000);
    const workerData: WorkerInit = { queue, worker, counters: this.memory, signal, settings, leases, coalesce, seed };
    const thread = options.startThread(workerData, `packets-${worker}`);
    const questions = new Map<number, (answer: WorkerAnswer) => void>();
    const exited = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
    thread.on('message', (message: FromWorker) => this.hear(worker, message));
    thread.on('error', (error) => this.fail(error));
    void exited.then(() => {
      // Nobody answers any more: whoever still waits goes on with an empty answer, the failure has been told.
      for (const settle of questions.values()) settle({});
      if (this.stopping === null) this.fail(new Error('a packet worker ended by itself'));
    });
    return { thread, signal: new Int32Array(signal), exited, questions };
  }

  private hear(worker: number, message: FromWorker): void {
    const handle = this.workers[worker] as WorkerHandle;
    if (message.type === 'captured') {
      this.keep(worker, message);
      return;
    }
    const id = message.type === 'ready' ? READY : message.id;
    handle.questions.get(id)?.(message.type === 'ready' ? {} : message.value);
    handle.questions.delete(id);
  }

  private keep(worker: number, { buffer, length, soFar }: Extract<FromWorker, { type: 'captured' }>): void {
    const { capture } = this;
    if (capture === null) return;
    capture.soFar[worker] = soFar;
    capture.sink.append(new Uint8Array(buffer, 0, length), sumCaptures(capture.soFar), () => {
      if (this.stopping === null) this.tell(worker, { type: 'return-buffer', buffer }, [buffer]);
    });
  }

  private askAll(question: (id: number) => Exclude<ToWorker, { type: 'return-buffer' }>): Promise<WorkerAnswer[]> {
    return Promise.all(this.workers.map((_, worker) => this.ask(worker, question(++this.nextId))));
  }

  private ask(worker: number, message: Exclude<ToWorker, { type: 'return-buffer' }>): Promise<WorkerAnswer> {
    const handle = this.workers[worker] as WorkerHandle;
    const answer = new Promise<WorkerAnswer>((resolve) => handle.questions.set(message.id, resolve));
    this.tell(worker, message);
    return Promise.race([answer, handle.exited.then(() => ({}))]);
  }

  private tell(worker: number, message: ToWorker, transfer: ArrayBuffer[] = []): void {
    const { thread, signal } = this.workers[worker] as WorkerHandle;
    thread.postMessage(message, transfer);
    Atomics.add(signal, 0, 1);
    this.wake(worker);
  }

  private fail(cause: unknown): void {
    if (this.failure !== null) return;
    this.failure = new XlatError('DATA_PATH_FAILED', 'move packets', `the data path stopped: ${messageOf(cause)}`, {
      cause,
    });
    for (const callback of this.failureCallbacks) callback(this.failure);
  }
}

/** The question that a worker answers by itself: that it has started. */
const READY = 0;

const NOTHING_CAPTURED: CaptureCounters = { recorded: [0, 0], lost: [0, 0] };

function sumCaptures(workers: readonly CaptureCounters[]): CaptureCounters {
  const total: CaptureCounters = { recorded: [0, 0], lost: [0, 0] };
  for (const capture of workers) {
    for (const side of [0, 1] as const) {
      total.recorded[side] += capture.recorded[side];
      total.lost[side] += capture.lost[side];
    }
  }
  return total;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
