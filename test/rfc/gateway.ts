// The rules of the gateway (RFC 6146, 4787, 5382, 5508, 7857, 6888; 6147, 7050, 8880, 6891, 2308; 4861, 8106, 8781; 8925; 6296), one
// row each: N for NAT64, S for DNS64, R for router advertisements, O for option 108 and NAT66. Read first: ledger.ts.

import type { Row } from './ledger.ts';

/** Every rule of the gateway. */
export const GATEWAY_RULES: readonly Row[] = [
  {
    id: 'N-01',
    rule: 'Endpoint-independent mapping: one BIB entry per (protocol, IPv6 source, port/identifier), tables for UDP, TCP, ICMP.',
  },
  {
    id: 'N-02',
    rule: 'Filtering: endpoint-independent by default, address-dependent as an option; unsolicited inbound without a BIB entry: drop (ICMPv4 3/3 optional), TCP SYN held 6 s for simultaneous open (RFC 6146 §3.5.2.2).',
  },
  {
    id: 'N-03',
    rule: 'Pool: IPv4 addresses with port ranges per protocol (`192.0.2.10 1024-65535`). Same IPv4 for all of one IPv6 host (paired pooling); UDP port parity and range (0–1023 / 1024–65535) preserved where possible; no port overloading; ports allocated unpredictably (RFC 6056).',
  },
  {
    id: 'N-04',
    rule: "Timers: UDP 5 min (≥ 2), TCP established 2 h 4 min, transitory 4 min, incoming SYN 6 s, ICMP 60 s, fragments 2 s; all configurable within the RFC's floors. ICMP errors never refresh or kill a session. Inbound packets refresh UDP only as RFC 4787 REQ-6 allows.",
  },
  {
    id: 'N-05',
    rule: 'TCP state machine of RFC 6146 §3.5.2 with the probe packet on expiry of an established session; RST and FIN handling as there (RFC 7857 §2).',
  },
  {
    id: 'N-06',
    rule: 'Hairpinning for UDP, TCP, ICMP errors and echo (RFC 6146 §3.8): two IPv6 hosts behind the gateway reach each other by the pool address.',
  },
  {
    id: 'N-07',
    rule: 'Fragments arriving in any order are handled for 2 s with bounded memory (per source too); overlapping fragments: drop.',
  },
  {
    id: 'N-08',
    rule: 'Packets whose IPv6 source lies inside PREF64, or whose IPv4 source is a pool address outside hairpinning: drop.',
  },
  {
    id: 'N-09',
    rule: 'Static BIB entries (port forwarding in), added and removed at run time.',
  },
  {
    id: 'N-10',
    rule: 'Limits: total sessions, sessions per IPv6 host (and per /64), new sessions per second per host; a full table answers ICMPv6 1/3 or drops, keeps what is established, and says so in metrics.',
  },
  {
    id: 'N-11',
    rule: 'Log of mappings (RFC 6888 REQ-12: time, IPv6 source, mapped address and port, protocol), by mapping or by port block; off by default; never blocks the data path.',
  },
  {
    id: 'N-12',
    rule: 'Configuration changes apply without losing sessions.',
  },
  {
    id: 'N-13',
    rule: 'Everything in translation.md holds for each translated packet.',
  },
  {
    id: 'S-01',
    rule: 'UDP and TCP, EDNS0, truncation with TC, names and cases kept (0x20), any type passed through to the upstream resolvers.',
  },
  {
    id: 'S-02',
    rule: 'AAAA: real AAAA are returned as they are, excluding ::ffff:0:0/96 and configured ranges; only when none are left an A query follows and its addresses are synthesised with every configured prefix.',
  },
  {
    id: 'S-03',
    rule: 'NXDOMAIN is passed on. Other RCODEs and timeouts on the AAAA query are treated as an empty answer, and the A query decides.',
  },
  {
    id: 'S-04',
    rule: 'CNAME and DNAME chains are kept in the answer.',
  },
  {
    id: 'S-05',
    rule: 'TTL of a synthetic record = min(A TTL, SOA negative TTL of the AAAA answer; without SOA 600 s).',
  },
  {
    id: 'S-06',
    rule: 'DO=1 and CD=1: never synthesised. A synthetic answer has AD=0; nothing forged is ever presented as authenticated. With validation on, a bogus A or AAAA answer is SERVFAIL and is never turned into a synthetic one.',
  },
  {
    id: 'S-07',
    rule: 'PTR inside PREF64 (ip6.arpa) answered by CNAME to in-addr.arpa, or by lookup, as configured.',
  },
  {
    id: 'S-08',
    rule: "ipv4only.arpa is answered locally (RFC 8880): A 192.0.0.170/171, AAAA with the gateway's prefix, the PTRs.",
  },
  {
    id: 'S-09',
    rule: 'Options that the known resolvers have: synthall (also where AAAA exist), per-domain ignore-AAAA, client ranges (refused outside), exclude lists for A and AAAA, several prefixes, mapped only for some IPv4 ranges, listen addresses, several forwarders with failover, DNS over TLS to them.',
  },
  {
    id: 'S-10',
    rule: 'Cache with TTL, negative caching (RFC 2308), bounded memory, serve-stale as an option; outstanding-query limit; source port and ID randomised; answers matched on question, ID, address; spoofed or malformed packets dropped and counted.',
  },
  {
    id: 'R-01',
    rule: 'Prefix information (autonomous, on-link, lifetimes), RDNSS, DNSSL, MTU, PREF64 (lifetime default 3 × interval, rounded up to 8 s, at most 65528 s), router lifetime and preference.',
  },
  {
    id: 'R-02',
    rule: 'Unsolicited at random between min and max interval, the first 3 quickly; answers to solicitations delayed 0–500 ms and rate limited; final RAs with lifetime 0 on shutdown or prefix change.',
  },
  {
    id: 'R-03',
    rule: 'Off where another daemon (radvd, systemd-networkd) owns the interface: detected and reported.',
  },
  {
    id: 'O-01',
    rule: 'DHCPv4 on the LAN answers option 108 only to clients that ask for it (RFC 8925), and gives the others a normal lease. An existing DHCP server is the engine.',
  },
  {
    id: 'O-02',
    rule: "NAT66 for LAN prefixes that are not routed (masquerade), NPTv6 as the stateless choice; by the kernel's own NAT, in one owned table, removed on stop.",
  },
  {
    id: 'O-03',
    rule: 'NAT44 for the legacy IPv4 clients likewise, optional.',
  },
  {
    id: 'O-04',
    rule: 'A packet to PREF64 from outside the LAN side is dropped unless allowed: an open NAT64 is an abuse vector.',
  },
];
