// A slow, plain interpreter of eBPF for tests: the instructions and helpers that our programs use, with the verifier's rules
// that matter: no read of what was not written, no access outside the stack, arguments lost over calls, an end in bounded time.

/** A packet as a program sees it. */
export interface Packet {
  /** From the network header on. */
  readonly bytes: Uint8Array;
  /** ETH_P_*. */
  readonly protocol: number;
  readonly packetType: number;
  /** The VLAN tag's contents; null without one. */
  readonly vlan: number | null;
  /** Whether there is memory for a link-layer header. */
  readonly hasHeadroom?: boolean;
}

/** What a program did. */
export interface Outcome {
  /** r0 as a signed number. */
  readonly result: number;
  /** The interface it redirected to, by which helper, and the next hop in hex that it named. */
  readonly redirected: {
    readonly helper: 'redirect' | 'redirect_neigh';
    readonly ifIndex: number;
    readonly nextHop: string | null;
  } | null;
  /** Bytes of head room that it asked for. */
  readonly headGrown: number;
}

const STACK_SIZE = 512n;
const STACK_TOP = 1n << 40n;
const CONTEXT = 1n << 41n;
const STEPS_MAX = 10_000;

/** Loads by opcode: how many bytes. */
const LOADS: Readonly<Record<number, number>> = { 113: 1, 105: 2, 97: 4, 121: 8 };

/** Stores by opcode: how many bytes. */
const STORES: Readonly<Record<number, number>> = { 99: 4, 123: 8 };

/** Jumps by opcode: on what. */
const JUMPS: Readonly<Record<number, (left: bigint, right: bigint) => boolean>> = {
  5: () => true,
  21: (left, right) => left === right,
  37: (left, right) => left > right,
  85: (left, right) => left !== right,
  93: (left, right) => left !== right,
};

class Machine {
  readonly #packet: Packet;
  readonly #code: DataView;
  readonly #registers: (bigint | null)[] = [null, CONTEXT, null, null, null, null, null, null, null, null, STACK_TOP];
  readonly #stack = new Uint8Array(Number(STACK_SIZE));
  readonly #written = new Uint8Array(Number(STACK_SIZE));
  #redirected: Outcome['redirected'] = null;
  #headGrown = 0;
  #at = 0;

  constructor(code: Uint8Array, packet: Packet) {
    this.#code = new DataView(code.buffer, code.byteOffset, code.length);
    this.#packet = packet;
  }

  run(): Outcome {
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      if (this.#code.getUint8(this.#at * 8) === 0x95) {
        const result = Number(BigInt.asIntN(32, this.#read(0)));
        return { result, redirected: this.#redirected, headGrown: this.#headGrown };
      }
      this.#step();
    }
    throw new Error('no end');
  }

  #step(): void {
    const base = this.#at * 8;
    const opcode = this.#code.getUint8(base);
    const registers = this.#code.getUint8(base + 1);
    const dst = registers & 15;
    const src = registers >> 4;
    const offset = this.#code.getInt16(base + 2, true);
    const immediate = BigInt(this.#code.getInt32(base + 4, true));
    this.#at += 1;
    if (STORES[opcode] !== undefined) this.#store(this.#read(dst) + BigInt(offset), STORES[opcode], this.#read(src));
    else if (opcode === 0x18) this.#write(dst, this.#wide(immediate));
    else if (opcode === 0x85) this.#call(Number(immediate));
    else if (LOADS[opcode] !== undefined) this.#write(dst, this.#load(this.#read(src) + BigInt(offset), LOADS[opcode]));
    else if (JUMPS[opcode] !== undefined) {
      // Bit 3 of the opcode: the second operand is a register.
      const right = (opcode & 8) === 0 ? BigInt.asUintN(64, immediate) : this.#read(src);
      if (opcode === 0x05 || JUMPS[opcode](this.#read(dst), right)) this.#at += offset;
    } else this.#write(dst, this.#calculate(opcode, dst, src, immediate));
  }

  /** The second half of a 64-bit immediate is in the next unit. */
  #wide(low: bigint): bigint {
    const high = BigInt(this.#code.getUint32(this.#at * 8 + 4, true));
    this.#at += 1;
    return (high << 32n) | BigInt.asUintN(32, low);
  }

  #calculate(opcode: number, dst: number, src: number, immediate: bigint): bigint {
    if (opcode === 0xbf) return this.#read(src);
    if (opcode === 0xb7) return immediate;
    if (opcode === 0x07) return this.#read(dst) + immediate;
    if (opcode === 0x57) return this.#read(dst) & BigInt.asUintN(64, immediate);
    if (opcode === 0x67) return this.#read(dst) << immediate;
    throw new Error(`opcode ${opcode.toString(16)}`);
  }

  #read(register: number): bigint {
    const value = this.#registers[register];
    if (value === null || value === undefined) throw new Error(`r${register} is read before it is written`);
    return value;
  }

  #write(register: number, value: bigint): void {
    if (register === 10) throw new Error('the frame pointer is written');
    this.#registers[register] = BigInt.asUintN(64, value);
  }

  /** Place of `size` bytes on the stack. */
  #stackAt(address: bigint, size: number): number {
    const at = Number(address - (STACK_TOP - STACK_SIZE));
    if (at < 0 || at + size > Number(STACK_SIZE)) throw new Error('an access outside the stack');
    return at;
  }

