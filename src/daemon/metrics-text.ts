// A snapshot in Prometheus' text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). One row per metric; the
// names are documented in docs/metrics.md and do not change. Pure.

import type { GatewayStatus } from '../contract/gateway.ts';
import type { Status } from '../contract/status.ts';

/** What metrics are made from. */
export type MetricsSource = Omit<Status, 'rates'>;

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly read: (source: MetricsSource) => readonly Sample[];
}

const FAMILIES = ['ipv4', 'ipv6'] as const;
const PROTOCOLS = ['tcp', 'udp', 'icmp'] as const;

type Counters = NonNullable<MetricsSource['counters']>;
type Nat64 = NonNullable<GatewayStatus['nat64']>;
type Dns64 = NonNullable<GatewayStatus['dns64']>;

const one = (value: number): readonly Sample[] => [[{}, value]];

/** Rows that read one part of the snapshot; without that part they have no samples. */
const of =
  <P>(part: (source: MetricsSource) => P | null) =>
  (type: Metric['type'], name: string, help: string, read: (part: P) => readonly Sample[]): Metric => ({
    name: `xlat464_${name}`,
    type,
    help,
    read: (source) => {
      const found = part(source);
      return found === null ? [] : read(found);
    },
  });

const daemon = of((source) => source.daemon);
const packets = of((source) => source.counters);
const nat64 = of((source) => source.gateway?.nat64 ?? null);
const dns64 = of((source) => source.gateway?.dns64 ?? null);
const gateway = of((source) => source.gateway);

const bothWays = (into: 'packetsIn' | 'bytesIn', out: 'packetsOut' | 'bytesOut') => (counters: Counters) =>
  FAMILIES.flatMap((family): Sample[] => [
    [{ direction: 'in', family }, counters[into][family]],
    [{ direction: 'out', family }, counters[out][family]],
  ]);

const dropped = ({ verdicts }: Counters): Sample[] =>
  verdicts
    .filter(({ isDrop }) => isDrop)
    .flatMap((verdict) => FAMILIES.map((family): Sample => [{ reason: verdict.name, family }, verdict[family]]));

const perProtocol = (values: Nat64['ports']): Sample[] => PROTOCOLS.map((protocol) => [{ protocol }, values[protocol]]);

/** Label values of the limits that a new session can run into. */
const REFUSALS: Readonly<Record<keyof Nat64['refused'], string>> = {
  portsExhausted: 'ports-exhausted',
  sessionLimit: 'session-limit',
  hostLimit: 'host-limit',
  networkLimit: 'network-limit',
  rateLimit: 'rate-limit',
  synLimit: 'syn-limit',
};

const refused = ({ refused: by }: Nat64): Sample[] =>
  Object.entries(REFUSALS).map(([key, reason]) => [{ reason }, by[key as keyof Nat64['refused']]]);

/** What becomes of queries that get no good answer. */
const DNS_TROUBLES: Readonly<Record<string, keyof Dns64['counters']>> = {
  failed: 'failed',
  refused: 'refused',
  malformed: 'malformed',
  overload: 'overload',
  'tcp-limited': 'tcpLimited',
  unsent: 'unsent',
  loop: 'loops',
};

const dnsTroubles = ({ counters }: Dns64): Sample[] =>
  Object.entries(DNS_TROUBLES).map(([reason, key]) => [{ reason }, counters[key]]);

/** What comes from forwarders and is no answer. */
const upstreamTroubles = ({ counters }: Dns64): Sample[] => [
  [{ reason: 'spoofed' }, counters.spoofed],
  [{ reason: 'malformed' }, counters.upstreamMalformed],
  [{ reason: 'timeout' }, counters.upstreamTimeouts],
];

const perForwarder =
  (value: (forwarder: Dns64['forwarders'][number]) => number | null) =>
  ({ forwarders }: Dns64): Sample[] =>
    forwarders.flatMap((each) => {
      const read = value(each);
      return read === null ? [] : [[{ forwarder: each.address }, read] as const];
    });

