// The interface between the client and an operating system. One implementation per system beside it; select.ts chooses.
// Read first: core/host/host-config.ts, what the client wants of the host.

import type { Log } from '../contract/reasons.ts';
import type { ForwardDrop } from '../core/host/firewall.ts';
import type { HostConfig, HostFacts, LinkRef } from '../core/host/host-config.ts';
import type { Uplink, UplinkAnswer } from '../core/host/uplink.ts';

export type { Uplink, UplinkAnswer } from '../core/host/uplink.ts';

/** Something that goes on until closed. */
export interface Closable {
  /** Ends it; a second call does nothing. */
  close(): void;
}

/** The one instance that changes this host, from a state directory. Calls must not overlap. */
export interface HostControl {
  /** Reads the host's state. */
  facts(): Promise<HostFacts>;
  /**
   * Brings the host to the wanted state; the same config again does nothing but repair. null undoes everything.
   * Each change is in the journal before it is made.
   * @throws XlatError HOST_CHANGE_FAILED, NOT_PERMITTED or TOOL_MISSING; what was done by then stays until `apply(null)`.
   * REDIRECT_UNAVAILABLE: this host cannot attach to the uplink by redirecting, so nothing was made; forwarding may work
   */
  apply(config: HostConfig | null): Promise<void>;
  /** Tells the neighbours whose the CLAT address in use is (RFC 4861 §7.2.6); nothing where the kernel does that, or none is. */
  defend(): void;
  /** Firewall chains that would drop what the kernel forwards to and from `device`. */
  forwardDrops(device: string): Promise<readonly ForwardDrop[]>;
  /** Lets another instance start. The host should have been restored before. */
  close(): void;
}

/** What the client needs of an operating system. */
export interface Platform {
  /**
   * Finds the way to the NAT64. An address whose duplicate address detection goes on counts: by the time that the CLAT's own is
   * through, so is that one.
   * @param destination 16 bytes, an address inside the NAT64 prefix
   * @param name only this interface, or null
   */
  findUplink(destination: Uint8Array, name: string | null): Promise<UplinkAnswer>;
  /** An interface by its name, or null. */
  findLink(name: string): Promise<LinkRef | null>;
  /**
   * Duplicate address detection, RFC 4862 §5.4: one probe, then waiting for `retransMs`.
   * @param address 16 bytes; not configured on any interface of this host
   * @returns whether another node has or wants it. Throws where the uplink has no link-layer address (a bug).
   */
  isDuplicate(uplink: Uplink, address: Uint8Array, retransMs: number): Promise<boolean>;
  /** Calls `changed` after links, addresses or routes changed; `hasLost`: some changes went unseen. */
  watchNetwork(changed: (hasLost: boolean) => void): Closable;
  /**
   * Takes the state directory for this process and cleans up after a run that crashed.
   * @param addressLost called when another node claims the CLAT address that is in use; where the platform can tell
   * @throws XlatError ALREADY_RUNNING when another process has it
   */
  openHost(stateDir: string, log: Log, addressLost: (clat: string) => void): Promise<HostControl>;
}
