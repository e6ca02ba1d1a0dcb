// The CLAT address of a forwarding uplink as the neighbours know it. The kernel answers whoever asks for it (proxy neighbour
// discovery), but tells nobody when there is another link-layer address behind it. Read next: redirect/defence.ts.

import type { ForwardingUplink } from '../../core/host/host-config.ts';
import type { Handle, LinuxShim } from '../native.ts';
import { bytesOf } from './address.ts';
import { ALL_NODES, type Claim, sendAdvertisement } from './redirect/defence.ts';

/** Tells the neighbours where the kernel's proxy is, once for each address, link and link-layer address. */
export class ProxiedAddress {
  readonly #shim: LinuxShim;
  #told: string | null = null;

  constructor(shim: LinuxShim) {
    this.#shim = shim;
  }

  /**
   * To be called when the host is as wanted. @param uplink null: none is forwarded to
   *
   * It only saves time, as {@link Defence.announce} does: what does not get out is sent at the next call.
   */
  tell(uplink: ForwardingUplink | null): void {
    const linkAddress = uplink?.linkAddress ?? null;
    const key = uplink === null ? null : JSON.stringify([uplink.link.index, uplink.clat, [...(linkAddress ?? [])]]);
    if (key === this.#told) return;
    if (uplink === null || linkAddress === null) this.#told = key;
    else if (this.#send({ link: uplink.link, clat: bytesOf(uplink.clat), linkAddress })) this.#told = key;
  }

  /** @returns false where a firewall, the state of the link or a want of room does not let it out */
  #send(claim: Claim): boolean {
    let socket: Handle | null = null;
    try {
      socket = this.#shim.icmp6Open();
      this.#shim.icmp6SetFilter(socket.fd, new Uint8Array(0));
      sendAdvertisement(this.#shim, socket.fd, claim, ALL_NODES, false);
      return true;
    } catch {
      return false;
    } finally {
      socket?.close();
    }
  }
}
