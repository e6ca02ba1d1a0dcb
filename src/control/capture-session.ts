// The capture of one connection. Its bytes go out as fast as they are read and no faster: buffers are given back when they
// are on their way, so with a slow reader the data path counts losses and neither it nor this process waits or grows.

import type { Captured, Params } from '../contract/methods.ts';
import type { Clock } from './clock.ts';
import type { Connection } from './connection.ts';
import type { CaptureReceiver, ControlHost } from './host.ts';

/** Bytes in one event, a multiple of three so that base64 has no padding within. */
const PIECE_BYTES = 3 * 64 * 1024;

/** At the end of a capture, how long its reader may take nothing at all before the rest is given up. */
const STALLED_MS = 2000;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly soFar: Captured;
  readonly done: () => void;
}

/** One capture from its start to its end. */
export class CaptureSession implements CaptureReceiver {
  readonly #connection: Connection;
  readonly #host: ControlHost;
  readonly #clock: Clock;
  readonly #ended: () => void;
  readonly #waiting: Waiting[] = [];
  readonly #emptied: (() => void)[] = [];
  #at = 0;
  /** Pieces sent: whether the reader gets on. */
  #pieces = 0;
  #isSending = false;
  #isAborted = false;
  #stopping: Promise<Captured> | null = null;
  #cancel: (() => void) | null = null;
  #soFar: Captured = { recorded: 0, lost: 0 };

  /** @param ended called when it ended, however that came about */
  constructor(
    connection: Connection,
    { host, clock }: { readonly host: ControlHost; readonly clock: Clock },
    ended: () => void,
  ) {
    this.#connection = connection;
    this.#host = host;
    this.#clock = clock;
    this.#ended = ended;
  }

  /** Begins. @throws as the host's startCapture */
  async start(request: Params<'capture.start'>): Promise<void> {
    await this.#host.startCapture(request, this);
    const { durationMs } = request;
    if (durationMs !== undefined) this.#cancel = this.#clock.after(durationMs, () => void this.#expire());
  }

  /** Ends it; all bytes have been sent then. A second call waits for the same end. */
  stop(): Promise<Captured> {
    this.#cancel?.();
    this.#stopping ??= this.#host.stopCapture().finally(() => this.#ended());
    return this.#stopping;
  }

  /** The connection is gone: what waits goes nowhere. */
  abort(): void {
    this.#isAborted = true;
    for (const { done } of this.#waiting.splice(0)) done();
    this.#settle();
    // A capture that its own data path ended has no stop; there is nobody to tell of either.
    this.stop().catch(() => undefined);
  }

  append(bytes: Uint8Array, soFar: Captured, done: () => void): void {
    if (this.#isAborted) {
      done();
      return;
    }
    this.#waiting.push({ bytes, soFar, done });
    this.#send();
  }

  async close(): Promise<void> {
    await this.#emptyOrStalled();
    if (this.#stopping !== null || this.#isAborted) return;
    this.#cancel?.();
    this.#stopping = Promise.resolve(this.#soFar);
    this.#connection.tell('captureEnded', { ...this.#soFar, reason: 'data-path-ended' });
    this.#ended();
  }

  async #expire(): Promise<void> {
    try {
      this.#connection.tell('captureEnded', { ...(await this.stop()), reason: 'duration' });
    } catch {
      // The data path ended at the same moment, and close() has told so.
    }
  }

  /** Waits until everything is sent. A reader that has stopped to read does not hold up the daemon. */
  async #emptyOrStalled(): Promise<void> {
    while (this.#waiting.length > 0) {
      const before = this.#pieces;
      await new Promise<void>((resolve) => {
        const cancel = this.#clock.after(STALLED_MS, resolve);
        this.#emptied.push(resolve, cancel);
      });
      if (this.#waiting.length === 0 || this.#pieces !== before) continue;
      this.#connection.close('slow', 'the end of the capture was not read');
      this.abort();
    }
  }

  /** Sends the next piece, if none is on its way. */
  #send(): void {
    const first = this.#waiting[0];
    if (this.#isSending || first === undefined) return;
    const { bytes, soFar } = first;
    const end = Math.min(this.#at + PIECE_BYTES, bytes.length);
    const piece = Buffer.from(bytes.buffer, bytes.byteOffset + this.#at, end - this.#at).toString('base64');
    this.#isSending = true;
    this.#soFar = soFar;
    this.#connection.tellSlowly('captured', { bytes: piece, ...soFar }, () => this.#sent(end));
  }

  #sent(end: number): void {
    this.#isSending = false;
    this.#pieces += 1;
    if (this.#isAborted) return;
    this.#at = end;
    const first = this.#waiting[0];
    if (first !== undefined && end === first.bytes.length) {
      this.#waiting.shift();
      this.#at = 0;
      first.done();
    }
    if (this.#waiting.length === 0) this.#settle();
    else this.#send();
  }

  #settle(): void {
    for (const resolve of this.#emptied.splice(0)) resolve();
  }
}
