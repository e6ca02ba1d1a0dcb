// The raw ICMPv6 socket for router discovery, raw(7), RFC 3542: a host's, which hears advertisements and solicits, and a router's,
// which hears solicitations as well and advertises. The kernel verifies checksums before it hands a message over. A flood costs a bounded amount of work: after a full batch the socket rests, and the kernel
// drops what its buffer does not hold. Interfaces: ../discovery-platform.ts, ../gateway-platform.ts.

import { XlatError } from '../../contract/errors.ts';
import type { LinkRef } from '../../core/host/host-config.ts';
import { NDP_HOP_LIMIT, ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION } from '../../core/wire/ndp.ts';
import type { RouterSocket, RouterSocketEvents } from '../discovery-platform.ts';
import type { AdvertiserSocket } from '../gateway-platform.ts';
import type { Handle, LinuxShim } from '../native.ts';

/** ff02::1 and ff02::2, RFC 4291 §2.7.1. */
const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const UNSPECIFIED = new Uint8Array(16);
/** An advertisement is never fragmented (RFC 6980 §5): one of a jumbo link is the longest. */
const MESSAGE_MAX = 9216;

/** Messages of one look, and the rest after a full one: at most 64 × 20 a second. */
const BATCH = 64;
const REST_MS = 50;

function open(shim: LinuxShim, link: LinkRef, types: Uint8Array): Handle {
  let socket: Handle;
  try {
    socket = shim.icmp6Open();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') throw cause;
    throw new XlatError('NOT_PERMITTED', 'listen to router advertisements', 'listening needs CAP_NET_RAW', {
      advice: 'run it as root',
      cause,
    });
  }
  try {
    shim.icmp6SetFilter(socket.fd, types);
    shim.bindToDevice(socket.fd, link.name);
    return socket;
  } catch (cause) {
    socket.close();
    throw cause;
  }
}

/** {@link DiscoveryPlatform.openRouterSocket} of Linux. */
export function openRouterSocket(shim: LinuxShim, link: LinkRef, events: RouterSocketEvents): RouterSocket {
  const socket = open(shim, link, Uint8Array.of(ROUTER_ADVERTISEMENT));
  return {
    close: receiveOn(shim, socket, events),
    solicit: (message) => shim.icmp6Send(socket.fd, message, ALL_ROUTERS, UNSPECIFIED, link.index, NDP_HOP_LIMIT),
  };
}

/** {@link AdvertisePlatform.openAdvertiser} of Linux. */
export function openAdvertiser(shim: LinuxShim, link: LinkRef, events: RouterSocketEvents): AdvertiserSocket {
  const socket = open(shim, link, Uint8Array.of(ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION));
  try {
    // The kernel itself joins only on an interface that forwards.
    shim.icmp6Join(socket.fd, link.index, ALL_ROUTERS);
  } catch (cause) {
    socket.close();
    throw cause;
  }
  const send = (message: Uint8Array, group: Uint8Array, source: Uint8Array): void =>
    shim.icmp6Send(socket.fd, message, group, source, link.index, NDP_HOP_LIMIT);
  return {
    close: receiveOn(shim, socket, events),
    solicit: (message, source) => send(message, ALL_ROUTERS, source),
    advertise: (message, source) => send(message, ALL_NODES, source),
  };
}

/** Hands over what comes in until the socket is closed. @returns what closes it */
function receiveOn(shim: LinuxShim, socket: Handle, events: RouterSocketEvents): () => void {
  const buffer = new Uint8Array(MESSAGE_MAX);
  let rest: NodeJS.Timeout | null = null;
  let isClosed = false;
  const close = (): void => {
    isClosed = true;
    if (rest !== null) clearTimeout(rest);
    watch.close();
    socket.close();
  };
  const look = (): void => {
    try {
      if (readBatch(shim, socket, buffer, events, () => isClosed)) {
        if (!isClosed) watch.rearm();
        return;
      }
    } catch (cause) {
      close();
      events.failed(cause as Error);
      return;
    }
    rest = setTimeout(look, REST_MS);
    events.flooded();
  };
  const watch = shim.watch(socket.fd, look);
  return close;
}

/** Reads up to a batch. @returns whether nothing is left, or the socket was closed by what it called */
function readBatch(
  shim: LinuxShim,
  socket: Handle,
  buffer: Uint8Array,
  events: RouterSocketEvents,
  isClosed: () => boolean,
): boolean {
  for (let i = 0; i < BATCH; i++) {
    const message = shim.icmp6Receive(socket.fd, buffer);
    if (message === null) return true;
    const { source, hopLimit, length } = message;
    events.received({ bytes: buffer.subarray(0, length), source, hopLimit });
    if (isClosed()) return true;
  }
  return false;
}
