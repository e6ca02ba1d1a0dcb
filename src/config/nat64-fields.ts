// The keys of a gateway's section `nat64`: what they may hold, their defaults, what they mean.

import { DEFAULT_NAT64, type Nat64Limits, type Nat64Timers } from '../core/nat64/settings.ts';
import { nat64Prefix, prefix4, prefix6 } from './addresses.ts';
import { choice, field, flag, integer, list, section, type Values, wordOr } from './fields.ts';
import { poolEntry, size, staticBinding } from './gateway-scalars.ts';
import { duration, interfaceName, path } from './scalars.ts';
import { TRANSLATION_FIELDS } from './translation-fields.ts';

const { timers: T, limits: L } = DEFAULT_NAT64;
const MANY = 4_294_967_295;

const TIMER_FIELDS = {
  udp: field(duration, seconds(T.udpMs), 'UDP sessions, at least 2 min (RFC 4787 REQ-5).'),
  'tcp-established': field(
    duration,
    seconds(T.tcpEstablishedMs),
    'Open TCP connections, at least 2 h 4 min (RFC 5382 REQ-5); the host is asked before one is given up.',
  ),
  'tcp-transitory': field(
    duration,
    seconds(T.tcpTransitoryMs),
    'TCP connections that open or close, at least 4 min (RFC 5382 REQ-5).',
  ),
  'tcp-incoming-syn': field(
    duration,
    seconds(T.tcpIncomingSynMs),
    'How long a SYN from outside waits for one from inside, at least 6 s (RFC 5382 REQ-4).',
  ),
  icmp: field(duration, seconds(T.icmpMs), 'Pings, at least 60 s (RFC 5508 REQ-1).'),
  fragments: field(
    duration,
    seconds(T.fragmentMs),
    'How long a fragment waits for the first one, at least 2 s (RFC 6146 §4).',
  ),
};

const LIMIT_FIELDS = {
  sessions: field(integer(1, 16_000_000), L.sessions, 'Sessions in all.'),
  'sessions-per-host': field(integer(0, MANY), L.sessionsPerHost, 'Sessions of one IPv6 address; 0: no limit.'),
  'sessions-per-network': field(
    integer(0, MANY),
    L.sessionsPerNetwork,
    'Sessions of one network of network-length bits; 0: no limit.',
  ),
  'network-length': field(integer(1, 128), L.networkLength, 'Length in bits of what counts as one network.'),
  'new-sessions-per-second': field(
    integer(0, MANY),
    L.newSessionsPerSecondPerHost,
    'New sessions of one IPv6 address per second; 0: no limit.',
  ),
  'fragment-memory': field(size, sizeText(L.fragmentBytes), 'Memory for fragments that wait for their first one.'),
  'fragment-memory-per-host': field(size, sizeText(L.fragmentBytesPerHost), 'The same for one sender.'),
  'held-syns': field(integer(0, 65_536), L.heldSyns, 'SYNs from outside that wait for one from inside.'),
};

