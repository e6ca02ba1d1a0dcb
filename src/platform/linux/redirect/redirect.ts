// The redirect uplink: two programs move packets between uplink and TUN, and the CLAT address is defended on the uplink. The
// kernel forwards nothing, no setting but one is changed, and all of it goes with the process.
// Read first: core/bpf/programs.ts, program.ts, defence.ts.

import { tunIngress, uplinkIngress } from '../../../core/bpf/programs.ts';
import type { LinkRef, RedirectUplink } from '../../../core/host/host-config.ts';
import type { Handle, LinuxShim } from '../../native.ts';
import { bytesOf } from '../address.ts';
import { Defence } from './defence.ts';
import { attachToIngress } from './program.ts';

/** What is attached now. */
interface Attached {
  /** What would have to be attached anew if it changed. */
  readonly key: string;
  readonly links: readonly Handle[];
  /** null on links without neighbours. */
  readonly defence: Defence | null;
}

/** By indexes, not names: an interface that went and came back is another one. */
const keyOf = ({ link, clat, prefix, linkAddress, router }: RedirectUplink, tun: LinkRef): string =>
  JSON.stringify([link.index, tun.index, clat, [...prefix.address], prefix.length, linkAddress !== null, router]);

/** Repairs the defence. @returns false where that takes a new one */
const isDefended = ({ defence }: Attached, { linkAddress }: RedirectUplink): boolean =>
  defence === null || linkAddress === null || defence.refresh(linkAddress);

/** The programs and the defended address of one host; one at a time. */
export class Redirect {
  readonly #shim: LinuxShim;
  readonly #lost: (uplink: RedirectUplink) => void;
  #attached: Attached | null = null;

  /** @param lost called when another node claims the CLAT address */
  constructor(shim: LinuxShim, lost: (uplink: RedirectUplink) => void) {
    this.#shim = shim;
    this.#lost = lost;
  }

  /**
   * Attaches to an uplink in place of the one before; the same again only repairs what the network may have changed.
   * @throws XlatError REDIRECT_UNAVAILABLE, HOST_CHANGE_FAILED; then nothing is attached
   */
  attach(uplink: RedirectUplink, tun: LinkRef): void {
    if (this.#attached?.key === keyOf(uplink, tun) && isDefended(this.#attached, uplink)) return;
    this.close();
    this.#attached = this.#open(uplink, tun);
  }

  /** Tells the neighbours whose the address is; nothing where none is attached. */
  defend(): void {
    this.#attached?.defence?.announce();
  }

  /** Detaches everything. A second call does nothing. */
  close(): void {
    this.#attached?.defence?.close();
    for (const link of this.#attached?.links ?? []) link.close();
    this.#attached = null;
  }

  #open(uplink: RedirectUplink, tun: LinkRef): Attached {
    const { link, prefix, linkAddress } = uplink;
    const router = uplink.router === null ? null : bytesOf(uplink.router);
    const clat = bytesOf(uplink.clat);
    const into = uplinkIngress({ clat, prefix, tunIndex: tun.index });
    const out = tunIngress({ clat, uplinkIndex: link.index, hasNeighbours: linkAddress !== null, router });
    const links: Handle[] = [];
    try {
      links.push(attachToIngress(this.#shim, link, { name: 'xlat464_uplink', code: into }));
      links.push(attachToIngress(this.#shim, tun, { name: 'xlat464_tun', code: out }));
      const lost = () => this.#lost(uplink);
      // Last: from here on packets come.
      const defence = linkAddress === null ? null : new Defence(this.#shim, { link, clat, linkAddress }, lost);
      return { key: keyOf(uplink, tun), links, defence };
    } catch (cause) {
      for (const opened of links) opened.close();
      throw cause;
    }
  }
}
