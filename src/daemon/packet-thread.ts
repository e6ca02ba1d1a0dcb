// The thread of the first packet worker, started before its work is known: a thread needs 40 ms to start and 30 ms to load
// its modules, and meanwhile this one reads the configuration. Loads nothing itself, so that it can be called first.

import { Worker } from 'node:worker_threads';

/** Threads that wait for their `workerData`. */
const waiting: Worker[] = [];

/** The worker's program stands beside this file: the source where Node runs it as it is, else what was made of it. */
const program = new URL(`./packet-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

const start = (name: string): Worker => new Worker(program, { name });

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
