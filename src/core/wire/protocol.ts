// IANA protocol numbers that the translator looks at, and where their checksums stand.

export const HOP_BY_HOP = 0;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const DCCP = 33;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const ESP = 50;
export const AUTHENTICATION = 51;
export const ICMPV6 = 58;
export const NO_NEXT_HEADER = 59;
export const DESTINATION_OPTIONS = 60;
export const MOBILITY = 135;
export const UDP_LITE = 136;
export const HIP = 139;
export const SHIM6 = 140;

/**
 * Offset of a transport checksum over the pseudo-header: TCP (RFC 9293 §3.1), UDP (RFC 768), UDP-Lite (RFC 3828 §3.1), DCCP (RFC 4340 §5.1).
 * @returns bytes from the transport header's start, or -1 where the protocol has none
 */
export function checksumOffset(protocol: number): number {
  switch (protocol) {
    case TCP:
      return 16;
    case UDP:
    case UDP_LITE:
    case DCCP:
      return 6;
    default:
      return -1;
  }
}

/** Whether a next-header value is an extension header that a Fragment Header may not be followed by (RFC 7915 §5.1.1). */
export function isExtensionAfterFragment(next: number): boolean {
  switch (next) {
    case HOP_BY_HOP:
    case ROUTING:
    case FRAGMENT:
    case AUTHENTICATION:
    case DESTINATION_OPTIONS:
    case MOBILITY:
    case HIP:
    case SHIM6:
      return true;
    default:
      return false;
  }
}
