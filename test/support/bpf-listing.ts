// The kernel's own listing of a loaded program (`bpftool prog dump xlated`), compared with what was loaded. The verifier may rewrite
// this and no more, each for the reason beside it; everything else must be equal, byte for byte:
//
//   a load from the context    struct __sk_buff is not the kernel's struct sk_buff: other offset and size, for some fields a few
//                              instructions more (CONTEXT_LOADS), always from the same register into the same one
//   a call of a helper         the number becomes the distance to the function; bpftool shows its name
//   the offset of a jump       by as much as instructions between it and its target became more: it leads to the same instruction
//
// Wide immediates (BPF_LD_IMM64) are rewritten only where they name a map, which none of ours does: equal.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** One instruction of eight bytes; of a wide one, its first half and its second. */
interface Instruction {
  readonly code: number;
  /** Source in the upper half, destination in the lower. */
  readonly registers: number;
  readonly offset: number;
  readonly hex: string;
  /** As bpftool shows it; "": it does not, as with second halves. */
  readonly text: string;
}

/** Opcodes of bpf(2) programs, include/uapi/linux/bpf.h. */
const LOAD_WORD = 0x61;
const CALL = 0x85;
const EXIT = 0x95;
const WIDE = 0x18;
const CLASS_JUMP = 0x05;
const CLASS_MASK = 0x07;
const REGISTERS_OF_CONTEXT = 0x62; // r2 = *(u32 *)(r6 + …): our programs keep the context in r6

/** Fields of struct __sk_buff by their offset: the opcodes that read them from struct sk_buff, net/core/filter.c. */
const CONTEXT_LOADS: Readonly<Record<number, readonly number[]>> = {
  4: [0x71, 0x54], // pkt_type: three bits of an octet
  16: [0x69], // protocol
  20: [0x61, 0x15, 0xb4], // vlan_present: whether anything of vlan_all is not zero
  24: [0x69], // vlan_tci
};

/** Helpers by their number, include/uapi/linux/bpf.h. */
const HELPERS: Readonly<Record<number, string>> = {
  23: 'bpf_redirect',
  43: 'bpf_skb_change_head',
  68: 'bpf_skb_load_bytes_relative',
  152: 'bpf_redirect_neigh',
};

function instruction(bytes: Buffer, text: string): Instruction {
  const [code = 0, registers = 0] = bytes;
  return { code, registers, offset: bytes.readInt16LE(2), hex: bytes.toString('hex'), text };
}

function instructionsOf(bytes: Buffer, text = ''): Instruction[] {
  const starts = Array.from({ length: bytes.length / 8 }, (_, i) => i * 8);
  return starts.map((at) => instruction(bytes.subarray(at, at + 8), at === 0 ? text : ''));
}

/** The kernel's listing of a loaded program. @param fd its descriptor in this process */
export function kernelListing(fd: number): Instruction[] {
  const id = /^prog_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  assert.ok(id !== undefined, 'the kernel says which program it is');
  const output = execFileSync('bpftool', ['prog', 'dump', 'xlated', 'id', id, 'opcodes'], { encoding: 'utf8' });
  const entries = [...output.matchAll(/^ *\d+: (.*)\n +((?:[0-9a-f]{2} ?)+)$/gm)];
  return entries.flatMap(([, text = '', hex = '']) =>
    instructionsOf(Buffer.from(hex.replaceAll(' ', ''), 'hex'), text),
  );
}

const isJump = ({ code }: Instruction): boolean => (code & CLASS_MASK) === CLASS_JUMP && code !== CALL && code !== EXIT;

/** How many of the kernel's instructions stand for one that was loaded, checked but for where it jumps to. */
function standsFor(was: Instruction, is: readonly Instruction[]): number {
  const [first] = is;
  assert.ok(first !== undefined, `nothing stands for ${was.hex}`);
  const load = was.code === LOAD_WORD && was.registers === REGISTERS_OF_CONTEXT ? CONTEXT_LOADS[was.offset] : undefined;
  if (load !== undefined) {
    const codes = is.slice(0, load.length).map(({ code }) => code);
    assert.deepEqual([codes, first.registers], [load, was.registers], `the context's field ${was.offset}`);
    return load.length;
  }
  if (was.code === CALL) {
    const helper = HELPERS[Number.parseInt(was.hex.slice(8, 10), 16)];
    assert.match(first.text, new RegExp(`^\\(85\\) call ${helper}#`));
    return 1;
  }
  const [wanted, found] = [was.hex, first.hex].map((hex) => (isJump(was) ? hex.slice(0, 4) + hex.slice(8) : hex));
  assert.equal(found, wanted, first.text);
  return 1;
}

/** Holds a kernel's listing against the program that was loaded. @throws AssertionError at the first difference */
export function assertIsProgram(listing: readonly Instruction[], loaded: Uint8Array): void {
  const program = instructionsOf(Buffer.from(loaded));
  const places: number[] = [];
  let at = 0;
  let isSecondHalf = false;
  for (const was of program) {
    places.push(at);
    if (isSecondHalf) assert.equal(listing[at]?.hex, was.hex);
    at += isSecondHalf ? 1 : standsFor(was, listing.slice(at));
    isSecondHalf = !isSecondHalf && was.code === WIDE;
  }
  assert.equal(at, listing.length, 'nothing comes after it');
  for (const [i, was] of program.entries()) {
    if (!isJump(was) || isHalf(program, i)) continue;
    const place = places[i] as number;
    assert.equal(place + 1 + (listing[place]?.offset ?? 0), places[i + 1 + was.offset], `where ${was.hex} leads to`);
  }
}

/** Whether an instruction is the second half of a wide one. */
const isHalf = (program: readonly Instruction[], i: number): boolean => program[i - 1]?.code === WIDE;
