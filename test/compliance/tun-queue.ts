// What every TunQueue promises, whatever is behind it. The real device and the in-memory one both run this suite.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { OFFLOAD_HEADER } from '../../src/core/wire/offload.ts';
import { HEADROOM, MAX_PACKET, makePacketList } from '../../src/core/wire/slab.ts';
import { makeWriteList, type TunQueue, type WriteList } from '../../src/dataplane/tun-queue.ts';

/** A queue and the host at its other end. */
export interface TunQueueRig {
  readonly queue: TunQueue;
  /** The host sends a packet; it can be read when this returns. */
  send(packet: Uint8Array): void;
  /** The next `count` packets that the host receives, in order. */
  received(count: number): Promise<Uint8Array[]>;
  /** Wakes the queue from this thread. */
  wake(): void;
  /** Has another thread wake the queue; returns before or after it has done so. */
  wakeFromOtherThread(): Promise<void>;
}

/** Makes a rig that ends with the test. */
export type OpenRig = (t: TestContext) => Promise<TunQueueRig>;

const EINVAL = 22;
const UNTOUCHED = 0xaa;

/** An IPv4 UDP datagram of the protocol's test network, `length` bytes, recognisable by `mark`. Checksums are left zero. */
export function markedPacket(mark: number, length = 32): Uint8Array {
  const packet = new Uint8Array(length).fill(mark & 0xff, 28);
  const view = new DataView(packet.buffer);
  packet.set([
    0x45,
    0,
    length >> 8,
    length & 0xff,
    mark >> 8,
    mark & 0xff,
    0,
    0,
    64,
    17,
    0,
    0,
    10,
    99,
    0,
    2,
    10,
    99,
    0,
    1,
  ]);
  view.setUint16(20, 9);
  view.setUint16(22, 9);
  view.setUint16(24, length - 20);
  return packet;
}

/** Room for `packets` packets of any size. */
const slabFor = (packets: number): Uint8Array => new Uint8Array(packets * (HEADROOM + MAX_PACKET + 3)).fill(UNTOUCHED);

/** Puts packets into a slab, each behind a zero offload header, one piece each. */
function layOut(slab: Uint8Array, packets: readonly Uint8Array[]): WriteList {
  const list = makeWriteList(Math.max(packets.length, 1), Math.max(packets.length, 1));
  let at = 0;
  for (const packet of packets) {
    slab.fill(0, at, at + OFFLOAD_HEADER);
    slab.set(packet, at + OFFLOAD_HEADER);
    list.pieceOffset[list.packets] = at;
    list.pieceLength[list.packets] = OFFLOAD_HEADER + packet.length;
    list.pieceEnd[list.packets] = ++list.packets;
    at += OFFLOAD_HEADER + packet.length;
  }
  list.pieces = list.packets;
  return list;
}

const marked = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => markedPacket(i, 28 + (i % 64)));

function itReads(open: OpenRig): void {
  for (const count of [1, 2, 63, 300]) {
    it(`reads a batch of ${count} in order, aligned, with head room and an empty offload header`, async (t) => {
      const rig = await open(t);
      const packets = marked(count);
      for (const packet of packets) rig.send(packet);
      const slab = slabFor(4);
      const list = makePacketList(512);
      assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, -1), count);
      assert.equal(list.count, count);
      let free = 0;
      for (const [i, packet] of packets.entries()) {
        const at = list.offset[i];
        assert.equal(at % 4, 0);
        assert.ok(at - free >= HEADROOM, 'head room');
        assert.deepEqual(slab.slice(at, at + list.length[i]), packet);
        if (!rig.queue.capabilities.vnetHeader) assert.deepEqual(slab.slice(at - 10, at), new Uint8Array(10));
        free = at + list.length[i];
      }
    });
  }

  it('stops at the end of the list and keeps the rest for the next call', async (t) => {
    const rig = await open(t);
    for (const packet of marked(5)) rig.send(packet);
    const slab = slabFor(3);
    const list = makePacketList(3);
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, -1), 3);
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, -1), 2);
    assert.deepEqual(slab.slice(list.offset[1], list.offset[1] + list.length[1]), marked(5)[4]);
  });

  it('stops when no further packet is sure to fit, and touches nothing outside its part of the slab', async (t) => {
    const rig = await open(t);
    for (const packet of marked(9)) rig.send(packet);
    const slab = slabFor(2);
    const list = makePacketList(16);
    const start = 1001;
    const end = start + HEADROOM + MAX_PACKET + 3;
    assert.equal(rig.queue.readBatch(slab, start, end, list, -1), 1);
    const at = list.offset[0];
    assert.ok(slab.subarray(0, at - OFFLOAD_HEADER).every((byte) => byte === UNTOUCHED));
    assert.ok(slab.subarray(at + list.length[0]).every((byte) => byte === UNTOUCHED));
  });

  it('returns 0 at once where no packet fits, even when told to wait for ever', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const list = makePacketList(4);
    assert.equal(rig.queue.readBatch(slab, 0, HEADROOM + MAX_PACKET - 1, list, -1), 0);
    assert.equal(rig.queue.readBatch(slab, slab.length, slab.length, list, -1), 0);
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, makePacketList(0), -1), 0);
  });

  it('refuses a part that does not lie in the slab', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const list = makePacketList(4);
    for (const [start, end] of [
      [-1, 100],
      [0, slab.length + 1],
      [101, 100],
    ] as const) {
      assert.throws(() => rig.queue.readBatch(slab, start, end, list, 0), RangeError);
    }
  });

  it('leaves the spare part of the list alone', async (t) => {
    const rig = await open(t);
    const list = { ...makePacketList(4), spareStart: 7, spareEnd: 9 };
    const slab = slabFor(1);
    rig.send(markedPacket(1));
    rig.queue.readBatch(slab, 0, slab.length, list, -1);
    assert.deepEqual([list.count, list.spareStart, list.spareEnd], [1, 7, 9]);
  });
}

