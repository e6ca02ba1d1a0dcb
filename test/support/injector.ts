// The program that feeds a translator on a TUN interface, started inside the translator's namespace: `injector.js DEVICE`.
// Standard input: one packet a line, in hex. Standard output: one JSON array of hex packets a line, what the translator wrote
// into the interface because of the packet of that line. Read next: differential-run.ts, which starts it.
//
// A sentinel follows each packet: a datagram that every translator turns into one that is known here. Translators work in
// order, so what comes out between two sentinels belongs to the packet between them. A window of packets is under way at a
// time, fewer than any queue on the way holds, so that nothing is lost; a sentinel that stays away is an error.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type LinuxShim, loadLinuxShim } from '../../src/platform/native.ts';
import { read32 } from '../reference/bytes.ts';
import { isSentinel, SENTINEL_DATA, sentinel } from './differential-network.ts';
import { hex, toHex } from './packets.ts';

const WINDOW = 32;
/** More than either translator writes for a packet of the interface's MTU. */
const LONGEST_PACKET = 2048;
const SENTINEL_TIME_LIMIT_MS = 15_000;
const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const;
const PCAP = { header: 24, record: 16, lengthAt: 8, magic: 0xa1b2c3d4, linkTypeAt: 20, linkTypeRaw: 101 } as const;

type Capture = ChildProcessByStdio<null, Readable, Readable>;

/**
 * Starts tcpdump on what the device's program writes, and waits until it listens. In immediate mode each packet takes a frame
 * of the longest length from its buffer, so the length is limited for the buffer to hold thousands.
 */
async function startCapture(device: string): Promise<Capture> {
  const limits = ['-s', String(LONGEST_PACKET), '-B', '16384'];
  const options = ['-n', '-p', '-U', '--immediate-mode', '-Q', 'in', ...limits, '-Z', 'root', '-w', '-'];
  const child = spawn('tcpdump', ['-i', device, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for await (const chunk of child.stderr.iterator({ destroyOnReturn: false })) {
    said += String(chunk);
    if (said.includes('listening on')) return child;
  }
  throw new Error(`tcpdump: ${said}`);
}

/** Splits a stream in pcap format into packets (pcap-savefile(5), this machine's byte order). */
async function* packetsOf(stream: Readable): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  let isStarted = false;
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    if (!isStarted) {
      if (rest.length < PCAP.header) continue;
      checkFileHeader(rest);
      rest = rest.subarray(PCAP.header);
      isStarted = true;
    }
    while (rest.length >= PCAP.record) {
      const end = PCAP.record + rest.readUInt32LE(PCAP.lengthAt);
      if (rest.length < end) break;
      yield Uint8Array.from(rest.subarray(PCAP.record, end));
      rest = rest.subarray(end);
    }
  }
}

function checkFileHeader(bytes: Buffer): void {
  const isKnown =
    bytes.readUInt32LE(0) === PCAP.magic && bytes.readUInt32LE(PCAP.linkTypeAt) % 65536 === PCAP.linkTypeRaw;
  if (!isKnown) throw new Error('tcpdump writes another format than raw IP packets');
}

/** Collects what comes out, and tells which input has been answered in full. */
class Answers {
  readonly packets: Uint8Array[][] = [];
  private current: Uint8Array[] = [];
  private notify: () => void = () => {};

  take(packet: Uint8Array): void {
    if (!isSentinel(packet)) {
      this.current.push(packet);
      return;
    }
    const number = read32(packet, SENTINEL_DATA);
    if (number !== this.packets.length) throw new Error(`sentinel ${number} came where ${this.packets.length} was due`);
    this.packets.push(this.current);
    this.current = [];
    this.notify();
  }

  /** Waits until the first `count` inputs are answered. */
  async answered(count: number): Promise<void> {
    const timer = setTimeout(() => {
      console.error(`the sentinel after packet ${this.packets.length} did not come out`);
      process.exit(1);
    }, SENTINEL_TIME_LIMIT_MS);
    while (this.packets.length < count) await new Promise<void>((resolve) => (this.notify = resolve));
    clearTimeout(timer);
  }
}

function sender(shim: LinuxShim, device: string): (packet: Uint8Array) => void {
  const socket = shim.packetOpen(0);
  const index = shim.ifNameToIndex(device);
  const noAddress = new Uint8Array(6);
  return (packet) => {
    const protocol = packet[0] >>> 4 === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4;
    shim.packetSend(socket.fd, index, noAddress, protocol, packet);
  };
}

async function main(device: string): Promise<void> {
  const capture = await startCapture(device);
  const answers = new Answers();
  const reading = (async () => {
    for await (const packet of packetsOf(capture.stdout)) answers.take(packet);
  })();
  reading.catch((error: unknown) => {
    console.error(error);
    process.exit(1);
  });
  const send = sender(loadLinuxShim(), device);
  let sent = 0;
  for await (const line of createInterface({ input: process.stdin })) {
    send(hex(line));
    send(sentinel(sent));
    sent++;
    if (sent % WINDOW === 0) await answers.answered(sent);
  }
  await answers.answered(sent);
  capture.kill('SIGINT');
  await once(capture, 'close');
  process.stdout.write(answers.packets.map((packets) => `${JSON.stringify(packets.map(toHex))}\n`).join(''));
}

await main(process.argv[2] ?? '');
