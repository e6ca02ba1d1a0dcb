// Packet formats on their own: checks at every length, accessors and emitters, the spare part of a slab, the offload header.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CHAIN_BAD, CHAIN_OK, makeChain, walkChain } from '../../src/core/wire/extension.ts';
import { roomBeforeExtension, splitError } from '../../src/core/wire/icmp-extension.ts';
import * as ipv4Wire from '../../src/core/wire/ipv4.ts';
import * as ipv6Wire from '../../src/core/wire/ipv6.ts';
import * as offload from '../../src/core/wire/offload.ts';
import { checksumOffset } from '../../src/core/wire/protocol.ts';
import { append, HEADROOM, makePacketList, makeSlab, reserve, slabOver } from '../../src/core/wire/slab.ts';
import { counting, hex, icmpExtension, ipv4, ipv6, optionsHeader, udp } from '../support/packets.ts';

describe('slab and packet list', () => {
  test('reserves aligned room with head room before it, until memory or list end, and changes nothing then', () => {
    const list = makePacketList(2);
    list.spareStart = 1001;
    list.spareEnd = 1001 + HEADROOM + 3 + 100;
    const at = reserve(list, 100);
    assert.deepEqual([at % 4, at >= 1001 + HEADROOM, list.spareStart], [0, true, at + 100]);
    const { spareStart } = list;
    assert.equal(reserve(list, 1), -1);
    assert.equal(list.spareStart, spareStart);
    list.spareEnd = 100_000;
    append(list, 1, 20);
    append(list, 2, 20);
    assert.deepEqual([reserve(list, 1), list.spareStart, list.count], [-1, spareStart, 2]);
  });

  test('a slab over a view counts from the view’s start', () => {
    const slab = slabOver(new Uint8Array(Uint8Array.of(9, 9, 1, 2).buffer, 2));
    assert.equal(slab.view.getUint16(0), 0x0102);
    assert.equal(makeSlab(8).view.byteLength, 8);
  });
});

describe('IPv4', () => {
  test('T-4.1-04 the check refuses every length that does not hold the header or the total length', () => {
    const packet = ipv4({ options: hex`01 01 01 00`, payload: udp() });
    for (let length = 0; length <= packet.length; length++) {
      const expected =
        length < 20 ? ipv4Wire.IPV4_TOO_SHORT : length < packet.length ? ipv4Wire.IPV4_BAD_LENGTH : ipv4Wire.IPV4_OK;
      assert.equal(ipv4Wire.checkIpv4(slabOver(packet), 0, length), expected);
    }
    for (let ihl = 0; ihl < 16; ihl++) {
      const expected = ihl < 5 || ihl * 4 > packet.length ? ipv4Wire.IPV4_BAD_LENGTH : ipv4Wire.IPV4_OK;
      assert.equal(
        ipv4Wire.checkIpv4(slabOver(ipv4({ options: hex`01 01 01 00`, payload: udp(), ihl })), 0, packet.length),
        expected,
      );
    }
  });

  test('T-4.1-03 the option walk never leaves the header, whatever the options say', () => {
    const header = ipv4({ options: new Uint8Array(40) });
    const scan = (...options: number[]) => {
      const copy = header.slice();
      copy.set(options, 20);
      return ipv4Wire.scanOptions(slabOver(copy), 0);
    };
    assert.equal(scan(1, 1, 0, 131, 7, 4), ipv4Wire.OPTIONS_OK);
    assert.equal(scan(1, 131, 7, 4), ipv4Wire.OPTIONS_SOURCE_ROUTE);
    assert.equal(scan(137, 7, 7), ipv4Wire.OPTIONS_SOURCE_ROUTE);
    assert.equal(scan(137, 7, 8), ipv4Wire.OPTIONS_OK);
    assert.equal(scan(131, 2, 0), ipv4Wire.OPTIONS_BAD);
    for (const length of [0, 1, 41, 255]) assert.equal(scan(7, length), ipv4Wire.OPTIONS_BAD);
    assert.equal(scan(7, 40), ipv4Wire.OPTIONS_OK);
    assert.equal(scan(...new Array<number>(39).fill(1), 7), ipv4Wire.OPTIONS_BAD);
    assert.equal(scan(7, 39, ...new Array<number>(37).fill(0), 7), ipv4Wire.OPTIONS_BAD);
  });
});

