// Change: one thing that the client or the gateway does to the host, as data that says how to do it, how to tell that it is done and how
// to undo it. Changes are what the journal holds, so their fields are a file format: new ones are optional.

import type { HostFacts, LinkRef } from './host-config.ts';
import { FIREWALL_TABLE_KEY, findLink, GATEWAY_TABLE_KEY, ipv6Setting } from './host-config.ts';

/** A kernel setting. `*` in the path stands for the interface's present name. */
export interface SysctlChange {
  readonly kind: 'sysctl';
  readonly path: string;
  /** The interface that the setting belongs to; null for one of the whole host. */
  readonly link: LinkRef | null;
  readonly value: string;
  /** The value before; what undoing writes. */
  readonly was: string;
  /** Interfaces whose own setting the kernel overwrites with this one, and their values before; written after `was`. */
  readonly alsoWas?: readonly (readonly [path: string, value: string])[];
}

/** The MTU of an interface. */
interface MtuChange {
  readonly kind: 'mtu';
  readonly link: LinkRef;
  readonly value: number;
  readonly was: number;
}

/** An interface that is down goes up. */
interface UpChange {
  readonly kind: 'up';
  readonly link: LinkRef;
}

/** An address with its prefix length. */
interface AddressChange {
  readonly kind: 'address';
  readonly link: LinkRef;
  readonly address: string;
}

/** A route through an interface. */
export interface RouteChange {
  readonly kind: 'route';
  readonly family: 4 | 6;
  readonly link: LinkRef;
  /** "default" or a prefix. */
  readonly destination: string;
  readonly metric: number;
  readonly mtuBytes: number;
  /** A locked MTU counts for forwarded packets as well, even above the interface's. */
  readonly isMtuLocked: boolean;
  /** Preferred source address, or null. */
  readonly source: string | null;
}

/** A proxy neighbour entry. */
interface ProxyChange {
  readonly kind: 'proxy';
  readonly link: LinkRef;
  readonly address: string;
}

/** The firewall table that drops new connections coming in through an interface. */
interface FirewallChange {
  readonly kind: 'firewall';
  readonly link: LinkRef;
}

/** The gateway's nftables table. It is made, and made anew when its text changes, as a whole; undoing needs its name alone. */
interface TableChange {
  readonly kind: 'table';
  readonly link: null;
  /** Text for nft(8) that replaces the table. */
  readonly ruleset: string;
}

/** Any change. */
export type Change =
  | SysctlChange
  | MtuChange
  | UpChange
  | AddressChange
  | RouteChange
  | ProxyChange
  | FirewallChange
  | TableChange;

/** A setting's path with the interface's name in its place. */
export const sysctlPath = (change: SysctlChange, name: string): string => change.path.replace('*', () => name);

/** What makes two changes the same wish: everything but the values before, and the text of a table, which is replaced. */
export function changeKey(change: Change): string {
  const {
    was: _was,
    alsoWas: _alsoWas,
    ruleset: _text,
    ...wish
  } = { was: null, alsoWas: null, ruleset: null, ...change };
  return JSON.stringify(wish, Object.keys(wish).sort().concat('name', 'index'));
}

/** What two changes are about if one can take the place of the other without undoing it; null where none can. */
function placeOf(change: Change): string | null {
  if (change.kind === 'mtu') return JSON.stringify([change.kind, change.link.index]);
  if (change.kind !== 'route') return null;
  const { kind, family, link, destination, metric } = change;
  return JSON.stringify([kind, family, link.index, destination, metric]);
}

/** Whether the one can take the place of the other in one step: another MTU of an interface, other attributes of a route. */
export const isSamePlace = (a: Change, b: Change): boolean => placeOf(a) !== null && placeOf(a) === placeOf(b);

/** One line for a person: what the change is. */
export function describeChange(change: Change): string {
  switch (change.kind) {
    case 'sysctl':
      return `${sysctlPath(change, change.link?.name ?? '')} ${change.was} → ${change.value}`;
    case 'mtu':
      return `MTU of ${change.link.name} ${change.was} → ${change.value}`;
    case 'up':
      return `${change.link.name} up`;
    case 'address':
      return `address ${change.address} on ${change.link.name}`;
    case 'route':
      return `IPv${change.family} route ${change.destination} through ${change.link.name}`;
    case 'proxy':
      return `neighbour proxy for ${change.address} on ${change.link.name}`;
    case 'firewall':
      return `firewall table ${FIREWALL_TABLE_KEY}`;
    case 'table':
      return `firewall table ${GATEWAY_TABLE_KEY}`;
    default:
      return change satisfies never;
  }
}

/** The same for its undoing: what was put back. */
export function describeUndo(change: Change): string {
  if (change.kind !== 'sysctl' && change.kind !== 'mtu') return describeChange(change);
  // The two kinds of value are two types, which TypeScript does not see as one swap.
  const back = { ...change, value: change.was, was: change.value } as Change;
  return describeChange(back);
}

/** Whether the host is as the change wants it. False too when the interface is gone. */
export function isPresent(change: Change, facts: HostFacts): boolean {
  if (change.kind === 'firewall') return facts.firewallTables.has(FIREWALL_TABLE_KEY);
  if (change.kind === 'table') return facts.firewallTables.has(GATEWAY_TABLE_KEY);
  if (change.kind === 'sysctl') return currentValue(change, facts) === change.value;
  const link = findLink(facts, change.link);
  if (link === undefined) return false;
  switch (change.kind) {
    case 'mtu':
      return link.mtuBytes === change.value;
    case 'up':
      return link.isUp;
    case 'address':
      return link.addresses.includes(change.address);
    case 'route':
      return facts.routes.some(
        (r) =>
          r.family === change.family &&
          r.device === link.name &&
          r.destination === change.destination &&
          r.metric === change.metric,
      );
    case 'proxy':
      return facts.proxies.some((p) => p.device === link.name && p.address === change.address);
    default:
      return change satisfies never;
  }
}

/** The setting's value now; undefined when the interface or the setting is gone. */
export function currentValue(change: SysctlChange, facts: HostFacts): string | undefined {
  if (change.link === null) return facts.sysctls.get(change.path);
  const link = findLink(facts, change.link);
  return link && facts.sysctls.get(sysctlPath(change, link.name));
}

/** The setting that switches IPv6 forwarding on for the whole host and overwrites every interface's own. */
export const HOST_FORWARDING = ipv6Setting('all', 'forwarding');
