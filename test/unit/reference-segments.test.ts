// referenceSegments: what a network card would send for an offloaded packet, and that segmenting and translating commute.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bytes16, read16, read32 } from '../reference/bytes.ts';
import { isChecksumRight, pseudoHeader4, pseudoHeader6, sumWords } from '../reference/checksum.ts';
import { referenceSegments } from '../reference/segments.ts';
import { counting, ipv4, ipv6, mutate, tcp, toHex, udp } from '../support/packets.ts';

/** struct virtio_net_hdr, little-endian. */
function offload(f: { flags: number; type: number; hdrLen: number; gsoSize: number; start: number; offset: number }) {
  const little = [f.hdrLen, f.gsoSize, f.start, f.offset].flatMap((value) => [value & 0xff, value >> 8]);
  return Uint8Array.of(f.flags, f.type, ...little);
}

/** As the kernel hands it over: the pseudo-header's sum in place of the checksum. */
function partial(packet: Uint8Array, start: number, offset: number, protocol: number): Uint8Array {
  const length = packet.length - start;
  const pseudo =
    packet[0] >> 4 === 4
      ? pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, length)
      : pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, length);
  return mutate(packet, start + offset, ...bytes16(sumWords(pseudo)));
}

const isTransportRight = (packet: Uint8Array, start: number, protocol: number): boolean => {
  const upper = packet.slice(start);
  const pseudo =
    packet[0] >> 4 === 4
      ? pseudoHeader4(read32(packet, 12), read32(packet, 16), protocol, upper.length)
      : pseudoHeader6(packet.slice(8, 24), packet.slice(24, 40), protocol, upper.length);
  return isChecksumRight(pseudo, upper);
};

describe('referenceSegments', () => {
  test('splits a TCP super-packet: lengths, sequence, Identification, flags, checksums', () => {
    const whole = ipv4({ id: 0xffff, payload: tcp({ sequence: 0xffff_ffff, flags: 0x99, data: counting(250) }) });
    const header = offload({ flags: 1, type: 0x81, hdrLen: 40, gsoSize: 100, start: 20, offset: 16 });
    const segments = referenceSegments(partial(whole, 20, 16, 6), header) ?? [];
    assert.deepEqual(
      segments.map((s) => s.length),
      [140, 140, 90],
    );
    assert.deepEqual(
      segments.map((s) => read16(s, 2)),
      [140, 140, 90],
    );
    assert.deepEqual(
      segments.map((s) => read32(s, 24)),
      [0xffff_ffff, 99, 199],
    );
    assert.deepEqual(
      segments.map((s) => read16(s, 4)),
      [0xffff, 0, 1],
    );
    assert.deepEqual(
      segments.map((s) => s[33]),
      [0x90, 0x10, 0x19],
    );
    assert.ok(segments.every((s) => isChecksumRight(s.slice(0, 20)) && isTransportRight(s, 20, 6)));
    assert.equal(toHex(Buffer.concat(segments.map((s) => s.slice(40)))), toHex(counting(250)));
  });

  test('splits a UDP super-packet of IPv6 into datagrams with lengths of their own', () => {
    const whole = ipv6({ payload: udp({ data: counting(45) }) });
    const header = offload({ flags: 1, type: 5, hdrLen: 48, gsoSize: 20, start: 40, offset: 6 });
    const segments = referenceSegments(partial(whole, 40, 6, 17), header) ?? [];
    assert.deepEqual(
      segments.map((s) => [read16(s, 4), read16(s, 44)]),
      [
        [28, 28],
        [28, 28],
        [13, 13],
      ],
    );
    assert.ok(segments.every((s) => isTransportRight(s, 40, 17)));
  });

  test('completes the checksum of a plain packet and leaves a finished one alone', () => {
    const whole = ipv6({ payload: tcp({ data: counting(45) }) });
    const header = offload({ flags: 1, type: 0, hdrLen: 0, gsoSize: 0, start: 40, offset: 16 });
    assert.deepEqual(referenceSegments(partial(whole, 40, 16, 6), header)?.map(toHex), [toHex(whole)]);
    assert.deepEqual(referenceSegments(whole, new Uint8Array(10))?.map(toHex), [toHex(whole)]);
  });

  test('refuses headers that contradict the packet', () => {
    const packet = ipv4({ payload: tcp({ data: counting(200) }) });
    const good = { flags: 1, type: 1, hdrLen: 40, gsoSize: 100, start: 20, offset: 16 };
    const bad = [{ gsoSize: 0 }, { type: 4 }, { type: 2 }, { start: 300 }, { start: 4 }, { offset: 6 }, { flags: 0 }];
    assert.notEqual(referenceSegments(packet, offload(good)), null);
    for (const change of bad) assert.equal(referenceSegments(packet, offload({ ...good, ...change })), null);
  });
});
