// The thread of the first packet worker, started before its work is known: a thread needs 40 ms to start and 30 ms to load
// its modules, and meanwhile this one reads the configuration. Loads nothing itself, so that it can be called first.

import { Worker } from 'node:worker_threads';

/** Threads that wait for their `workerData`. */
const waiting: Worker[] = [];

const start = (name: string): Worker => new Worker(new URL('./packet-worker.js', import.meta.url), { name });

/** Starts a thread for a packet worker to come. It does not keep the process alive. */
export function prepareThread(): void {
  const thread = start('packets-0');
  thread.unref();
  waiting.push(thread);
}

/** A thread that runs a packet worker with `workerData`: the prepared one, or a new one. Each call gives another. */
export function startThread(workerData: unknown, name: string): Worker {
  const thread = waiting.pop() ?? start(name);
  thread.ref();
  thread.postMessage(workerData);
  return thread;
}
