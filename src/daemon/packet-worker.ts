// Entry of a packet worker thread: gives the data plane's loop a queue of this machine's TUN. Nothing else is loaded here,
// for a worker's start is part of the daemon's.

import { runPacketWorker } from '../dataplane/worker.ts';
import { selectTunQueue } from '../platform/select.ts';

runPacketWorker(await selectTunQueue());