describe('IPv6', () => {
  test('T-5.1-07 the check refuses every length that does not hold header and payload', () => {
    const packet = ipv6({ payload: udp() });
    for (let length = 0; length <= packet.length; length++) {
      const expected =
        length < 40 ? ipv6Wire.IPV6_TOO_SHORT : length < packet.length ? ipv6Wire.IPV6_BAD_LENGTH : ipv6Wire.IPV6_OK;
      assert.equal(ipv6Wire.checkIpv6(slabOver(packet), 0, length), expected);
    }
  });

  test('T-5.1-04 the chain is cut at every length without leaving the packet', () => {
    const packet = ipv6({ extensions: [optionsHeader(0), optionsHeader(60, 3)], payload: udp() });
    const chain = makeChain();
    for (let end = 40; end <= packet.length; end++) {
      assert.equal(walkChain(slabOver(packet), 0, end, chain), end < 72 ? CHAIN_BAD : CHAIN_OK);
    }
    assert.deepEqual(chain, { protocol: 17, upper: 72, fragment: -1, segmentsLeft: 0 });
  });
});

describe('ICMP extensions', () => {
  const parts = { innerEnd: 0, extension: 0, extensionLength: 0 };
  const message = (units: number, structure: Uint8Array, datagram = 128) =>
    Uint8Array.of(3, 0, 0, 0, 0, units, 0, 0, ...counting(datagram), ...structure);
  const split = (bytes: Uint8Array) => {
    splitError(slabOver(bytes), 0, bytes.length, 4, parts);
    return [parts.innerEnd, parts.extensionLength];
  };

  test('T-4.2-13 well-formed ones are found, malformed ones cut off at the length, absurd lengths not believed', () => {
    const good = icmpExtension();
    assert.deepEqual(split(message(32, good)), [136, good.length]);
    assert.deepEqual(split(message(0, good)), [136 + good.length, 0]);
    assert.deepEqual(split(message(31, good)), [132, 0], 'shorter than 128 bytes');
    assert.deepEqual(split(message(255, good)), [136 + good.length, 0], 'longer than the message');
    assert.deepEqual(split(message(32, good.slice(0, 3))), [136, 0], 'no room for its header');
    assert.deepEqual(split(message(32, Uint8Array.of(0x10, ...good.slice(1)))), [136, 0], 'another version');
    assert.deepEqual(
      split(
        message(
          32,
          good.map((b, i) => (i === 4 ? b ^ 1 : b)),
        ),
      ),
      [136, 0],
      'a wrong checksum',
    );
    assert.deepEqual(
      split(
        message(
          32,
          good.map((b, i) => (i === 2 || i === 3 ? 0 : b)),
        ),
      ),
      [136, good.length],
      'none sent',
    );
  });

  test('T-4.2-13 the room for the datagram: whole units, at most 255, at least 128 bytes', () => {
    assert.equal(roomBeforeExtension(1232, 0, 8), 0);
    assert.equal(roomBeforeExtension(1232, 9, 8), 1216);
    assert.equal(roomBeforeExtension(548, 420, 4), 128);
    assert.equal(roomBeforeExtension(548, 421, 4), 0);
    assert.equal(roomBeforeExtension(548, 9000, 4), 0);
    assert.equal(roomBeforeExtension(9000, 4, 4), 1020);
  });
});

describe('the offload header', () => {
  test('T-O-03 is read as it is written, and only zero flags and type make a packet plain', () => {
    const slab = makeSlab(12);
    const fields = offload.makeOffloadFields();
    offload.emitOffload(slab, 1, 1, 0x81, 54, 1448, 20, 16);
    offload.readOffload(slab, 1, fields);
    assert.deepEqual(fields, { flags: 1, type: 0x81, hdrLen: 54, gsoSize: 1448, csumStart: 20, csumOffset: 16 });
    assert.equal(offload.isPlain(slab, 1), false);
    offload.clearOffload(slab, 1);
    assert.deepEqual([offload.isPlain(slab, 1), ...slab.bytes], [true, ...new Uint8Array(12)]);
    for (const at of [1, 2]) {
      slab.bytes.fill(0).set([1], at);
      assert.equal(offload.isPlain(slab, 1), false);
    }
  });

  test('T-4.1-09 checksums over the addresses stand where the RFCs put them', () => {
    assert.deepEqual([6, 17, 33, 136, 1, 47, 50, 132].map(checksumOffset), [16, 6, 6, 6, -1, -1, -1, -1]);
  });
});
