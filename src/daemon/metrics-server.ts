// Answers GET /metrics over HTTP. What it tells is no secret of hosts, but of the network: it listens where the configuration says,
// by default on loopback.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { XlatError } from '../contract/errors.ts';
import type { DnsEndpoint } from '../core/dns64/settings.ts';

/** Readers at once. */
const CONNECTIONS = 16;
const PATIENCE_MS = 5_000;

/** A running server. */
export interface MetricsServer {
  /** Goes over to another place. @throws as {@link startMetrics}; the old one goes on then */
  reconfigure(place: DnsEndpoint): Promise<void>;
  /** Ends it with its connections. A second call does nothing. */
  close(): Promise<void>;
}

/**
 * Starts to answer.
 * @param text makes the page
 * @throws XlatError PORT_TAKEN, NOT_PERMITTED, CONFIG_INVALID when it cannot listen there
 */
export async function startMetrics(place: DnsEndpoint, text: () => string): Promise<MetricsServer> {
  let close = await listen(place, text);
  return {
    reconfigure: async (next) => {
      const before = close;
      close = await listen(next, text);
      await before();
    },
    close: () => close(),
  };
}

async function listen({ address, port }: DnsEndpoint, text: () => string): Promise<() => Promise<void>> {
  const server = createServer((request, response) => answer(request, response, text));
  server.maxConnections = CONNECTIONS;
  server.requestTimeout = PATIENCE_MS;
  server.headersTimeout = PATIENCE_MS;
  server.keepAliveTimeout = PATIENCE_MS;
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw listenError(address, port, cause as NodeJS.ErrnoException);
  }
  return async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  };
}

function answer({ method, url }: IncomingMessage, response: ServerResponse, text: () => string): void {
  const isAsked = url === '/metrics' || url?.startsWith('/metrics?') === true;
  if (!isAsked || (method !== 'GET' && method !== 'HEAD')) {
    response.writeHead(isAsked ? 405 : 404, { 'content-type': 'text/plain' }).end('metrics are at /metrics\n');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(method === 'HEAD' ? undefined : text());
}

/** Codes for what the system says. */
const CODES = { EADDRINUSE: 'PORT_TAKEN', EACCES: 'NOT_PERMITTED', EADDRNOTAVAIL: 'CONFIG_INVALID' } as const;
const WHY = {
  EADDRINUSE: 'another program listens there',
  EACCES: 'this user may not',
  EADDRNOTAVAIL: 'no interface has this address',
} as const;

function listenError(address: string, port: number, cause: NodeJS.ErrnoException): XlatError {
  const known = cause.code as keyof typeof CODES;
  const why = WHY[known] ?? cause.message;
  const message = `metrics cannot be answered on ${address}, port ${port}: ${why}`;
  const advice = 'Name another place in metrics.listen.';
  return new XlatError(CODES[known] ?? 'CONFIG_INVALID', 'answer metrics', message, { advice, cause });
}
