// The eBPF assembler: each instruction's encoding, jumps in both directions, 64-bit immediates (RFC 9669).

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as bpf from '../../src/core/bpf/assembler.ts';

const hex = (...items: bpf.Item[]): string => Buffer.from(bpf.assemble(items)).toString('hex');

/** Golden bytes, as `llvm-mc --triple=bpfel --show-encoding` prints them for the text on the left. */
const ENCODINGS: readonly (readonly [string, bpf.Item, string])[] = [
  ['r6 = r1', bpf.move(6, 1), 'bf16000000000000'],
  ['r0 = -1', bpf.set(0, -1), 'b7000000ffffffff'],
  ['r3 += -72', bpf.add(3, -72), '07030000b8ffffff'],
  ['r2 &= 4095', bpf.and(2, 4095), '57020000ff0f0000'],
  ['r2 <<= 32', bpf.shiftLeft(2, 32), '6702000020000000'],
  ['r2 = *(u8 *)(r10 - 66)', bpf.load(8, 2, 10, -66), '71a2beff00000000'],
  ['r2 = *(u16 *)(r10 - 2)', bpf.load(16, 2, 10, -2), '69a2feff00000000'],
  ['r2 = *(u32 *)(r6 + 16)', bpf.load(32, 2, 6, 16), '6162100000000000'],
  ['r2 = *(u64 *)(r10 - 48)', bpf.load(64, 2, 10, -48), '79a2d0ff00000000'],
  ['call 152', bpf.call(152), '8500000098000000'],
  ['exit', bpf.exit(), '9500000000000000'],
  ['r3 = 0x8877665544332211 ll', bpf.setWide(3, 0x8877665544332211n), '18030000112233440000000055667788'],
];

describe('the eBPF assembler', () => {
  for (const [text, item, bytes] of ENCODINGS) {
    it(`RFC 9669 encodes "${text}"`, () => assert.equal(hex(item), bytes));
  }

  it('RFC 9669 counts a jump from the instruction after it, a 64-bit immediate as two', () => {
    const items = [
      bpf.label('start'),
      bpf.jumpIfNot(2, 58, 'end'), // +3
      bpf.setWide(3, 1n),
      bpf.jump('start'), // -4
      bpf.label('end'),
      bpf.exit(),
    ];
    assert.equal(
      hex(...items),
      '550203003a000000' + '18030000010000000000000000000000' + '0500fcff00000000' + '9500000000000000',
    );
  });

  it('RFC 9669 encodes the conditions', () => {
    const jumps = [
      bpf.jumpIfEqual(2, 1, 'x'),
      bpf.jumpIfAbove(2, 137, 'x'),
      bpf.jumpIfDiffers(2, 3, 'x'),
      bpf.label('x'),
    ];
    assert.equal(hex(...jumps), '1502020001000000' + '2502010089000000' + '5d32000000000000');
  });

  it('a jump to a label that is not there is a bug', () => {
    assert.throws(() => hex(bpf.jump('nowhere')), /no label nowhere/);
  });
});
