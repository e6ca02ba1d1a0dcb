// Leases of the dynamic pool on disk: {"version":1,"leases":[{"ipv4":"192.0.2.1","ipv6":"2001:db8::1","lastUsedMs":…}]}.
// Replaced as a whole by rename, so a crash leaves the old file or the new one.

import { readFileSync } from 'node:fs';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../config/addresses.ts';
import type { Lease } from '../core/address/dynamic-pool.ts';
import { addressWord } from '../core/address/rfc6052.ts';
import type { WriteSome } from '../platform/write-all.ts';
import { replaceFile } from './replace-file.ts';

const VERSION = 1;

/**
 * Reads a lease file.
 * @returns its leases; none when there is no file
 * @throws Error when it is there and cannot be read or is no lease file
 */
export function readLeases(file: string): Lease[] {
  const content = readIfThere(file);
  if (content === null) return [];
  const document: unknown = JSON.parse(content);
  if (!isRecord(document) || document.version !== VERSION || !Array.isArray(document.leases)) {
    throw new Error(`${file} is not a lease file of version ${VERSION}`);
  }
  return document.leases.map((entry: unknown) => leaseOf(entry, file));
}

/**
 * Writes all leases.
 * @param write tests give one that fails
 * @throws Error when the file cannot be written; the old one is untouched then
 */
export function writeLeases(file: string, leases: readonly Lease[], write?: WriteSome): void {
  const rows = leases.map(({ ipv4, ipv6, lastUsedMs }) => ({
    ipv4: formatIpv4(ipv4 >>> 0),
    ipv6: formatIpv6(bytesOf(ipv6)),
    lastUsedMs: Math.round(lastUsedMs),
  }));
  replaceFile(file, `${JSON.stringify({ version: VERSION, leases: rows })}\n`, write);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw cause;
  }
}

function leaseOf(entry: unknown, file: string): Lease {
  const { ipv4, ipv6, lastUsedMs } = isRecord(entry) ? entry : {};
  const address4 = parseIpv4(String(ipv4));
  const address6 = parseIpv6(String(ipv6));
  if (!address4.ok || !address6.ok || typeof lastUsedMs !== 'number' || !Number.isFinite(lastUsedMs)) {
    throw new Error(`${file} holds a lease that cannot be read: ${JSON.stringify(entry)}`);
  }
  const word = (i: number): number => addressWord(address6.value, i);
  return { ipv4: address4.value | 0, ipv6: [word(0), word(1), word(2), word(3)], lastUsedMs };
}

function bytesOf(words: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(16));
  words.forEach((word, i) => {
    view.setInt32(i * 4, word);
  });
  return new Uint8Array(view.buffer);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
