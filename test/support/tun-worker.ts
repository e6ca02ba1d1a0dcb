// The program of a packet worker's thread for tests: the real loop on a queue without an operating system, where one packet
// arrives every millisecond, and which is gone when the test says so.

import { workerData } from 'node:worker_threads';
import { HEADROOM, type PacketList } from '../../src/core/wire/slab.ts';
import type { WorkerInit } from '../../src/dataplane/messages.ts';
import type { TunCapabilities, TunQueue, WriteList } from '../../src/dataplane/tun-queue.ts';
import { runPacketWorker } from '../../src/dataplane/worker.ts';
import { markedPacket } from '../compliance/tun-queue.ts';

/** What the thread is given. */
export interface TunWorkerData {
  readonly init: WorkerInit;
  /** Element 0 other than 0: the device is gone. */
  readonly gone: Int32Array;
}

class TickingTun implements TunQueue {
  readonly capabilities: TunCapabilities;
  readonly #gone: Int32Array;
  #isQuiet = false;

  constructor(capabilities: TunCapabilities, gone: Int32Array) {
    this.capabilities = capabilities;
    this.#gone = gone;
  }

  /** One packet, and the next time, a millisecond later, none. */
  readBatch(slab: Uint8Array, start: number, _end: number, list: PacketList): number {
    if (Atomics.load(this.#gone, 0) !== 0) throw new Error('the device is gone');
    this.#isQuiet = !this.#isQuiet;
    list.count = this.#isQuiet ? 0 : 1;
    if (this.#isQuiet) Atomics.wait(this.#gone, 0, 0, 1);
    else {
      const packet = markedPacket(1);
      list.offset[0] = start + HEADROOM;
      list.length[0] = packet.length;
      slab.fill(0, start, start + HEADROOM);
      slab.set(packet, start + HEADROOM);
    }
    return list.count;
  }

  writeBatch(_slab: Uint8Array, list: WriteList): number {
    list.results.fill(0);
    return 0;
  }

  close(): void {}
}

const { init, gone } = workerData as TunWorkerData;
runPacketWorker(({ capabilities }) => new TickingTun(capabilities, gone), init);
