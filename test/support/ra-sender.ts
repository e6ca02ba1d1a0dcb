// Our own sender of Router Advertisements, for what radvd does not say (PREF64) or never would (whatever is malformed). As a
// program: `node ra-sender.js '{"device": "lan0", …}'` sends, and with `answers` goes on answering solicitations.

import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import { emitNdpPacket, groupLinkAddress, ROUTER_SOLICITATION } from '../../src/core/wire/ndp.ts';
import { loadLinuxShim } from '../../src/platform/native.ts';
import { ip6 } from './addresses.ts';
import type { Netns, Running } from './netns.ts';
import { messageOf, type RaOrder } from './ra-message.ts';

export type { RaOrder } from './ra-message.ts';

const ALL_NODES = ip6('ff02::1');
const ETHERTYPE_IPV6 = 0x86dd;
const IPV6_HEADER = 40;
const HOP_LIMIT = 7;

/** The link-local address of a device of this namespace. Throws where there is none. */
function linkLocalOf(device: string): string {
  const own = networkInterfaces()[device]?.find((a) => a.family === 'IPv6' && a.address.startsWith('fe80'));
  if (own === undefined) throw new Error(`${device} has no link-local address`);
  return own.address;
}

/** The whole packet. Its checksum is right, whatever the message is, unless the order breaks it. */
function packetOf(order: RaOrder, source: Uint8Array): Uint8Array {
  const m = messageOf(order);
  // The product's own encoder frames it: an empty advertisement's packet, its message replaced, the checksum made anew.
  const frame = emitNdpPacket(source, ALL_NODES, { ...EMPTY_RA, options: [] }).subarray(0, IPV6_HEADER);
  const packet = Uint8Array.from([...frame, ...m]);
  const view = new DataView(packet.buffer);
  view.setUint16(4, m.length);
  packet[HOP_LIMIT] = order.hopLimit ?? 255;
  view.setUint16(IPV6_HEADER + 2, checksum(packet, m.length) ^ (order.breaksChecksum === true ? 0x5555 : 0));
  return packet;
}

const EMPTY_RA = {
  kind: 'router',
  hopLimit: 64,
  isManaged: false,
  isOther: false,
  preference: 0,
  lifetimeSeconds: 0,
  reachableMs: 0,
  retransMs: 0,
} as const;

/** RFC 4443 §2.3, word by word. */
function checksum(packet: Uint8Array, length: number): number {
  let sum = length + 58;
  for (let i = 8; i < packet.length; i++) {
    if (i === IPV6_HEADER + 2 || i === IPV6_HEADER + 3) continue;
    sum += i % 2 === 0 ? (packet[i] ?? 0) << 8 : (packet[i] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function send(order: RaOrder): void {
  const shim = loadLinuxShim();
  const index = shim.ifNameToIndex(order.device);
  const source = ip6(order.source ?? linkLocalOf(order.device));
  const socket = shim.packetOpen(0);
  for (let i = 0; i < (order.count ?? 1); i++) {
    if (order.floods === true && i > 0) source.set([i >> 8, i & 0xff], 14);
    trySend(() =>
      shim.packetSend(socket.fd, index, groupLinkAddress(ALL_NODES), ETHERTYPE_IPV6, packetOf(order, source)),
    );
  }
  socket.close();
}

/** A full queue of the device loses a packet, as it does on any link. */
function trySend(sendOne: () => void): void {
  try {
    sendOne();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOBUFS') throw cause;
  }
}

function answerSolicitations(order: RaOrder): void {
  const shim = loadLinuxShim();
  const socket = shim.icmp6Open();
  const buffer = new Uint8Array(1500);
  shim.icmp6SetFilter(socket.fd, Uint8Array.of(ROUTER_SOLICITATION));
  shim.bindToDevice(socket.fd, order.device);
  shim.icmp6Join(socket.fd, shim.ifNameToIndex(order.device), ip6('ff02::2'));
  const watch = shim.watch(socket.fd, () => {
    while (shim.icmp6Receive(socket.fd, buffer) !== null) {
      console.log('solicited');
      send(order);
    }
    watch.rearm();
  });
  console.log('answering');
}

const PROGRAM = fileURLToPath(import.meta.url);

/** Sends from a namespace and waits for the end. */
export async function sendRa(ns: Netns, order: RaOrder): Promise<void> {
  await ns.run([process.execPath, PROGRAM, JSON.stringify(order)]);
}

/** Starts a router in a namespace that advertises at once and answers solicitations until stopped. */
export const startRouter = (ns: Netns, order: RaOrder): Promise<Running> =>
  ns.start([process.execPath, PROGRAM, JSON.stringify({ ...order, answers: true })]);

if (process.argv[1] === PROGRAM) {
  const order = JSON.parse(process.argv[2] ?? '{}') as RaOrder;
  if (order.answers === true) answerSolicitations(order);
  if (order.everySeconds !== undefined) setInterval(() => send(order), order.everySeconds * 1000);
  send(order);
}
