// Defends the CLAT address on the uplink, whose kernel does not have it: makes neighbours find it, tells them when our link-layer
// address changed, and notices when another node claims it. RFC 4861 §7.2, formats in core/wire/ndp.ts.
//
// Two ways to answer solicitations. As an anycast address of a socket the kernel answers, for as long as the socket is open,
// unicast probes too. Where no address of the uplink has the CLAT's prefix (DHCPv6 with /128) the kernel refuses that, with
// EADDRNOTAVAIL; then a packet socket sees the solicitations and we answer. A raw ICMPv6 socket would not see the unicast ones.

import { readFileSync } from 'node:fs';
import { isSameAddress } from '../../../core/address/same.ts';
import { neighbourFilter } from '../../../core/bpf/programs.ts';
import type { LinkRef } from '../../../core/host/host-config.ts';
import { sumBytes, sumWord } from '../../../core/wire/checksum.ts';
import { checkIpv6, IPV6_HEADER, IPV6_OK, IPV6_SOURCE, payloadLength } from '../../../core/wire/ipv6.ts';
import type { NdpMessage } from '../../../core/wire/ndp.ts';
import {
  emitNdp,
  NDP_HOP_LIMIT,
  OPTION_TARGET_LINK_ADDRESS,
  parseNdp,
  solicitedNodeGroup,
} from '../../../core/wire/ndp.ts';
import { ICMPV6 } from '../../../core/wire/protocol.ts';
import { slabOver } from '../../../core/wire/slab.ts';
import type { Handle, LinuxShim, Watch } from '../../native.ts';
import { isClaim } from '../dad.ts';
import { attachToSocket } from './program.ts';

const ETHERTYPE_IPV6 = 0x86dd;
const UNSPECIFIED = new Uint8Array(16);
/** ff02::1. */
export const ALL_NODES = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const PACKET_MAX = 1500;
/** Messages per call of the event loop: a flood must not keep it from everything else. */
const BATCH = 64;

/** What is to be defended. */
export interface Claim {
  readonly link: LinkRef;
  /** The CLAT's IPv6 address, 16 bytes. */
  readonly clat: Uint8Array;
  /** The uplink's link-layer address. */
  readonly linkAddress: Uint8Array;
}

/** A neighbour discovery packet, checked as RFC 4861 §7.1 wants it; the filter has seen to the hop limit. */
interface Received {
  readonly source: Uint8Array;
  readonly message: NdpMessage;
}

/** Reads a whole IPv6 packet, or null if it breaks a rule. Never throws. */
export function parsePacket(packet: Uint8Array): Received | null {
  const slab = slabOver(packet);
  if (checkIpv6(slab, 0, packet.length) !== IPV6_OK) return null;
  const length = payloadLength(slab, 0);
  const sum = sumBytes(slab, IPV6_SOURCE, 32 + length, sumWord(length) + ICMPV6);
  const message = isChecksumRight(sum) ? parseNdp(packet.subarray(IPV6_HEADER, IPV6_HEADER + length)) : null;
  return message === null ? null : { source: packet.slice(IPV6_SOURCE, IPV6_SOURCE + 16), message };
}

/** Whether a sum over a message with its checksum in place comes out as it must, RFC 1071. */
const isChecksumRight = (sum: number): boolean => sum % 0xffff === 0;

/** Whether the kernel still routes an anycast address to itself: it forgets that when the interface goes down and up. */
function hasAnycastRoute({ link, clat }: Claim): boolean {
  const destination = `${Buffer.from(clat).toString('hex')} 80 `;
  const lines = readFileSync('/proc/net/ipv6_route', 'utf8').split('\n');
  return lines.some((line) => line.startsWith(destination) && line.trimEnd().endsWith(` ${link.name}`));
}

/** Tells who has an address, with the override flag: all nodes, or the one that asked. @throws the system's error */
export function sendAdvertisement(
  shim: LinuxShim,
  fd: number,
  { link, clat, linkAddress }: Claim,
  destination: Uint8Array,
  isSolicited: boolean,
): void {
  const options = [{ type: OPTION_TARGET_LINK_ADDRESS, body: linkAddress }];
  const na = { kind: 'advertisement', target: clat, isRouter: false, isSolicited, overrides: true, options } as const;
  shim.icmp6Send(fd, emitNdp(na), destination, UNSPECIFIED, link.index, NDP_HOP_LIMIT);
}

/** An address that this process defends, until closed. */
export class Defence {
  readonly #shim: LinuxShim;
  readonly #contested: () => void;
  /** Holds the membership, and sends. */
  readonly #socket: Handle;
  #claim: Claim;
  #isAnycast = false;
  /** Whether the neighbours were told the present link-layer address. */
  #isAnnounced = false;
  #listener: Handle | null = null;
  #watch: Watch | null = null;

