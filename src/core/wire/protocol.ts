// IANA protocol numbers that the translator looks at, and where their checksums stand. One registry serves IPv4 and IPv6, but
// a few numbers mean something in one of them only: there they are extension headers, or the other family's ICMP.

import { TCP_CHECKSUM } from './tcp.ts';
import { UDP_CHECKSUM } from './udp.ts';

export const HOP_BY_HOP = 0;
export const ICMP = 1;
export const TCP = 6;
export const UDP = 17;
export const DCCP = 33;
export const ROUTING = 43;
export const FRAGMENT = 44;
export const ESP = 50;
const AUTHENTICATION = 51;
export const ICMPV6 = 58;
export const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;
export const UDP_LITE = 136;
const HIP = 139;
const SHIM6 = 140;

/**
 * Offset of a transport checksum over the pseudo-header: TCP (RFC 9293 §3.1), UDP (RFC 768), UDP-Lite (RFC 3828 §3.1), DCCP (RFC 4340 §5.1).
 * @returns bytes from the transport header's start, or -1 where the protocol has none
 */
export function checksumOffset(protocol: number): number {
  switch (protocol) {
    case TCP:
      return TCP_CHECKSUM;
    case UDP:
    case UDP_LITE:
    case DCCP:
      return UDP_CHECKSUM;
    default:
      return -1;
  }
}

/** Whether a number is one of IANA's IPv6 extension headers, ESP aside, which is an upper layer to a translator (RFC 7915 §5.1.1). */
export function isExtensionHeader(protocol: number): boolean {
  switch (protocol) {
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

/**
 * Whether a number in an IPv4 header would become ICMPv6 or an extension header in an IPv6 one, so that payload would be read as
 * a header. AH is one in both families.
 */
export const isIpv6Only = (protocol: number): boolean =>
  protocol === ICMPV6 || (protocol !== AUTHENTICATION && isExtensionHeader(protocol));
