// What a daemon gives to its control server: the way from the API to what runs.

import type { Captured, Params, Result } from '../contract/methods.ts';
import type { Log } from '../contract/reasons.ts';
import type { Status } from '../contract/status.ts';
import type { EventLog } from './event-log.ts';

/** Takes the bytes of a capture. */
export interface CaptureReceiver {
  /** Takes bytes, which stay as they are until `done` is called. */
  append(bytes: Uint8Array, soFar: Captured, done: () => void): void;
  /** Nothing comes after it. Resolves when all bytes have been dealt with. */
  close(): Promise<void>;
}

/** What only a gateway is asked. All may throw XlatError. */
export interface GatewayRequests {
  sessions(wanted: Params<'sessions'>): Promise<Result<'sessions'>>;
  bindings(wanted: Params<'bindings.list'>): Promise<Result<'bindings.list'>>;
  addBinding(ends: Params<'bindings.add'>): Promise<void>;
  removeBinding(ends: Params<'bindings.remove'>): Promise<void>;
  explain(question: Params<'dns.query'>): Promise<Result<'dns.query'>>;
}

/** A daemon. */
export interface ControlHost {
  /** How its endpoint is called. */
  readonly name: string;
  readonly version: string;
  readonly role: string;
  readonly events: EventLog;
  /** Where it is said who asks for what; left out: nowhere. */
  readonly log?: Pick<Log, 'debug'>;
  /** Everything but the rates, now. */
  status(): Omit<Status, 'rates'>;
  /** @throws XlatError USAGE when one runs already or an address is none; CONTROL_FAILED while there is no data path */
  startCapture(request: Params<'capture.start'>, receiver: CaptureReceiver): Promise<void>;
  /** Ends it after everything went to the receiver. */
  stopCapture(): Promise<Captured>;
  reload(): Promise<Result<'reload'>>;
  /** Switches a client on or off; what comes of it is in the status. @throws XlatError USAGE where there is nothing to switch */
  switchTo(isOn: boolean): void;
  /** null: it is no gateway. */
  readonly gateway: GatewayRequests | null;
  /** Begins the daemon's end. */
  stop(): void;
}
