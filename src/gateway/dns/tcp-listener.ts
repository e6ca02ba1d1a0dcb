// One TCP address on which queries are taken, RFC 7766. Everything that a client can keep open has a bound: connections in all and per
// client, the time until a query is whole, queries in work, answers that are not read.

import { createServer, type Server, type Socket } from 'node:net';
import { MESSAGE_MAX } from '../../core/dns64/emit.ts';
import { alignedBytes } from '../../core/dns64/packed-answer.ts';
import type { Dns64Settings } from '../../core/dns64/settings.ts';
import { addressBytes } from './endpoint.ts';
import { Framer, framed } from './framing.ts';
import { LATER, SILENCE } from './responder.ts';
import type { ListenerParts } from './udp-listener.ts';

/** Queries of one connection in work; the next ones are not read until then (RFC 7766 §6.2.1.1). */
const PIPELINE_MAX = 64;
/** Bytes of answers that a client has not read; after that it is not worth keeping. */
const UNREAD_MAX = 512 * 1024;
/** The part of all connections that one client may have. */
const CLIENT_SHARE = 1 / 4;
/** Where an answer lies until it is framed. */
const SCRATCH = alignedBytes(MESSAGE_MAX);

/** The connections of all listeners together. */
export class Connections {
  private readonly open = new Set<TcpConnection>();
  private readonly byClient = new Map<string, number>();
  private settings: Dns64Settings;

  constructor(settings: Dns64Settings) {
    this.settings = settings;
  }

  get count(): number {
    return this.open.size;
  }

  get idleMs(): number {
    return this.settings.tcpIdleMs;
  }

  /** Goes over to other limits; what is open stays. */
  reconfigure(settings: Dns64Settings): void {
    this.settings = settings;
  }

  /** Takes one, if need be in place of the one that has been idle for longest. @returns false when it must go */
  add(connection: TcpConnection): boolean {
    const { maxTcpConnections } = this.settings;
    const own = this.byClient.get(connection.client) ?? 0;
    if (own >= Math.max(1, Math.floor(maxTcpConnections * CLIENT_SHARE))) return false;
    if (this.open.size >= maxTcpConnections && !this.closeIdle()) return false;
    this.open.add(connection);
    this.byClient.set(connection.client, own + 1);
    return true;
  }

  /** Forgets one that has ended. */
  remove(connection: TcpConnection): void {
    if (!this.open.delete(connection)) return;
    const left = (this.byClient.get(connection.client) ?? 0) - 1;
    if (left > 0) this.byClient.set(connection.client, left);
    else this.byClient.delete(connection.client);
  }

  /** Moves one behind the others: it was used. */
  used(connection: TcpConnection): void {
    if (this.open.delete(connection)) this.open.add(connection);
  }

  /** Closes all. */
  close(): void {
    for (const connection of [...this.open]) connection.close();
  }

  private closeIdle(): boolean {
    for (const connection of this.open) {
      if (!connection.isIdle) continue;
      connection.close();
      this.remove(connection);
      return true;
    }
    return false;
  }
}

/** One client's connection. */
class TcpConnection {
  readonly client: string;
  private readonly socket: Socket;
  private readonly parts: ListenerParts;
  private readonly connections: Connections;
  private readonly address: Uint8Array;
  private readonly framer = new Framer();
  private inWork = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(socket: Socket, parts: ListenerParts, connections: Connections) {
    this.socket = socket;
    this.parts = parts;
    this.connections = connections;
    this.client = socket.remoteAddress ?? '::';
    this.address = addressBytes(this.client);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.ended());
    socket.on('data', (chunk) => this.received(chunk));
    this.wait();
  }

  /** Whether nothing is lost by closing it. */
  get isIdle(): boolean {
    return this.inWork === 0 && !this.framer.isInside;
  }

  close(): void {
    this.socket.destroy();
  }

  /** A whole query must come within the idle time; part of one does not prolong it. */
  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.inWork > 0) return this.wait();
      if (this.framer.isInside) this.parts.counters.tcpLimited += 1;
      return this.close();
    }, this.connections.idleMs);
  }

  private ended(): void {
    clearTimeout(this.timer);
    this.connections.remove(this);
  }

  private received(chunk: Uint8Array): void {
    this.framer.push(chunk);
    this.work();
  }

  private work(): void {
    while (this.inWork < PIPELINE_MAX) {
      const query = this.framer.next();
      if (query === null) break;
      this.parts.counters.tcpQueries += 1;
      this.connections.used(this);
      this.wait();
      this.answer(query);
    }
    if (this.inWork >= PIPELINE_MAX) this.socket.pause();
    else if (this.socket.isPaused()) this.socket.resume();
  }

  private answer(query: Uint8Array): void {
    const { responder, nowS } = this.parts;
    const length = responder.answerNow(query, 0, query.length, this.address, 0, nowS(), true, SCRATCH, 0);
    if (length > 0) this.write(SCRATCH.bytes.subarray(0, length));
    // No query, or a client that is not allowed: over a stream silence would leave it waiting.
    if (length === SILENCE) this.close();
    if (length !== LATER) return;
    this.inWork += 1;
    void responder.answerLater(query.slice(), this.address, true).then((answer) => {
      this.inWork -= 1;
      if (this.socket.destroyed) return;
      // Too many queries wait: it learns by the end of the connection.
      if (answer === null) this.close();
      else this.write(answer);
      this.work();
    });
  }

  private write(answer: Uint8Array): void {
    this.socket.write(framed(answer));
    if (this.socket.writableLength <= UNREAD_MAX) return;
    this.parts.counters.tcpLimited += 1;
    this.close();
  }
}

/** Starts a server whose connections are answered. It does not listen yet. */
export function makeTcpServer(parts: ListenerParts, connections: Connections): Server {
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = new TcpConnection(socket, parts, connections);
    if (connections.add(connection)) return;
    parts.counters.tcpLimited += 1;
    connection.close();
  });
  return server;
}
