// Super-packets for real: TCP runs over a TUN whose worker, in another thread, sends every packet back with its addresses
// swapped. The kernel's own TCP is at both ends, so each byte that arrives went through our read and our write.

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { openTun, type TunDevice } from '../../src/platform/linux/tun-device.ts';
import { inside, ip, silentNamespace } from './shim-inside.ts';
import type { MirrorReport, ShimWorkerData } from './shim-worker.ts';

const HERE = '10.99.0.1';
const MIRRORED = '10.99.0.2';
const MTU = 1400;
const SIZE = 8 * 1024 * 1024;

function openInterface(t: TestContext, offload: 'auto' | 'off'): TunDevice {
  const device = openTun({ name: 'x464g', mtu: MTU, queues: 1, offload });
  t.after(() => device.close());
  ip('addr', 'add', `${HERE}/24`, 'dev', 'x464g');
  ip('link', 'set', 'x464g', 'up');
  return device;
}

/** Runs `body` while the mirror works. @returns what the mirror has seen */
async function withMirror(device: TunDevice, body: () => Promise<void>): Promise<MirrorReport> {
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const workerData: ShimWorkerData = { role: 'mirror', numbers: device.queues[0], stop };
  const worker = new Worker(new URL('./shim-worker.js', import.meta.url), { workerData });
  const report = once(worker, 'message') as Promise<[MirrorReport]>;
  const exit = once(worker, 'exit');
  try {
    await body();
  } finally {
    Atomics.store(stop, 0, 1);
    device.wake();
  }
  const [seen] = await report;
  await exit;
  return seen;
}

async function hashOf(socket: Socket): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of socket) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

/** Sends random bytes to ourselves by way of the mirror. */
async function transfer(): Promise<void> {
  const bytes = randomBytes(SIZE);
  const server = createServer().listen(0, HERE);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const client = connect(port, MIRRORED);
  const [socket] = await accepted;
  client.end(bytes);
  assert.equal(await hashOf(socket), createHash('sha256').update(bytes).digest('hex'));
  server.close();
}

inside(import.meta.url, 'TCP runs over the TUN from a worker thread', silentNamespace, () => {
  describe('a worker thread with the descriptor of the main thread', () => {
    it('reads super-packets with unfinished checksums and writes them back', async (t) => {
      const seen = await withMirror(openInterface(t, 'auto'), transfer);
      assert.equal(seen.refused, 0);
      assert.ok(seen.longest > 4 * MTU, `the longest packet had ${seen.longest} bytes`);
      assert.ok(seen.superPackets > 0 && seen.unfinishedChecksums > seen.superPackets / 2, JSON.stringify(seen));
      assert.ok(seen.packets < SIZE / MTU, `${seen.packets} packets`);
    });

    it('reads and writes plain packets of at most the MTU without offloads', async (t) => {
      const seen = await withMirror(openInterface(t, 'off'), transfer);
      assert.deepEqual([seen.refused, seen.superPackets, seen.unfinishedChecksums, seen.longest], [0, 0, 0, MTU]);
    });
  });
});