function itWaits(open: OpenRig): void {
  it('returns 0 after the time-out', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const list = { ...makePacketList(4), count: 3 };
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, 0), 0);
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, 5), 0);
    assert.equal(list.count, 0);
  });

  it('returns 0 once for a wake-up that came before the call', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const list = makePacketList(4);
    rig.wake();
    rig.wake();
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, -1), 0);
    rig.send(markedPacket(1));
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, list, -1), 1);
  });

  it('returns 0 when another thread wakes it', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    await rig.wakeFromOtherThread();
    assert.equal(rig.queue.readBatch(slab, 0, slab.length, makePacketList(4), -1), 0);
  });
}

function itWrites(open: OpenRig): void {
  for (const count of [1, 2, 100]) {
    it(`writes a batch of ${count} in order`, async (t) => {
      const rig = await open(t);
      const slab = slabFor(1);
      const list = layOut(slab, marked(count));
      list.results.fill(-1);
      assert.equal(rig.queue.writeBatch(slab, list), 0);
      assert.ok(list.results.every((result) => result === 0));
      assert.deepEqual(await rig.received(count), marked(count));
    });
  }

  it('writes nothing of an empty list', async (t) => {
    const rig = await open(t);
    assert.equal(rig.queue.writeBatch(slabFor(1), makeWriteList(4, 4)), 0);
  });

  it('joins up to 64 pieces to one packet and leaves the list as it was', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const packet = markedPacket(7, 28 + 63);
    const list = layOut(slab, [packet]);
    const pieces = splitIntoPieces(list, 64);
    assert.equal(rig.queue.writeBatch(slab, pieces), 0);
    assert.deepEqual(await rig.received(1), [packet]);
    assert.deepEqual(pieces, splitIntoPieces(list, 64));
    assert.throws(() => rig.queue.writeBatch(slab, splitIntoPieces(list, 65)), RangeError);
  });

  it('names the errno of each packet that is refused and takes the others', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    const garbage = markedPacket(2).fill(0xf0, 0, 1);
    const list = layOut(slab, [markedPacket(1), garbage, markedPacket(3)]);
    assert.equal(rig.queue.writeBatch(slab, list), 1);
    assert.deepEqual([...list.results], [0, EINVAL, 0]);
    assert.deepEqual(await rig.received(2), [markedPacket(1), markedPacket(3)]);
  });

  for (const [what, spoil] of SPOILERS) {
    it(`throws RangeError for ${what} and writes nothing`, async (t) => {
      const rig = await open(t);
      const slab = slabFor(1);
      const list = layOut(slab, [markedPacket(1), markedPacket(2), markedPacket(3)]);
      spoil(list, slab);
      assert.throws(() => rig.queue.writeBatch(slab, list), RangeError);
      rig.queue.writeBatch(slab, layOut(slab, [markedPacket(9)]));
      assert.deepEqual(await rig.received(1), [markedPacket(9)]);
    });
  }
}

/** Each makes the last of three packets wrong. */
const SPOILERS: readonly (readonly [string, (list: WriteList, slab: Uint8Array) => void])[] = [
  ['a piece that starts before the slab', (list) => list.pieceOffset.fill(-1, 2)],
  ['a piece that ends after the slab', (list, slab) => list.pieceOffset.fill(slab.length - 41, 2)],
  ['a piece of negative length', (list) => list.pieceLength.fill(-5, 2)],
  ['lengths that overflow', (list) => list.pieceLength.fill(0x7fffffff, 2)],
  ['a packet without a piece', (list) => list.pieceEnd.fill(2, 2)],
  ['pieces that run backwards', (list) => list.pieceEnd.fill(1, 2)],
  ['pieces beyond the list', (list) => list.pieceEnd.fill(4, 2)],
];

/** The one packet of `list` as `count` pieces: the first long, the others of one byte, in a list of its own. */
function splitIntoPieces(list: WriteList, count: number): WriteList {
  const split = makeWriteList(1, count);
  const whole = list.pieceLength[0];
  const rest = count - 1;
  for (let k = 0; k < count; k++) {
    split.pieceOffset[k] = k === 0 ? list.pieceOffset[0] : list.pieceOffset[0] + whole - rest + k - 1;
    split.pieceLength[k] = k === 0 ? whole - rest : 1;
  }
  split.pieceEnd[0] = count;
  split.packets = 1;
  split.pieces = count;
  return split;
}

function itCloses(open: OpenRig): void {
  it('closes, also twice, and throws from then on', async (t) => {
    const rig = await open(t);
    const slab = slabFor(1);
    rig.queue.close();
    rig.queue.close();
    assert.throws(() => rig.queue.readBatch(slab, 0, slab.length, makePacketList(4), -1), /EBADF/);
  });
}

/** Registers the suite for one kind of queue. */
export function tunQueueCompliance(name: string, open: OpenRig): void {
  describe(`${name} is a TunQueue: it`, () => {
    itReads(open);
    itWaits(open);
    itWrites(open);
    itCloses(open);
  });
}
