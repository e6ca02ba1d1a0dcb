// The addon's surface, call by call: arguments are checked, errors name their system call, handles and watches end properly.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadLinuxShim } from '../../src/platform/native.ts';
import type { ShimWorkerData } from './shim-worker.ts';

const shim = loadLinuxShim();
const slab = new Uint8Array(4096);
const ints = () => new Int32Array(4);

/** tunReadBatch with good arguments but for the overridden ones; there is no descriptor, so a good call says EBADF. */
function read(
  over: Partial<Record<'start' | 'end' | 'head' | 'maxPacket' | 'vnet' | 'max' | 'timeout', number>>,
): number {
  const a = { start: 0, end: 4096, head: 64, maxPacket: 1500, vnet: 10, max: 4, timeout: 0, ...over };
  return shim.tunReadBatch(-1, -1, a.timeout, slab, a.start, a.end, a.head, a.maxPacket, a.vnet, ints(), ints(), a.max);
}

describe('arguments', () => {
  it('are refused with RangeError when they do not fit their arrays', () => {
    for (const over of [
      { start: -1 },
      { start: 2000, end: 1999 },
      { end: 4097 },
      { end: 2 ** 32 },
      { head: -1 },
      { head: 9 },
      { maxPacket: 0 },
      { vnet: -1 },
      { vnet: 65 },
      { max: 5 },
      { max: -1 },
      { timeout: -2 },
      { start: 0.5 },
      { start: Number.NaN },
      { end: Number.POSITIVE_INFINITY },
    ]) {
      assert.throws(() => read(over), RangeError, JSON.stringify(over));
    }
    assert.throws(() => read({}), { code: 'EBADF', errno: 9, syscall: 'read' });
  });

  it('are refused with TypeError when they are of another type', () => {
    const any = shim as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const name of Object.keys(shim)) {
      if (['tunFeatures', 'eventFd', 'icmp6Open', 'netfilterOpen'].includes(name)) continue;
      assert.throws(() => any[name](), TypeError, name);
      assert.throws(() => any[name]({}, [], {}, {}, {}, {}, {}), TypeError, name);
    }
    assert.throws(() => any.tunWriteBatch(-1, new Int8Array(4), ints(), ints(), ints(), 0, ints()), TypeError);
    assert.throws(() => any.tunWriteBatch(-1, slab, new Uint32Array(4), ints(), ints(), 0, ints()), TypeError);
  });

  it('that are texts must fit an interface name and contain no NUL', () => {
    assert.throws(() => shim.ifNameToIndex('sixteencharacter'), RangeError);
    assert.throws(() => shim.ifNameToIndex('lo\0'), RangeError);
    assert.equal(shim.ifNameToIndex('fifteencharactr'), 0);
    assert.ok(shim.ifNameToIndex('lo') > 0);
  });

  it('that are addresses must have 16 and 6 bytes', () => {
    const address = new Uint8Array(16);
    assert.throws(() => shim.icmp6Join(-1, 1, new Uint8Array(15)), RangeError);
    assert.throws(() => shim.icmp6Send(-1, slab, new Uint8Array(17), address, 1, 1), RangeError);
    assert.throws(() => shim.icmp6Send(-1, slab, address, address, 1, 256), RangeError);
    assert.throws(() => shim.packetSend(-1, 1, new Uint8Array(8), 1, slab), RangeError);
  });

  it('that name a detached array count as an empty one', () => {
    const detached = new Uint8Array(64);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    assert.throws(() => shim.tunReadBatch(-1, -1, 0, detached, 0, 64, 0, 1, 0, ints(), ints(), 1), RangeError);
  });
});

describe('a failed system call', () => {
  it('throws an Error with code, errno and syscall', () => {
    const badFd = { code: 'EBADF', errno: 9 };
    assert.throws(() => shim.tunGetFlags(-1), { ...badFd, syscall: 'ioctl(TUNGETIFF)' });
    assert.throws(() => shim.tunSetVnetHeaderSize(-1, 10), { ...badFd, syscall: 'ioctl(TUNSETVNETHDRSZ)' });
    assert.throws(() => shim.tunSetPersist(-1, true), { ...badFd, syscall: 'ioctl(TUNSETPERSIST)' });
    assert.throws(() => shim.eventFdSignal(-1), { ...badFd, syscall: 'write' });
    assert.throws(() => shim.eventFdClear(-1), { ...badFd, syscall: 'read' });
    assert.throws(() => shim.icmp6Receive(-1, slab), { ...badFd, syscall: 'recvmsg' });
    assert.throws(() => shim.netlinkReceive(-1, slab), { ...badFd, syscall: 'recv' });
    assert.throws(() => shim.packetSend(-1, 1, new Uint8Array(6), 1, slab), { ...badFd, syscall: 'sendto' });
    assert.throws(() => shim.watch(-1, () => undefined), { ...badFd, syscall: 'fcntl(F_DUPFD_CLOEXEC)' });
    assert.throws(() => shim.linkSetMtu('x464none', 1500), { code: 'ENODEV', syscall: 'ioctl(SIOCSIFMTU)' });
  });

  it('stands in the results of a write', () => {
    const results = ints();
    const one = Int32Array.of(1);
    assert.equal(shim.tunWriteBatch(-1, slab, Int32Array.of(0), Int32Array.of(20), one, 1, results), 1);
    assert.equal(results[0], 9);
  });
});

