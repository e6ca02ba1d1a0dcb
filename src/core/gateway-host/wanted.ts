// GatewayHostConfig → the ordered list of changes that make it true. Undoing goes backwards through it. Read first: config.ts.

import { text4, textPrefix4, textPrefix6 } from '../address/text.ts';
import type { Change, SysctlChange } from '../host/change.ts';
import type { HostFacts } from '../host/host-config.ts';
import { IPV4_FORWARDING, ipv4Setting, RESERVED_PORTS } from '../host/host-config.ts';
import { acceptAdvertisements, hostForwarding } from '../host/wanted.ts';
import type { GatewayHostConfig, PoolPlace } from './config.ts';
import { joinSpans, parseSpans, spansOf, textSpans } from './ports.ts';
import { gatewayRuleset } from './ruleset.ts';

/**
 * IPv4 forwarding of the whole host. The kernel copies the value to every interface and sets all/accept_redirects to its contrary
 * (net/ipv4/devinet.c, inet_forward_change), so their own values are kept for the undo.
 */
function ipv4Forwarding(facts: HostFacts): SysctlChange {
  const was = facts.sysctls.get(IPV4_FORWARDING) ?? '0';
  const names = ['default', ...facts.links.map((l) => l.name)];
  const forwarding = names
    .map((name) => ipv4Setting(name, 'forwarding'))
    .filter((path) => facts.sysctls.get(path) === '1');
  const redirects = ipv4Setting('all', 'accept_redirects');
  const alsoWas = [
    ...forwarding.map((path) => [path, '1'] as const),
    ...(facts.sysctls.get(redirects) === '0' ? [[redirects, '0'] as const] : []),
  ];
  return { kind: 'sysctl', path: IPV4_FORWARDING, link: null, value: '1', was, alsoWas };
}

/** The kernel shall not choose a port of the pool for connections of the router's own; what was reserved stays so. */
function reservedPorts(facts: HostFacts, pool: PoolPlace): SysctlChange[] {
  const was = facts.sysctls.get(RESERVED_PORTS);
  if (pool.kind !== 'shared' || was === undefined) return [];
  const spans = [...parseSpans(was), ...spansOf(pool.ranges, 'tcp'), ...spansOf(pool.ranges, 'udp')];
  return [{ kind: 'sysctl', path: RESERVED_PORTS, link: null, value: textSpans(joinSpans(spans)), was }];
}

/**
 * The changes that a gateway needs, in order.
 * @param before the host as it was without us
 */
export function wantedGatewayChanges(config: GatewayHostConfig, before: HostFacts): Change[] {
  const outside = before.links.filter((l) => l.index !== config.tun.index && !config.lan.includes(l.name));
  return [
    // First: nobody from outside gets through between forwarding and the guard.
    { kind: 'table', link: null, ruleset: gatewayRuleset(config) },
    ...reservedPorts(before, config.pool),
    // A router that is a host on its uplink keeps its address and its default route.
    ...acceptAdvertisements(before, outside, true),
    ...hostForwarding(before),
    ipv4Forwarding(before),
  ];
}

/** The routes into the TUN interface: the prefixes and the pool. They hang on the interface and go with it. */
export function tunRoutes({ prefixes, pool }: Pick<GatewayHostConfig, 'prefixes' | 'pool'>): string[] {
  return [...new Set([...prefixes.map(textPrefix6), ...poolRoutes(pool)])];
}

function poolRoutes(pool: PoolPlace): string[] {
  switch (pool.kind) {
    case 'masquerade':
      return [textPrefix4(pool.range)];
    case 'shared':
      return [text4(pool.inside)];
    case 'routed':
      return pool.ranges.flatMap(({ address, addresses }) =>
        Array.from({ length: addresses }, (_, i) => text4(address + i)),
      );
    default:
      return pool satisfies never;
  }
}
