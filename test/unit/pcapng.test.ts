// The capture file: its blocks byte by byte, the recorder's bounds and filters, and what Wireshark's own reader makes of it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { BAD_TRANSPORT, HOP_LIMIT, isDrop, TRANSLATED, VERDICTS } from '../../src/core/translate/verdict.ts';
import { makeSlab } from '../../src/core/wire/slab.ts';
import {
  CAPTURE_IN,
  CAPTURE_OUT,
  type CaptureClock,
  type CaptureFilter,
  captureFileHeader,
  captureFileTrailer,
  makeRecorder,
  type Recorder,
  systemCaptureClock,
} from '../../src/dataplane/capture.ts';
import { enhancedPacketSize, interfaceDescription, sectionHeader } from '../../src/dataplane/pcapng.ts';
import { BASE, build, type PacketSpec, payloadOf } from '../support/coalesce-packets.ts';

/** 2026-01-02T03:04:05.123456789Z, then one second and a nanosecond more for each packet. */
const ORIGIN_NS = 1_767_323_045_123_456_789n;
function steppingClock(): CaptureClock {
  let packets = -1;
  return {
    originNs: ORIGIN_NS,
    elapsedNs: () => {
      packets++;
      return packets * 1_000_000_001;
    },
  };
}

interface Fixture {
  readonly recorder: Recorder;
  /** Everything drained so far. */
  readonly drained: Uint8Array[];
  readonly buffers: ArrayBuffer[];
}

function recorderFor(
  filter: CaptureFilter = {},
  options: { snaplen?: number; buffers?: number; size?: number } = {},
): Fixture {
  const drained: Uint8Array[] = [];
  const buffers: ArrayBuffer[] = [];
  const recorder = makeRecorder({
    snaplenBytes: options.snaplen ?? 65_575,
    buffers: options.buffers ?? 2,
    bufferBytes: options.size ?? 1 << 20,
    filter,
    clock: steppingClock(),
    drain: (buffer, length) => {
      drained.push(new Uint8Array(buffer, 0, length).slice());
      buffers.push(buffer);
    },
  });
  return { recorder, drained, buffers };
}

const slab = makeSlab(1 << 18);
/** Puts a packet at offset 64 with an empty offload header; returns its length. */
function place(spec: Partial<PacketSpec>): number {
  const packet = build({ ...BASE, ...spec });
  slab.bytes.fill(0, 0, 64);
  slab.bytes.set(packet, 64);
  return packet.length;
}

function record(recorder: Recorder, spec: Partial<PacketSpec>, verdict: number, side: 0 | 1 = CAPTURE_IN): void {
  recorder.packet(side, slab, 64, place(spec), verdict);
}

/** Type and length of each block; fails where the two lengths of one differ. */
function blocksOf(file: Uint8Array): { type: number; length: number }[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const blocks: { type: number; length: number }[] = [];
  for (let at = 0; at < file.length; ) {
    const length = view.getUint32(at + 4, true);
    assert.equal(length % 4, 0);
    assert.equal(view.getUint32(at + length - 4, true), length);
    blocks.push({ type: view.getUint32(at, true), length });
    at += length;
  }
  return blocks;
}

const countPackets = (drained: readonly Uint8Array[]): number => drained.flatMap(blocksOf).length;

