// What one connection may ask and gets: the handshake, each method, its subscription and its capture.

import { XlatError } from '../contract/errors.ts';
import {
  isMethod,
  METHODS,
  type MethodName,
  type Params,
  PROTOCOL,
  protocolMismatch,
  type Result,
} from '../contract/methods.ts';
import type { LogFields, Step } from '../contract/reasons.ts';
import { ShapeError } from '../contract/schema.ts';
import type { Status } from '../contract/status.ts';
import { CaptureSession } from './capture-session.ts';
import type { Clock } from './clock.ts';
import type { Connection, ConnectionHandler } from './connection.ts';
import { Feed } from './feed.ts';
import type { ControlHost, GatewayRequests } from './host.ts';
import { answer, failure, RPC_ERROR, type RpcError, RpcFailure, type RpcRequest } from './rpc.ts';

/** What sessions share. */
export interface SessionEnvironment {
  readonly host: ControlHost;
  readonly clock: Clock;
  /** With rates, as far as they are known. */
  readonly status: () => Status;
  /** The session subscribed; what it returns is called when it ends. */
  readonly subscribed: (wake: () => void) => () => void;
  /** The session is over. */
  readonly ended: () => void;
}

type Handlers = { readonly [M in MethodName]: (params: Params<M>) => Result<M> | Promise<Result<M>> };

