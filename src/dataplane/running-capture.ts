// One capture from its start to its end, as the main thread holds it: what came from which worker, how much of it was
// written, and one end, however many ask for it. Read first: capture.ts, capture-sink.ts.

import { XlatError } from '../contract/errors.ts';
import { type CaptureCounters, type CaptureFilter, captureFileHeader, captureFileTrailer } from './capture.ts';
import type { CaptureSink } from './capture-sink.ts';

/** What a capture records, and where. */
export interface CaptureOptions {
  /** Owned by the capture from the moment it began: it closes it. */
  readonly sink: CaptureSink;
  /** Bytes kept of each packet; all by default. */
  readonly snaplenBytes?: number;
  readonly filter?: CaptureFilter;
  /** Called once when the capture ended because it could not be written; translation goes on. `kept`: what was written of it. */
  readonly onFailure: (failure: XlatError, kept: CaptureCounters) => void;
}

/** What a capture needs of the workers. */
export interface CaptureWorkers {
  readonly count: number;
  /** Ends the recording in all of them. @returns what each counted; undefined for one that is gone */
  stop(): Promise<readonly (CaptureCounters | undefined)[]>;
  /** Told when the capture is over. */
  ended(): void;
}

const NOTHING_CAPTURED: CaptureCounters = { recorded: [0, 0], lost: [0, 0] };

/** A capture that began. */
export class RunningCapture {
  /** Tells its buffers from those of the captures before. */
  readonly number: number;
  readonly #sink: CaptureSink;
  readonly #onFailure: CaptureOptions['onFailure'];
  readonly #workers: CaptureWorkers;
  /** Of each worker: up to its last buffer, and up to its last buffer that was written. */
  readonly #came: CaptureCounters[];
  readonly #written: CaptureCounters[];
  #failure: XlatError | null = null;
  #ending: Promise<CaptureCounters> | null = null;

  constructor(number: number, { sink, onFailure }: CaptureOptions, workers: CaptureWorkers) {
    this.number = number;
    this.#sink = sink;
    this.#onFailure = onFailure;
    this.#workers = workers;
    this.#came = Array.from({ length: workers.count }, () => NOTHING_CAPTURED);
    this.#written = [...this.#came];
  }

  /** Writes the beginning of the file. */
  begin(snaplenBytes: number): void {
    this.#sink.append(captureFileHeader(snaplenBytes), NOTHING_CAPTURED, (failure) => this.#note(failure));
  }

  /**
   * Takes what a worker recorded.
   * @param soFar of this worker, up to these bytes
   * @param giveBack called when the bytes are no longer needed
   */
  keep(worker: number, bytes: Uint8Array, soFar: CaptureCounters, giveBack: () => void): void {
    this.#came[worker] = soFar;
    this.#sink.append(bytes, sum(this.#came), (failure) => {
      giveBack();
      if (failure === undefined) this.#written[worker] = soFar;
      else this.#note(failure);
    });
  }

  /** Ends it. Each call waits for the same end. @throws XlatError HOST_CHANGE_FAILED when it could not be written */
  end(): Promise<CaptureCounters> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** The first write that failed ends the capture: a file with a hole in it could not be read. */
  #note(cause: Error | undefined): void {
    if (cause === undefined || this.#failure !== null) return;
    this.#failure = new XlatError('HOST_CHANGE_FAILED', 'write the capture', `the capture ended: ${cause.message}`, {
      advice: 'Make room there, or capture into another file.',
      cause,
    });
    this.end().catch(() => undefined); // told by onFailure
  }

  async #end(): Promise<CaptureCounters> {
    const last = await this.#workers.stop();
    last.forEach((counters, worker) => {
      if (counters !== undefined) this.#came[worker] = counters;
    });
    const counters = sum(this.#came);
    if (this.#failure === null) {
      const timeNs = BigInt(Date.now()) * 1_000_000n;
      this.#sink.append(captureFileTrailer(counters, timeNs), counters, (failure) => this.#note(failure));
    }
    await this.#sink.close().catch((cause: Error) => this.#note(cause));
    this.#workers.ended();
    if (this.#failure === null) return counters;
    this.#onFailure(this.#failure, keptOf(counters, sum(this.#written)));
    throw this.#failure;
  }
}

/** What is left of `counters` when only `written` is in the file: the rest is lost. */
const keptOf = (counters: CaptureCounters, { recorded }: CaptureCounters): CaptureCounters => {
  const lost = (side: 0 | 1): number => counters.lost[side] + counters.recorded[side] - recorded[side];
  return { recorded, lost: [lost(0), lost(1)] };
};

function sum(workers: readonly CaptureCounters[]): CaptureCounters {
  const total: CaptureCounters = { recorded: [0, 0], lost: [0, 0] };
  for (const capture of workers) {
    for (const side of [0, 1] as const) {
      total.recorded[side] += capture.recorded[side];
      total.lost[side] += capture.lost[side];
    }
  }
  return total;
}
