// TCP connections that leave by one link. Node ties no socket to an interface, so the shim opens it, and Node connects it.

import { isIPv6, Socket } from 'node:net';
import type { LinkRef } from '../../core/host/host-config.ts';
import type { LinuxShim } from '../native.ts';

/** {@link DiscoveryPlatform.connectTcp} of Linux. */
export function connectTcp(shim: LinuxShim, link: LinkRef, address: string, port: number): Socket {
  let socket: Socket;
  try {
    socket = openTied(shim, link, isIPv6(address));
  } catch (cause) {
    // As for every other failure to connect; whoever called listens by then.
    const failed = new Socket();
    process.nextTick(() => failed.destroy(cause as Error));
    return failed;
  }
  return socket.connect(port, address);
}

/** A socket that is not connected yet. @throws the system's error */
function openTied(shim: LinuxShim, link: LinkRef, isIpv6: boolean): Socket {
  const handle = shim.tcpOpen(isIpv6);
  try {
    tie(shim, handle.fd, link);
    return new Socket({ fd: handle.release() });
  } catch (cause) {
    handle.close();
    throw cause;
  }
}

/** SO_BINDTODEVICE. A kernel before 5.7 lets only root do so; the routing table decides then. */
function tie(shim: LinuxShim, fd: number, link: LinkRef): void {
  try {
    shim.bindToDevice(fd, link.name);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EPERM') throw cause;
  }
}
