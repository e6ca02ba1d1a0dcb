// What the gateway's LAN and host side needs of an operating system. One implementation per system beside it; select.ts chooses.
// Used by src/gateway.

import type { Log } from '../contract/reasons.ts';
import type { AdvertiseLink } from '../core/advertise/content.ts';
import type { GatewayHostConfig } from '../core/gateway-host/config.ts';
import type { UsedPorts } from '../core/gateway-host/pool.ts';
import type { HostFacts, LinkRef } from '../core/host/host-config.ts';
import type { RouterSocketEvents } from './discovery-platform.ts';
import type { Closable } from './platform.ts';

/** A router's socket on one link. Both messages go out with hop limit 255, from `source`, 16 bytes; both throw the system's error. */
export interface AdvertiserSocket extends Closable {
  /** To all routers of the link; this host's own programs hear it as well. */
  solicit(message: Uint8Array, source: Uint8Array): void;
  /** To all nodes of the link. The socket hears it, too. */
  advertise(message: Uint8Array, source: Uint8Array): void;
}

/** What advertising needs. */
export interface AdvertisePlatform {
  /**
   * An interface with its addresses; null while it is not there, down, or without a link-local address that is in use.
   * @param nowMs on the clock that the addresses' deadlines shall be of
   */
  readLink(name: string, nowMs: number): Promise<AdvertiseLink | null>;
  /** Opens the socket. @throws XlatError NOT_PERMITTED; the system's error when the link has gone */
  openAdvertiser(link: LinkRef, events: RouterSocketEvents): AdvertiserSocket;
  /** Other programs of this host that hold an ICMPv6 socket: "radvd (process 123)". Never throws. */
  icmpPrograms(): readonly string[];
  /** Router advertisements that this host, whichever program, has sent on a link so far; null: not known. Never throws. */
  sentAdvertisements(link: string): number | null;
  /** Calls `changed` after links, addresses or routes changed. */
  watchNetwork(changed: () => void): Closable;
}

/** Packets that one rule of the owned table has seen; of a NAT rule, connections. */
export interface RuleCount {
  /** The rule's comment. */
  readonly rule: string;
  readonly packets: number;
  readonly bytes: number;
}

/** The gateway's hold on this host, from a state directory. Calls must not overlap. */
export interface GatewayHostControl {
  facts(): Promise<HostFacts>;
  /** Chains of others that translate IPv4 addresses: "ip nat POSTROUTING". */
  foreignNat(): Promise<readonly string[]>;
  /** Ports that programs of this host use now. */
  usedPorts(): UsedPorts;
  /**
   * Brings the host to the wanted state, each change in the journal first; null undoes everything.
   * @param known what `facts` has just said, so that it need not be read again
   * @throws XlatError HOST_CHANGE_FAILED, NOT_PERMITTED or TOOL_MISSING; what was done by then stays until `apply(null)`
   */
  apply(config: GatewayHostConfig | null, known?: HostFacts): Promise<void>;
  /** The counters of the owned table; empty when it is not there. */
  counts(): Promise<readonly RuleCount[]>;
  /** Whether the owned table is there. */
  isIntact(): Promise<boolean>;
  /** Lets another instance start. The host should have been restored before. */
  close(): void;
}

/** What a program beside this process calls. */
export interface ProgramEvents {
  /** A line of its output. */
  said(line: string): void;
  /** It ended, also when it was stopped; `how`: "code 2", "SIGTERM". */
  ended(how: string): void;
}

/** A program beside this process; it ends with this process at the latest. */
export interface RunningProgram {
  /** Ends it and waits until it has; a second call does nothing. */
  stop(): Promise<void>;
}

/** Everything. */
export interface GatewayPlatform extends AdvertisePlatform {
  /**
   * Takes the state directory for this process and cleans up after a run that crashed.
   * @throws XlatError ALREADY_RUNNING when another process has it
   */
  openGatewayHost(stateDir: string, log: Log): Promise<GatewayHostControl>;
  /**
   * Starts dnsmasq with few rights.
   * @param options without the leading dashes
   * @param leaseFile made if it is not there
   * @throws XlatError TOOL_MISSING; the system's error when the file cannot be had
   */
  startDnsmasq(options: readonly string[], leaseFile: string, events: ProgramEvents): Promise<RunningProgram>;
  /** The first IPv4 address of an interface, unsigned, and its prefix length; null: it has none, or is down. */
  ipv4Of(name: string): { readonly address: number; readonly length: number } | null;
  /** An interface by its name, or null. */
  findLink(name: string): Promise<LinkRef | null>;
}
