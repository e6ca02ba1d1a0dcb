// The gateway's one nftables table as text for nft(8): who may use the NAT64 and the DNS64 (O-04), NAT66 and NPTv6 (O-02), NAT44 (O-03), and the
// pool's way. Pure. Every rule that counts has a comment, by which status tells its counter.
//
// How a shared address works (pool.ts), and why so. Packets for a port of the pool must reach the NAT64 instead of the router
// itself, after the kernel has put fragments together and before it looks for a local socket:
//   - "dup to … device" sets DF and so breaks path MTU discovery; "fwd" and programs on the interface come before reassembly;
//     a mark and a routing rule would have to go in front of the table "local", which is every packet's first, and need
//     accept_local and no reverse path filter.
//   - Writing another destination address needs none of that. As its checksum is the same, nothing else in the packet changes, so
//     it is right for super-packets and for the packets inside ICMP errors, too. No state: "notrack".
// A socket of the router that a packet is for comes first, so nothing that runs on the router is cut off. That a rule asks connection
// tracking at all ("ct state") is what switches the kernel's reassembly on. iperf3 through a stand-in for the NAT64 over veth on a busy
// machine, Gbit/s up and down: routed 6.6 and 4.8, masqueraded 3.4 and 5.0, shared 8.2 and 8.0.
//
// NPTv6: the kernel translates prefixes host by host, but by connection tracking, and corrects checksums instead of choosing
// addresses that keep them (RFC 6296 §3.1 does the latter, §3.2 without state); to hosts it makes no difference.

import { text4, textPrefix4, textPrefix6 } from '../address/text.ts';
import { GATEWAY_TABLE } from '../host/host-config.ts';
import type { Prefix4 } from '../translate/settings.ts';
import type { GatewayHostConfig, PoolPlace } from './config.ts';
import type { PortSpan } from './ports.ts';
import { joinSpans, spansOf, subtractSpans, textSpans } from './ports.ts';

type Shared = Extract<PoolPlace, { readonly kind: 'shared' }>;

/** Comments of the rules, as status shows them. */
const RULE = {
  outside: 'to the NAT64 from outside the LAN: dropped',
  forged: 'from outside with a source of the NAT64: dropped',
  query: 'to the DNS64 from outside the LAN: dropped',
  uninvited: 'to the masqueraded pool from outside: dropped',
  pool: 'masquerade of the NAT64 pool',
  steered: 'to the shared address, for the NAT64',
  returned: 'from the NAT64, with the shared address',
} as const;

const quoted = (text: string): string => `"${text.replaceAll(/["\\\n]/g, '')}"`;
const nameSet = (names: readonly string[]): string => `{ ${names.map(quoted).join(', ')} }`;
const set = (words: readonly string[]): string => `{ ${words.join(', ')} }`;
/** A match that counts, what is done then, and its name. */
const rule = (match: string, action: string, comment: string): string =>
  `${match} counter ${action} comment ${quoted(comment)}`;

function chain(name: string, hook: string, rules: readonly string[]): string {
  if (rules.length === 0) return '';
  const lines = [`type ${hook}; policy accept;`, ...rules].map((line) => `    ${line}\n`);
  return `  chain ${name} {\n${lines.join('')}  }\n`;
}

/** Rule O-04, and its counterparts: nobody outside speaks as the NAT64, or to its private addresses. */
function guardRules({ tun, lan, prefixes, servesOutside, pool }: GatewayHostConfig): string[] {
  const to = set(prefixes.map(textPrefix6));
  const fromLan = nameSet([...lan, tun.name]);
  const isTun = quoted(tun.name);
  return [
    ...(prefixes.length === 0 || servesOutside
      ? []
      : [rule(`ip6 daddr ${to} iifname != ${fromLan}`, 'drop', RULE.outside)]),
    ...(prefixes.length === 0 ? [] : [rule(`ip6 saddr ${to} iifname != ${isTun}`, 'drop', RULE.forged)]),
    ...(pool.kind === 'masquerade'
      ? [
          rule(
            `ip daddr ${textPrefix4(pool.range)} oifname ${isTun} ct state new ct status & dnat != dnat`,
            'drop',
            RULE.uninvited,
          ),
        ]
      : []),
  ];
}

