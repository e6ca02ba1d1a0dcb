// Entry of a packet worker thread: gives the data plane's loop a queue of this machine's TUN. Nothing else is loaded here,
// for a worker's start is part of the daemon's. Its work comes as the first message: see packet-thread.ts.

import { once } from 'node:events';
import { type MessagePort, parentPort } from 'node:worker_threads';
import type { WorkerInit } from '../dataplane/messages.ts';
import { runPacketWorker } from '../dataplane/worker.ts';
import { selectTunQueue } from '../platform/select.ts';

/** A function, because the bundle is CommonJS. A failure is an unhandled rejection, which ends the thread with an error. */
async function main(port: MessagePort): Promise<void> {
  const makeQueue = await selectTunQueue();
  const [init] = (await once(port, 'message')) as [WorkerInit];
  runPacketWorker(makeQueue, init);
}

if (parentPort === null) throw new Error('not a worker thread');
void main(parentPort);
