// Holds the socket that owns the firewall table. Read first: core/host/owned-firewall.ts.

import { XlatError } from '../../contract/errors.ts';
import { firstError, ownedFirewall } from '../../core/host/owned-firewall.ts';
import type { Handle, LinuxShim } from '../native.ts';

const BUFFER = 8192;

/** The table of one process. */
export class OwnedFirewall {
  readonly #shim: LinuxShim;
  #socket: Handle | null = null;

  constructor(shim: LinuxShim) {
    this.#shim = shim;
  }

  /**
   * Makes the table.
   * @returns false where this kernel has no tables with an owner (before Linux 5.12) or no nf_tables: another way is needed,
   *   and says what is wrong if there is none
   * @throws XlatError HOST_CHANGE_FAILED when the kernel gives no answer
   */
  make(device: string): boolean {
    this.close();
    const socket = this.#open();
    if (socket === null) return false;
    const buffer = new Uint8Array(BUFFER);
    try {
      this.#shim.netlinkSend(socket.fd, ownedFirewall(device));
      const error = firstError(buffer.subarray(0, this.#shim.netlinkReceive(socket.fd, buffer)));
      if (error === null) throw new XlatError('HOST_CHANGE_FAILED', 'make the firewall table', 'the kernel is silent');
      if (error === 0) this.#socket = socket;
      return error === 0;
    } finally {
      if (this.#socket === null) socket.close();
    }
  }

  #open(): Handle | null {
    try {
      return this.#shim.netfilterOpen();
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EPROTONOSUPPORT') throw cause;
      return null; // a kernel without netfilter's netlink
    }
  }

  /** Gives the table up, and with that it is gone. @returns whether there was one */
  close(): boolean {
    const had = this.#socket !== null;
    this.#socket?.close();
    this.#socket = null;
    return had;
  }
}
