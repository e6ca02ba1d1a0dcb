// UDP by the batch against a real kernel: which address was asked, from where the answer leaves, and arguments that do not fit.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { BATCH_MAX, ENDS_BYTES, ENDS_PORT } from '../../src/platform/dns-platform.ts';
import { type Handle, loadLinuxShim } from '../../src/platform/native.ts';
import { inside, ip, type Setup } from './shim-inside.ts';

const SLOT = 64;
const LOCAL = 24;
const shim = loadLinuxShim();

const loopback: Setup = async (set) => {
  const ns = await set.add('udp');
  await ns.ip('addr add 192.0.2.7/32 dev lo');
  return { ns };
};

/** 16 bytes: of IPv6 from hexadecimal digits, of IPv4 as ::ffff:a.b.c.d. */
const v6 = (hex: string): Buffer => Buffer.from(hex, 'hex');
const v4 = (...octets: readonly number[]): Buffer =>
  Buffer.concat([v6('00000000000000000000ffff'), Buffer.from(octets)]);
const ANY4 = v4(0, 0, 0, 0);
const ANY6 = v6('00'.repeat(16));

function endsOf(address: Buffer, port: number): Uint8Array {
  const ends = new Uint8Array(ENDS_BYTES);
  ends.set(address);
  ends.set([port >> 8, port & 0xff], ENDS_PORT);
  return ends;
}

function bound(t: TestContext, address: Buffer, port: number, wantsLocal = false): Handle {
  const socket = shim.udpOpen(!address.subarray(0, 12).equals(ANY4.subarray(0, 12)), wantsLocal);
  t.after(() => socket.close());
  shim.udpBind(socket.fd, endsOf(address, port));
  return socket;
}

interface Batch {
  readonly slab: Uint8Array;
  readonly lengths: Int32Array;
  readonly ends: Uint8Array;
}

const batchOf = (slots: number): Batch => ({
  slab: new Uint8Array(SLOT * slots),
  lengths: new Int32Array(slots),
  ends: new Uint8Array(ENDS_BYTES * slots),
});

const receive = (socket: Handle, b: Batch): number =>
  shim.udpReceiveBatch(socket.fd, b.slab, SLOT, b.lengths, b.ends, 0, b.lengths.length);
const send = (socket: Handle, b: Batch, from = 0, to = b.lengths.length): number =>
  shim.udpSendBatch(socket.fd, b.slab, SLOT, b.lengths, b.ends, from, to);

/** Datagrams of one byte each to a place. Over loopback they are there when the call returns. */
function datagrams(to: Uint8Array, ...bytes: readonly number[]): Batch {
  const batch = batchOf(bytes.length);
  for (const [i, byte] of bytes.entries()) {
    batch.slab[i * SLOT] = byte;
    batch.lengths[i] = 1;
    batch.ends.set(to, i * ENDS_BYTES);
  }
  return batch;
}

