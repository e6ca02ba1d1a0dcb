// The gateway's part of the snapshot, from what its parts report.

import { formatIpv4, formatIpv6 } from '../config/addresses.ts';
import type { GatewayStatus } from '../contract/gateway.ts';
import type { Status } from '../contract/status.ts';
import type { Nat64Protocol, PoolRange } from '../core/nat64/settings.ts';
import type { RunningNat64 } from './gateway-nat64.ts';
import type { GatewayParts } from './gateway-parts.ts';
import type { GatewayPlan } from './gateway-plan.ts';
import type { RoleFacts } from './status-board.ts';

/** What a gateway knows about itself. */
export function gatewayFacts(parts: GatewayParts): RoleFacts {
  const { nat64, plan } = parts;
  const troubles = gatewayTroubles(plan, parts.dns64?.report() ?? null, parts.advertising?.report() ?? []);
  const others = plan.warnings.filter((warning) => !troubles.includes(warning));
  const text = [`serving ${plan.config.lan.join(', ')}`, ...troubles, ...others].join('; ');
  return {
    state: { name: 'running', reason: troubles.length === 0 ? 'ready' : 'degraded', text },
    addresses: nat64 === null ? null : addressesOf(nat64),
    uplink: null,
    settings: nat64?.inUse.translator ?? null,
    gateway: gatewayStatus(parts),
    dataPath:
      nat64 === null
        ? null
        : { device: nat64.device, dataPlane: nat64.dataPlane, coalesce: nat64.inUse.plan.config.tun.coalesce },
  };
}

/** What keeps a gateway from serving as it is configured, one sentence each. */
export function gatewayTroubles(
  { waits }: Pick<GatewayPlan, 'waits'>,
  dns64: GatewayStatus['dns64'],
  advertise: GatewayStatus['advertise'],
): readonly string[] {
  const isDeaf = dns64 !== null && dns64.forwarders.length > 0 && dns64.forwarders.every(({ isUp }) => !isUp);
  const silent = advertise.filter(({ state }) => state === 'yielding' || state === 'down');
  return [
    ...waits,
    ...(isDeaf ? ['no resolver that the DNS64 asks answers'] : []),
    ...silent.map(
      ({ link, trouble }) => `no router advertisements on ${link}${trouble === null ? '' : `: ${trouble}`}`,
    ),
  ];
}

function addressesOf(nat64: RunningNat64): Status['addresses'] {
  const { ownIpv4, ownIpv6 } = nat64.inUse.translator;
  return {
    ipv4: ownIpv4 === 0 ? null : formatIpv4(nat64.outsideOf(ownIpv4)),
    ipv6: ownIpv6 === null ? null : formatIpv6(ownIpv6),
  };
}

function gatewayStatus(parts: GatewayParts): GatewayStatus {
  const { plan } = parts;
  return {
    lan: plan.config.lan,
    wan: plan.wan,
    nat64: parts.nat64 === null ? null : nat64Status(parts.nat64),
    dns64: parts.dns64?.report() ?? null,
    advertise: parts.advertising?.report() ?? [],
    dhcp4: parts.dhcp4?.report() ?? null,
    rules: parts.rules,
  };
}

function nat64Status(nat64: RunningNat64): GatewayStatus['nat64'] {
  const snapshot = nat64.dataPlane.counters().nat64;
  if (snapshot === null) return null;
  const { fragments, ...tables } = snapshot;
  const { place, ranges, warnings } = nat64.inUse.choice;
  return {
    ...tables,
    pool: { kind: place.kind, ranges: rangeTexts(ranges, nat64), warnings },
    sessionLimit: nat64.inUse.nat64.limits.sessions,
    ports: { tcp: portsOf(ranges, 'tcp'), udp: portsOf(ranges, 'udp'), icmp: portsOf(ranges, 'icmp') },
    fragmentsHeld: fragments.held,
    fragmentsLost: fragments.lost,
  };
}

const portsOf = (ranges: readonly PoolRange[], protocol: Nat64Protocol): number =>
  ranges
    .filter((range) => range.protocol === protocol)
    .reduce((sum, { addresses, firstPort, lastPort }) => sum + addresses * (lastPort - firstPort + 1), 0);

/** Ranges as the configuration writes them, those that differ in nothing but their protocol as one. */
function rangeTexts(ranges: readonly PoolRange[], nat64: RunningNat64): string[] {
  const protocols = new Map<string, string[]>();
  for (const { protocol, address, addresses, firstPort, lastPort } of ranges) {
    const first = formatIpv4(nat64.outsideOf(address));
    const last = addresses === 1 ? '' : `-${formatIpv4(address + addresses - 1)}`;
    const key = `${first}${last} PROTOCOLS ${firstPort}-${lastPort}`;
    protocols.set(key, [...(protocols.get(key) ?? []), protocol]);
  }
  return [...protocols].map(([key, names]) => key.replace('PROTOCOLS', names.join(',')));
}
