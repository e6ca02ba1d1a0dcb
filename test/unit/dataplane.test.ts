// dataplane.ts with real worker threads on queues in memory: starts that fail, captures that end in every way, workers that end.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { XlatError } from '../../src/contract/errors.ts';
import { DEFAULT_SETTINGS } from '../../src/core/translate/settings.ts';
import { prepareThread, startThread } from '../../src/daemon/packet-thread.ts';
import { failureOf } from '../../src/daemon/translate.ts';
import type { CaptureCounters } from '../../src/dataplane/capture.ts';
import { type CaptureSink, openCaptureFile } from '../../src/dataplane/capture-sink.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from '../../src/dataplane/dataplane.ts';
import type { WorkerInit } from '../../src/dataplane/messages.ts';
import { waitFor } from '../support/netns.ts';
import type { TunWorkerData } from '../support/tun-worker.ts';

const PROGRAM = new URL('../support/tun-worker.js', import.meta.url);
const NO_OFFLOAD = { vnetHeader: false, tcpSegmentation: false, udpSegmentation: false };
const QUEUE = { fd: -1, wakeFd: -1, capabilities: NO_OFFLOAD };

/** Threads for a data plane, which end with the test. */
function threads(t: TestContext) {
  const gone = new Int32Array(new SharedArrayBuffer(4));
  const started: Worker[] = [];
  t.after(() => Promise.all(started.map((thread) => thread.terminate())));
  const start = (init: WorkerInit, name: string): Worker => {
    const workerData: TunWorkerData = { init, gone };
    const thread = new Worker(PROGRAM, { workerData, name });
    started.push(thread);
    return thread;
  };
  return { gone, started, start };
}

const options = (start: DataPlaneOptions['startThread'], queues = 1): DataPlaneOptions => ({
  queues: Array.from({ length: queues }, () => QUEUE),
  wake: () => undefined, // it looks up every millisecond
  startThread: start,
  settings: DEFAULT_SETTINGS,
  coalesce: false,
});

async function open(t: TestContext, queues = 1): Promise<{ plane: DataPlane; gone: Int32Array }> {
  const { start, gone } = threads(t);
  return { plane: await startDataPlane(options(start, queues)), gone };
}

/** Keeps what comes; gives nothing back until it is told to. */
class HoldingSink implements CaptureSink {
  readonly appended: Uint8Array[] = [];
  readonly held: (() => void)[] = [];
  closed = 0;

  append(bytes: Uint8Array, _soFar: CaptureCounters, done: () => void): void {
    this.appended.push(Uint8Array.from(bytes)); // a Buffer’s slice would be no copy
    this.held.push(done);
  }

  async close(): Promise<void> {
    this.closed++;
  }
}

const unexpected = (failure: XlatError): void => assert.fail(failure);
const packetsIn = (plane: DataPlane): number => plane.counters().packetsIn.ipv4;

/** Waits until so many more packets went through. */
async function packetsGoOn(plane: DataPlane, more: number): Promise<void> {
  const until = packetsIn(plane) + more;
  await waitFor(`${more} packets`, () => packetsIn(plane) >= until);
}

const isTrailer = (bytes: Uint8Array): boolean => new DataView(bytes.buffer).getUint32(0, true) === 5; // pcapng §4.6

describe('a data plane', () => {
  it('that gets a thread for its first queue only ends that one again', async (t) => {
    const { start, started } = threads(t);
    const ended: Promise<unknown>[] = [];
    const onlyOne = (init: WorkerInit, name: string): Worker => {
      if (init.worker > 0) throw new Error('no more threads');
      const thread = start(init, name);
      ended.push(once(thread, 'exit'));
      return thread;
    };
    await assert.rejects(startDataPlane(options(onlyOne, 3)), {
      code: 'DATA_PATH_FAILED',
      message: 'a packet worker does not start: no more threads',
    });
    assert.equal(started.length, 1);
    assert.deepEqual(await Promise.all(ended), [[0]]);
  });

  it('whose worker ends while nobody waits yet tells it later, and nothing else ends by it', async (t) => {
    const { plane, gone } = await open(t);
    const failure = failureOf(plane);
    const told = new Promise<XlatError>((resolve) => plane.onFailure(resolve));
    Atomics.store(gone, 0, 1);
    await told;
    await setImmediate(); // a rejection that nobody has handled ends the process here
    await assert.rejects(failure, { code: 'DATA_PATH_FAILED', message: /the device is gone/ });
    await plane.stop();
  });
});

