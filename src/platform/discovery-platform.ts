// What discovery needs of an operating system: the links, a socket for router discovery, the resolvers that the network gave, and
// to hear of changes. One implementation per system beside it; select.ts chooses. Used by src/discovery.

import type { Socket } from 'node:net';
import type { LinkRef } from '../core/host/host-config.ts';
import type { Closable } from './platform.ts';

/** An interface that is up and has an IPv6 link-local address. */
export interface DiscoveryLink extends LinkRef {
  /** 6 bytes; null where the link has no MAC addresses. */
  readonly linkAddress: Uint8Array | null;
  /** Its addresses of both families as text, sorted: another set means another network. */
  readonly addresses: readonly string[];
}

/** One received ICMPv6 message; its checksum was verified. */
export interface RouterMessage {
  /** From the type octet on. Borrowed: good until the call that hands it over returns. */
  readonly bytes: Uint8Array;
  /** 16 bytes. */
  readonly source: Uint8Array;
  /** −1 where the system did not say. */
  readonly hopLimit: number;
}

/** What a router socket calls. */
export interface RouterSocketEvents {
  received(message: RouterMessage): void;
  /** More came in than one look takes; the rest waits, and is dropped by the system when it becomes too much. */
  flooded(): void;
  /** The socket ended by itself; no call comes after. */
  failed(cause: Error): void;
}

/** A socket for router discovery on one link. */
export interface RouterSocket extends Closable {
  /**
   * Sends a Router Solicitation to all routers of the link, hop limit 255, from the link-local address.
   * @throws the system's error
   */
  solicit(message: Uint8Array): void;
}

/** A resolver that the network gave. */
export interface Resolver {
  /** IPv4 or IPv6 text, a link-local one with its zone. */
  readonly address: string;
  readonly port: number;
  readonly source: 'ra' | 'systemd-resolved' | 'resolv.conf';
}

/** What discovery needs of an operating system. */
export interface DiscoveryPlatform {
  /** Interfaces that are up and speak IPv6, loopback left out. */
  links(): readonly DiscoveryLink[];
  /** Opens the socket. @throws XlatError NOT_PERMITTED; the system's error when the link has gone */
  openRouterSocket(link: LinkRef, events: RouterSocketEvents): RouterSocket;
  /** The resolvers of a link as the system knows them, best source only; never the user's own on a loopback address. */
  resolvers(link: LinkRef): Promise<readonly Resolver[]>;
  /**
   * Ties a socket to a link, so that nothing else, a VPN say, carries its packets.
   * @param fd a bound, unconnected socket's descriptor
   * @throws the system's error
   */
  tieToLink(fd: number, link: LinkRef): void;
  /**
   * Begins a TCP connection that leaves by a link, whatever the routing table prefers; where the system does not let us tie it, the
   * routing table decides. It does not throw: failures are the socket's errors.
   * @param address IPv4 or IPv6 text, a link-local one with its zone
   */
  connectTcp(link: LinkRef, address: string, port: number): Socket;
  /** Calls `changed` after links, addresses or routes changed. */
  watchNetwork(changed: () => void): Closable;
}
