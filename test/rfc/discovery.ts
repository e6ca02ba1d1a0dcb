// The rules of PREF64 discovery and of a CLAT's life (RFC 8781, 7050, 8880, 9872, 8925, 7335, 6877), one row each. Read first:
// ledger.ts.

import type { Row } from './ledger.ts';

/** Every rule of discovery. */
export const DISCOVERY_RULES: readonly Row[] = [
  {
    id: 'D-01',
    rule: 'RA option 38: length field exactly 2 (16 bytes); 13-bit scaled lifetime in units of 8 s; 3-bit PLC 0…5 = /96 /64 /56 /48 /40 /32, 6–7 ignored; then the high 96 bits of the prefix. Unknown or malformed options are skipped without losing the rest; a zero-length option discards the RA.',
  },
  {
    id: 'D-02',
    rule: 'An RA is accepted only with hop limit 255, a link-local source, code 0, a valid checksum, at least 16 bytes.',
  },
  {
    id: 'D-03',
    rule: 'Lifetime 0 withdraws that prefix of that router; an RA without the option withdraws nothing. Prefixes are kept per interface and per router; they expire.',
  },
  {
    id: 'D-04',
    rule: 'Several valid prefixes: a stable choice (the one in use stays while it is valid), no flapping; otherwise by router preference, then order seen.',
  },
  {
    id: 'D-05',
    rule: 'On start and on link-up up to 3 Router Solicitations, 4 s apart, so that nobody waits for the next periodic RA.',
  },
  {
    id: 'D-06',
    rule: "RFC 7050: AAAA ipv4only.arpa to the resolvers that the network gave on that interface (RDNSS, DHCP), never to a user's own (DoH, VPN, hosts file); CD=0; look for 192.0.0.170 and 192.0.0.171 at all six positions of every AAAA; several prefixes are possible; NXDOMAIN/no AAAA = no NAT64; repeat before the TTL ends (10 s before, at least once a minute after failures with backoff) and on every network change.",
  },
  {
    id: 'D-07',
    rule: 'Order (RFC 9872): static configuration, then RA, then RFC 7050. A prefix from 7050 is dropped as soon as an RA gives one.',
  },
  {
    id: 'D-08',
    rule: 'Optional connectivity check through the prefix before use (RFC 7050 §3.1); its failure shows in status and diagnosis and does not remove a prefix that an RA gave.',
  },
  {
    id: 'D-09',
    rule: 'CLAT starts when: PREF64 known ∧ a usable global or ULA IPv6 address by SLAAC/DHCPv6 ∧ no native IPv4 default route on any usable interface (or the user forces it). It stops when native IPv4 appears or the prefix is gone; with hysteresis (a route that lasts ≥ 2 s counts). With `force` the CLAT route has the worse metric.',
  },
  {
    id: 'D-10',
    rule: "The CLAT's IPv6 address comes from the prefix that RFC 6724 source selection would pick toward the PREF64 on the uplink; a dedicated /128, never the host's own; random per network (RFC 7217-like secret), checksum-neutral where possible; DAD is done; on a duplicate a new one is chosen (at most 3 times, then an error in status).",
  },
  {
    id: 'D-11',
    rule: "Neighbour Solicitations for that address are answered for as long as the CLAT is up (proxy ND, or the kernel's own). Uplink change, prefix deprecation, renumbering or sleep/wake → new address, old one removed, IPv4 flows survive where the IPv4 side did not change.",
  },
  {
    id: 'D-12',
    rule: 'IPv4 side: 192.0.0.1/32 … from 192.0.0.0/29 not in use on the host, interface MTU = uplink IPv6 MTU − 20 (option: − 28), default route with metric 2048. RA-announced and PMTU-learned MTU count.',
  },
  {
    id: 'D-13',
    rule: "Another CLAT on the host (Windows' own, macOS' own, NetworkManager's, a clatd) is recognised and reported, and ours stays out of its way; on Windows the app can switch the built-in one on and show its state.",
  },
  {
    id: 'D-14',
    rule: 'Option 108 (RFC 8925): requested only where a CLAT can run; the answer makes the client drop IPv4 for V6ONLY_WAIT (floor 300 s, default 1800 s), cancelled on network change.',
  },
  {
    id: 'D-15',
    rule: 'Every start, stop, choice and refusal has a reason code that status and log show: "waiting for an RA", "native IPv4 present on eth0", …',
  },
  {
    id: 'D-16',
    rule: 'Whatever ends the process (SIGTERM, crash, kill -9, power) leaves a host that the next start, or `cleanup`, brings back exactly: addresses, routes, sysctls, rules, proxy entries, firewall entries. Changes are journalled before they are made.',
  },
];