/** All keys of the section. */
export const NAT64_FIELDS = {
  prefix: field(nat64Prefix, '64:ff9b::/96', 'The NAT64 prefix (RFC 6052 §2.2) that stands for the IPv4 world.'),
  pool: field(
    wordOr('masquerade', 'masquerade' as const, wordOr('shared', 'shared' as const, list(poolEntry))),
    'masquerade',
    "IPv4 addresses and ports of the translated sessions. masquerade: private ones behind this router's own address; shared: " +
      'ports of that address itself; a list: "ADDRESS[/LENGTH] [PROTOCOLS] [PORTS]", of addresses that are routed to this router, or of ' +
      'the one that it has. Ports left out: 1024-65535, on a shared address 61001-65535.',
  ),
  'masquerade-range': field(
    wordOr('auto', null, prefix4),
    'auto',
    'With pool: masquerade, the private range; auto: one that is free on this router.',
  ),
  static: field(
    list(staticBinding),
    [],
    'Ports that are open from outside: "PROTOCOL IPV4:PORT [IPV6]:PORT". More of them at run time: xlat464 bindings add.',
  ),
  clients: field(list(prefix6), [], 'IPv6 sources that are served; empty: all that come from the LAN.'),
  'serve-outside': field(
    flag,
    false,
    'Serve packets that come in through other interfaces than those of the LAN, too. An open NAT64 gets abused.',
  ),
  filtering: field(
    choice(['endpoint-independent', 'address-dependent']),
    DEFAULT_NAT64.filtering,
    'Who may use a mapping from outside: everyone, or those addresses that the host has sent to (RFC 6146 §3.5).',
  ),
  'answer-unsolicited': field(
    flag,
    DEFAULT_NAT64.answersUnsolicited,
    'Answer packets from outside that belong to nothing with ICMP instead of silence.',
  ),
  'when-full': field(
    choice(['unreachable', 'drop']),
    DEFAULT_NAT64.whenFull,
    'What a host gets when no session can be had: an ICMPv6 error, or silence.',
  ),
  timers: field(section(TIMER_FIELDS), {}, 'How long sessions live without a packet.'),
  limits: field(section(LIMIT_FIELDS), {}, 'What one host, and all of them, may take.'),
  'mapping-log': field(
    choice(['off', 'mapping', 'port-block']),
    DEFAULT_NAT64.mappingLog,
    'Log who had which address and port (RFC 6888 REQ-12): each mapping, or blocks of ports that hosts get.',
  ),
  'port-block': field(integer(8, 16_384), DEFAULT_NAT64.portBlock, 'Ports of a block, a power of two.'),
  'mapping-log-file': field(
    wordOr('none', null, path),
    'none',
    "Where the mapping log goes; none: the program's own log.",
  ),
  'save-file': field(
    wordOr('none', null, path),
    'none',
    'Where bindings are kept over a restart, so that connections go on.',
  ),
  tun: field(interfaceName, 'nat64', 'Name of the virtual interface.'),
  offload: field(flag, true, 'Take and give whole super-packets where the kernel offers it.'),
  coalesce: field(flag, true, 'Merge consecutive segments of a flow that come in unmerged.'),
  ...TRANSLATION_FIELDS,
  'own-ipv4': field(
    TRANSLATION_FIELDS['own-ipv4'].shape,
    'auto',
    'Source of the ICMPv4 errors that the NAT64 sends; answers ping. auto: the first address of the pool. none: no errors are sent.',
  ),
  'own-ipv6': field(
    TRANSLATION_FIELDS['own-ipv6'].shape,
    'auto',
    'Source of the ICMPv6 errors that the NAT64 sends; answers ping. auto: 192.0.0.8 inside the prefix. none: no errors are sent.',
  ),
};

/** The checked keys of the section. */
export type Nat64Values = Values<typeof NAT64_FIELDS>;

/** The timers' keys, the settings that they make, and how short each may be: N-04. */
export const TIMER_FLOORS: Readonly<
  Record<keyof typeof TIMER_FIELDS, { readonly of: keyof Nat64Timers; readonly floorMs: number }>
> = {
  udp: { of: 'udpMs', floorMs: 120_000 },
  'tcp-established': { of: 'tcpEstablishedMs', floorMs: 7_440_000 },
  'tcp-transitory': { of: 'tcpTransitoryMs', floorMs: 240_000 },
  'tcp-incoming-syn': { of: 'tcpIncomingSynMs', floorMs: 6_000 },
  icmp: { of: 'icmpMs', floorMs: 60_000 },
  fragments: { of: 'fragmentMs', floorMs: 2_000 },
};

/** The limits' keys and the settings that they make. */
export const LIMIT_KEYS: Readonly<Record<keyof typeof LIMIT_FIELDS, keyof Nat64Limits>> = {
  sessions: 'sessions',
  'sessions-per-host': 'sessionsPerHost',
  'sessions-per-network': 'sessionsPerNetwork',
  'network-length': 'networkLength',
  'new-sessions-per-second': 'newSessionsPerSecondPerHost',
  'fragment-memory': 'fragmentBytes',
  'fragment-memory-per-host': 'fragmentBytesPerHost',
  'held-syns': 'heldSyns',
};

function seconds(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000}min` : `${ms / 1000}s`;
}

function sizeText(bytes: number): string {
  return bytes % 1024 ** 2 === 0 ? `${bytes / 1024 ** 2}MiB` : `${bytes / 1024}KiB`;
}
