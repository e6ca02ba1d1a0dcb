// What is set up on the translator's interface: MTU, addresses and routes, from the keys of `tun` and the settings.

import { DUMMY_IPV4 } from '../core/address/special.ts';
import type { Prefix4, Prefix6, TranslatorSettings } from '../core/translate/settings.ts';
import {
  compare4,
  compare6,
  formatIpv4,
  formatIpv6,
  formatPrefix4,
  formatPrefix6,
  holds4,
  holds6,
} from './addresses.ts';
import type { TunValues } from './translator-fields.ts';

/** An interface address or a route's destination as text, with its family. */
export interface HostPrefix {
  readonly family: 4 | 6;
  /** `192.0.2.0/24`, `2001:db8::/96`. */
  readonly text: string;
}

/** The interface as it shall be. */
export interface TunConfig {
  readonly name: string;
  readonly mtu: number;
  readonly queues: number;
  readonly offload: boolean;
  readonly coalesce: boolean;
  /** The interface exists, and its MTU, addresses and routes are not ours to set. */
  readonly attach: boolean;
  readonly persist: boolean;
  readonly addresses: readonly HostPrefix[];
  readonly routes: readonly HostPrefix[];
}

/** Works out the interface. Never throws. */
export function tunConfig(tun: TunValues, settings: TranslatorSettings): TunConfig {
  return {
    name: tun.name,
    mtu: tun.mtu ?? Math.max(settings.ipv4Mtu, settings.ipv6Mtu, 1280),
    queues: tun.queues,
    offload: tun.offload,
    coalesce: tun.coalesce,
    attach: tun.attach,
    persist: tun.persist,
    addresses: tun.addresses.map((a) =>
      a.family === 4
        ? { family: 4, text: `${formatIpv4(a.address)}/${a.length}` }
        : { family: 6, text: `${formatIpv6(a.address)}/${a.length}` },
    ),
    routes: tun.attach ? [] : routesOf(tun, settings),
  };
}

function routesOf(tun: TunValues, settings: TranslatorSettings): HostPrefix[] {
  const ipv4: Prefix4[] = [];
  const ipv6: Prefix6[] = [];
  for (const entry of tun.routes) {
    if (entry.kind === 'auto') {
      ipv4.push(...servedIpv4(settings));
      ipv6.push(...servedIpv6(settings));
    } else if (entry.kind === 'ipv4') ipv4.push(entry.prefix);
    else ipv6.push(entry.prefix);
  }
  return [
    ...widest(ipv4, compare4, holds4).map((p): HostPrefix => ({ family: 4, text: formatPrefix4(p) })),
    ...widest(ipv6, compare6, holds6).map((p): HostPrefix => ({ family: 6, text: formatPrefix6(p) })),
  ];
}

/** IPv4 destinations that come to the translator: hosts of the IPv6 side, and itself. */
function servedIpv4(s: TranslatorSettings): Prefix4[] {
  // The dummy address is a source only: no host has a way to it.
  const own = s.ownIpv4 === 0 || s.ownIpv4 === DUMMY_IPV4 ? [] : [{ address: s.ownIpv4, length: 32 }];
  return [...s.mappings.map((m) => m.ipv4), ...s.dynamicPool, ...own];
}

/**
 * IPv6 destinations that come to the translator: the IPv4 world, and itself. The IPv6 side of a mapping is a real host's
 * address in the usual deployment (RFC 7755), so it is not routed here unless the configuration lists it.
 */
function servedIpv6(s: TranslatorSettings): Prefix6[] {
  const own = s.ownIpv6 === null ? [] : [{ address: s.ownIpv6, length: 128 }];
  return [...(s.prefix === null ? [] : [s.prefix]), ...own];
}

/** Leaves out what a wider prefix of the list holds: sorted, the wider one stands right before what it holds. */
function widest<P>(prefixes: readonly P[], compare: (a: P, b: P) => number, holds: (a: P, b: P) => boolean): P[] {
  const kept: P[] = [];
  for (const prefix of [...prefixes].sort(compare)) {
    const wider = kept.at(-1);
    if (wider === undefined || !holds(wider, prefix)) kept.push(prefix);
  }
  return kept;
}
