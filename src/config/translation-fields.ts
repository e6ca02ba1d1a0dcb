// The keys that decide how a packet is translated, whoever does it: a stateless translator or a gateway's NAT64. What they
// mean for each other is checked in translation.ts.

import { DEFAULT_SETTINGS, RFC1191_PLATEAUS } from '../core/translate/settings.ts';
import { ipv4, ipv6, prefix4, prefix6 } from './addresses.ts';
import { choice, field, flag, integer, list, section, type Values, wordOr } from './fields.ts';

const D = DEFAULT_SETTINGS;

const TOLERATE_FIELDS = {
  'header-checksum': field(flag, false, 'Let a wrong IPv4 header checksum pass.'),
  'icmp-checksum': field(flag, false, 'Let a wrong ICMP checksum pass; it stays wrong by the same difference.'),
  martians: field(flag, false, 'Translate packets from or to 0/8, 127/8 and 240/4.'),
  'source-route': field(flag, false, 'Ignore an unexpired IPv4 source route instead of refusing the packet.'),
};

/** Keys that a translator and a gateway's NAT64 share. */
export const TRANSLATION_FIELDS = {
  'own-ipv4': field(
    wordOr('auto', 'auto' as const, wordOr('none', 0, ipv4)),
    'auto',
    'Source of the ICMPv4 errors that the translator sends; answers ping. auto: 192.0.0.8 (RFC 7600). none: no errors are sent.',
  ),
  'own-ipv6': field(
    wordOr('auto', 'auto' as const, wordOr('none', null, ipv6)),
    'auto',
    'Source of the ICMPv6 errors that the translator sends; answers ping. auto: own-ipv4 inside the prefix. none: no errors are sent.',
  ),
  'icmp-pool-ipv4': field(
    list(prefix4),
    [],
    'IPv4 sources for ICMP errors of IPv6 routers that have no IPv4 form (RFC 6791). Empty: own-ipv4.',
  ),
  'icmp-pool-ipv6': field(
    wordOr('none', null, prefix6),
    'none',
    'IPv6 sources for ICMP errors of IPv4 routers that have no IPv6 form. none: own-ipv6.',
  ),
  'ipv4-mtu': field(integer(68, 65535), D.ipv4Mtu, 'MTU of the IPv4 next hop in bytes.'),
  'ipv6-mtu': field(integer(1280, 65535), D.ipv6Mtu, 'MTU of the IPv6 next hop in bytes.'),
  'lowest-ipv6-mtu': field(
    integer(1280, 65535),
    D.lowestIpv6Mtu,
    'IPv4 packets that may be fragmented become IPv6 fragments of at most this many bytes (RFC 7915 §4).',
  ),
  'udp-zero-checksum': field(
    choice(['compute', 'drop', 'forward']),
    D.udpZeroChecksum,
    'UDP over IPv4 without a checksum: compute one, drop the packet, or forward it as it is (which breaks RFC 8200 §8.1).',
  ),
  'traffic-class': field(
    choice(['copy', 'zero']),
    D.trafficClass,
    'Traffic Class of IPv6 packets: copied from the TOS octet, or zero.',
  ),
  tos: field(
    wordOr('copy', 'copy' as const, integer(0, 255)),
    'copy',
    'TOS octet of IPv4 packets: copied from the Traffic Class, or this number.',
  ),
  'allow-non-global': field(
    flag,
    D.allowNonGlobal,
    'Let private and other non-global IPv4 addresses through 64:ff9b::/96, against RFC 6052 §3.1.',
  ),
  'decrement-hop-limit': field(flag, D.decrementHopLimit, 'Count down TTL and hop limit, as a router does.'),
  tolerate: field(section(TOLERATE_FIELDS), {}, 'Conditions that break a rule of an RFC and pass all the same.'),
  plateaus: field(list(integer(68, 65535)), RFC1191_PLATEAUS, 'Path MTU plateaus in bytes, falling (RFC 1191 §7).'),
  'errors-per-second': field(
    integer(0, 1_000_000),
    D.errorsPerSecond,
    'ICMP errors that the translator sends per second and side; 0: none.',
  ),
  'icmpv4-error-size': field(
    integer(96, 65535),
    D.icmpv4ErrorSize,
    'Largest ICMPv4 error in bytes (RFC 1812 §4.3.2.3: 576).',
  ),
  'icmpv6-error-size': field(
    integer(128, 1280),
    D.icmpv6ErrorSize,
    'Largest ICMPv6 error in bytes (RFC 4443 §2.4: 1280).',
  ),
};

/** Their checked values. */
export type TranslationValues = Values<typeof TRANSLATION_FIELDS>;