describe('a capture', () => {
  it('that is refused because another one runs leaves its sink alone, and the other one runs on', async (t) => {
    const { plane } = await open(t);
    const [first, second] = [new HoldingSink(), new HoldingSink()];
    await plane.startCapture({ sink: first, onFailure: unexpected });
    await assert.rejects(plane.startCapture({ sink: second, onFailure: unexpected }), { code: 'USAGE' });
    assert.deepEqual([second.closed, second.appended], [0, []]);
    await waitFor('a packet of the first', () => first.appended.length > 1);
    await plane.stop();
    assert.equal(first.closed, 1);
  });

  it('that is ended twice, and by the end of the data plane as well, is ended once', async (t) => {
    const { plane } = await open(t, 2);
    const sink = new HoldingSink();
    await plane.startCapture({ sink, onFailure: unexpected });
    await waitFor('a packet', () => sink.appended.length > 1);
    const [one, two] = await Promise.all([plane.stopCapture(), plane.stopCapture(), plane.stop()]);
    assert.deepEqual(one, two);
    assert.ok(one.recorded[0] > 0);
    assert.deepEqual([sink.appended.filter(isTrailer).length, sink.closed], [1, 1]);
  });

  it('gets no more memory by the buffers that come back late from the one before', async (t) => {
    const { plane } = await open(t);
    const [first, second] = [new HoldingSink(), new HoldingSink()];
    await plane.startCapture({ sink: first, onFailure: unexpected });
    await waitFor('all buffers of the first', () => first.appended.length >= 9);
    await plane.stopCapture();
    await plane.startCapture({ sink: second, onFailure: unexpected });
    for (const done of first.held) done();
    await packetsGoOn(plane, 40);
    await plane.stopCapture();
    assert.equal(second.appended.length, 10, 'header, eight buffers, trailer');
    await plane.stop();
  });

  it('into a full disk ends at once with its file’s name, and translation goes on', async (t) => {
    const { plane } = await open(t);
    const failures: [string, string | undefined, CaptureCounters][] = [];
    const onFailure = ({ message, advice }: XlatError, kept: CaptureCounters): void =>
      void failures.push([message, advice, kept]);
    await plane.startCapture({ sink: await openCaptureFile('/dev/full'), onFailure });
    await waitFor('its failure', () => failures.length > 0);
    await packetsGoOn(plane, 5);
    await assert.rejects(plane.stopCapture(), { code: 'USAGE', message: 'no capture is running' });
    const next = new HoldingSink();
    await plane.startCapture({ sink: next, onFailure: unexpected });
    await plane.stop();
    assert.equal(next.closed, 1);
    const [[message, advice, kept]] = failures;
    assert.match(message, /^the capture ended: cannot write \/dev\/full: ENOSPC/);
    assert.match(advice ?? '', /another file/);
    assert.equal(kept.recorded[0], 0);
    assert.equal(failures.length, 1);
  });

  it('that fails in the middle counts what was not written as lost', async (t) => {
    const { plane } = await open(t);
    let writes = 0;
    let kept: CaptureCounters | undefined;
    const sink: CaptureSink = {
      append: (_bytes, _soFar, done) => done(++writes > 3 ? new Error('full') : undefined),
      close: async () => undefined,
    };
    await plane.startCapture({
      sink,
      onFailure: (_failure, counters) => {
        kept = counters;
      },
    });
    await waitFor('its failure', () => kept !== undefined);
    await plane.stop();
    assert.equal(kept?.recorded[0], 2, 'the header and two buffers of one packet each were written');
    assert.ok((kept?.lost[0] ?? 0) >= 1);
  });
});

describe('a packet thread that was prepared', () => {
  it('and failed before it had work is told when it is wanted, and ends nothing before', async () => {
    const thread = prepareThread(new URL('data:text/javascript,throw new Error("no addon")'));
    thread.ref(); // nothing else keeps this process
    await new Promise((resolve) => thread.once('exit', resolve)); // once() would listen for errors too
    assert.throws(() => startThread({}, 'packets-0'), { message: 'no addon' });
  });
});
