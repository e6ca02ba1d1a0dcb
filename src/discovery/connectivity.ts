// The connectivity check of rule D-08 (RFC 7050 §3.1): a TCP connection through the prefix to an IPv4 address that the user names.
// TCP because it needs no right and shows that packets come back; a refused connection shows it as well.

import type { Socket } from 'node:net';
import { embedAddress } from '../core/address/rfc6052.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import type { Closable } from '../platform/platform.ts';
import type { Clock } from './clock.ts';
import { text6 } from './text.ts';

/** Whom to reach through the prefix. */
export interface CheckTarget {
  /** As an unsigned number. */
  readonly ipv4: number;
  readonly port: number;
}

/** Begins a TCP connection to an address as text. Throws nothing: failures are the socket's errors. */
export type ConnectTcp = (address: string, port: number) => Socket;

/** What a check needs. */
export interface CheckContext {
  readonly clock: Clock;
  /** By the link whose prefix is checked. */
  readonly connect: ConnectTcp;
}

/** How long the connection may take. */
const CHECK_TIMEOUT_MS = 5000;
/** A check that failed is made anew after this long. */
export const CHECK_AGAIN_MS = 30_000;

/** Checks a prefix. `done` gets the answer, once, unless closed before. */
export function checkConnectivity(
  prefix: Prefix6,
  { ipv4, port }: CheckTarget,
  { clock, connect }: CheckContext,
  done: (isReachable: boolean) => void,
): Closable {
  const socket = connect(text6(embedAddress(prefix, ipv4 | 0)), port);
  const close = (): void => {
    timer.close();
    socket.removeAllListeners();
    socket.on('error', () => undefined); // what a destroyed socket still says is of no interest
    socket.destroy();
  };
  const finish = (isReachable: boolean): void => {
    close();
    done(isReachable);
  };
  const timer = clock.after(CHECK_TIMEOUT_MS, () => finish(false));
  socket.once('connect', () => finish(true));
  socket.once('error', (cause) => finish((cause as NodeJS.ErrnoException).code === 'ECONNREFUSED'));
  return { close };
}
