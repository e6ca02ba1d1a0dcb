// The gateway's part of the status screen, as labelled texts. Pure. Read first: contract/gateway.ts.

import type { GatewayStatus } from '../../contract/gateway.ts';
import { bytes, count, percent } from './format.ts';

/** A text behind a label; `isTrouble`: something that wants to be seen. */
export interface Row {
  readonly label: string;
  readonly text: string;
  readonly isTrouble?: boolean;
}

const RULES_SHOWN = 8;

/** What a gateway does, in the order of a packet's life in it. */
export function gatewayRows(gateway: GatewayStatus): readonly Row[] {
  const { lan, wan, nat64, dns64, advertise, dhcp4, rules } = gateway;
  return [
    { label: 'LAN', text: `${lan.join(', ')}; out by ${wan.join(', ') || 'nothing yet'}` },
    ...(nat64 === null ? [{ label: 'NAT64', text: 'off' }] : nat64Rows(nat64)),
    ...(dns64 === null ? [{ label: 'DNS64', text: 'off' }] : dns64Rows(dns64)),
    ...(advertise.length === 0 ? [{ label: 'RA', text: 'off' }] : advertise.flatMap(advertiseRows)),
    ...(dhcp4 === null ? [] : dhcp4Rows(dhcp4)),
    ...ruleRows(rules),
  ];
}

type Nat64 = NonNullable<GatewayStatus['nat64']>;

const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;

function nat64Rows(nat64: Nat64): Row[] {
  const { pool, bindings, staticBindings, ports, freePorts } = nat64;
  const used = PROTOCOLS.map((one) => `${one} ${percent(ports[one] - freePorts[one], ports[one])}`).join(', ');
  const all = PROTOCOLS.map((one) => `${one} ${count(bindings[one])}`).join(', ');
  const hosts = nat64.hosts === 1 ? '1 host' : `${count(nat64.hosts)} hosts`;
  return [
    { label: 'Pool', text: `${pool.kind}: ${pool.ranges.join('; ')}` },
    ...pool.warnings.map((text) => ({ label: '', text, isTrouble: true })),
    { label: '', text: `ports in use: ${used}` },
    { label: 'Sessions', text: `${count(nat64.sessions)} of at most ${count(nat64.sessionLimit)}, of ${hosts}` },
    { label: 'Bindings', text: `${all}; ${count(staticBindings)} by the operator; tables ${bytes(nat64.memoryBytes)}` },
    ...refusedRows(nat64),
  ];
}

/** Why packets opened no session, for a person. */
const REFUSALS: readonly (readonly [keyof Nat64['refused'], string])[] = [
  ['portsExhausted', 'no port of the pool was free'],
  ['sessionLimit', 'too many sessions in all'],
  ['hostLimit', 'too many of one host'],
  ['networkLimit', 'too many of one network'],
  ['rateLimit', 'too many new ones at once'],
  ['synLimit', 'too many SYNs from outside'],
];

function refusedRows({ refused, logRecordsLost, fragmentsLost }: Nat64): Row[] {
  const reasons = [
    ...REFUSALS.map(([key, why]) => [refused[key], why] as const),
    [fragmentsLost, 'fragments without their first one'] as const,
    [logRecordsLost, 'lines of the mapping log lost'] as const,
  ].filter(([times]) => times > 0);
  if (reasons.length === 0) return [];
  const text = reasons.map(([times, why]) => `${count(times)} ${why}`).join(', ');
  return [{ label: 'Refused', text, isTrouble: true }];
}

type Dns64 = NonNullable<GatewayStatus['dns64']>;

function dns64Rows({ listen, counters, forwarders, cache }: Dns64): Row[] {
  const queries = counters.udpQueries + counters.tcpQueries;
  const parts = [
    `${count(queries)} queries`,
    `${percent(counters.cacheHits, counters.cacheHits + counters.cacheMisses)} from the cache`,
    `${count(counters.synthesised)} synthesised`,
    `${count(counters.failed)} failed`,
    `${count(counters.refused)} refused`,
  ];
  return [
    { label: 'DNS64', text: parts.join(', ') },
    { label: '', text: `on ${listen.join(', ')}` },
    { label: '', text: `cache ${count(cache.entries)} answers, ${bytes(cache.bytes)} of ${bytes(cache.maxBytes)}` },
    ...forwarders.map(forwarderRow),
  ];
}

function forwarderRow({ address, tlsName, isUp, trouble, queries, rttMs }: Dns64['forwarders'][number]): Row {
  const by = tlsName === null ? '' : ` by TLS (${tlsName})`;
  const speed = rttMs === null ? '' : `, ${Math.round(rttMs)} ms`;
  const state = isUp ? 'up' : `down${trouble === null ? '' : `: ${trouble}`}`;
  return { label: '', text: `asks ${address}${by}: ${state}${speed}, ${count(queries)} queries`, isTrouble: !isUp };
}

type Advertising = GatewayStatus['advertise'][number];

function advertiseRows(one: Advertising): Row[] {
  const { link, state, trouble, prefixes, pref64, dnsServers, sent, solicitations, others } = one;
  const said = [
    `prefixes ${prefixes.join(', ') || 'none'}`,
    `PREF64 ${pref64.join(', ') || 'none'}`,
    `DNS ${dnsServers.join(', ') || 'none'}`,
  ];
  return [
    {
      label: 'RA',
      text: `${link} ${state}: ${count(sent)} sent, ${count(solicitations)} asked for`,
      isTrouble: state !== 'advertising',
    },
    ...(state === 'advertising' ? [{ label: '', text: said.join('; ') }] : []),
    ...(trouble === null ? [] : [{ label: '', text: trouble, isTrouble: true }]),
    ...others.map(({ router, differs }) => ({
      label: '',
      text: `the router ${router} says something else: ${differs.join(', ')}`,
      isTrouble: true,
    })),
  ];
}

function dhcp4Rows({ link, range, state, leases, failures, trouble }: NonNullable<GatewayStatus['dhcp4']>): Row[] {
  const text = `${link} ${state}: ${range}, ${count(leases)} leases`;
  const last = trouble === null ? '' : `, the last time: ${trouble}`;
  const failed =
    failures === 0 ? [] : [{ label: '', text: `its program ended ${failures} times${last}`, isTrouble: true }];
  return [{ label: 'DHCPv4', text, isTrouble: state !== 'running' }, ...failed];
}

function ruleRows(rules: GatewayStatus['rules']): Row[] {
  const seen = rules.filter(({ packets }) => packets > 0).slice(0, RULES_SHOWN);
  return seen.map(({ rule, packets }, i) => ({ label: i === 0 ? 'Rules' : '', text: `${count(packets)} × ${rule}` }));
}
