// What the gateway's LAN and host side is told in a test: addresses as text, and defaults for the rest.

import type { Dhcp4Settings } from '../../src/core/gateway-host/dhcp4.ts';

/** Advertisements on one interface; what is left out has its default. */
export interface AdvertiseOrder {
  readonly link: string;
  readonly prefixes?: readonly string[];
  readonly pref64?: readonly string[];
  readonly dns?: readonly string[];
  readonly search?: readonly string[];
  readonly mtu?: number;
  readonly interval?: readonly [min: number, max: number];
  readonly routerLifetime?: number;
}

/** The host side. */
export interface HostOrder {
  readonly lan: readonly string[];
  readonly pool:
    | { readonly kind: 'masquerade'; readonly range?: string }
    | { readonly kind: 'routed' | 'shared'; readonly address: string; readonly ports: readonly [number, number] };
  readonly prefixes?: readonly string[];
  readonly servesOutside?: boolean;
  /** Where the DNS64 of the LAN listens. */
  readonly lanDns?: readonly string[];
  readonly nat66?: readonly (readonly [source: string, out: string])[];
  readonly nptv6?: readonly (readonly [inside: string, outside: string, out: string])[];
  readonly nat44?: readonly (readonly [source: string, out: string])[];
}

/** What the child is told. */
export interface LanOptions {
  readonly stateDir: string;
  /** Only undo what the journal names, and end. */
  readonly cleanUp?: boolean;
  readonly advertise?: readonly AdvertiseOrder[];
  readonly host?: HostOrder;
  readonly dhcp4?: Dhcp4Settings;
  /** Ends the process by SIGKILL at the n-th (from 0) point of that kind. */
  readonly fault?: { readonly when: 'journalled' | 'made' | 'undone'; readonly at: number };
}

/** The TUN interface that the host side leads to. */
export const TUN = 'nat64';
