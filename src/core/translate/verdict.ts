// What became of a packet: one number per packet, one counter per number. Owns the list, its order and its texts.
// Read first: translator.ts. A number is never reused; new ones go to the end, because they are shown by their names.

/** One row per verdict: its stable name, the rule it follows, and what it tells an engineer. Index = the verdict number. */
export const VERDICTS = [
  ['translated', 'RFC 7915', 'translated and passed on'],
  ['answered', 'RFC 792 / RFC 4443', 'an echo request to the translator itself, answered'],
  ['fragmented', 'RFC 7915 §4', 'translated into several fragments'],
  ['segmented', 'RFC 7915 §4', 'a super-packet that was segmented here because its segments do not fit'],
  // --- drops: malformed
  ['too-short', 'RFC 791 / RFC 8200', 'shorter than its IP header'],
  ['bad-version', 'RFC 791 / RFC 8200', 'neither IPv4 nor IPv6'],
  ['bad-length', 'RFC 791 §3.1 / RFC 8200 §3', 'length fields do not fit the packet'],
  ['bad-header-checksum', 'RFC 791 §3.1', 'wrong IPv4 header checksum'],
  ['bad-option', 'RFC 791 §3.1', 'malformed IPv4 options'],
  ['bad-extension', 'RFC 8200 §4', 'an IPv6 extension header chain that is too long or runs off the packet'],
  ['bad-transport', 'RFC 7915', 'transport header cut short'],
  ['bad-icmp-checksum', 'RFC 792 / RFC 4443', 'wrong ICMP checksum'],
  ['bad-offload', 'virtio 1.2 §5.1.6', 'offload metadata that does not fit the packet'],
  // --- drops: addresses
  ['martian-source', 'RFC 7915 / RFC 6890', 'a source that no translated packet may have'],
  ['martian-destination', 'RFC 7915 / RFC 6890', 'a destination that no translated packet may have'],
  ['no-mapping-source', 'RFC 7915 §4.1, §5.1', 'the source has no form in the other family'],
  ['no-mapping-destination', 'RFC 7915 §4.1, §5.1', 'the destination has no form in the other family'],
  ['non-global', 'RFC 6052 §3.1', 'a non-global IPv4 address with the well-known prefix'],
  ['pool-exhausted', 'RFC 7915', 'the dynamic pool has no free address'],
  // --- drops: header rules
  ['hop-limit', 'RFC 7915 §4.1, §5.1', 'TTL or hop limit used up'],
  ['too-big', 'RFC 7915 §4, §5', 'does not fit the next hop and may not be fragmented'],
  ['source-route', 'RFC 7915 §4.1', 'an unexpired IPv4 source route'],
  ['routing-header', 'RFC 7915 §5.1', 'a routing header with segments left'],
  ['fragmented-icmp', 'RFC 7915 §4.2, §5.2', 'a fragment of an ICMP message'],
  ['fragment-extension', 'RFC 7915 §5.1.1', 'a fragment header followed by another extension header'],
  ['bad-fragment', 'RFC 791 / RFC 8200', 'a fragment whose offset and length cannot be'],
  ['udp-zero-checksum', 'RFC 7915 §4.5', 'UDP without a checksum, and it could or should not be computed'],
  // --- drops: ICMP
  ['icmp-type', 'RFC 7915 §4.2, §5.2', 'an ICMP type that has no counterpart'],
  ['icmp-code', 'RFC 7915 §4.2, §5.2', 'an ICMP code or pointer that has no counterpart'],
  ['icmp-inner', 'RFC 7915 §4.3, §5.3', 'an ICMP error whose inner packet cannot be translated'],
  ['icmp-nested', 'RFC 7915 §4.3, §5.3', 'an ICMP error about an ICMP error'],
  // --- drops: ours
  ['both-embedded', 'RFC 6877 §6', 'neither address is one that this translator speaks for'],
  ['to-translator', 'RFC 7915', 'for the translator itself, and nothing it answers'],
  ['no-room', 'xlat464', 'the batch had no room for what had to be built'],
  // --- later additions, at the end because numbers stay
  ['protocol', 'RFC 7915 §4.1, §5.1', 'a protocol number that means something else in the other family'],
  // --- stateful NAT64; held packets are no drops
  ['no-binding', 'RFC 6146 §3.5', 'nobody has a binding for the port or identifier that it is for'],
  ['no-session', 'RFC 6146 §3.5.2', 'a TCP segment that belongs to no connection and opens none'],
  ['filtered', 'RFC 6146 §3.5', 'from an address that the host behind the binding has not sent to'],
  ['ports-exhausted', 'RFC 6146 §3.5', 'the IPv4 pool has no free port or identifier for this host'],
  ['session-limit', 'RFC 6146 §5.3', 'as many sessions as the limits allow in all'],
  ['host-limit', 'RFC 6146 §5.3', 'as many sessions or ports as one IPv6 host may have'],
  ['network-limit', 'RFC 6146 §5.3', 'as many sessions as the limits allow one IPv6 network'],
  ['rate-limit', 'RFC 6146 §5.3', 'more new sessions a second than the limits allow one IPv6 host'],
  ['syn-held', 'RFC 6146 §3.5.2.2', 'a TCP SYN from outside, held for a simultaneous open'],
  ['syn-limit', 'RFC 6146 §3.5.2.2', 'a TCP SYN from outside, and no room to hold it'],
  ['not-a-client', 'RFC 6146 §5', 'from an IPv6 address that this gateway does not serve'],
  ['own-source', 'RFC 6146 §3.5', "an IPv6 source inside the prefix or an IPv4 source of the gateway's own pool"],
  ['hairpin-loop', 'RFC 6146 §3.8', 'for a binding that leads back into the prefix, where it would come round again'],
  ['fragment-wait', 'RFC 6146 §3.4', 'a fragment that waits for the first one of its packet'],
  ['fragment-memory', 'RFC 6146 §3.4', 'a fragment, and no room to let it wait'],
  ['fragment-overlap', 'RFC 5722 / RFC 1858', 'a fragment that overlaps another one'],
  ['fragment-timeout', 'RFC 6146 §3.4', 'a fragment that waited, and the first one did not come'],
] as const;

