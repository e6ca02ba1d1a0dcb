// Runs inside a network namespace: writes coalesced batches into one TUN with offload and reads what the kernel forwards
// into a second one without, where it has to cut every super-packet up and complete every checksum. Prints JSON: for each
// case how many writes there were, the refusals' errno, and the packets that arrived, in hex.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { makePacketList } from '../../src/core/wire/slab.ts';
import { makeCoalescer } from '../../src/dataplane/coalesce.ts';
import { makeSimdSlab } from '../../src/dataplane/coalesce-simd.ts';
import { makeWriteList } from '../../src/dataplane/tun-queue.ts';
import { type Handle, type LinuxShim, loadLinuxShim } from '../../src/platform/native.ts';
import { INTERLEAVED, KERNEL_CASES } from './coalesce-cases.ts';
import { load, type PacketSpec } from './coalesce-packets.ts';

/** What happened to one batch. */
export interface KernelResult {
  readonly writes: number;
  readonly refused: readonly number[];
  readonly arrived: readonly string[];
}

// linux/if_tun.h: IFF_TUN | IFF_NO_PI, IFF_VNET_HDR; TUN_F_CSUM, TSO4, TSO6, TSO_ECN, USO4, USO6.
const IFF_TUN_NO_PI = 0x1001;
const IFF_VNET_HDR = 0x4000;
const ALL_OFFLOADS = 0x6f;
const SLAB_SIZE = 4 << 20;
const MAX_PACKETS = 256;
const WAIT_MS = 5000;

/** Opens both devices; the caller keeps the handles, because a forgotten one closes itself. */
function setUp(shim: LinuxShim): { input: Handle; output: Handle } {
  const input = shim.tunOpen('in0', IFF_TUN_NO_PI | IFF_VNET_HDR).handle;
  shim.tunSetVnetHeaderSize(input.fd, 10);
  shim.tunSetOffload(input.fd, ALL_OFFLOADS);
  const output = shim.tunOpen('out0', IFF_TUN_NO_PI).handle;
  for (const key of ['ipv4/ip_forward', 'ipv6/conf/all/forwarding']) writeFileSync(`/proc/sys/net/${key}`, '1');
  for (const device of ['all', 'in0', 'out0']) writeFileSync(`/proc/sys/net/ipv4/conf/${device}/rp_filter`, '0');
  for (const device of ['in0', 'out0']) execFileSync('ip', ['link', 'set', device, 'up']);
  execFileSync('ip', ['route', 'add', '198.51.100.0/24', 'dev', 'out0']);
  execFileSync('ip', ['-6', 'route', 'add', '2001:db8:1:2::2/128', 'dev', 'out0']);
  return { input, output };
}

/** Reads until `count` packets of ours are there, or none comes any more. The namespace's own multicast is left out. */
function readPackets(shim: LinuxShim, fd: number, wakeFd: number, count: number): string[] {
  const slab = new Uint8Array(SLAB_SIZE);
  const { offset, length } = makePacketList(MAX_PACKETS);
  const arrived: string[] = [];
  while (arrived.length < count) {
    const n = shim.tunReadBatch(fd, wakeFd, WAIT_MS, slab, 0, SLAB_SIZE, 64, 2000, 0, offset, length, MAX_PACKETS);
    if (n === 0) break;
    for (let i = 0; i < n; i++) {
      const packet = Buffer.from(slab.subarray(offset[i], offset[i] + length[i]));
      const isOurs = packet[0] >> 4 === 4 || packet[8] === 0x20;
      if (isOurs) arrived.push(packet.toString('hex'));
    }
  }
  return arrived;
}

function main(): void {
  const shim = loadLinuxShim();
  const { input, output } = setUp(shim);
  const wake = shim.eventFd();
  const coalescer = makeCoalescer({ tcp: true, udp: true, maxPackets: MAX_PACKETS });
  const out = makeWriteList(MAX_PACKETS, MAX_PACKETS);
  const slab = makeSimdSlab(SLAB_SIZE);
  const send = (specs: readonly PacketSpec[]): KernelResult => {
    coalescer.coalesce(slab, load(slab, specs), out);
    shim.tunWriteBatch(input.fd, slab.bytes, out.pieceOffset, out.pieceLength, out.pieceEnd, out.packets, out.results);
    const refused = [...out.results.subarray(0, out.packets)].filter((errno) => errno !== 0);
    return { writes: out.packets, refused, arrived: readPackets(shim, output.fd, wake.fd, specs.length) };
  };
  const results = Object.fromEntries(Object.entries(KERNEL_CASES).map(([name, specs]) => [name, send(specs)]));
  process.stdout.write(JSON.stringify({ ...results, interleaved: send(INTERLEAVED) }));
  for (const handle of [input, output, wake]) handle.close();
}

main();
