// The thread of the first packet worker, started before its work is known: a thread needs 40 ms to start and 30 ms to load
// its modules, and meanwhile this one reads the configuration. Loads nothing itself, so that it can be called first.

import { Worker } from 'node:worker_threads';

/** The worker's program stands beside this file: the source where Node runs it as it is, else what was made of it. */
const PROGRAM = new URL(`./packet-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/** A thread that waits for its `workerData`. */
interface Prepared {
  readonly thread: Worker;
  /** Why it has ended before it got any; null: it waits. */
  failure: unknown;
}

const waiting: Prepared[] = [];

const start = (name: string, program = PROGRAM): Worker => new Worker(program, { name });

/**
 * Starts a thread for a packet worker to come. It does not keep the process alive.
 * @param program tests give one that fails
 */
export function prepareThread(program = PROGRAM): Worker {
  const thread = start('packets-0', program);
  const prepared: Prepared = { thread, failure: null };
  thread.once('error', (error) => {
    prepared.failure = error;
  });
  thread.once('exit', () => {
    prepared.failure ??= new Error('the packet worker ended before it had work');
  });
  thread.unref();
  waiting.push(prepared);
  return thread;
}

/**
 * A thread that runs a packet worker with `workerData`: the prepared one, or a new one. Each call gives another.
 * @throws what ended the prepared one, when it has ended
 */
export function startThread(workerData: unknown, name: string): Worker {
  const { thread, failure } = waiting.pop() ?? { thread: start(name), failure: null };
  if (failure !== null) throw failure;
  thread.ref();
  thread.postMessage(workerData);
  return thread;
}
