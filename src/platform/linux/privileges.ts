// Whether this process may do what the client does to a host, asked before anything is tried. capabilities(7), proc(5).

import { readFileSync } from 'node:fs';
import { XlatError } from '../../contract/errors.ts';

/** linux/capability.h: interfaces, routes, nftables; raw and packet sockets. */
const NEEDED: readonly (readonly [bit: bigint, name: string])[] = [
  [12n, 'CAP_NET_ADMIN'],
  [13n, 'CAP_NET_RAW'],
];

/**
 * Names of the capabilities that are missing.
 * @param status text of /proc/self/status; a text without the field counts as having all (another kernel says no later)
 */
export function missingCapabilities(status: string): string[] {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (effective === undefined) return [];
  const bits = BigInt(`0x${effective}`);
  return NEEDED.filter(([bit]) => ((bits >> bit) & 1n) === 0n).map(([, name]) => name);
}

/** @throws XlatError NOT_PERMITTED when this process may not configure the network */
export function requirePrivileges(): void {
  const missing = missingCapabilities(readFileSync('/proc/self/status', 'utf8'));
  if (missing.length === 0) return;
  throw new XlatError('NOT_PERMITTED', 'configure the network', 'this user may not configure the network', {
    advice: `Run as root, or with ${missing.join(' and ')}.`,
  });
}
