// What the redirect uplink reads from the network and from the kernel: neighbour discovery packets and netlink answers, cut at
// every length.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { firstError, ownedFirewall } from '../../src/core/host/owned-firewall.ts';
import { emitNdpPacket } from '../../src/core/wire/ndp.ts';
import { parsePacket } from '../../src/platform/linux/redirect/defence.ts';

const address = (last: number): Uint8Array => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);

describe('a neighbour discovery packet', () => {
  const option = { type: 1, body: Uint8Array.of(2, 0, 0x5e, 0, 0x53, 1) };
  const solicitation = { kind: 'solicitation', target: address(9), options: [option] } as const;
  const packet = emitNdpPacket(address(1), address(9), solicitation);

  it('RFC 4861 §7.1 is read with its source', () => {
    assert.deepEqual(parsePacket(packet), { source: address(1), message: solicitation });
  });

  it('RFC 4861 §7.1 is refused when cut at any length', () => {
    for (let length = 0; length < packet.length; length++) assert.equal(parsePacket(packet.slice(0, length)), null);
  });

  it('RFC 4861 §7.1 is refused when any bit is wrong that the checksum covers', () => {
    for (let bit = 8 * 8; bit < packet.length * 8; bit++) {
      const broken = packet.map((octet, i) => (i === bit >> 3 ? octet ^ (0x80 >> (bit & 7)) : octet));
      assert.equal(parsePacket(broken), null, `bit ${bit}`);
    }
  });
});

describe('the messages of the firewall table', () => {
  /** The kernel's answer to one message: length, type 2, flags, sequence, port, −error. */
  const answer = (error: number): number[] => {
    const bytes = Buffer.alloc(20);
    bytes.writeUInt32LE(20, 0);
    bytes.writeUInt16LE(2, 4);
    bytes.writeInt32LE(-error, 16);
    return [...bytes];
  };

  it('the first error counts, no answer is no success', () => {
    assert.equal(firstError(Uint8Array.from(answer(0))), 0);
    assert.equal(firstError(Uint8Array.from([...answer(0), ...answer(17), ...answer(2)])), 17);
    assert.equal(firstError(new Uint8Array(0)), null);
    assert.equal(firstError(new Uint8Array(64)), null);
    for (let length = 0; length < 20; length++)
      assert.equal(firstError(Uint8Array.from(answer(1)).slice(0, length)), null);
  });

  it('are netlink messages one after the other, in a batch', () => {
    const bytes = Buffer.from(ownedFirewall('clat0'));
    const types: number[] = [];
    for (let at = 0; at < bytes.length; at += bytes.readUInt32LE(at)) types.push(bytes.readUInt16LE(at + 4));
    assert.deepEqual(types, [0x10, 0x0a00, 0x0a03, 0x0a06, 0x11]);
    assert.equal(bytes.length % 4, 0);
  });
});
