// The real TUN keeps the promises of TunQueue, with and without the offload header.

import { readSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openTun, type TunDevice } from '../../src/platform/linux/tun-device.ts';
import { tunQueue } from '../../src/platform/linux/tun-queue.ts';
import { type Handle, loadLinuxShim } from '../../src/platform/native.ts';
import { type TunQueueRig, tunQueueCompliance } from '../compliance/tun-queue.ts';
import { inside, ip, silentNamespace } from './shim-inside.ts';
import type { ShimWorkerData } from './shim-worker.ts';

const ETH_P_IP = 0x0800;
const NO_LINK_ADDRESS = new Uint8Array(6);

/** Waits until `fd` is readable. */
function readable(fd: number): Promise<void> {
  return new Promise((resolve) => {
    const watch = loadLinuxShim().watch(fd, () => {
      watch.close();
      resolve();
    });
  });
}

/** The next packet of a packet socket. Reading it with read(2) is enough: no address is wanted. */
async function nextPacket(socket: Handle): Promise<Uint8Array> {
  await readable(socket.fd);
  const buffer = new Uint8Array(65_536);
  return buffer.slice(0, readSync(socket.fd, buffer));
}

function wakeFromOtherThread(fd: number): void {
  const workerData: ShimWorkerData = { role: 'signal', fd };
  new Worker(new URL('./shim-worker.js', import.meta.url), { workerData }).unref();
}

function rig(t: TestContext, device: TunDevice): TunQueueRig {
  const shim = loadLinuxShim();
  const numbers = device.queues[0];
  // Received: what comes in from the TUN. The sending socket has protocol 0 and receives nothing.
  const incoming = shim.packetOpen(ETH_P_IP);
  const outgoing = shim.packetOpen(0);
  t.after(() => {
    for (const one of [incoming, outgoing, device]) one.close();
  });
  return {
    queue: tunQueue(numbers),
    send: (packet) => shim.packetSend(outgoing.fd, device.ifIndex, NO_LINK_ADDRESS, ETH_P_IP, packet),
    received: async (count) => {
      const packets: Uint8Array[] = [];
      while (packets.length < count) packets.push(await nextPacket(incoming));
      return packets;
    },
    wake: () => device.wake(0),
    wakeFromOtherThread: async () => wakeFromOtherThread(numbers.wakeFd),
  };
}

const open = (offload: 'auto' | 'off') => async (t: TestContext) => {
  const device = openTun({ name: 'x464q', queues: 1, offload });
  ip('link', 'set', 'x464q', 'up');
  return rig(t, device);
};

inside(import.meta.url, 'the Linux TUN passes the compliance suite of TunQueue', silentNamespace, () => {
  tunQueueCompliance('a Linux TUN with offloads', open('auto'));
  tunQueueCompliance('a Linux TUN without offloads', open('off'));
});
