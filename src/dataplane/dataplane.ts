// The data plane as the main thread holds it: one worker a queue, questions to them with answers, counters, one capture.
// Read next: worker.ts (the other end), messages.ts (what is said).

import { randomInt } from 'node:crypto';
import type { Worker } from 'node:worker_threads';
import { XlatError } from '../contract/errors.ts';
import type { Lease } from '../core/address/dynamic-pool.ts';
import type { Dropped } from '../core/nat64/reconfigure.ts';
import type { RestoreResult } from '../core/nat64/saved-bindings.ts';
import type { Nat64Settings } from '../core/nat64/settings.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { MAX_PACKET } from '../core/wire/slab.ts';
import type { CaptureCounters } from './capture.ts';
import { type CounterSnapshot, makeCounterMemory, readCounters } from './counters.ts';
import {
  ABANDONED,
  type FromWorker,
  type QueueNumbers,
  type ToWorker,
  type WorkerAnswer,
  type WorkerInit,
} from './messages.ts';
import { makeNat64Control, type Nat64Control } from './nat64-control.ts';
import { type CaptureOptions, RunningCapture } from './running-capture.ts';

/** What a data plane is started with. */
export interface DataPlaneOptions {
  /** The queues of an open interface, which must stay open until `stop` has resolved. */
  readonly queues: readonly QueueNumbers[];
  /** Makes the worker of one queue look up from its wait. */
  readonly wake: (queue: number) => void;
  /** Starts a worker thread whose program calls runPacketWorker with `init`. */
  readonly startThread: (init: WorkerInit, name: string) => Worker;
  readonly settings: TranslatorSettings;
  /** Makes it a stateful NAT64 (RFC 6146) with one queue, whose prefix is that of the settings. */
  readonly nat64?: Nat64Settings | undefined;
  /** What `nat64.save()` gave in an earlier run; any bytes are safe. */
  readonly savedBindings?: Uint8Array | undefined;
  /** Merge segments before they are written, where the device takes super-packets. */
  readonly coalesce: boolean;
  /** Leases of the dynamic pool from an earlier run. */
  readonly leases?: readonly Lease[];
}

/** A running data plane. */
export interface DataPlane {
  /** All counters now; costs the workers nothing. */
  counters(): CounterSnapshot;
  /**
   * Resolves when every worker translates by the new settings; no packet is lost, leases are kept, and of NAT64's sessions those that
   * the new pool and limits have room for.
   * @returns what of NAT64 they had no room for
   */
  reconfigure(settings: TranslatorSettings, nat64?: Nat64Settings): Promise<Dropped>;
  /** The tables of stateful NAT64. */
  readonly nat64: Nat64Control;
  /** What became of `savedBindings`; null without any. */
  readonly restored: RestoreResult | null;
  /** Leases of the dynamic pool. */
  leases(): Promise<readonly Lease[]>;
  /** Records both sides as a pcapng file. Throws USAGE when one runs already; the sink stays the caller's then. */
  startCapture(options: CaptureOptions): Promise<void>;
  /**
   * Ends the capture. A second call waits for the same end.
   * @returns what it recorded and lost; throws HOST_CHANGE_FAILED when the file could not be written
   */
  stopCapture(): Promise<CaptureCounters>;
  /** Calls back once when a worker has failed; at once when one has already. */
  onFailure(callback: (error: XlatError) => void): void;
  /** Ends capture and workers. A second call waits for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts a worker for each queue and resolves when all of them translate.
 * @throws XlatError DATA_PATH_FAILED when a worker cannot start, the others are stopped then; CONFIG_INVALID for NAT64 with
 *   more than one queue
 */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  checkQueues(options.queues.length, options.nat64);
  const plane = new WorkerDataPlane(options.queues.length, options.wake);
  try {
    await plane.start(options);
  } catch (error) {
    await plane.stop();
    throw error;
  }
  return plane;
}

/** The two directions of a session come in by different queues, and each worker has tables of its own. */
function checkQueues(queues: number, nat64: Nat64Settings | undefined): void {
  if (nat64 === undefined || queues <= 1) return;
  throw new XlatError('CONFIG_INVALID', 'start NAT64', `NAT64 works with one queue, not with ${queues}`, {
    advice: 'Set tun.queues to 1.',
  });
}

interface WorkerHandle {
  readonly thread: Worker;
  readonly signal: Int32Array;
  readonly exited: Promise<void>;
  readonly questions: Map<number, (answer: WorkerAnswer) => void>;
}

class WorkerDataPlane implements DataPlane {
  readonly nat64 = makeNat64Control(
    async (question) => (await this.ask(0, { type: 'nat64', id: ++this.nextId, question })).nat64,
  );
  restored: RestoreResult | null = null;
  private readonly memory: SharedArrayBuffer;
  private readonly wake: (queue: number) => void;
  private readonly workers: WorkerHandle[] = [];
  private readonly failureCallbacks: ((error: XlatError) => void)[] = [];
  private failure: XlatError | null = null;
  private capture: RunningCapture | null = null;
  private captures = 0;
  private nextId = 0;
  private stopping: Promise<void> | null = null;