describe('a handle', () => {
  it('closes once, shows -1 from then on, and belongs to its own kind', () => {
    const event = shim.eventFd();
    const { fd } = event;
    assert.ok(fd > 2);
    event.close();
    event.close();
    assert.equal(event.fd, -1);
    assert.throws(() => shim.eventFdSignal(fd), { code: 'EBADF' });
    assert.throws(() => event.close.call({} as never), TypeError);
  });

  it('that is released leaves its descriptor open to the new owner, and has none of its own any more', () => {
    const socket = shim.tcpOpen(true);
    const { fd } = socket;
    assert.equal(socket.release(), fd);
    assert.deepEqual([socket.fd, socket.release()], [-1, -1]);
    socket.close();
    closeSync(fd);
    assert.throws(() => closeSync(fd), { code: 'EBADF' });
    assert.throws(() => socket.release.call({} as never), TypeError);
  });

  it('counts signals until they are cleared', () => {
    const event = shim.eventFd();
    assert.equal(shim.eventFdClear(event.fd), false);
    shim.eventFdSignal(event.fd);
    shim.eventFdSignal(event.fd);
    assert.equal(shim.eventFdClear(event.fd), true);
    assert.equal(shim.eventFdClear(event.fd), false);
    event.close();
  });
});

describe('a watch', () => {
  it('calls once for each arming, and not after it was closed', async () => {
    const event = shim.eventFd();
    let calls = 0;
    await new Promise<void>((resolve) => {
      const watch = shim.watch(event.fd, () => {
        calls++;
        if (calls < 3) watch.rearm();
        else resolve();
        if (calls === 3) watch.close();
        if (calls === 3) watch.close();
        watch.rearm();
      });
      shim.eventFdSignal(event.fd);
    });
    assert.equal(await turnsOf(event.fd), 1, 'the second watch still works');
    assert.equal(calls, 3);
    event.close();
  });

  it('is not confused by a descriptor that was closed and used again', async () => {
    const first = shim.eventFd();
    const stale = shim.watch(first.fd, () => assert.fail('the closed one'));
    first.close();
    const second = shim.eventFd();
    shim.eventFdSignal(second.fd);
    assert.equal(await turnsOf(second.fd), 1);
    stale.close();
    second.close();
  });

  it('may watch the same descriptor as another one', async () => {
    const event = shim.eventFd();
    shim.eventFdSignal(event.fd);
    assert.deepEqual(await Promise.all([turnsOf(event.fd), turnsOf(event.fd)]), [1, 1]);
    event.close();
  });

  it('cannot be put on a file that epoll does not take', () => {
    const fd = openSync(process.execPath, 'r');
    assert.throws(() => shim.watch(fd, () => undefined), { code: 'EPERM', syscall: 'epoll_ctl' });
    closeSync(fd);
  });

  it('passes an exception of its callback on as an uncaught one', async () => {
    const code = `const shim = require(require('node:worker_threads').workerData);
      const event = shim.eventFd();
      shim.eventFdSignal(event.fd);
      shim.watch(event.fd, () => { throw new Error('a bug'); });`;
    const worker = new Worker(code, { eval: true, workerData: addonFile() });
    const [error] = (await once(worker, 'error')) as [Error];
    assert.equal(error.message, 'a bug');
  });
});

/** Two workers load the addon, hold watches that are ready all the time, and are terminated. */
async function runAndTerminateWorkers(): Promise<void> {
  const workerData: ShimWorkerData = { role: 'watch', watches: 8 };
  const pair = [0, 1].map(() => new Worker(new URL('./shim-worker.js', import.meta.url), { workerData }));
  await Promise.all(pair.map((worker) => once(worker, 'message')));
  await Promise.all(pair.map((worker) => worker.terminate()));
}

describe('worker threads', () => {
  it('load the addon and end with running watches, again and again, and leave no descriptor open', async () => {
    await runAndTerminateWorkers();
    const before = openDescriptors();
    for (let round = 0; round < 8; round++) await runAndTerminateWorkers();
    assert.ok(openDescriptors() <= before, `${before} descriptors before, ${openDescriptors()} after`);
  });
});

/** Calls of a fresh watch on a readable descriptor that is never rearmed, until two others after it have been called. */
async function turnsOf(fd: number): Promise<number> {
  let calls = 0;
  await new Promise<void>((resolve) => {
    const watch = shim.watch(fd, () => {
      calls++;
      const after = shim.eventFd();
      shim.eventFdSignal(after.fd);
      const other = shim.watch(after.fd, () => {
        other.close();
        after.close();
        watch.close();
        resolve();
      });
    });
  });
  return calls;
}

/** Where the addon was loaded from. */
function addonFile(): string {
  const { cache } = createRequire(import.meta.url);
  const file = Object.keys(cache).find((name) => name.endsWith('xlat464.node'));
  assert.ok(file !== undefined);
  return file;
}

/** Descriptors that this process has open. */
const openDescriptors = (): number => readdirSync('/proc/self/fd').length;
