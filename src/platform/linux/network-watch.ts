// Says that links, addresses or routes changed, rtnetlink(7). What changed is not read from the messages: whoever is called
// looks at the whole state anyway, and so a lost message costs nothing.

import type { LinuxShim } from '../native.ts';
import type { Closable } from '../platform.ts';

/** RTMGRP_* of linux/rtnetlink.h. */
const GROUPS = {
  link: 0x1,
  ipv4Address: 0x10,
  ipv4Route: 0x40,
  ipv6Address: 0x100,
  ipv6Route: 0x400,
  /** What routers say of the link, its MTU above all. Linux before 5.15 does not tell that one. */
  ipv6Info: 0x800,
} as const;

const MASK = Object.values(GROUPS).reduce((mask, group) => mask | group, 0);
const BUFFER = 64 * 1024;

/** Reads all messages. @returns whether some were lost (ENOBUFS) or did not fit (EMSGSIZE) */
function drain(shim: LinuxShim, fd: number, buffer: Uint8Array): boolean {
  let hasLost = false;
  for (;;) {
    try {
      if (shim.netlinkReceive(fd, buffer) === 0) return hasLost;
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== 'ENOBUFS' && code !== 'EMSGSIZE') throw cause;
      hasLost = true;
    }
  }
}

/** {@link Platform.watchNetwork} of Linux. */
export function watchNetwork(shim: LinuxShim, changed: (hasLost: boolean) => void): Closable {
  const socket = shim.netlinkOpen(MASK);
  const buffer = new Uint8Array(BUFFER);
  const watch = shim.watch(socket.fd, () => {
    const hasLost = drain(shim, socket.fd, buffer);
    watch.rearm();
    changed(hasLost);
  });
  return {
    close: () => {
      watch.close();
      socket.close();
    },
  };
}
