// Duplicate address detection for an address that the kernel does not have, RFC 4862 §5.4 with the nonce of RFC 7527: one
// Neighbour Solicitation from ::, then listening for whoever has the address or wants it too. Formats: core/wire/ndp.ts.

import { randomBytes } from 'node:crypto';
import { isSameAddress } from '../../core/address/same.ts';
import type { NdpMessage } from '../../core/wire/ndp.ts';
import {
  emitNdpPacket,
  groupLinkAddress,
  NDP_HOP_LIMIT,
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  OPTION_NONCE,
  OPTION_TARGET_LINK_ADDRESS,
  parseNdp,
  solicitedNodeGroup,
} from '../../core/wire/ndp.ts';
import type { Handle, Icmp6Message, LinuxShim } from '../native.ts';
import type { Closable, Uplink } from '../platform.ts';
import { withResolvers } from '../with-resolvers.ts';

const ETHERTYPE_IPV6 = 0x86dd;
const UNSPECIFIED = new Uint8Array(16);
/** RFC 3971 §5.3.2: at least 6 bytes. */
const NONCE_BYTES = 6;
const MESSAGE_MAX = 1500;
/** Messages per call of the event loop: a flood must not keep it from everything else, the end of the wait included. */
const BATCH = 64;

/**
 * Whether an advertisement says that another node has `target`. One that names our own link-layer address does not: those are our
 * words, brought back by a bridge or a proxy.
 */
export function isClaim(message: NdpMessage, target: Uint8Array, linkAddress: Uint8Array | null): boolean {
  if (message.kind !== 'advertisement' || !isSameAddress(message.target, target)) return false;
  const told = message.options.find((o) => o.type === OPTION_TARGET_LINK_ADDRESS)?.body;
  return told === undefined || linkAddress === null || !isSameAddress(told, linkAddress);
}

/** A probe of ours: for which address, from whom, and what tells it from another node's. */
interface Probe {
  readonly target: Uint8Array;
  readonly linkAddress: Uint8Array | null;
  readonly nonce: Uint8Array;
}

/** Whether a received message says that another node has the address (advertisement) or is probing it as well. RFC 4862 §5.4.3–5.4.4 */
export function isConflict(message: NdpMessage, source: Uint8Array, { target, linkAddress, nonce }: Probe): boolean {
  if (message.kind !== 'solicitation') return isClaim(message, target, linkAddress);
  const isOwnProbe = message.options.some((o) => o.type === OPTION_NONCE && isSameAddress(o.body, nonce));
  return isSameAddress(message.target, target) && isSameAddress(source, UNSPECIFIED) && !isOwnProbe;
}

function openListener(shim: LinuxShim, uplink: Uplink, target: Uint8Array): Handle {
  const socket = shim.icmp6Open();
  try {
    shim.icmp6SetFilter(socket.fd, Uint8Array.of(NEIGHBOUR_SOLICITATION, NEIGHBOUR_ADVERTISEMENT));
    shim.bindToDevice(socket.fd, uplink.link.name);
    shim.icmp6Join(socket.fd, uplink.link.index, solicitedNodeGroup(target));
    return socket;
  } catch (cause) {
    socket.close();
    throw cause;
  }
}

function sendProbe(shim: LinuxShim, uplink: Uplink, { target, nonce }: Probe): void {
  const group = solicitedNodeGroup(target);
  const options = [{ type: OPTION_NONCE, body: nonce }];
  const packet = emitNdpPacket(UNSPECIFIED, group, { kind: 'solicitation', target, options });
  const socket = shim.packetOpen(0);
  try {
    shim.packetSend(socket.fd, uplink.link.index, groupLinkAddress(group), ETHERTYPE_IPV6, packet);
  } finally {
    socket.close();
  }
}

/** Reads what is there, as much as one call may. @returns whether it shows a conflict */
function readConflict(shim: LinuxShim, fd: number, probe: Probe): boolean {
  const buffer = new Uint8Array(MESSAGE_MAX);
  for (let i = 0; i < BATCH; i++) {
    const received: Icmp6Message | null = shim.icmp6Receive(fd, buffer);
    if (received === null) return false;
    const message = received.hopLimit === NDP_HOP_LIMIT ? parseNdp(buffer.subarray(0, received.length)) : null;
    if (message !== null && isConflict(message, received.source, probe)) return true;
  }
  return false;
}

/** Listening for conflicts, until closed. */
interface Listening extends Closable {
  /** true at the first conflict, false after the wait. Rejects when the interface goes away; settles no more once closed. */
  readonly answer: Promise<boolean>;
}

function listen(shim: LinuxShim, fd: number, probe: Probe, waitMs: number): Listening {
  const { promise: answer, resolve, reject } = withResolvers<boolean>();
  const watch = shim.watch(fd, () => {
    try {
      if (readConflict(shim, fd, probe)) resolve(true);
      else watch.rearm();
    } catch (cause) {
      reject(cause);
    }
  });
  const timer = setTimeout(() => resolve(false), waitMs);
  const close = (): void => {
    clearTimeout(timer);
    watch.close();
  };
  return { answer, close };
}

/** {@link Platform.isDuplicate} of Linux. Throws the system's error when the probe does not get out, or the interface goes away. */
export async function isDuplicate(
  shim: LinuxShim,
  uplink: Uplink,
  target: Uint8Array,
  retransMs: number,
): Promise<boolean> {
  const probe = { target, linkAddress: uplink.linkAddress, nonce: randomBytes(NONCE_BYTES) };
  const socket = openListener(shim, uplink, target);
  let listening: Listening | null = null;
  try {
    // Before the probe goes out, so that no answer is missed.
    listening = listen(shim, socket.fd, probe, retransMs);
    sendProbe(shim, uplink, probe);
    return await listening.answer;
  } finally {
    // Before the socket: nothing may read its number when that is another file's.
    listening?.close();
    socket.close();
  }
}
