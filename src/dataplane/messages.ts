// What the main thread and a packet worker say to each other. The worker sits in its loop and has no event loop of its own:
// it looks at `signal` between two batches, and takes its messages when the number there has changed.

import type { Lease } from '../core/address/dynamic-pool.ts';
import type { Dropped } from '../core/nat64/reconfigure.ts';
import type { RestoreResult } from '../core/nat64/saved-bindings.ts';
import type { Nat64Settings } from '../core/nat64/settings.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import type { CaptureCounters, CaptureFilter } from './capture.ts';
import type { Nat64Answer, Nat64Question } from './nat64-control.ts';
import type { TunCapabilities } from './tun-queue.ts';

/** One queue of the virtual interface, as plain numbers that pass between threads. */
export interface QueueNumbers {
  readonly fd: number;
  /** What the worker waits on beside the queue itself. */
  readonly wakeFd: number;
  readonly capabilities: TunCapabilities;
}

/** A worker's `workerData`. */
export interface WorkerInit {
  readonly queue: QueueNumbers;
  readonly worker: number;
  /** How many there are in all. */
  readonly workers: number;
  readonly counters: SharedArrayBuffer;
  /** One Int32: messages sent to this worker so far. */
  readonly signal: SharedArrayBuffer;
  readonly settings: TranslatorSettings;
  /** Stateful NAT64; left out: stateless. */
  readonly nat64?: Nat64Settings | undefined;
  /** NAT64's bindings of an earlier run. */
  readonly savedBindings?: Uint8Array | undefined;
  readonly leases: readonly Lease[];
  readonly coalesce: boolean;
  /** Initial IPv4 identification. */
  readonly seed: number;
}

/** What a capture records. */
export interface CaptureRequest {
  /** Of this capture: a buffer that comes back names it. */
  readonly number: number;
  readonly snaplenBytes: number;
  readonly filter: CaptureFilter;
}

/** Value of `signal` that ends a worker at once, unasked and unanswered: the process is exiting. */
export const ABANDONED = -1;

/** To the worker; each is answered by `done` with its id, `return-buffer` is not. */
export type ToWorker =
  | {
      readonly type: 'reconfigure';
      readonly id: number;
      readonly settings: TranslatorSettings;
      readonly nat64?: Nat64Settings | undefined;
    }
  | { readonly type: 'leases'; readonly id: number }
  | { readonly type: 'nat64'; readonly id: number; readonly question: Nat64Question }
  | { readonly type: 'start-capture'; readonly id: number; readonly request: CaptureRequest }
  | { readonly type: 'stop-capture'; readonly id: number }
  | { readonly type: 'return-buffer'; readonly capture: number; readonly buffer: ArrayBuffer }
  | { readonly type: 'stop'; readonly id: number };

/** From the worker. */
export type FromWorker =
  | { readonly type: 'ready'; readonly restored?: RestoreResult | undefined }
  | { readonly type: 'done'; readonly id: number; readonly value: WorkerAnswer }
  | {
      readonly type: 'captured';
      readonly buffer: ArrayBuffer;
      readonly length: number;
      /** Of this worker, up to this buffer. */
      readonly soFar: CaptureCounters;
    };

/** What `done` carries, by the question. */
export interface WorkerAnswer {
  readonly leases?: readonly Lease[];
  readonly capture?: CaptureCounters;
  /** By `reconfigure` of a NAT64. */
  readonly dropped?: Dropped | undefined;
  readonly nat64?: Nat64Answer;
}
