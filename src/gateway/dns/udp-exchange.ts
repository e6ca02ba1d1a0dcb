// One question over UDP: a socket of its own, so that port and ID are both unpredictable (RFC 5452 §9.2), connected, so that the
// kernel lets in only what comes from the resolver's address and port. What does not belong to the question is waited past.

import { createSocket } from 'node:dgram';
import type { Closable } from '../../platform/platform.ts';
import { type Asked, type ExchangeShared, queryBytes, type Reply, randomId, readReply } from './exchange.ts';

/** Datagrams that do not belong: after so many someone is guessing, and TCP is asked instead. */
const FOREIGN_MAX = 20;

/** Asks once. `done` is called once, unless it is closed before. */
export function askUdp(
  to: { readonly address: string; readonly port: number },
  asked: Asked,
  timeoutMs: number,
  shared: ExchangeShared,
  done: (reply: Reply) => void,
): Closable {
  const id = randomId();
  const { question } = asked;
  const socket = createSocket(to.address.includes(':') ? 'udp6' : 'udp4');
  let isOpen = true;
  let foreign = 0;
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearTimeout(timer);
    shared.ownQueries.remove(id, question);
    socket.close();
  };
  const finish = (reply: Reply): void => {
    if (!isOpen) return;
    close();
    done(reply);
  };
  const failed = (cause: Error): void =>
    finish({ kind: 'failed', why: (cause as NodeJS.ErrnoException).code ?? cause.message });
  const timer = setTimeout(() => {
    shared.counters.upstreamTimeouts += 1;
    finish({ kind: 'failed', why: `no answer within ${timeoutMs} ms` });
  }, timeoutMs);
  shared.ownQueries.add(id, question);
  socket.on('error', failed);
  socket.on('message', (bytes) => {
    if (!isOpen) return;
    const reply = readReply(bytes, id, question, shared.counters);
    foreign += 1;
    if (reply !== null) finish(reply);
    else if (foreign >= FOREIGN_MAX) finish({ kind: 'truncated' });
  });
  socket.connect(to.port, to.address, (cause?: Error) => {
    if (!isOpen) return;
    if (cause !== undefined && cause !== null) failed(cause);
    else socket.send(queryBytes(asked, id));
  });
  return { close };
}
