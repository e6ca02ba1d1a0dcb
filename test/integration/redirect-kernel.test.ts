// The kernel's own word on the programs and on the calls that load and attach them: bpf(2) without a wrapper. And its listing of each
// program that it loaded, by bpftool.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ATTACH_TCX_INGRESS, PROGRAM } from '../../src/core/bpf/kernel.ts';
import { neighbourFilter, tunIngress, uplinkIngress } from '../../src/core/bpf/programs.ts';
import { attachToIngress } from '../../src/platform/linux/redirect/program.ts';
import { loadLinuxShim } from '../../src/platform/native.ts';
import { assertIsProgram, kernelListing } from '../support/bpf-listing.ts';
import { GOLDEN, goldenBytes } from '../unit/bpf-golden.ts';

const shim = loadLinuxShim();
const NO_LOG = new Uint8Array(0);
const clat = Uint8Array.from(Buffer.from('20010db8000100001122334455667788', 'hex'));
const address = Uint8Array.from(Buffer.from('20010db8fedcba9800a1b2c300000000', 'hex'));

/** Every form that a program can take. */
const FORMS: readonly (readonly [string, number, Uint8Array])[] = [
  ...[32, 40, 48, 56, 64, 96].map((length) => {
    const prefix = { address: address.slice().fill(0, length / 8), length };
    return [`uplink ingress /${length}`, PROGRAM.schedCls, uplinkIngress({ clat, prefix, tunIndex: 9 })] as const;
  }),
  ...[true, false].map((hasNeighbours) => {
    const code = tunIngress({ clat, uplinkIndex: 3, hasNeighbours, router: null });
    return [`TUN ingress, neighbours ${hasNeighbours}`, PROGRAM.schedCls, code] as const;
  }),
  ['TUN ingress, router', PROGRAM.schedCls, tunIngress({ clat, uplinkIndex: 3, hasNeighbours: true, router: address })],
  ...[true, false].map((withSolicitations) => {
    const code = neighbourFilter({ clat, withSolicitations });
    return [`neighbour filter, solicitations ${withSolicitations}`, PROGRAM.socketFilter, code] as const;
  }),
];

const load = (type: number, code: Uint8Array) =>
  shim.bpfProgramLoad(type, type === PROGRAM.schedCls ? ATTACH_TCX_INGRESS : 0, 'x464_test', 'MIT', code, NO_LOG);

function listingOf(type: number, code: Uint8Array): ReturnType<typeof kernelListing> {
  const program = load(type, code);
  try {
    return kernelListing(program.fd);
  } finally {
    program.close();
  }
}

describe('the kernel and the programs of the redirect uplink', () => {
  for (const [name, type, code] of FORMS) {
    it(`the verifier accepts: ${name}`, () => {
      const program = load(type, code);
      assert.ok(program.fd >= 0);
      program.close();
      assert.equal(program.fd, -1);
    });

    it(`lists it as it was written: ${name}`, () => assertIsProgram(listingOf(type, code), code));
  }

  for (const name of Object.keys(GOLDEN) as (keyof typeof GOLDEN)[]) {
    it(`lists "${name}" as LLVM does, instruction by instruction`, () => {
      const golden = goldenBytes(name);
      assertIsProgram(listingOf(name === 'neighbours' ? PROGRAM.socketFilter : PROGRAM.schedCls, golden), golden);
    });
  }

  it('a listing with another field, helper, target, constant or length is told from the right one', () => {
    const golden = goldenBytes('uplink');
    const listing = listingOf(PROGRAM.schedCls, golden);
    const changes: readonly (readonly [what: string, at: number, to: number])[] = [
      ['field', 3 * 8 + 2, 16],
      ['helper', 16 * 8 + 4, 23],
      ['target', 2 * 8 + 2, 50],
      ['half of a wide constant', 20 * 8 + 7, 1],
      ['register', 8 * 8 + 1, 3],
    ];
    for (const [what, at, to] of changes) {
      const other = Uint8Array.from(golden);
      assert.notEqual(other[at], to, what);
      other[at] = to;
      assert.throws(() => assertIsProgram(listing, other), assert.AssertionError, what);
    }
    assert.throws(() => assertIsProgram(listing, golden.subarray(0, -8)), assert.AssertionError);
    assert.throws(() => assertIsProgram(listing.slice(0, -1), golden), assert.AssertionError);
  });

  it('a program that it refuses comes back with errno and the words of the verifier', () => {
    const noEnd = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0); // r0 = 0, and no exit
    const log = new Uint8Array(4096);
    const load = () => shim.bpfProgramLoad(PROGRAM.schedCls, 0, 'x464_test', 'MIT', noEnd, log);
    assert.throws(load, { code: 'EINVAL', syscall: 'bpf(BPF_PROG_LOAD)' });
    assert.match(Buffer.from(log.subarray(0, log.indexOf(0))).toString(), /not an exit|fall-through|last insn/);
    const link = { name: 'lo', index: 1 };
    assert.throws(() => attachToIngress(shim, link, { name: 'x464_test', code: noEnd }), {
      code: 'REDIRECT_UNAVAILABLE',
      message: /refuses the program x464_test \(.*last insn.*EINVAL/s,
    });
  });

  it('an interface that is gone is told from a kernel that cannot', () => {
    const link = { name: 'gone0', index: 2_000_000_000 };
    const code = tunIngress({ clat, uplinkIndex: 3, hasNeighbours: true, router: null });
    assert.throws(() => attachToIngress(shim, link, { name: 'x464_test', code }), {
      code: 'HOST_CHANGE_FAILED',
      message: /gone0/,
    });
  });

  it('wrong arguments are refused before any call', () => {
    const load = (name: string, code: Uint8Array) => () => shim.bpfProgramLoad(3, 0, name, 'MIT', code, NO_LOG);
    assert.throws(load('a-name-that-is-too-long', new Uint8Array(8)), RangeError);
    assert.throws(load('x464_test', new Uint8Array(7)), RangeError);
    assert.throws(() => shim.bpfLinkCreate(-1, -1, 46, 0, -1), RangeError);
    assert.throws(() => shim.bpfLinkCreate(-1, 1, 46, 0, -1), { syscall: 'bpf(BPF_LINK_CREATE)' });
    assert.throws(() => shim.socketAttachBpf(-1, -1), { code: 'EBADF', syscall: 'setsockopt(SO_ATTACH_BPF)' });
    assert.throws(() => shim.packetBind(-1, 1, 0x86dd), { code: 'EBADF', syscall: 'bind' });
    assert.throws(() => shim.packetReceive(-1, new Uint8Array(1)), { code: 'EBADF', syscall: 'recv' });
  });
});