inside(import.meta.url, 'UDP by the batch, in a namespace', loopback, () => {
  describe('UDP by the batch', () => {
    for (const [family, any, one, other] of [
      ['IPv4', ANY4, v4(127, 0, 0, 1), v4(192, 0, 2, 7)],
      ['IPv6', ANY6, v6(`${'00'.repeat(15)}01`), v6(`${'00'.repeat(15)}01`)],
    ] as const)
      it(`the answer leaves from the address that was asked (${family})`, (t) => {
        const server = bound(t, any, 5300, true);
        const client = bound(t, one, 5400);
        assert.equal(send(client, datagrams(endsOf(other, 5300), 1, 2, 3)), 3);
        const asked = batchOf(BATCH_MAX);
        assert.equal(receive(server, asked), 3);
        assert.deepEqual([asked.slab[0], asked.slab[SLOT], asked.slab[2 * SLOT], asked.lengths[2]], [1, 2, 3, 1]);
        assert.deepEqual(Buffer.from(asked.ends.subarray(LOCAL, LOCAL + 16)), other);
        assert.deepEqual(asked.ends.subarray(0, ENDS_PORT + 2), endsOf(one, 5400).subarray(0, ENDS_PORT + 2));
        assert.equal(send(server, asked, 1, 3), 2);
        const answers = batchOf(BATCH_MAX);
        assert.equal(receive(client, answers), 2);
        assert.deepEqual(answers.ends.subarray(0, ENDS_PORT + 2), endsOf(other, 5300).subarray(0, ENDS_PORT + 2));
        assert.equal(receive(client, answers), 0, 'nothing is left');
      });

    it('a socket of one address leaves the local end to the kernel', (t) => {
      const server = bound(t, v4(192, 0, 2, 7), 5300);
      const client = bound(t, v4(127, 0, 0, 1), 5400);
      send(client, datagrams(endsOf(v4(192, 0, 2, 7), 5300), 1));
      const asked = batchOf(1);
      assert.equal(receive(server, asked), 1);
      assert.deepEqual(asked.ends.subarray(LOCAL), new Uint8Array(ENDS_BYTES - LOCAL));
      assert.equal(send(server, asked), 1);
      assert.equal(receive(client, asked), 1);
    });

    it('a datagram that is longer than its slot has the length −1, an empty one 0', (t) => {
      const server = bound(t, v4(127, 0, 0, 1), 5300);
      const long = {
        slab: new Uint8Array(2 * SLOT),
        lengths: Int32Array.of(2 * SLOT),
        ends: endsOf(v4(127, 0, 0, 1), 5300),
      };
      shim.udpSendBatch(server.fd, long.slab, 2 * SLOT, long.lengths, long.ends, 0, 1);
      const empty = datagrams(endsOf(v4(127, 0, 0, 1), 5300), 1);
      empty.lengths[0] = 0;
      send(server, empty);
      const got = batchOf(4);
      assert.equal(receive(server, got), 2);
      assert.deepEqual([...got.lengths.subarray(0, 2)], [-1, 0]);
    });

    it('slots behind the arrays and lengths behind the slot are refused', (t) => {
      const socket = bound(t, v4(127, 0, 0, 1), 5300);
      const b = datagrams(endsOf(v4(127, 0, 0, 1), 5300), 1, 2);
      const call = (slot: number, from: number, to: number) => () =>
        shim.udpReceiveBatch(socket.fd, b.slab, slot, b.lengths, b.ends, from, to);
      for (const bad of [
        call(SLOT, 0, 3),
        call(SLOT + 1, 0, 2),
        call(SLOT, 2, 1),
        call(0, 0, 1),
        call(SLOT, -1, 1),
        call(1, 0, 65),
      ])
        assert.throws(bad, RangeError);
      assert.throws(() => shim.udpSendBatch(socket.fd, b.slab, SLOT, b.lengths, b.ends.subarray(1), 0, 2), RangeError);
      b.lengths[1] = SLOT + 1;
      assert.throws(() => send(socket, b), RangeError);
      b.lengths[1] = -1;
      assert.throws(() => send(socket, b), RangeError);
      assert.throws(() => shim.udpBind(socket.fd, new Uint8Array(ENDS_BYTES - 1)), /address/);
    });

    it('the errors of the system come up as they are', (t) => {
      const socket = bound(t, v4(127, 0, 0, 1), 5300);
      const again = shim.udpOpen(false, false);
      t.after(() => again.close());
      assert.throws(() => shim.udpBind(again.fd, endsOf(v4(127, 0, 0, 1), 5300)), {
        code: 'EADDRINUSE',
        syscall: 'bind',
      });
      assert.throws(() => shim.udpBind(again.fd, endsOf(v4(198, 51, 100, 1), 5300)), { code: 'EADDRNOTAVAIL' });
      ip('route', 'add', 'unreachable', '198.51.100.0/24');
      const nowhere = datagrams(endsOf(v4(198, 51, 100, 1), 53), 1);
      assert.throws(() => send(again, nowhere), { code: 'EHOSTUNREACH', syscall: 'sendmmsg' });
      socket.close();
      assert.throws(() => receive(socket, batchOf(1)), { code: 'EBADF', syscall: 'recvmmsg' });
      assert.throws(() => shim.udpSetBuffer(-1, 1), { code: 'EBADF' });
    });
  });
});