/** Rule O-04 for the DNS64. The zone of a link-local address is left out: the interface is asked for anyway. */
function dnsRules({ lan, lanDns }: GatewayHostConfig): string[] {
  const fromLan = nameSet([...lan, 'lo']);
  const targets = lanDns.map(({ address, port }) => {
    const [plain = ''] = address.split('%');
    const family = plain.includes(':') ? 'ip6' : 'ip';
    const isAny = plain === '::' || plain === '0.0.0.0';
    const to = isAny ? `meta nfproto ${family === 'ip6' ? 'ipv6' : 'ipv4'}` : `${family} daddr ${plain}`;
    return `${to} meta l4proto { tcp, udp } th dport ${port}`;
  });
  return [...new Set(targets)].map((target) => rule(`${target} iifname != ${fromLan}`, 'drop', RULE.query));
}

/** The ports that NAT44 may give out where the NAT64 has the others: the longest stretch of those that are left. */
function nat44Ports({ ranges }: Shared): PortSpan {
  const taken = joinSpans([...spansOf(ranges, 'tcp'), ...spansOf(ranges, 'udp')]);
  const free = subtractSpans([{ first: 1_024, last: 0xffff }], taken);
  const longest = free.sort((a, b) => b.last - b.first - (a.last - a.first))[0];
  return longest ?? { first: 1, last: 1_023 };
}

/** NAT44 beside a shared address keeps to its own ports, lest answers go to the NAT64. */
function nat44Rules({ nat44, pool }: GatewayHostConfig): string[] {
  return nat44.flatMap(({ source, out }) => {
    const match = `ip saddr ${textPrefix4(source)} oifname ${quoted(out)}`;
    const comment = `NAT44 of ${textPrefix4(source)} out of ${out}`;
    if (pool.kind !== 'shared') return [rule(match, 'masquerade', comment)];
    const to = `masquerade to :${textSpans([nat44Ports(pool)])}`;
    return [rule(`${match} meta l4proto { tcp, udp }`, to, comment), rule(match, 'masquerade', comment)];
  });
}

function sourceNatRules(config: GatewayHostConfig): string[] {
  const { tun, nat66, nptv6, pool } = config;
  return [
    ...nptv6.map(({ inside, outside, out }) =>
      rule(
        `ip6 saddr ${textPrefix6(inside)} oifname ${quoted(out)}`,
        `snat ip6 prefix to ${textPrefix6(outside)}`,
        `NPTv6 of ${textPrefix6(inside)} out of ${out}`,
      ),
    ),
    ...nat66.map(({ source, out }) =>
      rule(
        `ip6 saddr ${textPrefix6(source)} oifname ${quoted(out)}`,
        'masquerade',
        `NAT66 of ${textPrefix6(source)} out of ${out}`,
      ),
    ),
    ...(pool.kind === 'masquerade' ? [poolRule(pool.range, tun.name)] : []),
    ...nat44Rules(config),
  ];
}

const poolRule = (range: Prefix4, tun: string): string =>
  rule(`ip saddr ${textPrefix4(range)} oifname != ${quoted(tun)}`, 'masquerade', RULE.pool);

const destinationNatRules = ({ nptv6 }: GatewayHostConfig): string[] =>
  nptv6.map(({ inside, outside, out }) =>
    rule(
      `iifname ${quoted(out)} ip6 daddr ${textPrefix6(outside)}`,
      `dnat ip6 prefix to ${textPrefix6(inside)}`,
      `NPTv6 of ${textPrefix6(outside)} in from ${out}`,
    ),
  );

// Offsets in bits into an ICMP error (RFC 792): the packet inside begins after 8 bytes. Its header is one that the NAT64 wrote, so
// it has no options.
const INNER_START = '@th,64,8';
const INNER_PROTOCOL = '@th,136,8';
const INNER_SOURCE = '@th,160,32';
const INNER_DESTINATION = '@th,192,32';
const INNER_PORT = '@th,224,16';
const INNER_TYPE = '@th,224,8';
const INNER_IDENTIFIER = '@th,256,16';
const ERRORS = '{ destination-unreachable, source-quench, redirect, time-exceeded, parameter-problem }';
const TCP = 6;
const UDP = 17;
const ICMP = 1;
const ECHO_REQUEST = 8;