  constructor(queues: number, wake: (queue: number) => void) {
    this.memory = makeCounterMemory(queues);
    this.wake = wake;
  }

  /** Resolves when all workers translate. When it throws, those that were started run on until `stop`. */
  async start(options: DataPlaneOptions): Promise<void> {
    process.once('exit', this.abandon);
    const started = options.queues.map((queue, worker) => {
      const handle = this.startWorker(options, queue, worker);
      this.workers.push(handle);
      return new Promise<void>((resolve) => handle.questions.set(READY, () => resolve()));
    });
    await Promise.race([Promise.all(started), new Promise<never>((_, reject) => this.onFailure(reject))]);
  }

  counters(): CounterSnapshot {
    return readCounters(this.memory);
  }

  async reconfigure(settings: TranslatorSettings, nat64?: Nat64Settings): Promise<Dropped> {
    checkQueues(this.workers.length, nat64);
    const answers = await this.askAll((id) => ({ type: 'reconfigure', id, settings, nat64 }));
    return answers[0]?.dropped ?? { bindings: 0, sessions: 0 }; // NAT64 has one worker
  }

  async leases(): Promise<readonly Lease[]> {
    const answers = await this.askAll((id) => ({ type: 'leases', id }));
    return answers.flatMap((answer) => answer.leases ?? []);
  }

  async startCapture(options: CaptureOptions): Promise<void> {
    if (this.capture !== null || this.stopping !== null) {
      const why = this.stopping === null ? 'a capture is running already' : 'the data path is ending';
      throw new XlatError('USAGE', 'start a capture', why);
    }
    const number = ++this.captures;
    const { snaplenBytes = MAX_PACKET, filter = {} } = options;
    this.capture = new RunningCapture(number, options, {
      count: this.workers.length,
      stop: async () => (await this.askAll((id) => ({ type: 'stop-capture', id }))).map(({ capture }) => capture),
      ended: () => {
        this.capture = null;
      },
    });
    this.capture.begin(snaplenBytes);
    await this.askAll((id) => ({ type: 'start-capture', id, request: { number, snaplenBytes, filter } }));
  }

  async stopCapture(): Promise<CaptureCounters> {
    if (this.capture === null) throw new XlatError('USAGE', 'stop the capture', 'no capture is running');
    return this.capture.end();
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
    await this.capture?.end().catch(() => undefined); // told by its onFailure
    await this.askAll((id) => ({ type: 'stop', id }));
    await Promise.all(this.workers.map(({ exited }) => exited));
    process.off('exit', this.abandon);
  }

  /** Ends the workers when the process exits by another way: Node joins them, and one that waits for packets never looks up. */
  private readonly abandon = (): void => {
    this.workers.forEach(({ signal }, worker) => {
      Atomics.store(signal, 0, ABANDONED);
      this.wake(worker);
    });
  };

  private startWorker(options: DataPlaneOptions, queue: QueueNumbers, worker: number): WorkerHandle {
    const signal = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
    const { settings, nat64, savedBindings, coalesce, leases = [] } = options;
    const seed = randomInt(0x10000);
    const workers = options.queues.length;
    const share = { worker, workers, settings, nat64, savedBindings, leases, coalesce, seed };
    const workerData: WorkerInit = { queue, counters: this.memory, signal, ...share };
    const thread = this.startThread(options, workerData, `packets-${worker}`);
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

  private startThread({ startThread }: DataPlaneOptions, init: WorkerInit, name: string): Worker {
    try {
      return startThread(init, name);
    } catch (cause) {
      const message = `a packet worker does not start: ${messageOf(cause)}`;
      throw new XlatError('DATA_PATH_FAILED', 'start a packet worker', message, { cause });
    }
  }

  private hear(worker: number, message: FromWorker): void {
    const handle = this.workers[worker] as WorkerHandle;
    if (message.type === 'captured') {
      this.keep(worker, message);
      return;
    }
    const id = message.type === 'ready' ? READY : message.id;
    if (message.type === 'ready') this.restored = message.restored ?? null;
    handle.questions.get(id)?.(message.type === 'ready' ? {} : message.value);
    handle.questions.delete(id);
  }

  private keep(worker: number, { buffer, length, soFar }: Extract<FromWorker, { type: 'captured' }>): void {
    const { capture } = this;
    if (capture === null) return;
    const { number } = capture;
    capture.keep(worker, new Uint8Array(buffer, 0, length), soFar, () => {
      if (this.stopping === null) this.tell(worker, { type: 'return-buffer', capture: number, buffer }, [buffer]);
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
