// The rules of stateless translation (RFC 7915, 6052, 7757, 6791, 4884), one row each. Read first: ledger.ts.

import type { Row } from './ledger.ts';

/** Every rule of stateless translation. */
export const TRANSLATION_RULES: readonly Row[] = [
  {
    id: 'A-01',
    rule: 'Prefix lengths 32, 40, 48, 56, 64, 96 only. Bits 64–71 are zero in every result; the suffix is zero. On extraction the suffix is ignored.',
  },
  {
    id: 'A-02',
    rule: '192.0.2.33 embeds as: 2001:db8::/32 → 2001:db8:c000:221:: · 2001:db8:100::/40 → 2001:db8:1c0:2:21:: · 2001:db8:122::/48 → 2001:db8:122:c000:2:2100:: · 2001:db8:122:300::/56 → 2001:db8:122:3c0:0:221:: · 2001:db8:122:344::/64 → 2001:db8:122:344:c0:2:2100:: · 2001:db8:122:344::/96 → 2001:db8:122:344::192.0.2.33 · 64:ff9b::/96 → 64:ff9b::192.0.2.33',
  },
  {
    id: 'A-03',
    rule: 'The well-known prefix 64:ff9b::/96 carries non-global IPv4 addresses (RFC 1918, 100.64/10, 169.254/16, …) only when the configuration allows it. The switch exists on both client and gateway. A refused packet is counted and answered with an ICMP error, and the diagnosis names it. 64:ff9b:1::/48 (RFC 8215) is a local-use prefix and is never restricted.',
  },
  {
    id: 'A-04',
    rule: 'Never translated, either direction, dropped and counted: source or destination in 0/8, 127/8, 224/4 (unless multicast translation is configured), 240/4, 255.255.255.255; ::, ::1, fe80::/10, ff00::/8.',
  },
  {
    id: 'A-05',
    rule: 'EAM (RFC 7757): longest IPv4 prefix match v4→v6, longest IPv6 prefix match v6→v4; suffix bits copy across, also where the two lengths differ; EAM wins over RFC 6052; overlapping entries refused unless forced. Hairpinning between two EAM hosts works (intrinsic, §4.2).',
  },
  {
    id: 'A-06',
    rule: 'CLAT: one IPv4 address (default 192.0.0.1–192.0.0.6 of RFC 7335, never on the wire) ⇄ one IPv6 /128. With a /96 PREF64 the interface identifier is chosen checksum-neutral, so TCP and UDP checksums do not change (still correct if it is not neutral).',
  },
  {
    id: 'T-4.1-01',
    rule: 'Traffic Class = TOS octet (option: zero). Flow Label 0. Payload Length, Next Header = Protocol, but ICMPv4 (1) → ICMPv6 (58).',
  },
  {
    id: 'T-4.1-02',
    rule: "Hop Limit = TTL − 1. TTL 0 or 1: drop, ICMPv4 Time Exceeded (11/0) to the sender (not for ICMP errors, fragments other than the first, multicast, martian sources). The host's own CLAT may be configured not to decrement, so that a traceroute shows no extra hop.",
  },
  { id: 'T-4.1-03', rule: 'IPv4 options are skipped. An unexpired source route (LSRR/SSRR): drop, ICMPv4 3/5.' },
  {
    id: 'T-4.1-04',
    rule: 'Header checksum verified on input; bad: drop. IHL < 5, total length < header or > packet: drop. Link padding after total length is cut off.',
  },
  {
    id: 'T-4.1-05',
    rule: 'DF=1: no Fragment Header is ever added to an unfragmented packet. Too large for the IPv6 path: drop, ICMPv4 3/4 with MTU = IPv6 MTU − 20.',
  },
  {
    id: 'T-4.1-06',
    rule: 'DF=0: a packet that would exceed lowest-ipv6-mtu (default 1280) is fragmented into IPv6 fragments that fit; one that fits goes without a Fragment Header.',
  },
  {
    id: 'T-4.1-07',
    rule: 'A fragment (MF=1 or offset≠0) gets a Fragment Header: identification = 16-bit ID in the low half, offset and M copied.',
  },
  { id: 'T-4.1-08', rule: 'Fragmented ICMPv4 is not translated: drop.' },
  {
    id: 'T-4.1-09',
    rule: "Other protocols (ESP, GRE, SCTP, …) pass unchanged with only the IP header translated; DCCP's checksum is adjusted; AH passes although it will fail at the receiver (documented). Numbers that are an extension header or ICMPv6 behind an IPv6 header (0, 43, 44, 58, 60, 135, 139, 140): drop silently, for payload would be read as a header (documented).",
  },
  {
    id: 'T-4.5-01',
    rule: 'TCP, UDP, UDP-Lite: checksum updated incrementally for the pseudo-header change (RFC 1624), never recomputed over the payload; UDP result 0 is written as 0xffff.',
  },
  {
    id: 'T-4.5-02',
    rule: 'UDP checksum 0, unfragmented: computed over the datagram (default) or dropped, by configuration.',
  },
  { id: 'T-4.5-03', rule: 'UDP checksum 0, fragmented: drop and count (a stateless translator cannot compute it).' },
  {
    id: 'T-4.5-04',
    rule: 'A checksum that was wrong stays wrong by the same difference: the translator never repairs damage.',
  },
  {
    id: 'T-4.5-05',
    rule: 'First fragment too short to hold the transport header: passed as data if no checksum is reachable in it, never read past its end.',
  },
  { id: 'T-4.2-01', rule: 'ICMPv4 8 echo / 0 reply → ICMPv6 128 / 129, checksum now covers the pseudo-header' },
  { id: 'T-4.2-02', rule: 'ICMPv4 13–18, 9, 10, 4, 5, 6, unknown → drop silently (counted)' },
  { id: 'T-4.2-03', rule: 'ICMPv4 3/0, 3/1, 3/5, 3/6, 3/7, 3/8, 3/11, 3/12 → ICMPv6 1/0 no route' },
  { id: 'T-4.2-04', rule: 'ICMPv4 3/2 protocol unreachable → ICMPv6 4/1, pointer 6' },
  { id: 'T-4.2-05', rule: 'ICMPv4 3/3 → ICMPv6 1/4' },
  {
    id: 'T-4.2-06',
    rule: 'ICMPv4 3/4 → ICMPv6 2/0; MTU = max(1280, min(reported+20, IPv6 next-hop MTU, IPv4 next-hop MTU+20)); reported 0: the largest RFC 1191 plateau below the inner total length',
  },
  { id: 'T-4.2-07', rule: 'ICMPv4 3/9, 3/10, 3/13, 3/15 → ICMPv6 1/1' },
  { id: 'T-4.2-08', rule: 'ICMPv4 3/14, other codes → drop' },
  { id: 'T-4.2-09', rule: 'ICMPv4 11/0, 11/1 → ICMPv6 3/0, 3/1' },
  {
    id: 'T-4.2-10',
    rule: 'ICMPv4 12/0, 12/2 → ICMPv6 4/0, pointer 0→0 1→1 2→4 3→4 8→7 9→6 12–15→8 16–19→24; others drop',
  },
  { id: 'T-4.2-11', rule: 'ICMPv4 12/1, other codes → drop' },
  {
    id: 'T-4.2-12',
    rule: 'Inner packet of an error: translated like a packet (no TTL change, no drop for its length), once; an error inside an error: drop. Inner may be cut short anywhere; inner L4 checksum is adjusted when present. Outer lengths recomputed; total ≤ 1280.',
  },
  {
    id: 'T-4.2-13',
    rule: 'RFC 4884 extensions: kept; the length attribute is converted from 32-bit to 64-bit units and the padding adjusted; malformed: extension removed, error kept',
  },
  { id: 'T-4.2-14', rule: 'Wrong ICMPv4 checksum: drop' },
  {
    id: 'T-5.1-01',
    rule: 'TOS = Traffic Class (option: fixed value). TTL = Hop Limit − 1; 0 or 1: ICMPv6 3/0 back. Protocol from the last extension header; ICMPv6 (58) → 1; ICMPv4 (1) in IPv6: drop silently (documented). Header checksum computed.',
  },
  {
    id: 'T-5.1-02',
    rule: "No Fragment Header: translated packet ≤ 1260 bytes → DF=0 and an Identification from the translator's generator; larger → DF=1.",
  },
  {
    id: 'T-5.1-03',
    rule: 'Fragment Header: ID = low 16 bits, MF and offset copied, DF=0. Its next header being another extension header (ESP aside): drop. Fragments of ICMPv6: drop.',
  },
  {
    id: 'T-5.1-04',
    rule: 'Hop-by-Hop, Destination Options and Routing headers are skipped. Routing with Segments Left ≠ 0: drop, ICMPv6 4/0 pointing at the Segments Left octet. Header chains are bounded; a chain that runs off the packet: drop.',
  },
  { id: 'T-5.1-05', rule: 'Too large for the IPv4 side with DF=1: ICMPv6 2/0, MTU = IPv4 MTU + 20 (≥ 1280).' },
  { id: 'T-5.1-06', rule: 'Source address not translatable: drop, except ICMPv6 errors (T-5.2-10).' },
  { id: 'T-5.1-07', rule: 'Jumbograms, payload length beyond the packet, version ≠ 6: drop.' },
  { id: 'T-5.2-01', rule: 'ICMPv6 128 / 129 → ICMPv4 8 / 0' },
  { id: 'T-5.2-02', rule: 'ICMPv6 130–132, 143, 133–137, unknown → drop' },
  { id: 'T-5.2-03', rule: 'ICMPv6 1/0, 1/2, 1/3 → ICMPv4 3/1' },
  { id: 'T-5.2-04', rule: 'ICMPv6 1/1 → ICMPv4 3/10' },
  { id: 'T-5.2-05', rule: 'ICMPv6 1/4 → ICMPv4 3/3; other codes drop' },
  { id: 'T-5.2-06', rule: 'ICMPv6 2/0 → ICMPv4 3/4; MTU = min(reported−20, IPv4 next-hop MTU, IPv6 next-hop MTU−20)' },
  { id: 'T-5.2-07', rule: 'ICMPv6 3/0, 3/1 → ICMPv4 11/0, 11/1' },
  { id: 'T-5.2-08', rule: 'ICMPv6 4/0 → ICMPv4 12/0, pointer 0→0 1→1 4,5→2 6→9 7→8 8–23→12 24–39→16; others drop' },
  { id: 'T-5.2-09', rule: 'ICMPv6 4/1 → ICMPv4 3/2; 4/2 and others drop' },
  {
    id: 'T-5.2-10',
    rule: 'Error whose source has no IPv4 form (a router on the IPv6 path): still translated: its source becomes an address of the configured RFC 6791 pool, on a CLAT 192.0.0.8; so path-MTU discovery and traceroute work end to end',
  },
  { id: 'T-5.2-11', rule: 'Inner packet, RFC 4884: as T-4.2-12 / T-4.2-13 mirrored; total ≤ 576 unless configured' },
  {
    id: 'T-E-01',
    rule: 'Never about: an ICMP error, a non-first fragment, a multicast/broadcast destination, a source that is not one host.',
  },
  { id: 'T-E-02', rule: 'Token-bucket limited (default 1,000/s per side, configurable), the clock passed in.' },
  {
    id: 'T-E-03',
    rule: "Sent from the translator's own address on that side, with as much of the offending packet as fits (576 / 1280).",
  },
  {
    id: 'T-O-01',
    rule: "A GSO super-packet (TCP or UDP) is translated as one: type v4⇄v6 swapped, hdr_len and csum_start moved by the header difference, gso_size kept so that every segment fits the narrower side's MTU, partial checksum = new pseudo-header sum. The receiver sees the same bytes as if each segment had been translated on its own.",
  },
  {
    id: 'T-O-02',
    rule: 'gso_size + new headers > MTU of the other side: DF=1 → 3/4 (or 2/0) with the right MTU; DF=0 → segmented here.',
  },
  {
    id: 'T-O-03',
    rule: 'csum_start/csum_offset/hdr_len/gso_size that do not fit the packet: drop, count; never trusted.',
  },
];