  #load(address: bigint, size: number): bigint {
    if (address >= CONTEXT) return this.#field(Number(address - CONTEXT), size);
    const at = this.#stackAt(address, size);
    if (at % size !== 0) throw new Error('an unaligned access');
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) {
      if (this.#written[at + i] === 0) throw new Error('the stack is read before it is written');
      value = (value << 8n) | BigInt(this.#stack[at + i]);
    }
    return value;
  }

  /** Little-endian. */
  #store(address: bigint, size: number, value: bigint): void {
    const at = this.#stackAt(address, size);
    if (at % size !== 0) throw new Error('an unaligned access');
    for (let i = 0; i < size; i++) this.#stack[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    this.#written.fill(1, at, at + size);
  }

  /** struct __sk_buff. */
  #field(offset: number, size: number): bigint {
    const { protocol, packetType, vlan } = this.#packet;
    if (size !== 4) throw new Error('a field of the context has 32 bits');
    const swapped = ((protocol & 0xff) << 8) | (protocol >> 8);
    const fields: Readonly<Record<number, number>> = {
      4: packetType,
      16: swapped,
      20: vlan === null ? 0 : 1,
      24: vlan ?? 0,
    };
    if (fields[offset] === undefined) throw new Error(`field ${offset} of the context`);
    return BigInt(fields[offset]);
  }

  #call(helper: number): void {
    let result = 0n;
    if (helper === 68) result = this.#loadBytes();
    else if (helper === 43) result = this.#changeHead();
    else if (helper === 23 || helper === 152) result = this.#redirect(helper);
    else throw new Error(`helper ${helper}`);
    for (let register = 1; register <= 5; register++) this.#registers[register] = null;
    this.#write(0, result);
  }

  /** bpf_skb_load_bytes_relative(skb, offset, to, len, BPF_HDR_START_NET) */
  #loadBytes(): bigint {
    if (this.#read(1) !== CONTEXT || this.#read(5) !== 1n) throw new Error('wrong arguments');
    const offset = Number(this.#read(2));
    const length = Number(this.#read(4));
    const at = this.#stackAt(this.#read(3), length);
    const { bytes } = this.#packet;
    const fits = offset + length <= bytes.length;
    this.#stack.fill(0, at, at + length);
    if (fits) this.#stack.set(bytes.subarray(offset, offset + length), at);
    this.#written.fill(1, at, at + length);
    return fits ? 0n : -14n;
  }

  /** bpf_skb_change_head(skb, len, flags) */
  #changeHead(): bigint {
    if (this.#read(1) !== CONTEXT || this.#read(3) !== 0n) throw new Error('wrong arguments');
    this.#headGrown = Number(this.#read(2));
    return this.#packet.hasHeadroom === false ? -12n : 0n;
  }

  /** bpf_redirect(ifindex, flags), bpf_redirect_neigh(ifindex, params, plen, flags) */
  #redirect(helper: number): bigint {
    if (this.#read(helper === 23 ? 2 : 4) !== 0n) throw new Error('wrong arguments');
    const name = helper === 23 ? 'redirect' : 'redirect_neigh';
    const nextHop = helper === 23 ? null : this.#nextHop();
    this.#redirected = { helper: name, ifIndex: Number(this.#read(1)), nextHop };
    return 7n;
  }

  /** struct bpf_redir_neigh: the family, AF_INET6, and 16 bytes; none where size and place are 0. */
  #nextHop(): string | null {
    const size = Number(this.#read(3));
    if (size === 0 && this.#read(2) === 0n) return null;
    const at = this.#stackAt(this.#read(2), size);
    if (size !== 20 || this.#written.subarray(at, at + size).includes(0)) throw new Error('wrong arguments');
    if (new DataView(this.#stack.buffer).getUint32(at, true) !== 10) throw new Error('no IPv6');
    return Buffer.from(this.#stack.subarray(at + 4, at + size)).toString('hex');
  }
}

/**
 * The first instruction that no path leads to, in units; -1 if there is none. The kernel refuses programs that have one.
 */
export function unreachable(code: Uint8Array): number {
  const view = new DataView(code.buffer, code.byteOffset, code.length);
  const reached = new Set<number>();
  const open = [0];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (reached.has(at)) continue;
    reached.add(at);
    const opcode = view.getUint8(at * 8);
    if (opcode === 0x18) reached.add(at + 1);
    if (JUMPS[opcode] !== undefined) open.push(at + 1 + view.getInt16(at * 8 + 2, true));
    if (opcode !== 0x05 && opcode !== 0x95) open.push(at + (opcode === 0x18 ? 2 : 1));
  }
  return Array.from({ length: code.length / 8 }, (_, at) => at).findIndex((at) => !reached.has(at));
}

/** Runs a program over a packet. Throws where the verifier would refuse it. */
export const interpret = (code: Uint8Array, packet: Packet): Outcome => new Machine(code, packet).run();
