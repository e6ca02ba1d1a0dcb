// Linux as the DNS server sees it. Read first: ../dns-platform.ts.

import ipaddr from 'ipaddr.js';
import { BATCH_MAX, type DnsPlatform, ENDS_BYTES, ENDS_PORT, type SocketPlace, type UdpPort } from '../dns-platform.ts';
import type { LinuxShim, Watch } from '../native.ts';
import { loadLinuxShim } from '../native.ts';
import { portOwner } from './port-owner.ts';

/** Offset of the zone in a datagram's ends. */
const ENDS_ZONE = 20;
/** A burst that comes while the process does something else; a datagram is counted with some hundred bytes of overhead. */
const RECEIVE_BUFFER = 1 << 20;

const WILDCARDS: readonly string[] = ['::', '0.0.0.0'];

/** The address to bind to, in the shim's form. Throws an error that reads as the system's where the zone is no interface. */
function endsOf(shim: LinuxShim, { address, port }: SocketPlace): Uint8Array {
  const [plain = '', zone = ''] = address.split('%');
  const parsed = ipaddr.parse(plain);
  const v6 = parsed instanceof ipaddr.IPv4 ? parsed.toIPv4MappedAddress() : (parsed as ipaddr.IPv6);
  const ends = new Uint8Array(ENDS_BYTES);
  ends.set(v6.toByteArray());
  const view = new DataView(ends.buffer);
  view.setUint16(ENDS_PORT, port);
  const index = zone === '' ? 0 : shim.ifNameToIndex(zone);
  if (zone !== '' && index === 0) throw Object.assign(new Error(`there is no interface ${zone}`), { code: 'ENODEV' });
  view.setInt32(ENDS_ZONE, index, true);
  return ends;
}

function openUdp(shim: LinuxShim, place: SocketPlace): UdpPort {
  const ends = endsOf(shim, place);
  // Only a socket of all addresses must be told which one was asked; a tenth of the work of a datagram.
  const socket = shim.udpOpen(place.address.includes(':'), WILDCARDS.includes(place.address));
  try {
    shim.udpBind(socket.fd, ends);
    shim.udpSetBuffer(socket.fd, RECEIVE_BUFFER);
  } catch (cause) {
    socket.close();
    throw cause;
  }
  let watching: Watch | null = null;
  return {
    receive: (b) => shim.udpReceiveBatch(socket.fd, b.slab, b.slotBytes, b.lengths, b.ends, 0, BATCH_MAX),
    send: (b, from, to) => shim.udpSendBatch(socket.fd, b.slab, b.slotBytes, b.lengths, b.ends, from, to),
    watch: (ready) => {
      const watch = shim.watch(socket.fd, ready);
      watching = watch;
      return watch;
    },
    close: () => {
      watching?.close();
      socket.close();
    },
  };
}

/** Makes the platform. @throws XlatError ADDON_MISSING */
export function linuxDnsPlatform(shim: LinuxShim = loadLinuxShim()): DnsPlatform {
  return { openUdp: (place) => openUdp(shim, place), portOwner };
}