/** Runs tshark over a capture file and returns the asked-for fields, a row per packet. */
function tshark(file: Uint8Array, ...fields: string[]): string[][] {
  const folder = mkdtempSync(join(tmpdir(), 'xlat464-pcapng-'));
  try {
    const path = join(folder, 'capture.pcapng');
    writeFileSync(path, file);
    const args = ['-r', path, '-n', '-T', 'fields', '-E', 'separator=|', ...fields.flatMap((f) => ['-e', f])];
    const run = spawnSync('tshark', args, { encoding: 'utf8' });
    assert.equal(run.status, 0, run.stderr);
    assert.doesNotMatch(run.stderr, /cut short|isn't a capture|error/i);
    return run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split('|'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const hasTshark = spawnSync('tshark', ['--version']).status === 0;
const skip = hasTshark ? false : 'tshark is not installed';

describe('blocks', () => {
  test('the section header is little-endian, version 1.0, of unknown length', () => {
    const hex = Buffer.from(sectionHeader('xlat464')).toString('hex');
    assert.equal(
      hex,
      `0a0d0d0a2c000000${'4d3c2b1a01000000ffffffffffffffff'}${'04000700786c617434363400'}00000000${'2c000000'}`,
    );
  });

  test('an interface has LINKTYPE_RAW, its name and nanosecond timestamps', () => {
    const hex = Buffer.from(interfaceDescription(101, 96, 'in')).toString('hex');
    assert.equal(
      hex,
      `01000000280000006500000060000000${'02000200696e0000'}${'0900010009000000'}00000000${'28000000'}`,
    );
  });

  test('a packet of any length from 0 on is padded to four bytes', () => {
    const { recorder, drained } = recorderFor();
    for (let length = 0; length < 64; length++) recorder.packet(CAPTURE_IN, slab, 64, length, BAD_TRANSPORT);
    recorder.flush();
    assert.equal(countPackets(drained), 64);
  });
});

describe('recorder', () => {
  test('hold keeps the packet as it was before translation wrote over it', () => {
    const { recorder, drained } = recorderFor();
    const length = place({ payload: payloadOf(5) });
    const before = slab.bytes.slice(64, 64 + length);
    recorder.hold(CAPTURE_IN, slab, 64, length);
    slab.bytes.fill(0xee, 64, 64 + length);
    recorder.settle(TRANSLATED);
    recorder.settle(TRANSLATED);
    recorder.flush();
    assert.deepEqual(drained[0].slice(28, 28 + length), before);
    assert.deepEqual(recorder.counters.recorded, [1, 0]);
  });

  test('without a free buffer packets are counted as lost, and go on when one comes back', () => {
    const size = enhancedPacketSize(1500, 300);
    const { recorder, drained, buffers } = recorderFor({}, { buffers: 1, size, snaplen: 1500 });
    for (let i = 0; i < 3; i++) record(recorder, { payload: payloadOf(1400) }, TRANSLATED, CAPTURE_OUT);
    assert.deepEqual(recorder.counters, { recorded: [0, 1], lost: [0, 2] });
    recorder.giveBack(buffers[0]);
    record(recorder, { payload: payloadOf(1400) }, TRANSLATED, CAPTURE_OUT);
    recorder.flush();
    assert.deepEqual(recorder.counters, { recorded: [0, 2], lost: [0, 2] });
    assert.equal(countPackets(drained), 2);
  });

  test('a transferred buffer comes back as another object and is used again', () => {
    const { recorder, drained } = recorderFor({}, { buffers: 1 });
    record(recorder, {}, TRANSLATED);
    recorder.flush();
    recorder.giveBack(structuredClone(new ArrayBuffer(1 << 20)));
    record(recorder, {}, TRANSLATED);
    recorder.flush();
    assert.equal(countPackets(drained), 2);
  });

  test('flush hands over nothing when there is nothing', () => {
    const { recorder, drained } = recorderFor();
    recorder.flush();
    recorder.settle(TRANSLATED);
    assert.equal(drained.length, 0);
  });

  test('a buffer too small for the largest packet is refused', () => {
    assert.throws(() => recorderFor({}, { size: 65_575 }), RangeError);
  });

  test('the filter takes a family, a set of verdicts, and addresses of either end', () => {
    const drops = new Set(VERDICTS.map((_, verdict) => verdict).filter(isDrop));
    const cases: [CaptureFilter, number][] = [
      [{}, 4],
      [{ family: 4 }, 2],
      [{ family: 6 }, 2],
      [{ verdicts: drops }, 1],
      [{ addresses: [Uint8Array.of(192, 0, 2, 7)] }, 1],
      [{ addresses: [Uint8Array.of(198, 51, 100, 2)] }, 2],
      [{ addresses: [Uint8Array.of(192, 0, 2, 7), Buffer.from('20010db8000100020000000000000001', 'hex')] }, 3],
      [{ family: 6, addresses: [Uint8Array.of(192, 0, 2, 7)] }, 0],
      [{ family: 4, verdicts: drops }, 0],
    ];
    for (const [filter, count] of cases) {
      const { recorder, drained } = recorderFor(filter);
      record(recorder, { family: 4 }, TRANSLATED);
      record(recorder, { family: 4, source: 7 }, TRANSLATED);
      record(recorder, { family: 6 }, TRANSLATED);
      record(recorder, { family: 6 }, HOP_LIMIT);
      recorder.flush();
      assert.equal(countPackets(drained), count, JSON.stringify(filter));
    }
  });

  test('a packet that the filter does not want is not lost either', () => {
    const { recorder } = recorderFor({ verdicts: new Set([HOP_LIMIT]) }, { buffers: 0 });
    record(recorder, {}, TRANSLATED);
    assert.deepEqual(recorder.counters.lost, [0, 0]);
    record(recorder, {}, HOP_LIMIT);
    assert.deepEqual(recorder.counters.lost, [1, 0]);
  });

  test('a packet cut short passes no address filter and reads nothing behind its end', () => {
    const { recorder, drained } = recorderFor({ addresses: [new Uint8Array(16)] });
    const tiny = makeSlab(64 + 39);
    tiny.bytes[64] = 0x60;
    recorder.packet(CAPTURE_IN, tiny, 64, 39, BAD_TRANSPORT);
    recorder.packet(CAPTURE_IN, tiny, 64, 0, BAD_TRANSPORT);
    recorder.flush();
    assert.equal(drained.length, 0);
  });

  test('the system clock starts at the wall clock and never runs backwards', () => {
    const clock = systemCaptureClock();
    const first = clock.elapsedNs();
    assert.ok(Number.isSafeInteger(first) && first >= 0 && clock.elapsedNs() >= first);
    assert.ok(clock.originNs > ORIGIN_NS / 2n);
  });
});

describe('Wireshark reads', { skip }, () => {
  test('both interfaces, nanosecond times, directions, comments and truncated packets', () => {
    const { recorder, drained } = recorderFor({}, { snaplen: 96 });
    record(recorder, { family: 4, payload: payloadOf(33) }, TRANSLATED);
    record(recorder, { family: 6, payload: payloadOf(700) }, TRANSLATED, CAPTURE_OUT);
    record(recorder, { protocol: 'udp', payload: payloadOf(1) }, HOP_LIMIT);
    recorder.flush();
    const trailer = captureFileTrailer(recorder.counters, ORIGIN_NS);
    const file = Buffer.concat([captureFileHeader(96), ...drained, trailer]);
    const fields = [
      'frame.interface_name',
      'frame.time_epoch',
      'frame.packet_flags_direction',
      'frame.cap_len',
      'frame.len',
    ];
    const rows = tshark(file, ...fields, 'frame.comment', 'ip.src', 'ipv6.src');
    assert.deepEqual(
      rows.map((r) => [r[0], r[3], r[4], r[6], r[7]]),
      [
        ['in', '85', '85', '192.0.2.1', ''],
        ['out', '96', '772', '', '2001:db8:1:2::1'],
        ['in', '49', '49', '', '2001:db8:1:2::1'],
      ],
    );
    const times = ['1767323045.123456789', '1767323046.123456790', '1767323047.123456791'];
    assert.deepEqual(
      rows.map((r) => r[1]),
      times,
    );
    assert.match(rows[0][5], /^translated \(RFC 7915\): /);
    assert.match(rows[2][5], /^hop-limit \(RFC 7915 §4\.1, §5\.1\): TTL or hop limit used up$/);
  });

  test('a super-packet as it is, with its gso_size in the comment', () => {
    const { recorder, drained } = recorderFor();
    const length = place({ payload: payloadOf(60_000), checksum: 'partial' });
    slab.bytes.set([1, 4, 72, 0, 0xa8, 0x05, 40, 0, 16, 0], 54); // TCPv6, gso_size 1448
    recorder.packet(CAPTURE_OUT, slab, 64, length, TRANSLATED);
    recorder.flush();
    const file = Buffer.concat([captureFileHeader(65_575), ...drained]);
    const [[comment, size]] = tshark(file, 'frame.comment', 'frame.cap_len');
    assert.match(comment, /, gso_size 1448, transport checksum left to the device$/);
    assert.equal(Number(size), length);
  });
});
