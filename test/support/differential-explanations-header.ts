// Explained differences in headers, transport, fragments, addresses and the translator's own answers.

import type { Explanation } from './differential-explanations.ts';
import {
  ERROR,
  hasAddressIn,
  hasExtensionBehindFragment,
  isAnswer,
  isFirst,
  isTransportCutShort,
  isZeroUdp,
  MARTIANS,
  optionFault,
  TRANSLATED,
} from './differential-facts.ts';
import { NETWORK } from './differential-network.ts';

const HEADERS: readonly Explanation[] = [
  {
    name: 'DF of IPv4 packets of up to 1260 bytes',
    rfc: 'RFC 7915 §5.1',
    tayga: 'sets DF',
    ours: 'leaves DF clear and chooses an identification, outside and in quoted packets',
    right: 'ours',
    matches: (d) =>
      d.input?.family === 6 &&
      d.ours === 'no' &&
      ((d.field === 'DF' && d.input.fragment === null) ||
        (d.field === 'quoted DF' && d.input.inner?.fragment === null)),
  },
  {
    name: 'DF of IPv4 packets of 1261 to 1300 bytes after a 3/4 below 1260',
    rfc: 'RFC 7915 §5.1, §6',
    tayga: 'remembers the destination and clears DF of up to 1280 bytes of payload, as RFC 6145 §6 asked for',
    ours: 'sets DF above 1260 bytes, without a memory',
    right: 'ours',
    matches: (d) => d.input?.family === 6 && d.field === 'DF' && d.ours === 'yes' && d.input.claimed <= 1320,
  },
  {
    name: 'TTL or hop limit 0 on arrival',
    rfc: 'RFC 7915 §4.1, §5.1',
    tayga: 'drops it without a word',
    ours: 'sends Time Exceeded',
    right: 'ours',
    matches: (d) => d.input?.hops === 0 && isAnswer(d, /^error (11|3)\/0$/, 'nothing'),
  },
  {
    name: 'unexpired source route',
    rfc: 'RFC 7915 §4.1',
    tayga: 'translates the packet as if it had no option',
    ours: 'drops it and sends 3/5',
    right: 'ours',
    matches: (d) =>
      optionFault(d.input?.options ?? new Uint8Array()) === 'source route' && isAnswer(d, 'error 3/5', TRANSLATED),
  },
  {
    name: 'malformed IPv4 options',
    rfc: 'RFC 791 §3.1, RFC 7915 §4.1',
    tayga: 'does not read options, and translates',
    ours: 'drops the packet: a source route could hide behind them',
    right: 'both',
    matches: (d) =>
      optionFault(d.input?.options ?? new Uint8Array()) === 'malformed' && isAnswer(d, 'nothing', TRANSLATED),
  },
  {
    name: 'Routing header with segments left',
    rfc: 'RFC 7915 §5.1',
    tayga: 'skips it, and goes on to translate or to refuse the packet for another reason',
    ours: 'drops it and sends 4/0 that points at Segments Left',
    right: 'ours',
    matches: (d) => (d.input?.segmentsLeft ?? 0) > 0 && isAnswer(d, 'error 4/0', /^(IPv4 packet|error (3|1)\/0)$/),
  },
  {
    name: 'more than eight extension headers',
    rfc: 'RFC 8504 §5.3',
    tayga: 'follows them without a limit',
    ours: 'drops the packet: the time spent on one is bounded',
    right: 'both',
    matches: (d) => (d.input?.extensions.length ?? 0) > 8 && isAnswer(d, 'nothing', /packet|error/),
  },
];

