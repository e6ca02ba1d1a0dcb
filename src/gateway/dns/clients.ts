// Who is answered (S-09), and how much of one client waits at a time (S-10).

import { formatIpv4 } from '../../config/addresses.ts';
import type { Dns64Settings } from '../../core/dns64/settings.ts';
import { addressBytes } from './endpoint.ts';

/** Bits of ::ffff:0:0/96. */
const MAPPED_BITS = 96;

/** A prefix of 16 bytes, as far as it says anything. */
interface Allowed {
  /** Bytes that count whole. */
  readonly whole: number;
  readonly bytes: Uint8Array;
  /** Bits of the byte behind them that count. */
  readonly mask: number;
}

function prepare({ address, length }: Dns64Settings['clients'][number]): Allowed {
  const isV4 = typeof address === 'number';
  const bytes = isV4 ? addressBytes(formatIpv4(address)) : address;
  const bits = isV4 ? length + MAPPED_BITS : length;
  return { whole: bits >> 3, bytes, mask: (0xff00 >> (bits & 7)) & 0xff };
}

function isInside(bytes: Uint8Array, at: number, { whole, bytes: prefix, mask }: Allowed): boolean {
  for (let i = 0; i < whole; i++) if (bytes[at + i] !== prefix[i]) return false;
  return mask === 0 || (((bytes[at + whole] ?? 0) ^ (prefix[whole] ?? 0)) & mask) === 0;
}

/** The clients that are answered. */
export class AllowedClients {
  private readonly list: readonly Allowed[];

  constructor(clients: Dns64Settings['clients']) {
    this.list = clients.map(prepare);
  }

  /** Whether the address of 16 bytes at `at` (IPv4 as ::ffff:a.b.c.d) is one of them. */
  has(bytes: Uint8Array, at: number): boolean {
    for (const allowed of this.list) if (isInside(bytes, at, allowed)) return true;
    return false;
  }
}

/** The last quarter of the places is for clients with few of their own: one host has many addresses, but is seldom so modest. */
const RESERVE_SHARE = 1 / 4;
/** How many those are. */
const FEW = 4;

/** Queries that wait, in all and by client. Whoever takes a place gives it back. */
export class Places {
  private taken = 0;
  private readonly byClient = new Map<string, number>();

  get count(): number {
    return this.taken;
  }

  /** Whether none but the last places are left. */
  isScarce(max: number): boolean {
    return this.taken >= max - Math.floor(max * RESERVE_SHARE);
  }

  /** Takes a place. @returns false when there is none */
  take(client: string, max: number, maxPerClient: number): boolean {
    const own = this.byClient.get(client) ?? 0;
    if (this.taken >= max || own >= maxPerClient || (own >= FEW && this.isScarce(max))) return false;
    this.taken += 1;
    this.byClient.set(client, own + 1);
    return true;
  }

  /** Gives it back. */
  give(client: string): void {
    const left = (this.byClient.get(client) ?? 0) - 1;
    this.taken -= 1;
    if (left > 0) this.byClient.set(client, left);
    else this.byClient.delete(client);
  }
}
