// Opening TUN interfaces: new, existing, persistent, with several queues; and every way in which that fails.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import { makePacketList } from '../../src/core/wire/slab.ts';
import { openTun, type TunDevice, type TunOptions } from '../../src/platform/linux/tun-device.ts';
import { negotiateOffload } from '../../src/platform/linux/tun-offload.ts';
import { tunQueue } from '../../src/platform/linux/tun-queue.ts';
import { loadLinuxShim } from '../../src/platform/native.ts';
import { inside, ip, silentNamespace } from './shim-inside.ts';

const NOBODY = 65_534;
const exists = (name: string): boolean => loadLinuxShim().ifNameToIndex(name) !== 0;

function opened(t: TestContext, options: Partial<TunOptions> & { name: string }): TunDevice {
  const device = openTun({ queues: 1, offload: 'auto', ...options });
  t.after(() => device.close());
  return device;
}

function failsWith(code: string, message: RegExp, options: Partial<TunOptions> & { name: string }): void {
  assert.throws(
    () => openTun({ queues: 1, offload: 'auto', ...options }),
    (error: unknown) => {
      assert.ok(error instanceof XlatError, String(error));
      assert.equal(error.code, code);
      assert.match(error.message, message);
      assert.ok(error.advice !== undefined && error.advice.length > 0, 'advice');
      return true;
    },
  );
}

/** Makes a persistent interface that ends with the test. */
function persistent(t: TestContext, name: string, ...kind: string[]): void {
  ip('tuntap', 'add', 'dev', name, ...kind);
  t.after(() => ip('link', 'del', name));
}

function itCreates(): void {
  it('creates an interface with the wanted MTU, and it goes with the last queue', (t) => {
    const device = opened(t, { name: 'x464a', mtu: 1280, queues: 3 });
    assert.equal(device.wasCreated, true);
    assert.equal(device.isPersistent, false);
    assert.equal(device.queues.length, 3);
    assert.equal(new Set(device.queues.flatMap(({ fd, wakeFd }) => [fd, wakeFd])).size, 6);
    assert.match(ip('link', 'show', 'x464a'), /mtu 1280/);
    device.close();
    device.close();
    assert.equal(exists('x464a'), false);
  });

  it('offers every offload that this kernel has, and says what is missing', (t) => {
    const device = opened(t, { name: 'x464a' });
    assert.equal(device.capabilities.vnetHeader, true);
    assert.equal(device.capabilities.tcpSegmentation, true);
    assert.equal(device.notes.length === 0, device.capabilities.udpSegmentation);
  });

  it('opens without the offload header when offload is off', (t) => {
    const device = opened(t, { name: 'x464a', offload: 'off' });
    assert.deepEqual(device.capabilities, { vnetHeader: false, tcpSegmentation: false, udpSegmentation: false });
  });

  it('leaves a persistent interface behind only when told to, and ends its persistence when told to', (t) => {
    opened(t, { name: 'x464a', persist: true }).close();
    assert.equal(exists('x464a'), true);
    const again = opened(t, { name: 'x464a', attach: true, persist: false });
    assert.equal(again.wasCreated, false);
    again.close();
    assert.equal(exists('x464a'), false);
  });

  it('wakes one queue or all', (t) => {
    const device = opened(t, { name: 'x464a', queues: 2 });
    const shim = loadLinuxShim();
    const signalled = () => device.queues.map(({ wakeFd }) => shim.eventFdClear(wakeFd));
    device.wake(1);
    assert.deepEqual(signalled(), [false, true]);
    device.wake();
    assert.deepEqual(signalled(), [true, true]);
  });
}

function itAttaches(): void {
  it('attaches to a persistent interface with many queues and leaves it there', (t) => {
    persistent(t, 'x464p', 'mode', 'tun', 'multi_queue');
    const device = opened(t, { name: 'x464p', queues: 2, attach: true });
    assert.deepEqual([device.wasCreated, device.isPersistent, device.queues.length], [false, true, 2]);
    device.close();
    assert.equal(exists('x464p'), true);
  });

  it('takes one queue of a persistent interface with many', (t) => {
    persistent(t, 'x464p', 'mode', 'tun', 'multi_queue');
    assert.equal(opened(t, { name: 'x464p', attach: true }).queues.length, 1);
  });

  it('takes one queue where a persistent interface has only one, and says so', (t) => {
    persistent(t, 'x464p', 'mode', 'tun');
    const device = opened(t, { name: 'x464p', queues: 4, attach: true });
    assert.equal(device.queues.length, 1);
    assert.match(device.notes.join(), /one queue instead of 4/);
  });

  it('sets its own offload header on an interface that had another', (t) => {
    persistent(t, 'x464p', 'mode', 'tun', 'vnet_hdr');
    assert.equal(opened(t, { name: 'x464p', attach: true }).capabilities.vnetHeader, true);
  });
}

