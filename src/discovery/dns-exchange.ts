// One question to one resolver over real sockets: UDP from a random port, connected, so that the kernel lets in only what comes
// from that address and port; TCP when the answer does not fit (RFC 7766). What does not belong to the question is waited past.

import { createSocket, type Socket } from 'node:dgram';
import type { Socket as TcpSocket } from 'node:net';
import type { LinkRef } from '../core/host/host-config.ts';
import type { Resolver } from '../platform/discovery-platform.ts';
import type { Closable } from '../platform/platform.ts';
import type { Clock } from './clock.ts';
import { type DnsReading, makeQuery, readAnswer } from './dns-message.ts';

/** Datagrams and bytes looked at for one question; an answer needs one datagram, and a few hundred bytes. */
const DATAGRAMS_MAX = 64;
const LENGTH_PREFIX = 2;

/** What an exchange needs. */
export interface ExchangeContext {
  readonly clock: Clock;
  readonly link: LinkRef;
  /** Ties a bound socket to the link ({@link DiscoveryPlatform.tieToLink}). */
  readonly tieToLink: (fd: number, link: LinkRef) => void;
  /** Begins a TCP connection by the link ({@link DiscoveryPlatform.connectTcp}). */
  readonly connectTcp: (link: LinkRef, address: string, port: number) => TcpSocket;
  /** 0–65535, unpredictable. */
  readonly randomId: () => number;
}

/** Asks a resolver once. It may end without `done` being called only by `close()`. */
export type Exchange = (
  resolver: Resolver,
  timeoutMs: number,
  context: ExchangeContext,
  done: (reading: DnsReading) => void,
) => Closable;

const failed = (why: string): DnsReading => ({ kind: 'failed', why });
const failure = (cause: Error): DnsReading => failed((cause as NodeJS.ErrnoException).code ?? cause.message);

/**
 * The descriptor of a bound UDP socket. Node has no public name for it (node/lib/internal/dgram.js keeps it behind a symbol). Where
 * that changes the question takes the way of the routing table, and the test "leaves by its link" fails.
 */
function descriptorOf(socket: Socket): number {
  const symbol = Object.getOwnPropertySymbols(socket).find((s) => s.description === 'state symbol');
  const state = symbol === undefined ? undefined : (socket as unknown as Record<symbol, SocketState>)[symbol];
  return state?.handle?.fd ?? -1;
}

interface SocketState {
  readonly handle?: { readonly fd?: number };
}

/** Asks over UDP, then over TCP if it must; `timeoutMs` is for both together. */
export const exchange: Exchange = (resolver, timeoutMs, context, done) => {
  let step: Closable | null = null;
  const close = (): void => {
    timer.close();
    step?.close();
    step = null;
  };
  const finish = (reading: DnsReading): void => {
    close();
    done(reading);
  };
  const timer = context.clock.after(timeoutMs, () => finish(failed('no answer')));
  step = askUdp(resolver, context, (reading) => {
    step?.close();
    if (reading.kind === 'truncated') step = askTcp(resolver, context, finish);
    else finish(reading);
  });
  return { close };
};

function askUdp(resolver: Resolver, context: ExchangeContext, done: (reading: DnsReading) => void): Closable {
  const id = context.randomId();
  const socket = createSocket(resolver.address.includes(':') ? 'udp6' : 'udp4');
  let isClosed = false;
  let datagrams = 0;
  const close = (): void => {
    if (!isClosed) socket.close();
    isClosed = true;
  };
  socket.on('error', (cause) => {
    if (!isClosed) done(failure(cause));
  });
  socket.on('message', (bytes) => {
    const reading = readAnswer(bytes, id);
    datagrams += 1;
    if (isClosed || (reading.kind === 'foreign' && datagrams < DATAGRAMS_MAX)) return;
    done(reading.kind === 'foreign' ? failed('nothing but foreign answers') : reading);
  });
  socket.bind(0, () => {
    if (isClosed) return;
    tie(socket, context);
    if (isClosed) return;
    socket.connect(resolver.port, resolver.address, (cause?: Error) => {
      if (isClosed) return;
      if (cause === undefined || cause === null) socket.send(makeQuery(id));
      else done(failure(cause));
    });
  });
  return { close };
}

/** Ties the socket to its link. A kernel before 5.7 lets only root do so; the routing table decides then. */
function tie(socket: Socket, { tieToLink, link }: ExchangeContext): void {
  const fd = descriptorOf(socket);
  if (fd < 0) return;
  try {
    tieToLink(fd, link);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EPERM') return;
    socket.emit('error', cause);
  }
}

function askTcp(resolver: Resolver, context: ExchangeContext, done: (reading: DnsReading) => void): Closable {
  const id = context.randomId();
  let received = Buffer.alloc(0);
  const socket = context.connectTcp(context.link, resolver.address, resolver.port);
  socket.on('connect', () => socket.write(withLength(makeQuery(id))));
  socket.on('data', (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
    const message = firstMessage(received);
    if (message === null) return;
    const reading = readAnswer(message, id);
    // One question was asked on this connection: whatever comes first is the answer, or the resolver is broken.
    done(reading.kind === 'foreign' || reading.kind === 'truncated' ? failed('nonsense over TCP') : reading);
  });
  socket.on('end', () => done(failed('the connection ended early')));
  socket.on('error', (cause) => done(failure(cause)));
  return {
    close: () =>
      void socket
        .removeAllListeners()
        .on('error', () => undefined)
        .destroy(),
  };
}

/** RFC 1035 §4.2.2. */
const withLength = (message: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]);

/** The first whole message of a stream, or null. It is at most 64 KiB, and so is what is kept until it is whole. */
function firstMessage(stream: Buffer): Buffer | null {
  if (stream.length < LENGTH_PREFIX) return null;
  const end = LENGTH_PREFIX + stream.readUInt16BE(0);
  return stream.length < end ? null : stream.subarray(LENGTH_PREFIX, end);
}