const perLink =
  (value: (link: GatewayStatus['advertise'][number]) => number) =>
  ({ advertise }: GatewayStatus): Sample[] =>
    advertise.map((link) => [{ interface: link.link }, value(link)]);

const ofDhcp4 =
  (value: (dhcp4: NonNullable<GatewayStatus['dhcp4']>) => number) =>
  ({ dhcp4 }: GatewayStatus): Sample[] =>
    dhcp4 === null ? [] : [[{ interface: dhcp4.link }, value(dhcp4)]];

const perRule =
  (key: 'packets' | 'bytes') =>
  ({ rules }: GatewayStatus): Sample[] =>
    rules.map((each) => [{ rule: each.rule }, each[key]]);

/** Every metric, in the order of the documentation. */
export const METRICS: readonly Metric[] = [
  daemon('gauge', 'info', 'Always 1; the labels say who this is.', ({ version, role, name }) => [
    [{ version, role, name }, 1],
  ]),
  daemon('gauge', 'start_time_seconds', 'When the daemon started, in seconds since 1970.', (d) =>
    one(d.startedMs / 1000),
  ),
  packets(
    'counter',
    'packets_total',
    'Packets that came in and went out; a super-packet is one.',
    bothWays('packetsIn', 'packetsOut'),
  ),
  packets('counter', 'bytes_total', 'Their bytes.', bothWays('bytesIn', 'bytesOut')),
  packets(
    'counter',
    'dropped_packets_total',
    'Packets that were dropped, by why and by the family of what came in.',
    dropped,
  ),
  packets('counter', 'writes_refused_total', 'Packets that the virtual interface did not take.', (c) =>
    one(c.writesRefused),
  ),
  nat64('gauge', 'nat64_sessions', 'Sessions.', (n) => one(n.sessions)),
  nat64('gauge', 'nat64_sessions_limit', 'The most that there may be.', (n) => one(n.sessionLimit)),
  nat64('counter', 'nat64_sessions_opened_total', 'Sessions that were opened.', (n) => one(n.openedSessions)),
  nat64('gauge', 'nat64_bindings', 'Bindings.', (n) => perProtocol(n.bindings)),
  nat64('counter', 'nat64_bindings_made_total', 'Bindings that were made.', (n) => one(n.madeBindings)),
  nat64('gauge', 'nat64_static_bindings', 'Bindings that the operator made.', (n) => one(n.staticBindings)),
  nat64('gauge', 'nat64_pool_ports', 'Ports and identifiers of the pool.', (n) => perProtocol(n.ports)),
  nat64('gauge', 'nat64_pool_ports_free', 'Those that nobody has.', (n) => perProtocol(n.freePorts)),
  nat64('gauge', 'nat64_hosts', 'IPv6 addresses that have sessions.', (n) => one(n.hosts)),
  nat64('gauge', 'nat64_networks', 'IPv6 networks that have sessions.', (n) => one(n.networks)),
  nat64('gauge', 'nat64_held_syns', 'SYNs from outside that wait for one from inside.', (n) => one(n.heldSyns)),
  nat64('counter', 'nat64_refused_total', 'Packets that opened no session, by the limit.', refused),
  nat64('gauge', 'nat64_fragments_held', 'Fragments that wait for their first one.', (n) => one(n.fragmentsHeld)),
  nat64('counter', 'nat64_fragments_lost_total', 'Fragments that waited in vain.', (n) => one(n.fragmentsLost)),
  nat64('gauge', 'nat64_memory_bytes', 'Memory of the tables.', (n) => one(n.memoryBytes)),
  nat64('counter', 'nat64_mapping_log_lost_total', 'Lines of the mapping log that were lost.', (n) =>
    one(n.logRecordsLost),
  ),
  dns64('counter', 'dns_queries_total', 'Queries of clients.', ({ counters }) => [
    [{ transport: 'udp' }, counters.udpQueries],
    [{ transport: 'tcp' }, counters.tcpQueries],
  ]),
  dns64('counter', 'dns_cache_hits_total', 'Queries that the cache answered.', (d) => one(d.counters.cacheHits)),
  dns64('counter', 'dns_cache_misses_total', 'Queries that it did not.', (d) => one(d.counters.cacheMisses)),
  dns64('counter', 'dns_synthesised_total', 'Answers with synthetic addresses that were made.', (d) =>
    one(d.counters.synthesised),
  ),
  dns64('counter', 'dns_stale_total', 'Answers that were given after their end.', (d) => one(d.counters.stale)),
  dns64('counter', 'dns_troubles_total', 'Queries without a good answer, by why.', dnsTroubles),
  dns64(
    'counter',
    'dns_upstream_troubles_total',
    'What came from forwarders and is no answer, by why.',
    upstreamTroubles,
  ),
  dns64('gauge', 'dns_cache_entries', 'Answers in the cache.', (d) => one(d.cache.entries)),
  dns64('gauge', 'dns_cache_bytes', 'Memory of the cache.', (d) => one(d.cache.bytes)),
  dns64('gauge', 'dns_cache_limit_bytes', 'The most that it may take.', (d) => one(d.cache.maxBytes)),
  dns64('counter', 'dns_cache_evicted_total', 'Answers that made room for others.', (d) => one(d.cache.evicted)),
  dns64('gauge', 'dns_outstanding', 'Queries of clients that wait for a forwarder.', (d) => one(d.outstanding)),
  dns64('gauge', 'dns_tcp_connections', 'TCP connections of clients.', (d) => one(d.tcpConnections)),
  dns64(
    'gauge',
    'dns_forwarder_up',
    '1: the forwarder answers.',
    perForwarder(({ isUp }) => Number(isUp)),
  ),
  dns64(
    'counter',
    'dns_forwarder_queries_total',
    'Queries to the forwarder.',
    perForwarder(({ queries }) => queries),
  ),
  dns64(
    'counter',
    'dns_forwarder_failures_total',
    'Those that it did not answer.',
    perForwarder(({ failures }) => failures),
  ),
  dns64(
    'gauge',
    'dns_forwarder_rtt_seconds',
    'Smoothed time to its answers.',
    perForwarder(({ rttMs }) => (rttMs === null ? null : rttMs / 1000)),
  ),
  gateway(
    'gauge',
    'ra_advertising',
    '1: router advertisements go out there.',
    perLink(({ state }) => Number(state === 'advertising')),
  ),
  gateway(
    'counter',
    'ra_sent_total',
    'Router advertisements that were sent.',
    perLink(({ sent }) => sent),
  ),
  gateway(
    'counter',
    'ra_solicitations_total',
    'Router solicitations that came.',
    perLink(({ solicitations }) => solicitations),
  ),
  gateway(
    'gauge',
    'dhcp4_running',
    '1: DHCPv4 runs.',
    ofDhcp4(({ state }) => Number(state === 'running')),
  ),
  gateway(
    'gauge',
    'dhcp4_leases',
    'IPv4 addresses that are lent.',
    ofDhcp4(({ leases }) => leases),
  ),
  gateway(
    'counter',
    'dhcp4_failures_total',
    'How often its program ended by itself.',
    ofDhcp4(({ failures }) => failures),
  ),
  gateway(
    'counter',
    'rule_packets_total',
    "Packets that the kernel's rules have seen; of a NAT rule, connections.",
    perRule('packets'),
  ),
  gateway('counter', 'rule_bytes_total', 'Their bytes.', perRule('bytes')),
];

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function sampleLine(name: string, [labels, value]: Sample): string {
  const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}`;
}

/** The page. */
export function metricsText(source: MetricsSource): string {
  const lines = METRICS.flatMap(({ name, type, help, read }) => {
    const samples = read(source);
    if (samples.length === 0) return [];
    return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => sampleLine(name, sample))];
  });
  return `${lines.join('\n')}\n`;
}