function itFails(): void {
  it('says that the name is taken, or that another program uses the interface', (t) => {
    opened(t, { name: 'x464a' });
    failsWith('TUN_BUSY', /x464a exists already/, { name: 'x464a' });
    failsWith('TUN_BUSY', /x464a is in use/, { name: 'x464a', attach: true });
  });

  it('says that an existing interface is no TUN', (t) => {
    persistent(t, 'x464p', 'mode', 'tap');
    failsWith('TUN_BUSY', /x464p exists and is not a TUN/, { name: 'x464p', attach: true });
    failsWith('TUN_BUSY', /lo exists and is not a TUN/, { name: 'lo', attach: true });
    failsWith('TUN_BUSY', /lo exists already/, { name: 'lo' });
  });

  it('refuses names that cannot be, numbers of queues and MTUs', () => {
    for (const name of ['', '.', '..', 'a/b', 'a b', 'tun%d', 'eth0:1', 'sixteencharacter', 'tün', 'a\0', 'a\n']) {
      failsWith('CONFIG_INVALID', /cannot be the name/, { name });
    }
    for (const queues of [0, -1, 1.5, 257, Number.NaN])
      failsWith('CONFIG_INVALID', /queues/, { name: 'x464a', queues });
    failsWith('CONFIG_INVALID', /MTU/, { name: 'x464a', mtu: 1 });
    failsWith('CONFIG_INVALID', /MTU/, { name: 'x464a', mtu: 70_000 });
    assert.equal(exists('x464a'), false);
  });

  it('says that the user may not', () => {
    process.seteuid?.(NOBODY);
    try {
      failsWith('NOT_PERMITTED', /may not open/, { name: 'x464a' });
    } finally {
      process.seteuid?.(0);
    }
  });

  it('says that there is no /dev/net/tun', () => {
    const url = new URL('../../src/platform/linux/tun-device.js', import.meta.url);
    const code = `import { openTun } from '${url}';
      try { openTun({ name: 'x464a', queues: 1, offload: 'auto' }); } catch (e) { console.log(e.code, e.message, e.advice); }`;
    const shell = 'mount -t tmpfs none /dev/net && exec "$0" --input-type=module -e "$1"';
    const out = execFileSync('unshare', ['--mount', 'sh', '-c', shell, process.execPath, code], { encoding: 'utf8' });
    assert.match(out, /^TUN_UNAVAILABLE this system offers no \/dev\/net\/tun \(ENOENT\) Load the kernel module/);
  });

  it('throws from a read when the interface is gone', (t) => {
    const device = opened(t, { name: 'x464a' });
    ip('link', 'del', 'x464a');
    const queue = tunQueue(device.queues[0]);
    assert.throws(() => queue.readBatch(new Uint8Array(70_000), 0, 70_000, makePacketList(1), -1), {
      code: 'EBADFD',
      syscall: 'read',
    });
  });
}

/** A kernel that knows only the bits of `known`; such kernels cannot be had here. */
const kernelWith = (known: number) => ({
  tunSetOffload: (_fd: number, bits: number) => {
    if ((bits & ~known) !== 0) throw Object.assign(new Error('EINVAL'), { code: 'EINVAL' });
  },
});

function itFallsBack(): void {
  it('gives up USO, ECN, TSO and checksums one after the other, each with its reason', () => {
    const seen = [0x6f, 0x0f, 0x07, 0x01, 0x00].map((known) => negotiateOffload(kernelWith(known), 3));
    assert.deepEqual(
      seen.map(({ capabilities: c, notes }) => [c.tcpSegmentation, c.udpSegmentation, notes.length]),
      [
        [true, true, 0],
        [true, false, 1],
        [true, false, 2],
        [false, false, 3],
        [false, false, 4],
      ],
    );
  });

  it('does not take another failure for a missing offload', () => {
    assert.throws(() => negotiateOffload(loadLinuxShim(), -1), { code: 'EBADF', syscall: 'ioctl(TUNSETOFFLOAD)' });
  });
}

inside(import.meta.url, 'TUN interfaces open, attach, fall back and fail as they should', silentNamespace, () => {
  describe('openTun', () => {
    itCreates();
    itAttaches();
    itFails();
  });
  describe('negotiateOffload', itFallsBack);
});
