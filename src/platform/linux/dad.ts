// Duplicate address detection for an address that the kernel does not have, RFC 4862 §5.4 with the nonce of RFC 7527: one
// Neighbour Solicitation from ::, then listening for whoever has the address or wants it too. Formats: core/wire/ndp.ts.

import { randomBytes } from 'node:crypto';
import type { NdpMessage } from '../../core/wire/ndp.ts';
import {
  emitNdpPacket,
  groupLinkAddress,
  NDP_HOP_LIMIT,
  NEIGHBOUR_ADVERTISEMENT,
  NEIGHBOUR_SOLICITATION,
  OPTION_NONCE,
  parseNdp,
  solicitedNodeGroup,
} from '../../core/wire/ndp.ts';
import type { Handle, Icmp6Message, LinuxShim } from '../native.ts';
import type { Uplink } from '../platform.ts';

const ETHERTYPE_IPV6 = 0x86dd;
const UNSPECIFIED = new Uint8Array(16);
/** RFC 3971 §5.3.2: at least 6 bytes. */
const NONCE_BYTES = 6;
const MESSAGE_MAX = 1500;
/** Messages per call of the event loop: a flood must not keep it from everything else, the end of the wait included. */
const BATCH = 64;

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Whether a received message says that another node has `target` (advertisement) or is probing it as well. RFC 4862 §5.4.3–5.4.4 */
export function isConflict(message: NdpMessage, source: Uint8Array, target: Uint8Array, nonce: Uint8Array): boolean {
  if (message.kind === 'router' || !isSame(message.target, target)) return false;
  if (message.kind === 'advertisement') return true;
  const isOwnProbe = message.options.some((o) => o.type === OPTION_NONCE && isSame(o.body, nonce));
  return isSame(source, UNSPECIFIED) && !isOwnProbe;
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

function sendProbe(shim: LinuxShim, uplink: Uplink, target: Uint8Array, nonce: Uint8Array): void {
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
function readConflict(shim: LinuxShim, fd: number, target: Uint8Array, nonce: Uint8Array): boolean {
  const buffer = new Uint8Array(MESSAGE_MAX);
  for (let i = 0; i < BATCH; i++) {
    const received: Icmp6Message | null = shim.icmp6Receive(fd, buffer);
    if (received === null) return false;
    const message = received.hopLimit === NDP_HOP_LIMIT ? parseNdp(buffer.subarray(0, received.length)) : null;
    if (message !== null && isConflict(message, received.source, target, nonce)) return true;
  }
  return false;
}

/** Resolves with true at the first conflict, with false after `waitMs`. */
function listen(shim: LinuxShim, fd: number, target: Uint8Array, nonce: Uint8Array, waitMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const end = (finish: () => void): void => {
      clearTimeout(timer);
      watch.close();
      finish();
    };
    const timer = setTimeout(() => end(() => resolve(false)), waitMs);
    const watch = shim.watch(fd, () => {
      try {
        if (readConflict(shim, fd, target, nonce)) end(() => resolve(true));
        else watch.rearm();
      } catch (cause) {
        end(() => reject(cause)); // the interface has gone away
      }
    });
  });
}

/** {@link Platform.isDuplicate} of Linux. Throws the system's error when the interface goes away meanwhile. */
export async function isDuplicate(
  shim: LinuxShim,
  uplink: Uplink,
  target: Uint8Array,
  retransMs: number,
): Promise<boolean> {
  const nonce = randomBytes(NONCE_BYTES);
  const socket = openListener(shim, uplink, target);
  try {
    const answer = listen(shim, socket.fd, target, nonce, retransMs);
    sendProbe(shim, uplink, target, nonce);
    return await answer;
  } finally {
    socket.close();
  }
}
