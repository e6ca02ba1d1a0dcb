// Opens the addresses on which queries are taken, UDP and TCP each, and says by whom a port is taken (S-09).

import type { Server } from 'node:net';
import { XlatError } from '../../contract/errors.ts';
import type { DnsEndpoint } from '../../core/dns64/settings.ts';
import type { DnsPlatform } from '../../platform/dns-platform.ts';
import { placeText } from './endpoint.ts';
import { type Connections, makeTcpServer } from './tcp-listener.ts';
import { type ListenerParts, UdpListener } from './udp-listener.ts';

/** One address in use. */
export interface Listening {
  readonly endpoint: DnsEndpoint;
  /** Ends it; a second call does nothing. */
  close(): Promise<void>;
}

/** An address may still go through duplicate address detection (RFC 4862 §5.4) when the gateway starts. */
const ADDRESS_WAIT_MS = 5_000;
const RETRY_MS = 200;

/** Opens one address. @throws XlatError PORT_TAKEN, NOT_PERMITTED, CONFIG_INVALID */
export async function openListening(
  endpoint: DnsEndpoint,
  platform: DnsPlatform,
  parts: ListenerParts,
  connections: Connections,
): Promise<Listening> {
  const server = makeTcpServer(parts, connections);
  await whenAddressIsThere(() => listenTcp(server, endpoint), endpoint, 'tcp', platform);
  try {
    const port = await whenAddressIsThere(async () => platform.openUdp(endpoint), endpoint, 'udp', platform);
    const udp = new UdpListener(port, parts);
    server.on('error', parts.failed);
    return { endpoint, close: () => closeBoth(udp, server) };
  } catch (cause) {
    server.close();
    throw cause;
  }
}

function listenTcp(server: Server, { address, port }: DnsEndpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** New connections are not taken from now on; those that are open end with the service, or by being idle. */
function closeBoth(udp: UdpListener, server: Server): Promise<void> {
  udp.close();
  return new Promise((resolve) => {
    server.close(() => undefined);
    setImmediate(resolve);
  });
}

async function whenAddressIsThere<T>(
  open: () => Promise<T>,
  endpoint: DnsEndpoint,
  protocol: 'udp' | 'tcp',
  platform: DnsPlatform,
): Promise<T> {
  const giveUpMs = performance.now() + ADDRESS_WAIT_MS;
  for (;;) {
    try {
      return await open();
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'EADDRNOTAVAIL';
      if (!isMissing || performance.now() > giveUpMs) throw explained(cause as Error, endpoint, protocol, platform);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The error for a person. */
function explained(cause: Error, endpoint: DnsEndpoint, protocol: 'udp' | 'tcp', platform: DnsPlatform): Error {
  const place = placeText(endpoint);
  const operation = `take DNS queries on ${place}`;
  switch ((cause as NodeJS.ErrnoException).code) {
    case 'EADDRINUSE': {
      const owner = platform.portOwner(protocol, endpoint) ?? 'another program';
      const message = `port ${endpoint.port} (${protocol.toUpperCase()}) of ${endpoint.address} is taken by ${owner}`;
      return new XlatError('PORT_TAKEN', operation, message, { advice: 'Stop it, or listen elsewhere.', cause });
    }
    case 'EACCES':
      return new XlatError('NOT_PERMITTED', operation, `${place} needs CAP_NET_BIND_SERVICE`, {
        advice: 'Run it as root.',
        cause,
      });
    case 'EADDRNOTAVAIL':
    case 'ENODEV':
    case 'EINVAL':
      return new XlatError('CONFIG_INVALID', operation, `${endpoint.address} is no address of this machine`, {
        advice: 'Look at `ip address`; a link-local address needs its interface: fe80::1%eth1.',
        cause,
      });
    default:
      return cause;
  }
}
