// What a machine looks like to somebody who wants to make a gateway of it: interfaces, ways out, resolvers. Read by the platform,
// used by src/config/init-gateway.ts.

/** An interface. */
export interface MachineLink {
  readonly name: string;
  /** `bridge`, `vlan`, `wireguard`, …; empty for hardware. */
  readonly kind: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  /** The bridge or bond that it is part of; null: none. */
  readonly master: string | null;
  /** With prefix length, as text, without link-local ones. */
  readonly addresses: readonly string[];
}

/** A default route. */
export interface DefaultRoute {
  readonly family: 4 | 6;
  readonly device: string;
}

/** The machine. */
export interface MachineFacts {
  readonly links: readonly MachineLink[];
  readonly defaultRoutes: readonly DefaultRoute[];
  /** Addresses of the resolvers that the machine itself asks, loopback ones left out. */
  readonly resolvers: readonly string[];
}