const TRANSPORT: readonly Explanation[] = [
  {
    name: 'checksum of UDP-Lite and DCCP',
    rfc: 'RFC 7915 §4.5, §5.5; RFC 3828 §3.1; RFC 4340 §9.1',
    tayga: 'leaves the checksum, which is wrong then',
    ours: 'adjusts it to the new pseudo-header',
    right: 'ours',
    matches: (d) => d.field === 'checksum' && [33, 136].includes(d.input?.protocol ?? 0),
  },
  {
    name: 'UDP checksum that becomes zero',
    rfc: 'RFC 768, RFC 8200 §8.1',
    tayga: 'writes 0x0000, which says that there is no checksum; an IPv6 host drops the datagram',
    ours: 'writes 0xffff',
    right: 'ours',
    matches: (d) => d.field === 'checksum' && d.input?.protocol === 17 && d.ours === 'ffff' && d.tayga === '0000',
  },
  {
    name: 'UDP over IPv4 without a checksum',
    rfc: 'RFC 7915 §4.5',
    tayga: 'drops the datagram',
    ours: 'computes the checksum of one that is whole',
    right: 'ours',
    matches: (d) =>
      d.input?.family === 4 && d.input.fragment === null && isZeroUdp(d.input) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'UDP over IPv6 without a checksum',
    rfc: 'RFC 6935 §5, RFC 7915 §5.5',
    tayga: 'drops the datagram',
    ours: 'passes it without a checksum, which IPv4 allows',
    right: 'both',
    matches: (d) => d.input?.family === 6 && isZeroUdp(d.input) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'transport header cut short',
    rfc: 'RFC 7915 §4.5, RFC 791 §3.2',
    tayga: 'drops what has fewer than 20 bytes of TCP or 8 of UDP, first fragments too',
    ours: 'passes a first fragment, and what has its checksum',
    right: 'ours',
    matches: (d) => isTransportCutShort(d.input) && isAnswer(d, TRANSLATED, 'nothing'),
  },
];

const FRAGMENTS: readonly Explanation[] = [
  {
    name: 'IPv4 fragments with DF',
    rfc: 'RFC 7915 §4.1',
    tayga: 'ignores DF on fragments and cuts them to 1280 bytes',
    ours: 'cuts nothing that has DF: passes what fits the IPv6 MTU, and sends 3/4 about a first fragment that does not',
    right: 'ours',
    matches: (d) =>
      d.input?.family === 4 &&
      d.input.fragment !== null &&
      d.input.df &&
      isAnswer(d, /^(IPv6 packet|error 3\/4|nothing)$/, 'IPv6 packet + IPv6 packet'),
  },
  {
    name: 'last fragment without data',
    rfc: 'RFC 7915 §4.1',
    tayga: 'sends nothing',
    ours: 'translates it like any fragment',
    right: 'ours',
    matches: (d) => d.input?.fragment != null && d.input.upper.length === 0 && isAnswer(d, 'IPv6 packet', 'nothing'),
  },
  {
    name: 'fragment without data that is not the last',
    rfc: 'RFC 8200 §4.5',
    tayga: 'translates it',
    ours: 'drops it: no packet can be made of it, and it only costs the receiver',
    right: 'both',
    matches: (d) =>
      d.input?.fragment?.more === true && d.input.upper.length === 0 && isAnswer(d, 'nothing', /packet|error/),
  },
  {
    name: 'extension header behind the Fragment Header',
    rfc: 'RFC 7915 §5.1.1',
    tayga: 'translates the packet, or answers it; the extension header becomes the IPv4 payload',
    ours: 'drops it (AH is one of them, ESP is not), and an error about it',
    right: 'ours',
    matches: (d) =>
      (hasExtensionBehindFragment(d.input) || hasExtensionBehindFragment(d.input?.inner)) &&
      isAnswer(d, 'nothing', /^(IPv4 packet|error \d)/),
  },
  {
    name: 'ICMP error about a later fragment',
    rfc: 'RFC 1122 §3.2.2, RFC 4443 §2.4 (e)',
    tayga: 'sends Time Exceeded or Destination Unreachable',
    ours: 'sends none',
    right: 'ours',
    matches: (d) => d.input !== null && !isFirst(d.input) && isAnswer(d, 'nothing', ERROR),
  },
];

const isReserved6 = (address: string | undefined): boolean => address?.startsWith('::') === true;
const isFromOwn = (source: string | undefined): boolean => source === NETWORK.ownIpv4 || source === NETWORK.ownIpv6;

