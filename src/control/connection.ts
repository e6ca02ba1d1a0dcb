// One connection as the server sees it: bytes in, requests out; messages in, bytes out; and the limits that a hostile or
// hanging other end runs into. Knows nothing of what is asked.

import type { Socket } from 'node:net';
import type { EventName, EventParams } from '../contract/events.ts';
import type { Access } from '../contract/methods.ts';
import { FrameTooLarge, frame, LineReader } from './frames.ts';
import { failure, notification, parseRequest, RpcFailure, type RpcRequest } from './rpc.ts';

/** Bytes that wait for a reader before it is dropped. A snapshot has some twenty thousand. */
const BACKLOG_LIMIT = 1024 * 1024;
/** How long a first request may take, and how long a connection without a subscription may be silent. */
const GREETING_MS = 10_000;
const SILENCE_MS = 60_000;
/** How long a connection may take to read why it is closed. */
const LINGER_MS = 500;

/** Why a connection is closed. */
export type Closing = EventParams<'closing'>['reason'];

/** Who handles a connection's requests. */
export interface ConnectionHandler {
  request(request: RpcRequest): void;
  /** Called once; the connection is of no more use. */
  closed(): void;
}

/** One connection. */
export class Connection {
  readonly access: Access;
  readonly #socket: Socket;
  readonly #reader = new LineReader();
  #handler: ConnectionHandler | null = null;
  #isClosing = false;

  constructor(socket: Socket, access: Access) {
    this.access = access;
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    // The other end went away in the middle of something: 'close' follows, and there is nobody to tell.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#closed());
    socket.on('timeout', () => this.close('idle', 'nothing was asked for too long'));
    socket.setTimeout(GREETING_MS);
  }

  /** Takes the requests from now on. */
  handle(handler: ConnectionHandler): void {
    this.#handler = handler;
  }

  get isOpen(): boolean {
    return !this.#isClosing;
  }

  /** The other end said who it is. */
  greeted(): void {
    this.#socket.setTimeout(SILENCE_MS);
  }

  /** It is told things from now on, and may be silent. */
  listens(): void {
    this.#socket.setTimeout(0);
  }

  /** Sends an answer. A reader that is too slow is dropped. */
  send(message: object): void {
    if (this.#isClosing) return;
    if (this.#socket.writableLength > BACKLOG_LIMIT) {
      this.close('slow', `more than ${BACKLOG_LIMIT} bytes were not read`);
      return;
    }
    this.#socket.write(frame(message));
  }

  /** Sends an event. */
  tell<E extends EventName>(event: E, params: EventParams<E>): void {
    this.send(notification(event, params));
  }

  /** Sends an event; `done` is called when the system has it, or when the connection has ended. For what waits for its reader. */
  tellSlowly<E extends EventName>(event: E, params: EventParams<E>, done: () => void): void {
    if (this.#isClosing) done();
    else this.#socket.write(frame(notification(event, params)), () => done());
  }

  /** Says why, and ends the connection; what is on its way is still sent to who reads it. */
  close(reason: Closing, text: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#socket.end(frame(notification('closing', { reason, text })));
    this.#linger();
  }

  #linger(): void {
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#socket.resume();
  }

  #closed(): void {
    this.#isClosing = true;
    const handler = this.#handler;
    this.#handler = null;
    handler?.closed();
  }

  #read(chunk: Buffer): void {
    if (this.#isClosing) return;
    try {
      for (const line of this.#reader.push(chunk)) {
        if (this.#isClosing) return;
        this.#handler?.request(parseRequest(line));
      }
    } catch (error) {
      if (error instanceof FrameTooLarge) this.close('too-large', error.message);
      else if (error instanceof RpcFailure) this.#refuse(error);
      else throw error;
    }
  }

  /** Who does not speak the protocol gets one answer. */
  #refuse({ id, error }: RpcFailure): void {
    this.#isClosing = true;
    this.#socket.end(frame(failure(id, error)));
    this.#linger();
  }
}