  /**
   * Starts to defend an address that duplicate address detection has found free, and tells the neighbours.
   * @param contested called when another node claims it; for claims that come in together, once
   * @throws XlatError REDIRECT_UNAVAILABLE; the system's error when the interface goes away
   */
  constructor(shim: LinuxShim, claim: Claim, contested: () => void) {
    this.#shim = shim;
    this.#claim = claim;
    this.#contested = contested;
    this.#socket = shim.icmp6Open();
    try {
      shim.icmp6SetFilter(this.#socket.fd, new Uint8Array(0));
      this.#isAnycast = this.#joinAnycast();
      if (!this.#isAnycast) shim.icmp6Join(this.#socket.fd, claim.link.index, solicitedNodeGroup(claim.clat));
      this.#listen();
      this.announce();
    } catch (cause) {
      this.close();
      throw cause;
    }
  }

  /** Whether the kernel answers; otherwise this process does. */
  get isAnycast(): boolean {
    return this.#isAnycast;
  }

  /**
   * Looks after the network changed: a new link-layer address is told to the neighbours, a lost membership renewed.
   * @returns false where the kernel, which answered so far, cannot any more: then it is to be begun anew
   */
  refresh(linkAddress: Uint8Array): boolean {
    if (this.#isAnycast && !hasAnycastRoute(this.#claim) && !this.#rejoin()) return false;
    if (isSameAddress(linkAddress, this.#claim.linkAddress) && this.#isAnnounced) return true;
    this.#claim = { ...this.#claim, linkAddress };
    this.announce();
    return true;
  }

  /**
   * Unsolicited, with the override flag (RFC 4861 §7.2.6): a router would keep our old link-layer address otherwise, or the one of
   * whoever claims this one. It only saves time: where a firewall or the state of the link does not let it out, neighbours ask, and
   * the next look announces again.
   */
  announce(): void {
    try {
      this.#advertise(ALL_NODES, false);
      this.#isAnnounced = true;
    } catch {
      this.#isAnnounced = false;
    }
  }

  /** Gives the address up. A second call does nothing. */
  close(): void {
    this.#watch?.close();
    this.#listener?.close();
    this.#socket.close();
  }

  #joinAnycast(): boolean {
    const { link, clat } = this.#claim;
    try {
      this.#shim.anycastJoin(this.#socket.fd, link.index, clat);
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw cause;
      return false;
    }
  }

  #rejoin(): boolean {
    const { link, clat } = this.#claim;
    this.#shim.anycastLeave(this.#socket.fd, link.index, clat);
    return this.#joinAnycast();
  }

  /** Filter first, then bind: no other packet ever comes in. */
  #listen(): void {
    const shim = this.#shim;
    const { link, clat } = this.#claim;
    const listener = shim.packetOpen(0);
    this.#listener = listener;
    const code = neighbourFilter({ clat, withSolicitations: !this.#isAnycast });
    attachToSocket(shim, listener.fd, { name: 'xlat464_nd', code });
    shim.packetBind(listener.fd, link.index, ETHERTYPE_IPV6);
    this.#watch = shim.watch(listener.fd, () => {
      if (this.#drain(listener.fd)) this.#watch?.rearm();
    });
  }

  /** Works off what is there. @returns false when the interface is gone and nothing will come any more */
  #drain(fd: number): boolean {
    const { clat, linkAddress } = this.#claim;
    const buffer = new Uint8Array(PACKET_MAX);
    let isContested = false;
    let length = 0;
    for (let i = 0; i < BATCH; i++) {
      length = this.#receive(fd, buffer);
      if (length <= 0) break;
      const received = parsePacket(buffer.subarray(0, length));
      if (received === null) continue;
      if (received.message.kind === 'solicitation') this.#answer(received.source);
      isContested ||= isClaim(received.message, clat, linkAddress);
    }
    if (isContested) this.#contested();
    return length >= 0;
  }

  /** @returns bytes, 0 when there is nothing, -1 when the interface is gone (what it is next is the client's to find out) */
  #receive(fd: number, buffer: Uint8Array): number {
    try {
      return this.#shim.packetReceive(fd, buffer);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENETDOWN') return 0; // said once when it goes down; it may come up again
      if (code === 'ENODEV' || code === 'ENXIO') return -1;
      throw cause;
    }
  }

  /** RFC 4861 §7.2.4; a probe for duplicates comes from :: and is answered to all. */
  #answer(source: Uint8Array): void {
    const isProbe = isSameAddress(source, UNSPECIFIED);
    try {
      this.#advertise(isProbe ? ALL_NODES : source, !isProbe);
    } catch {
      // The interface is on its way down, or out of buffers: whoever asked asks again.
    }
  }

  #advertise(destination: Uint8Array, isSolicited: boolean): void {
    sendAdvertisement(this.#shim, this.#socket.fd, this.#claim, destination, isSolicited);
  }
}
