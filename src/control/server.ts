// The control server of a daemon: its two sockets, how many may connect, and the one sampler behind all subscriptions.
// Read next: session.ts, connection.ts, endpoint.ts (why two sockets).

import type { Server, Socket } from 'node:net';
import type { Access } from '../contract/methods.ts';
import type { Status } from '../contract/status.ts';
import { type Clock, systemClock } from './clock.ts';
import { Connection } from './connection.ts';
import type { Endpoint } from './endpoint.ts';
import type { ControlHost } from './host.ts';
import { listenOn } from './listen.ts';
import { Sampler } from './sampler.ts';
import { Session } from './session.ts';

/** Connections at once, on each of the two sockets. */
export const CONNECTION_LIMIT = 64;
/** So many more are told that there are too many; beyond that they are cut off without a word. */
const TOLD_LIMIT = 16;

/** A running control server. */
export interface ControlServer {
  /** Something other than a counter may have changed: subscribers are told. */
  changed(): void;
  /** Tells everyone, ends all connections and removes the sockets. A second call waits for the same end. */
  close(): Promise<void>;
}

/**
 * Opens the control sockets of a daemon.
 * @throws XlatError ALREADY_RUNNING when another daemon has them, CONTROL_FAILED when they cannot be made
 */
export async function openControlServer(
  endpoint: Endpoint,
  host: ControlHost,
  clock = systemClock,
): Promise<ControlServer> {
  const server = new SocketServer(host, clock);
  try {
    await server.listen(endpoint);
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

class SocketServer implements ControlServer {
  readonly #host: ControlHost;
  readonly #clock: Clock;
  readonly #sampler: Sampler;
  readonly #servers: Server[] = [];
  readonly #connections: Readonly<Record<Access, Set<Connection>>> = { read: new Set(), admin: new Set() };
  readonly #subscribers = new Set<() => void>();
  readonly #deafen: () => void;
  #closing: Promise<void> | null = null;

  constructor(host: ControlHost, clock: Clock) {
    this.#host = host;
    this.#clock = clock;
    this.#sampler = new Sampler(
      clock,
      () => host.status().counters,
      () => this.changed(),
    );
    this.#deafen = host.events.listen(() => this.changed());
  }

  async listen({ path }: Endpoint): Promise<void> {
    // The administrators' first: who finds the other one finds both.
    for (const access of ['admin', 'read'] as const) {
      const server = await listenOn(path[access], access, (socket) => this.#accept(socket, access));
      server.maxConnections = CONNECTION_LIMIT + TOLD_LIMIT;
      this.#servers.push(server);
    }
  }

  changed(): void {
    for (const wake of this.#subscribers) wake();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#deafen();
    this.#sampler.stop();
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const connection of [...this.#connections.read, ...this.#connections.admin]) {
      connection.close('ending', 'the daemon ends');
    }
    await Promise.all(closed);
  }

  #accept(socket: Socket, access: Access): void {
    const connection = new Connection(socket, access);
    const all = this.#connections[access];
    if (all.size >= CONNECTION_LIMIT) {
      connection.close('too-many', `there are ${CONNECTION_LIMIT} connections already`);
      return;
    }
    all.add(connection);
    const session = new Session(connection, {
      host: this.#host,
      clock: this.#clock,
      status: () => this.#status(),
      subscribed: (wake) => this.#subscribe(wake),
      ended: () => void all.delete(connection),
    });
    connection.handle(session);
  }

  #status(): Status {
    return { ...this.#host.status(), rates: this.#sampler.rates };
  }

  #subscribe(wake: () => void): () => void {
    this.#subscribers.add(wake);
    this.#sampler.start();
    return () => {
      this.#subscribers.delete(wake);
      if (this.#subscribers.size === 0) this.#sampler.stop();
    };
  }
}
