// The raw ICMPv6 socket that hears Router Advertisements and sends solicitations, raw(7), RFC 3542. The kernel verifies checksums
// before it hands a message over. A flood costs a bounded amount of work: after a full batch the socket rests, and the kernel
// drops what its buffer does not hold. Interface: ../discovery-platform.ts.

import { XlatError } from '../../contract/errors.ts';
import type { LinkRef } from '../../core/host/host-config.ts';
import { NDP_HOP_LIMIT, ROUTER_ADVERTISEMENT } from '../../core/wire/ndp.ts';
import type { RouterSocket, RouterSocketEvents } from '../discovery-platform.ts';
import type { Handle, LinuxShim } from '../native.ts';

/** ff02::2, RFC 4291 §2.7.1. */
const ALL_ROUTERS = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
const UNSPECIFIED = new Uint8Array(16);
/** An advertisement is never fragmented (RFC 6980 §5): one of a jumbo link is the longest. */
const MESSAGE_MAX = 9216;

/** Messages of one look, and the rest after a full one: at most 64 × 20 a second. */
const BATCH = 64;
const REST_MS = 50;

function open(shim: LinuxShim, link: LinkRef): Handle {
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
    shim.icmp6SetFilter(socket.fd, Uint8Array.of(ROUTER_ADVERTISEMENT));
    shim.bindToDevice(socket.fd, link.name);
    return socket;
  } catch (cause) {
    socket.close();
    throw cause;
  }
}

/** {@link DiscoveryPlatform.openRouterSocket} of Linux. */
export function openRouterSocket(shim: LinuxShim, link: LinkRef, events: RouterSocketEvents): RouterSocket {
  const socket = open(shim, link);
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
  return {
    close,
    solicit: (message) => shim.icmp6Send(socket.fd, message, ALL_ROUTERS, UNSPECIFIED, link.index, NDP_HOP_LIMIT),
  };
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
