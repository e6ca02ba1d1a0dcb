// A small eBPF assembler: instructions are plain data, labels are resolved, the result is what bpf(2) loads. Read first: RFC 9669,
// the BPF instruction set; its names and numbers are used here. Only what our programs use is here.
//
//      byte 0     byte 1        bytes 2–3    bytes 4–7
//     +--------+-----+-----+------------+-------------------+
//     | opcode | src | dst |   offset   |     immediate     |     little-endian (RFC 9669 §3)
//     +--------+-----+-----+------------+-------------------+
//
// A 64-bit immediate takes two such units; the second holds the high half and nothing else.

/** Bytes of one unit. */
const BPF_UNIT = 8;

/** r0 result, r1–r5 arguments, r6–r9 kept over calls, r10 the frame pointer. */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** One instruction, or the place where jumps to a label go. */
export type Item =
  | { readonly kind: 'label'; readonly name: string }
  | {
      readonly kind: 'instruction';
      readonly opcode: number;
      readonly dst: Register;
      readonly src: Register;
      readonly offset: number;
      readonly immediate: number;
      /** A jump's label; its offset is worked out by {@link assemble}. */
      readonly target: string | null;
    }
  | { readonly kind: 'wide'; readonly dst: Register; readonly value: bigint };

/** Opcodes, RFC 9669 §4 and §5: class, source and operation added up. */
const OPCODE = {
  loadWide: 0x18,
  load8: 0x71,
  load16: 0x69,
  load32: 0x61,
  load64: 0x79,
  addImmediate: 0x07,
  andImmediate: 0x57,
  shiftLeftImmediate: 0x67,
  move: 0xbf,
  moveImmediate: 0xb7,
  store32: 0x63,
  store64: 0x7b,
  jump: 0x05,
  jumpIfEqual: 0x15,
  jumpIfGreater: 0x25,
  jumpIfNotEqual: 0x55,
  jumpIfNotEqualRegister: 0x5d,
  call: 0x85,
  exit: 0x95,
} as const;

const instruction = (
  opcode: number,
  dst: Register,
  src: Register,
  offset: number,
  immediate: number,
  target: string | null = null,
): Item => ({ kind: 'instruction', opcode, dst, src, offset, immediate, target });

const LOADS = { 8: OPCODE.load8, 16: OPCODE.load16, 32: OPCODE.load32, 64: OPCODE.load64 } as const;
const STORES = { 32: OPCODE.store32, 64: OPCODE.store64 } as const;

/** The place that jumps to `name` go to. */
export const label = (name: string): Item => ({ kind: 'label', name });
/** dst = src. */
export const move = (dst: Register, src: Register): Item => instruction(OPCODE.move, dst, src, 0, 0);
/** dst = value, a signed 32-bit number, sign-extended. */
export const set = (dst: Register, value: number): Item => instruction(OPCODE.moveImmediate, dst, 0, 0, value);
/** dst = value, 64 bits. */
export const setWide = (dst: Register, value: bigint): Item => ({ kind: 'wide', dst, value });
/** dst += value. */
export const add = (dst: Register, value: number): Item => instruction(OPCODE.addImmediate, dst, 0, 0, value);
/** dst &= value, sign-extended. */
export const and = (dst: Register, value: number): Item => instruction(OPCODE.andImmediate, dst, 0, 0, value);
/** dst <<= bits, 0–63. */
export const shiftLeft = (dst: Register, bits: number): Item => instruction(OPCODE.shiftLeftImmediate, dst, 0, 0, bits);
/** dst = the `bits` wide little-endian number at src + offset, zero-extended. */
export const load = (bits: keyof typeof LOADS, dst: Register, src: Register, offset: number): Item =>
  instruction(LOADS[bits], dst, src, offset, 0);
/** The `bits` wide little-endian number at dst + offset = src. */
export const store = (bits: keyof typeof STORES, dst: Register, offset: number, src: Register): Item =>
  instruction(STORES[bits], dst, src, offset, 0);
/** Goes to a label. */
export const jump = (target: string): Item => instruction(OPCODE.jump, 0, 0, 0, 0, target);
/** Goes to a label if dst = value (sign-extended). */
export const jumpIfEqual = (dst: Register, value: number, target: string): Item =>
  instruction(OPCODE.jumpIfEqual, dst, 0, 0, value, target);
/** Goes to a label if dst ≠ value (sign-extended). */
export const jumpIfNot = (dst: Register, value: number, target: string): Item =>
  instruction(OPCODE.jumpIfNotEqual, dst, 0, 0, value, target);
/** Goes to a label if dst ≠ src. */
export const jumpIfDiffers = (dst: Register, src: Register, target: string): Item =>
  instruction(OPCODE.jumpIfNotEqualRegister, dst, src, 0, 0, target);
/** Goes to a label if dst > value, both unsigned. */
export const jumpIfAbove = (dst: Register, value: number, target: string): Item =>
  instruction(OPCODE.jumpIfGreater, dst, 0, 0, value, target);
/** r0 = the kernel's helper function with r1–r5, which are lost. */
export const call = (helper: number): Item => instruction(OPCODE.call, 0, 0, 0, helper);
/** Ends the program with r0. */
export const exit = (): Item => instruction(OPCODE.exit, 0, 0, 0, 0);

/** Units that an item takes. */
const unitsOf = (item: Item): number => (item.kind === 'label' ? 0 : item.kind === 'wide' ? 2 : 1);

/** Where each label stands, in units. */
function placeLabels(items: readonly Item[]): Map<string, number> {
  const places = new Map<string, number>();
  let at = 0;
  for (const item of items) {
    if (item.kind === 'label') places.set(item.name, at);
    at += unitsOf(item);
  }
  return places;
}

/** A jump's offset counts from the unit after it. @throws Error for a label that is not there (a bug) */
function jumpOffset(places: ReadonlyMap<string, number>, target: string, at: number): number {
  const place = places.get(target);
  if (place === undefined) throw new Error(`no label ${target}`);
  return place - at - 1;
}

/**
 * Turns items into the bytes of a program, for a little-endian machine.
 * @returns a buffer of its own, a multiple of {@link BPF_UNIT} bytes
 * @throws Error for a jump to a label that is not there (a bug)
 */
export function assemble(items: readonly Item[]): Uint8Array {
  const places = placeLabels(items);
  const bytes = new Uint8Array(items.reduce((sum, item) => sum + unitsOf(item), 0) * BPF_UNIT);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const item of items) {
    if (item.kind === 'wide') emitWide(view, at * BPF_UNIT, item.dst, item.value);
    else if (item.kind === 'instruction') {
      const offset = item.target === null ? item.offset : jumpOffset(places, item.target, at);
      emitUnit(view, at * BPF_UNIT, item.opcode, item.dst | (item.src << 4), offset, item.immediate);
    }
    at += unitsOf(item);
  }
  return bytes;
}

function emitUnit(view: DataView, at: number, opcode: number, registers: number, offset: number, value: number): void {
  view.setUint8(at, opcode);
  view.setUint8(at + 1, registers);
  view.setInt16(at + 2, offset, true);
  view.setInt32(at + 4, value, true);
}

function emitWide(view: DataView, at: number, dst: Register, value: bigint): void {
  emitUnit(view, at, OPCODE.loadWide, dst, 0, Number(BigInt.asIntN(32, value)));
  emitUnit(view, at + BPF_UNIT, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n)));
}
