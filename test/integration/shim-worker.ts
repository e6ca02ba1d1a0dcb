// The worker threads of the shim tests. `workerData.role` says what one does.

import { parentPort, workerData } from 'node:worker_threads';
import {
  GSO_ECN,
  GSO_NONE,
  gsoType,
  NEEDS_CSUM,
  OFFLOAD_HEADER,
  flags as offloadFlags,
} from '../../src/core/wire/offload.ts';
import {
  HEADROOM,
  MAX_PACKET,
  makePacketList,
  makeSlab,
  type PacketList,
  type Slab,
} from '../../src/core/wire/slab.ts';
import { makeWriteList, type WriteList } from '../../src/dataplane/tun-queue.ts';
import { type TunQueueNumbers, tunQueue } from '../../src/platform/linux/tun-queue.ts';
import { loadLinuxShim } from '../../src/platform/native.ts';

/** What a worker is started with. */
export type ShimWorkerData =
  | { readonly role: 'signal'; readonly fd: number }
  | { readonly role: 'watch'; readonly watches: number }
  | { readonly role: 'mirror'; readonly numbers: TunQueueNumbers; readonly stop: Int32Array };

/** What the mirror has seen. */
export interface MirrorReport {
  packets: number;
  longest: number;
  superPackets: number;
  unfinishedChecksums: number;
  refused: number;
}

const BATCH = 64;

/** Holds watches, some of them ready all the time, until the thread is terminated. */
function keepWatches(count: number): void {
  const shim = loadLinuxShim();
  for (let i = 0; i < count; i++) {
    const event = shim.eventFd();
    const watch = shim.watch(event.fd, () => {
      shim.eventFdSignal(event.fd);
      watch.rearm();
    });
    if (i % 2 === 0) shim.eventFdSignal(event.fd);
  }
  parentPort?.postMessage('ready');
}

/** Sends every IPv4 packet back with source and destination swapped: each host meets itself behind the interface. */
function mirror(numbers: TunQueueNumbers, stop: Int32Array): MirrorReport {
  const queue = tunQueue(numbers);
  const slab = makeSlab(BATCH * (HEADROOM + MAX_PACKET + 3));
  const list = makePacketList(BATCH);
  const writes = makeWriteList(BATCH, BATCH);
  const report: MirrorReport = { packets: 0, longest: 0, superPackets: 0, unfinishedChecksums: 0, refused: 0 };
  while (Atomics.load(stop, 0) === 0) {
    queue.readBatch(slab.bytes, 0, slab.bytes.length, list, -1);
    for (let i = 0; i < list.count; i++) turnRound(slab, list.offset[i]);
    note(report, slab, list);
    report.refused += queue.writeBatch(slab.bytes, wholePackets(list, writes));
  }
  queue.close();
  return report;
}

/** Swaps the addresses of an IPv4 header; no checksum changes by that. */
function turnRound(slab: Slab, at: number): void {
  const source = slab.view.getUint32(at + 12);
  slab.view.setUint32(at + 12, slab.view.getUint32(at + 16));
  slab.view.setUint32(at + 16, source);
}

function note(report: MirrorReport, slab: Slab, list: PacketList): void {
  report.packets += list.count;
  for (let i = 0; i < list.count; i++) {
    const header = list.offset[i] - OFFLOAD_HEADER;
    report.longest = Math.max(report.longest, list.length[i]);
    if ((gsoType(slab, header) & ~GSO_ECN) !== GSO_NONE) report.superPackets++;
    if ((offloadFlags(slab, header) & NEEDS_CSUM) !== 0) report.unfinishedChecksums++;
  }
}

function wholePackets(list: PacketList, writes: WriteList): WriteList {
  for (let i = 0; i < list.count; i++) {
    writes.pieceOffset[i] = list.offset[i] - OFFLOAD_HEADER;
    writes.pieceLength[i] = list.length[i] + OFFLOAD_HEADER;
    writes.pieceEnd[i] = i + 1;
  }
  writes.packets = writes.pieces = list.count;
  return writes;
}

const data = workerData as ShimWorkerData;
if (data.role === 'signal') loadLinuxShim().eventFdSignal(data.fd);
else if (data.role === 'watch') keepWatches(data.watches);
else parentPort?.postMessage(mirror(data.numbers, data.stop));
