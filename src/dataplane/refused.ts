// Packets that the device did not take, sorted by its reason. errno values differ between systems, so they come from this one.

import { constants } from 'node:os';
import { REFUSED_INVALID, REFUSED_LINK_DOWN, REFUSED_NO_MEMORY, REFUSED_OTHER, WRITES_REFUSED } from './counters.ts';
import type { WriteList } from './tun-queue.ts';

const { EAGAIN, EINVAL, EIO, ENETDOWN, ENOBUFS, ENODEV, ENOMEM } = constants.errno;

function counterOf(errno: number): number {
  switch (errno) {
    case EIO: // Linux' answer while the interface is down: drivers/net/tun.c, tun_get_user()
    case ENETDOWN:
    case ENODEV:
      return REFUSED_LINK_DOWN;
    case EINVAL:
      return REFUSED_INVALID;
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
      return REFUSED_NO_MEMORY;
    default:
      return REFUSED_OTHER;
  }
}

/** Counts the packets of a written list whose result is an errno. @param counters a worker's block */
export function countRefused(counters: Float64Array, { packets, results }: WriteList): void {
  for (let i = 0; i < packets; i++) {
    const errno = results[i] as number;
    if (errno === 0) continue;
    counters[WRITES_REFUSED] = (counters[WRITES_REFUSED] as number) + 1;
    const counter = counterOf(errno);
    counters[counter] = (counters[counter] as number) + 1;
  }
}
