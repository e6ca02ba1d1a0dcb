// What the DNS server needs of an operating system: UDP by the batch, answers from the address that was asked, and who else has a port.
// One implementation per system beside it; select.ts chooses. Used by src/gateway.

import type { Closable } from './platform.ts';

/** Where a socket is bound. */
export interface SocketPlace {
  /** IPv4 or IPv6 text, a link-local one with its zone. */
  readonly address: string;
  readonly port: number;
}

/** Bytes of a datagram's two ends. The remote address stands first: 16 bytes, IPv4 as ::ffff:a.b.c.d; then its port, big-endian. */
export const ENDS_BYTES = 48;
/** Offset of the remote port in them. */
export const ENDS_PORT = 16;
/** Datagrams of one batch at most. */
export const BATCH_MAX = 64;

/** Datagrams one behind the other: slot i is `slotBytes` bytes of `slab`, its length, and {@link ENDS_BYTES} of `ends`. */
export interface DatagramBatch {
  readonly slab: Uint8Array;
  readonly slotBytes: number;
  /** −1: the datagram was longer than its slot. */
  readonly lengths: Int32Array;
  readonly ends: Uint8Array;
}

/** A bound UDP socket. Calls throw the system's error. */
export interface UdpPort extends Closable {
  /** Takes up to {@link BATCH_MAX} datagrams. @returns how many; 0 when there is none */
  receive(batch: DatagramBatch): number;
  /** Sends slots, each to the remote end that it came from. @returns how many from `from` on; throws the first one's error */
  send(batch: DatagramBatch, from: number, to: number): number;
  /** Calls `ready` once something can be received; `rearm` starts anew. Goes on until the port is closed. */
  watch(ready: () => void): { rearm(): void };
}

/** What the DNS server needs of an operating system. */
export interface DnsPlatform {
  /** Opens a socket and binds it. @throws the system's error */
  openUdp(place: SocketPlace): UdpPort;
  /** Who has an address's port, as a person would say it: "unbound (process 812)"; null when that cannot be found out. */
  portOwner(protocol: 'udp' | 'tcp', place: SocketPlace): string | null;
}
