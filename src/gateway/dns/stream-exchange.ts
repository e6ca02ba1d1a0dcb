// Questions over one kept connection, TCP (RFC 7766) or TLS (RFC 7858): many at a time, answered in any order, each matched by ID and
// question. The connection is made by the first question, and again after it has ended.

import { connect, isIP, type Socket } from 'node:net';
import {
  checkServerIdentity,
  connect as connectTls,
  createSecureContext,
  rootCertificates,
  type SecureContext,
} from 'node:tls';
import type { Forwarder } from '../../core/dns64/settings.ts';
import { type Asked, type ExchangeShared, queryBytes, type Reply, randomId, readReply } from './exchange.ts';
import { Framer, framed } from './framing.ts';

/** RFC 7766 §6.2.3: a connection that nobody uses is closed; over TLS later, because it is dear. */
const IDLE_MS = { tcp: 5_000, tls: 60_000 } as const;
/** Questions at a time on one connection. */
const PIPELINE_MAX = 1_024;

/** One question that waits. */
interface Waiting {
  readonly asked: Asked;
  readonly timer: NodeJS.Timeout;
  readonly done: (reply: Reply | 'lost') => void;
}

/** One connection. */
class Connection {
  /** Whether it has brought an answer: if not, its end says something about the resolver. */
  hasAnswered = false;
  isOpen = true;
  private readonly socket: Socket;
  private readonly shared: ExchangeShared;
  private readonly waiting = new Map<number, Waiting>();
  private readonly framer = new Framer();
  /** Pieces of the stream that came. */
  private chunks = 0;
  private why = 'the connection was closed';

  constructor(forwarder: Forwarder, shared: ExchangeShared, trust: Trust) {
    this.shared = shared;
    const { address, port, tlsName } = forwarder;
    this.socket =
      tlsName === null ? connect(port, address) : connectTls({ ...tlsOptions(address, port, tlsName), ...trust });
    this.socket.setTimeout(tlsName === null ? IDLE_MS.tcp : IDLE_MS.tls, () => {
      if (this.waiting.size === 0) this.close();
    });
    this.socket.setNoDelay(true);
    this.socket.on('data', (chunk) => this.received(chunk));
    this.socket.on('error', (cause) => {
      this.why = describeFailure(cause);
    });
    this.socket.on('close', () => this.ended());
  }

  get isFull(): boolean {
    return this.waiting.size >= PIPELINE_MAX;
  }

  /** Asks; `done` is called once, with 'lost' when an old connection ended before it answered. */
  ask(asked: Asked, timeoutMs: number, done: (reply: Reply | 'lost') => void): void {
    let id = randomId();
    while (this.waiting.has(id)) id = (id + 1) & 0xffff;
    const { chunks } = this;
    const timer = setTimeout(() => {
      this.shared.counters.upstreamTimeouts += 1;
      this.finish(id, { kind: 'failed', why: `no answer within ${timeoutMs} ms` });
      // A connection that brings nothing at all is dead, and is not asked again.
      if (this.chunks === chunks) this.close();
    }, timeoutMs);
    this.waiting.set(id, { asked, timer, done });
    this.shared.ownQueries.add(id, asked.question);
    this.socket.write(framed(queryBytes(asked, id)));
  }

  /** Ends it and fails what waits. */
  close(): void {
    this.isOpen = false;
    this.socket.destroy();
  }

  private received(chunk: Uint8Array): void {
    this.chunks += 1;
    this.framer.push(chunk);
    for (let message = this.framer.next(); message !== null; message = this.framer.next()) {
      const [high = 0, low = 0] = message;
      const id = high * 256 + low;
      const waiting = this.waiting.get(id);
      const reply = waiting && readReply(message, id, waiting.asked.question, this.shared.counters);
      // RFC 7766 §7: what nobody asked for is ignored; a truncated answer over a stream is nonsense.
      if (reply === undefined || reply === null) continue;
      this.hasAnswered = true;
      this.finish(id, reply.kind === 'truncated' ? { kind: 'failed', why: 'truncated over TCP' } : reply);
    }
  }

  private finish(id: number, reply: Reply | 'lost'): void {
    const waiting = this.waiting.get(id);
    if (waiting === undefined) return;
    this.waiting.delete(id);
    clearTimeout(waiting.timer);
    this.shared.ownQueries.remove(id, waiting.asked.question);
    waiting.done(reply);
  }

  private ended(): void {
    this.isOpen = false;
    for (const id of [...this.waiting.keys()]) {
      this.finish(id, this.hasAnswered ? 'lost' : { kind: 'failed', why: this.why });
    }
  }
}

/** Whose certificates are taken. Made once: reading all public authorities takes tens of milliseconds. */
export type Trust = { readonly secureContext?: SecureContext };

/**
 * Trust in the public authorities and in more; null: in those that Node was started with, NODE_EXTRA_CA_CERTS too.
 * @param tlsCa certificates in PEM that have been checked
 */
export const trustIn = (tlsCa: string | null): Trust =>
  tlsCa === null ? {} : { secureContext: createSecureContext({ ca: [...rootCertificates, tlsCa] }) };

/** RFC 8310 §8.1: the certificate must have the name; an address as a name is compared as one, and never sent. */
const tlsOptions = (host: string, port: number, tlsName: string) => ({
  host,
  port,
  servername: isIP(tlsName) === 0 ? tlsName : '',
  checkServerIdentity: (_: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
    checkServerIdentity(tlsName, certificate),
});

/** Codes of Node's certificate errors end in these words, or start so. */
const CERTIFICATE_TROUBLE = /CERT|ERR_TLS|SELF_SIGNED|ISSUER|SIGNATURE|CRL/;

/** An error as one sentence: certificate errors have a telling message, system errors a telling code. */
function describeFailure(cause: Error): string {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  if (CERTIFICATE_TROUBLE.test(code)) return `its certificate is not trusted: ${cause.message}`;
  return code === '' ? cause.message : code;
}

/** Whether a failure of {@link StreamExchange.ask} is one of identity. */
export const isUntrusted = (why: string): boolean => why.startsWith('its certificate');

/** Asks one resolver over a kept connection. */
export class StreamExchange {
  private readonly forwarder: Forwarder;
  private readonly shared: ExchangeShared;
  private readonly trust: Trust;
  private connection: Connection | null = null;

  constructor(forwarder: Forwarder, shared: ExchangeShared, trust: Trust) {
    this.forwarder = forwarder;
    this.trust = trust;
    this.shared = shared;
  }

  /** Asks; a connection that had ended, as idle ones do, is replaced once. */
  ask(asked: Asked, timeoutMs: number, done: (reply: Reply) => void): void {
    if (this.connection?.isFull) {
      done({ kind: 'failed', why: 'too many questions on one connection' });
      return;
    }
    this.open().ask(asked, timeoutMs, (reply) => {
      if (reply !== 'lost') done(reply);
      else this.open().ask(asked, timeoutMs, (again) => done(again === 'lost' ? LOST : again));
    });
  }

  /** Ends the connection. Never throws. */
  close(): void {
    this.connection?.close();
    this.connection = null;
  }

  private open(): Connection {
    if (this.connection?.isOpen) return this.connection;
    this.connection = new Connection(this.forwarder, this.shared, this.trust);
    return this.connection;
  }
}

const LOST: Reply = { kind: 'failed', why: 'the connection was closed' };