/** One connection's session. */
export class Session implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #env: SessionEnvironment;
  #isGreeted = false;
  #feed: Feed | null = null;
  #unsubscribe: (() => void) | null = null;
  #capture: CaptureSession | null = null;

  constructor(connection: Connection, env: SessionEnvironment) {
    this.#connection = connection;
    this.#env = env;
  }

  request(request: RpcRequest): void {
    void this.#answer(request);
  }

  closed(): void {
    this.#feed?.close();
    this.#unsubscribe?.();
    this.#capture?.abort();
    this.#env.ended();
    if (this.#isGreeted) this.#say('control-closed', {}, 'a connection has ended');
  }

  async #answer({ id, method, params }: RpcRequest): Promise<void> {
    try {
      const result = this.#call(id, method, params);
      // What needs no waiting is answered at once: a subscription's snapshot goes out before its first change.
      this.#connection.send(answer(id, result instanceof Promise ? await result : result));
      if (method !== 'hello') this.#say('control-called', { method }, `${method} was answered`);
    } catch (error) {
      const refusal = rpcErrorOf(error);
      this.#connection.send(failure(id, refusal));
      const shown = method.slice(0, 64);
      this.#say('control-refused', { method: shown }, `${shown} was refused: ${refusal.message}`);
    }
  }

  /** Who may ask is told by the socket: that of root and the group, or that of everyone. */
  #say(step: Step, fields: LogFields, text: string): void {
    this.#env.host.log?.debug(step, { access: this.#connection.access, ...fields }, text);
  }

  #call(id: RpcRequest['id'], name: string, params: unknown): object | Promise<object> {
    if (!isMethod(name)) throw new RpcFailure(id, RPC_ERROR.methodNotFound, `there is no method ${name.slice(0, 64)}`);
    const method = METHODS[name];
    if (!this.#isGreeted && name !== 'hello') {
      throw new RpcFailure(id, RPC_ERROR.invalidRequest, 'hello is the first call on a connection');
    }
    if (method.access === 'admin' && this.#connection.access !== 'admin') throw notPermitted(name);
    const handler = this.#handlers[name] as (params: object) => object | Promise<object>;
    return handler(method.params.read(params, ''));
  }

  readonly #handlers: Handlers = {
    hello: ({ protocol, program = 'unnamed' }) => this.#hello(protocol, program),
    status: () => ({ status: this.#env.status(), events: this.#env.host.events.after(0) }),
    subscribe: ({ changesPerSecond = 2 }) => this.#subscribe(changesPerSecond),
    'capture.start': (request) => this.#startCapture(request),
    'capture.stop': () => this.#stopCapture(),
    reload: () => this.#env.host.reload(),
    sessions: (wanted) => this.#gateway('list sessions').sessions(wanted),
    'bindings.list': (wanted) => this.#gateway('list bindings').bindings(wanted),
    'bindings.add': (ends) => this.#gateway('add a binding').addBinding(ends).then(nothing),
    'bindings.remove': (ends) => this.#gateway('remove a binding').removeBinding(ends).then(nothing),
    'dns.query': (question) => this.#gateway('ask the DNS64').explain(question),
    up: () => this.#switchTo(true),
    down: () => this.#switchTo(false),
    stop: () => {
      this.#env.clock.after(0, () => this.#env.host.stop()); // after the answer
      return {};
    },
  };

  #hello(theirs: { readonly major: number }, program: string): Result<'hello'> {
    const { name, version, role } = this.#env.host;
    const mismatch = protocolMismatch({ protocol: PROTOCOL, version }, theirs);
    if (mismatch !== null) throw new XlatError('PROTOCOL_MISMATCH', 'talk to the daemon', mismatch);
    this.#isGreeted = true;
    this.#connection.greeted();
    this.#say('control-connected', { program }, `${program} says hello`);
    return { protocol: PROTOCOL, version, role, name, access: this.#connection.access };
  }

  #subscribe(changesPerSecond: number): Result<'subscribe'> {
    if (this.#feed !== null) throw new XlatError('USAGE', 'subscribe', 'this connection is subscribed already');
    const { host, clock, status } = this.#env;
    const send = (changes: Parameters<ConstructorParameters<typeof Feed>[0]['send']>[0]): void =>
      this.#connection.tell('changed', changes);
    const feed = new Feed({ read: status, events: host.events, clock, changesPerSecond, send });
    this.#feed = feed;
    this.#connection.listens();
    this.#unsubscribe = this.#env.subscribed(() => feed.wake());
    return feed.snapshot();
  }

  async #startCapture(request: Params<'capture.start'>): Promise<Result<'capture.start'>> {
    if (this.#capture !== null) throw new XlatError('USAGE', 'start a capture', 'this connection captures already');
    const forget = (): void => {
      this.#capture = null;
    };
    const capture = new CaptureSession(this.#connection, this.#env, forget);
    this.#capture = capture;
    try {
      await capture.start(request);
    } catch (error) {
      forget();
      throw error;
    }
    this.#connection.listens();
    if (!this.#connection.isOpen) capture.abort(); // it went away meanwhile
    return {};
  }

  #gateway(operation: string): GatewayRequests {
    const { gateway, role } = this.#env.host;
    if (gateway !== null) return gateway;
    throw new XlatError('USAGE', operation, `the daemon is a ${role}, not a gateway`);
  }

  #switchTo(isOn: boolean): Result<'up'> {
    this.#env.host.switchTo(isOn);
    return {};
  }

  #stopCapture(): Promise<Result<'capture.stop'>> {
    if (this.#capture === null) throw new XlatError('USAGE', 'stop the capture', 'this connection captures nothing');
    return this.#capture.stop();
  }
}

/** The empty result. */
const nothing = (): Record<never, never> => ({});

function notPermitted(method: string): XlatError {
  const advice = 'Use sudo, or become a member of the group xlat464.';
  return new XlatError('NOT_PERMITTED', `call ${method}`, `${method} is for root and the group xlat464`, { advice });
}

function rpcErrorOf(error: unknown): RpcError {
  if (error instanceof RpcFailure) return error.error;
  if (error instanceof ShapeError) return { code: RPC_ERROR.invalidParams, message: error.message };
  if (error instanceof XlatError) {
    const { code, operation, advice = null, message } = error;
    return { code: RPC_ERROR.failed, message, data: { code, operation, advice } };
  }
  return { code: RPC_ERROR.internal, message: `a bug in the daemon: ${(error as Error).message}` };
}
