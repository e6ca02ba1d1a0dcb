// The ports that programs of this host listen on, from /proc/net (proc(5)), which shows the process's own network namespace.

import { readFileSync } from 'node:fs';
import type { UsedPorts } from '../../core/gateway-host/pool.ts';

/** Connection states of the kernel: TCP_LISTEN, and TCP_CLOSE, which stands for an unconnected UDP socket. */
const LISTEN = '0A';
const UNCONNECTED = '07';

/** Ports of the sockets of one table in one state. */
function portsOf(table: string, state: string): number[] {
  const lines = readTable(table).split('\n').slice(1);
  return lines.flatMap((line) => {
    const [, local = '', , found] = line.trim().split(/\s+/);
    const port = Number.parseInt(local.split(':')[1] ?? '', 16);
    return found === state && port > 0 ? [port] : [];
  });
}

function readTable(table: string): string {
  try {
    return readFileSync(`/proc/net/${table}`, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ''; // a kernel without IPv6
    throw cause;
  }
}

const unique = (ports: readonly number[]): number[] => [...new Set(ports)].sort((a, b) => a - b);

/** {@link GatewayHostControl.usedPorts} of Linux. IPv6 sockets take IPv4 as well, unless they say otherwise. */
export const usedPorts = (): UsedPorts => ({
  tcp: unique([...portsOf('tcp', LISTEN), ...portsOf('tcp6', LISTEN)]),
  udp: unique([...portsOf('udp', UNCONNECTED), ...portsOf('udp6', UNCONNECTED)]),
});