const ADDRESSES: readonly Explanation[] = [
  {
    name: 'IPv4 address in 0/8',
    rfc: 'RFC 1122 §3.2.1.3, RFC 6890 §2.2.2',
    tayga: 'translates packets from and to most of them, or answers them',
    ours: 'drops them',
    right: 'ours',
    matches: (d) =>
      hasAddressIn(d.input, '0.0.0.0/8') && isAnswer(d, 'nothing', d.input?.family === 4 ? /packet|error/ : TRANSLATED),
  },
  {
    name: 'IPv6 address that holds a loopback, multicast or reserved IPv4 address',
    rfc: 'RFC 1812 §5.3.7',
    tayga: 'sends Destination Unreachable',
    ours: 'drops the packet without a word',
    right: 'both',
    matches: (d) =>
      d.input?.family === 6 && isFirst(d.input) && hasAddressIn(d.input, ...MARTIANS) && isAnswer(d, 'nothing', ERROR),
  },
  {
    name: 'link-local IPv4 address',
    rfc: 'RFC 3927 §2.7',
    tayga: 'refuses 169.254/16, as source and destination, outside and in quoted packets',
    ours: 'translates it with a prefix of the network, as any other; the well-known prefix refuses it (RFC 6052 §3.1)',
    right: 'tayga',
    matches: (d) =>
      (hasAddressIn(d.input, '169.254.0.0/16') || hasAddressIn(d.input?.inner, '169.254.0.0/16')) &&
      isAnswer(d, /packet|error/, /^(nothing|error 1\/[05])$/),
  },
  {
    name: 'IPv6 address in ::/8',
    rfc: 'RFC 4291 §2.4, RFC 4443 §3.1',
    tayga: 'drops the packet without a word',
    ours: 'drops what is from or to :: or ::1, and sends Destination Unreachable about the rest',
    right: 'both',
    matches: (d) =>
      (isReserved6(d.input?.source) || isReserved6(d.input?.destination)) && isAnswer(d, ERROR, 'nothing'),
  },
  {
    name: 'IPv6 host to the prefix form of another mapped host',
    rfc: 'RFC 7757 §4.2',
    tayga: 'sends 1/0',
    ours: 'turns the packet round to the IPv6 address of that host',
    right: 'ours',
    matches: (d) => isAnswer(d, 'turned round', 'error 1/0'),
  },
  {
    name: 'source inside the prefix that stands for a mapped IPv4 address',
    rfc: 'RFC 7757 §3.3.2',
    tayga: 'sends 1/5: its answer would go to the mapped host',
    ours: 'translates it: no mapping holds the IPv6 address, so the prefix does',
    right: 'both',
    matches: (d) =>
      d.input?.family === 6 &&
      hasAddressIn(d.input, '192.0.2.33/32', '192.0.2.64/26') &&
      isAnswer(d, 'IPv4 packet', 'error 1/5'),
  },
  {
    name: 'both addresses without a form in IPv4',
    rfc: 'RFC 4443 §3.1',
    tayga: 'tells of the destination first: 1/0',
    ours: 'tells of the source first: 1/5',
    right: 'both',
    matches: (d) => isAnswer(d, 'error 1/5', 'error 1/0'),
  },
];

const OWN: readonly Explanation[] = [
  {
    name: "the translator's own addresses as source",
    rfc: 'RFC 7757 §3.2',
    tayga: 'maps its two own addresses to one another',
    ours: 'knows only the mappings of its configuration',
    right: 'both',
    matches: (d) =>
      isFromOwn(d.input?.source) &&
      (d.field === 'source' || d.field === 'checksum' || isAnswer(d, 'error 1/5', 'IPv4 packet')),
  },
  {
    name: 'TCP or UDP to the translator itself',
    rfc: 'RFC 1122 §3.2.2.1, RFC 4443 §3.4',
    tayga: 'sends 3/2 or 4/1',
    ours: 'drops it: nothing but ping is answered',
    right: 'tayga',
    matches: (d) => isAnswer(d, 'nothing', /^error (3\/2|4\/1)$/),
  },
  {
    name: 'Type of Service of an echo reply',
    rfc: 'RFC 1349 §5.1 (obsoleted by RFC 2474)',
    tayga: 'copies it from the request',
    ours: 'sends zero, the default forwarding class',
    right: 'both',
    matches: (d) => (d.field === 'TOS' || d.field === 'traffic class') && d.ours === '00' && d.input?.inner === null,
  },
];

/** All rows of this file. */
export const HEADER_EXPLANATIONS: readonly Explanation[] = [
  ...HEADERS,
  ...TRANSPORT,
  ...FRAGMENTS,
  ...ADDRESSES,
  ...OWN,
];
