// The client's configuration: keys of a `role: client` file and options of `xlat464 client`, one table for both.

import { isMartian4 } from '../core/address/special.ts';
import { DEFAULT_METRIC } from '../core/host/host-config.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import { ipv4, ipv6, isMartianIpv6, MARTIANS_IPV4, MARTIANS_IPV6, nat64Prefix } from './addresses.ts';
import { checkFields, Findings } from './check.ts';
import { choice, field, flag, integer, type Plain, required, type Values, wordOr } from './fields.ts';
import { ConfigError } from './issues.ts';
import { type Ipv4Endpoint, interfaceName, ipv4Endpoint } from './scalars.ts';
import { type Tree, treeOf } from './tree.ts';

/** All keys of the role. */
export const CLIENT_FIELDS = {
  role: required(choice(['client']), 'What this file configures.'),
  prefix: field(
    wordOr('auto', null, nat64Prefix),
    'auto',
    "The network's NAT64 prefix (RFC 6052 §2.2); auto: what its routers (RFC 8781) or its DNS64 (RFC 7050) say.",
  ),
  'connectivity-check': field(
    wordOr('off', null, ipv4Endpoint),
    'off',
    'IPv4 address and TCP port to reach through a prefix before its use (RFC 7050 §3.1), or off.',
  ),
  uplink: field(
    wordOr('auto', null, interfaceName),
    'auto',
    'Interface with the IPv6 network; auto: that of the IPv6 default route.',
  ),
  'uplink-mode': field(
    choice(['auto', 'redirect', 'forwarding']),
    'auto',
    'How translated packets reach the uplink: redirect (Linux 6.6, BPF), forwarding; auto: redirect where it works.',
  ),
  'clat-ipv4': field(
    wordOr('auto', null, ipv4),
    'auto',
    'IPv4 address of this host behind the CLAT; auto: the first free one of 192.0.0.1 to 192.0.0.6 (RFC 7335).',
  ),
  'clat-ipv6': field(
    wordOr('auto', null, ipv6),
    'auto',
    "The CLAT's own IPv6 address; auto: one in the uplink's /64, checksum-neutral where the prefix allows it.",
  ),
  tun: field(interfaceName, 'clat0', 'Name of the virtual interface.'),
  mtu: field(
    wordOr('auto', null, integer(68, 65535)),
    'auto',
    "Its MTU in bytes; auto: the uplink's, less the difference of the headers.",
  ),
  metric: field(
    integer(0, 4_294_967_295),
    DEFAULT_METRIC,
    'Metric of the IPv4 default route; native IPv4 with a lower one wins.',
  ),
  force: field(flag, false, 'Start although the host has an IPv4 default route.'),
  'allow-inbound': field(flag, false, 'Let new IPv4 connections from the network in.'),
  'allow-non-global': field(
    flag,
    false,
    'Let private and other non-global IPv4 addresses through 64:ff9b::/96, against RFC 6052 §3.1.',
  ),
  'decrement-hop-limit': field(flag, true, 'Count down TTL and hop limit, as a router does.'),
  offload: field(flag, true, 'Take and give whole super-packets where the kernel offers it.'),
  coalesce: field(flag, true, 'Merge consecutive segments of a flow that come in unmerged.'),
};

type ClientValues = Values<typeof CLIENT_FIELDS>;

/** Everything that `xlat464 client` needs to know; null stands for `auto`. */
export interface ClientConfig {
  readonly role: 'client';
  readonly prefix: Prefix6 | null;
  /** Whom to reach through a prefix (rule D-08); null: no check. */
  readonly connectivityCheck: Ipv4Endpoint | null;
  readonly uplink: string | null;
  readonly uplinkMode: 'auto' | 'redirect' | 'forwarding';
  /** As an unsigned number. */
  readonly clatIpv4: number | null;
  readonly clatIpv6: Uint8Array | null;
  readonly tunName: string;
  readonly mtu: number | null;
  readonly metric: number;
  readonly force: boolean;
  readonly allowInbound: boolean;
  readonly allowNonGlobal: boolean;
  readonly decrementHopLimit: boolean;
  readonly offload: boolean;
  readonly coalesce: boolean;
}

/** Checks a tree as `role: client`. Adds to `findings`; returns null when there is any. Never throws. */
export function clientConfig(tree: Tree, findings: Findings): ClientConfig | null {
  const values = checkFields(CLIENT_FIELDS, tree, '', findings);
  if (values === undefined) return null;
  crossCheck(values, findings);
  return findings.issues.length > 0 ? null : configOf(values);
}

/**
 * The configuration from command-line options.
 * @param options values by key of {@link CLIENT_FIELDS}, without `role`
 * @throws ConfigError with every finding; its paths are the options' names
 */
export function clientConfigFromOptions(options: { readonly [key: string]: Plain }): ClientConfig {
  const findings = new Findings();
  const config = clientConfig(treeOf({ role: 'client', ...options }), findings);
  if (config !== null) return config;
  const issues = findings.issues.map((issue) => ({ ...issue, path: `--${issue.path}` }));
  throw new ConfigError('read the options', issues);
}

function crossCheck(v: ClientValues, findings: Findings): void {
  const check = v['connectivity-check'];
  if (check !== null && isMartian4(check.ipv4)) {
    findings.addAt('connectivity-check', `is in ${MARTIANS_IPV4}`, 'choose a server that answers on the IPv4 internet');
  }
  const ipv6Address = v['clat-ipv6'];
  if (ipv6Address !== null && isMartianIpv6(ipv6Address)) {
    findings.addAt('clat-ipv6', `is one of ${MARTIANS_IPV6}`, "choose an address in the uplink's network");
  }
  const ipv4Address = v['clat-ipv4'];
  if (ipv4Address !== null && isMartian4(ipv4Address)) {
    findings.addAt('clat-ipv4', `is in ${MARTIANS_IPV4}`, 'choose one of 192.0.0.1 to 192.0.0.6, or a private address');
  }
}

function configOf(v: ClientValues): ClientConfig {
  return {
    role: 'client',
    prefix: v.prefix,
    connectivityCheck: v['connectivity-check'],
    uplink: v.uplink,
    uplinkMode: v['uplink-mode'],
    clatIpv4: v['clat-ipv4'],
    clatIpv6: v['clat-ipv6'],
    tunName: v.tun,
    mtu: v.mtu,
    metric: v.metric,
    force: v.force,
    allowInbound: v['allow-inbound'],
    allowNonGlobal: v['allow-non-global'],
    decrementHopLimit: v['decrement-hop-limit'],
    offload: v.offload,
    coalesce: v.coalesce,
  };
}
