// Entry of a packet worker thread: gives the data plane's loop a queue of this machine's TUN. Nothing else is loaded here,
// for a worker's start is part of the daemon's. Its work comes as the first message: see packet-thread.ts.

import { once } from 'node:events';
import { parentPort } from 'node:worker_threads';
import type { WorkerInit } from '../dataplane/messages.ts';
import { runPacketWorker } from '../dataplane/worker.ts';
import { selectTunQueue } from '../platform/select.ts';

if (parentPort === null) throw new Error('not a worker thread');
const makeQueue = await selectTunQueue();
const [init] = (await once(parentPort, 'message')) as [WorkerInit];
runPacketWorker(makeQueue, init);
