// The other end: a connection to a daemon, for the command line and the app. Answers and events are checked against the
// contract before anybody sees them.

import { connect, type Socket } from 'node:net';
import { isErrorCode, XlatError } from '../contract/errors.ts';
import { EVENTS, type EventName, type EventParams, isEvent } from '../contract/events.ts';
import {
  type Access,
  METHODS,
  type MethodName,
  type Params,
  PROTOCOL,
  protocolMismatch,
  type Result,
} from '../contract/methods.ts';
import type { Endpoint } from './endpoint.ts';
import { frame, LineReader } from './frames.ts';
import { parseMessage, type RpcError, type RpcMessage, request } from './rpc.ts';

/** A daemon that does not answer for so long hangs. */
const ANSWER_MS = 10_000;
const OPERATION = 'talk to the daemon';

/** A connection on which the handshake has been made. */
export interface ControlConnection {
  readonly hello: Result<'hello'>;
  /** Calls a method. @throws XlatError with the daemon's code, or CONTROL_FAILED when the connection ends before the answer */
  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Calls back for each event of a kind; one callback a kind. */
  on<E extends EventName>(event: E, callback: (params: EventParams<E>) => void): void;
  /** Resolves when the connection has ended, with why as far as the daemon said it. */
  readonly closed: Promise<string | null>;
  /** Takes nothing from the daemon until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the connection. */
  close(): void;
}

/**
 * Connects to a daemon.
 * @param program how this end calls itself
 * @throws XlatError DAEMON_NOT_RUNNING, NOT_PERMITTED, PROTOCOL_MISMATCH or CONTROL_FAILED
 */
export async function connectTo(endpoint: Endpoint, access: Access, program: string): Promise<ControlConnection> {
  const socket = await open(endpoint.path[access]);
  const connection = new SocketConnection(socket, endpoint.name);
  try {
    connection.hello = await connection.call('hello', { protocol: PROTOCOL, program });
    const mismatch = protocolMismatch(connection.hello, PROTOCOL);
    if (mismatch !== null) throw new XlatError('PROTOCOL_MISMATCH', OPERATION, mismatch);
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => reject(openError(path, error)));
  });
}

function openError(path: string, cause: NodeJS.ErrnoException): XlatError {
  if (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED') {
    return new XlatError('DAEMON_NOT_RUNNING', OPERATION, 'no daemon is running', { cause });
  }
  if (cause.code === 'EACCES' || cause.code === 'EPERM') {
    const advice = 'Use sudo, or become a member of the group xlat464.';
    return new XlatError('NOT_PERMITTED', OPERATION, `no permission to use ${path}`, { advice, cause });
  }
  return new XlatError('CONTROL_FAILED', OPERATION, `cannot connect to ${path}: ${cause.message}`, { cause });
}

interface Call {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

class SocketConnection implements ControlConnection {
  hello!: Result<'hello'>;
  readonly closed: Promise<string | null>;
  readonly #socket: Socket;
  readonly #name: string;
  readonly #reader = new LineReader();
  readonly #calls = new Map<number, Call>();
  readonly #callbacks = new Map<EventName, (params: never) => void>();
  #lastId = 0;
  #why: string | null = null;

  constructor(socket: Socket, name: string) {
    this.#socket = socket;
    this.#name = name;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error.message));
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#rejectAll();
        resolve(this.#why);
      });
    });
  }

  async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    const id = ++this.#lastId;
    const answered = new Promise<unknown>((resolve, reject) => this.#calls.set(id, { resolve, reject }));
    const timer = setTimeout(() => this.#calls.get(id)?.reject(unanswered(this.#name)), ANSWER_MS);
    try {
      if (this.#socket.destroyed) throw failed(this.#why ?? 'the connection to the daemon has ended');
      this.#socket.write(frame(request(id, method, params)));
      return METHODS[method].result.read(await answered, `the answer to ${method}`) as Result<M>;
    } finally {
      clearTimeout(timer);
      this.#calls.delete(id);
    }
  }

  on<E extends EventName>(event: E, callback: (params: EventParams<E>) => void): void {
    this.#callbacks.set(event, callback);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let messages: readonly RpcMessage[] = [];
    try {
      messages = Array.from(this.#reader.push(chunk), parseMessage);
    } catch (error) {
      this.#failBy(error);
    }
    for (const message of messages) this.#take(message);
  }

  #take(message: RpcMessage): void {
    if (message.kind === 'notification') {
      if (isEvent(message.method)) this.#event(message.method, message.params); // those of a later minor version are not for us
      return;
    }
    const call = this.#calls.get(Number(message.id));
    if (message.kind === 'result') call?.resolve(message.result);
    else if (call !== undefined) call.reject(errorOf(message.error));
    else this.#fail(message.error.message);
  }

  #event(name: EventName, params: unknown): void {
    let read: EventParams<EventName>;
    try {
      read = EVENTS[name].params.read(params, `the event ${name}`);
    } catch (error) {
      this.#failBy(error);
      return;
    }
    if (name === 'closing') this.#why = (read as EventParams<'closing'>).text;
    this.#callbacks.get(name)?.(read as never);
  }

  #failBy(error: unknown): void {
    this.#fail(`the daemon sent something that is not its protocol: ${(error as Error).message}`);
  }

  #fail(why: string): void {
    this.#why ??= why;
    this.#socket.destroy();
  }

  #rejectAll(): void {
    for (const { reject } of this.#calls.values()) reject(failed(this.#why ?? 'the daemon ended the connection'));
  }
}

const failed = (message: string): XlatError => new XlatError('CONTROL_FAILED', OPERATION, message);

function unanswered(name: string): XlatError {
  const advice = 'Its process hangs, or is stopped: kill -9 ends it, and "xlat464 cleanup" brings the host back then.';
  return new XlatError('CONTROL_FAILED', OPERATION, `${name} does not answer`, { advice });
}

/** A daemon's error as it was thrown there. */
function errorOf({ message, data }: RpcError): XlatError {
  if (data === undefined || !isErrorCode(data.code)) return failed(message);
  return new XlatError(data.code, data.operation, message, data.advice === null ? {} : { advice: data.advice });
}
