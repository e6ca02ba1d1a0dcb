// The in-memory TUN keeps the promises of TunQueue.

import { Worker } from 'node:worker_threads';
import { type TunQueueRig, tunQueueCompliance } from '../compliance/tun-queue.ts';
import { MemoryTun } from '../support/memory-tun.ts';

const WAKER = `
const { workerData } = require('node:worker_threads');
Atomics.add(workerData, 0, 1);
Atomics.notify(workerData, 0);
`;

function memoryRig(tun: MemoryTun): TunQueueRig {
  return {
    queue: tun,
    send: (packet) => tun.deliver(packet),
    received: async (count) => tun.written.splice(0, count).map((one) => one.packet),
    wake: () => tun.wake(),
    wakeFromOtherThread: async () => {
      new Worker(WAKER, { eval: true, workerData: tun.wakeCell }).unref();
    },
  };
}

tunQueueCompliance('MemoryTun', async () => memoryRig(new MemoryTun()));