/** A verdict's stable name, as in `--json`, metrics and captures. */
export type VerdictName = (typeof VERDICTS)[number][0];

/** Index into {@link VERDICTS}. */
export type Verdict = number;

/**
 * Whether this verdict means that the packet was dropped; an error sent back is no going on. A super-packet that is segmented
 * here has the verdict of its first segment that is dropped; segments before that one went on. What is held may still go on.
 */
export const isDrop = (verdict: Verdict): boolean =>
  verdict > SEGMENTED && verdict !== SYN_HELD && verdict !== FRAGMENT_WAIT;

export const TRANSLATED = 0;
export const ANSWERED = 1;
export const FRAGMENTED = 2;
export const SEGMENTED = 3;
export const TOO_SHORT = 4;
export const BAD_VERSION = 5;
export const BAD_LENGTH = 6;
export const BAD_HEADER_CHECKSUM = 7;
export const BAD_OPTION = 8;
export const BAD_EXTENSION = 9;
export const BAD_TRANSPORT = 10;
export const BAD_ICMP_CHECKSUM = 11;
export const BAD_OFFLOAD = 12;
export const MARTIAN_SOURCE = 13;
export const MARTIAN_DESTINATION = 14;
export const NO_MAPPING_SOURCE = 15;
export const NO_MAPPING_DESTINATION = 16;
export const NON_GLOBAL = 17;
export const POOL_EXHAUSTED = 18;
export const HOP_LIMIT = 19;
export const TOO_BIG = 20;
export const SOURCE_ROUTE = 21;
export const ROUTING_HEADER = 22;
export const FRAGMENTED_ICMP = 23;
export const FRAGMENT_EXTENSION = 24;
export const BAD_FRAGMENT = 25;
export const UDP_ZERO_CHECKSUM = 26;
export const ICMP_TYPE = 27;
export const ICMP_CODE = 28;
export const ICMP_INNER = 29;
export const ICMP_NESTED = 30;
export const BOTH_EMBEDDED = 31;
export const TO_TRANSLATOR = 32;
export const NO_ROOM = 33;
export const PROTOCOL = 34;
export const NO_BINDING = 35;
export const NO_SESSION = 36;
export const FILTERED = 37;
export const PORTS_EXHAUSTED = 38;
export const SESSION_LIMIT = 39;
export const HOST_LIMIT = 40;
export const NETWORK_LIMIT = 41;
export const RATE_LIMIT = 42;
export const SYN_HELD = 43;
export const SYN_LIMIT = 44;
export const NOT_A_CLIENT = 45;
export const OWN_SOURCE = 46;
export const HAIRPIN_LOOP = 47;
export const FRAGMENT_WAIT = 48;
export const FRAGMENT_MEMORY = 49;
export const FRAGMENT_OVERLAP = 50;
export const FRAGMENT_TIMEOUT = 51;