const hex = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`;
const ports = (spans: readonly PortSpan[]): string => set(spans.map((span) => textSpans([span])));

/** Rules of one protocol; none where the pool has none of it. */
const forSpans = (
  { ranges }: Shared,
  protocol: 'tcp' | 'udp' | 'icmp',
  rules: (spans: string) => readonly string[],
): readonly string[] => {
  const spans = spansOf(ranges, protocol);
  return spans.length === 0 ? [] : rules(ports(spans));
};

/**
 * Whether the kernel has a socket for the packet. Of the keys of "socket" this is the one that does not leave out connections half
 * open or just closed (net/netfilter/nft_socket.c asks for a full socket for the others).
 */
const ANY_SOCKET = 'socket transparent { 0, 1 }';

/**
 * TCP and UDP, before connection tracking. What the router itself has a socket for, bound to the packet's address or to all, is its
 * own. Not what it sends to itself (lo): such packets are delivered already.
 */
function steerRules(pool: Shared, tun: string): string[] {
  const to = `ip daddr ${text4(pool.outside)}`;
  const action = `notrack ip daddr set ${text4(pool.inside)} accept`;
  return [
    `iifname ${quoted(tun)} ip saddr ${text4(pool.inside)} notrack`,
    'iifname "lo" accept',
    `${to} meta l4proto { tcp, udp } ${ANY_SOCKET} accept`,
    ...forSpans(pool, 'tcp', (spans) => [rule(`${to} tcp dport ${spans}`, action, RULE.steered)]),
    ...forSpans(pool, 'udp', (spans) => [rule(`${to} udp dport ${spans}`, action, RULE.steered)]),
  ];
}

/**
 * ICMP, after connection tracking: what belongs to connections of the router itself is known to it. The rest is `invalid`, or
 * `untracked` where it comes from the NAT64 (a hairpin's errors).
 */
function steerIcmpRules(pool: Shared): string[] {
  const to = `ip daddr ${text4(pool.outside)} ct state { invalid, untracked }`;
  const action = `ip daddr set ${text4(pool.inside)} accept`;
  const inner = `${to} icmp type ${ERRORS} ${INNER_START} 0x45 ${INNER_SOURCE} ${hex(pool.outside)}`;
  const innerAction = `${INNER_SOURCE} set ${hex(pool.inside)} ${action}`;
  const error = (protocol: number) => (spans: string) => [
    rule(`${inner} ${INNER_PROTOCOL} ${protocol} ${INNER_PORT} ${spans}`, innerAction, RULE.steered),
  ];
  return [
    ...forSpans(pool, 'tcp', error(TCP)),
    ...forSpans(pool, 'udp', error(UDP)),
    ...forSpans(pool, 'icmp', (spans) => [
      rule(`${to} icmp type echo-reply icmp id ${spans}`, action, RULE.steered),
      rule(
        `${inner} ${INNER_PROTOCOL} ${ICMP} ${INNER_TYPE} ${ECHO_REQUEST} ${INNER_IDENTIFIER} ${spans}`,
        innerAction,
        RULE.steered,
      ),
    ]),
  ];
}

/**
 * The way back, last of all; of a hairpin's packets (N-06) also into the NAT64 again. An error about a packet that was steered
 * quotes it with the private address.
 */
function returnRules(pool: Shared): string[] {
  return [
    `icmp type ${ERRORS} ${INNER_DESTINATION} ${hex(pool.inside)} ${INNER_DESTINATION} set ${hex(pool.outside)}`,
    rule(`ip saddr ${text4(pool.inside)}`, `ip saddr set ${text4(pool.outside)}`, RULE.returned),
  ];
}

function sharedChains(pool: Shared, tun: string): string[] {
  return [
    chain('steer', 'filter hook prerouting priority raw', steerRules(pool, tun)),
    chain('steer_icmp', 'filter hook prerouting priority mangle', steerIcmpRules(pool)),
    chain('answer', 'filter hook output priority raw', [`ip daddr ${text4(pool.inside)} notrack`]),
    chain('send_back', 'filter hook postrouting priority 300', returnRules(pool)),
  ];
}

/**
 * The table, for nft(8): one transaction that replaces whatever it was before.
 * @param config interface names as the kernel allows them
 */
export function gatewayRuleset(config: GatewayHostConfig): string {
  const { pool, tun } = config;
  const chains = [
    chain('guard', 'filter hook forward priority filter', guardRules(config)),
    chain('dns', 'filter hook input priority filter', dnsRules(config)),
    chain('source_nat', 'nat hook postrouting priority srcnat', sourceNatRules(config)),
    chain('destination_nat', 'nat hook prerouting priority dstnat', destinationNatRules(config)),
    ...(pool.kind === 'shared' ? sharedChains(pool, tun.name) : []),
  ];
  const table = `table inet ${GATEWAY_TABLE}`;
  return `${table} { }\ndelete ${table}\n${table} {\n${chains.join('')}}\n`;
}
