// What a daemon gives to its control server: the way from the API to what runs.

import type { Captured, Params, Result } from '../contract/methods.ts';
import type { Status } from '../contract/status.ts';
import type { EventLog } from './event-log.ts';

/** Takes the bytes of a capture. */
export interface CaptureReceiver {
  /** Takes bytes, which stay as they are until `done` is called. */
  append(bytes: Uint8Array, soFar: Captured, done: () => void): void;
  /** Nothing comes after it. Resolves when all bytes have been dealt with. */
  close(): Promise<void>;
}

/** A daemon. */
export interface ControlHost {
  /** How its endpoint is called. */
  readonly name: string;
  readonly version: string;
  readonly role: string;
  readonly events: EventLog;
  /** Everything but the rates, now. */
  status(): Omit<Status, 'rates'>;
  /** @throws XlatError USAGE when one runs already or an address is none; CONTROL_FAILED while there is no data path */
  startCapture(request: Params<'capture.start'>, receiver: CaptureReceiver): Promise<void>;
  /** Ends it after everything went to the receiver. */
  stopCapture(): Promise<Captured>;
  reload(): Promise<Result<'reload'>>;
  /** Begins the daemon's end. */
  stop(): void;
}
