// What the translator of a CLAT is told: one explicit mapping and the NAT64 prefix. Pure.

import type { ClientConfig } from '../config/client.ts';
import { DUMMY_IPV4 } from '../core/address/special.ts';
import type { Mapping, Prefix6, TranslatorSettings } from '../core/translate/settings.ts';
import { DEFAULT_SETTINGS } from '../core/translate/settings.ts';

/** Length of an IPv6 header less that of an IPv4 header: what a packet grows by. */
export const HEADER_DIFFERENCE = 20;

/** MTU of the IPv4 side, rule D-12: the configured one, or what is left of the uplink's. */
export const ipv4MtuOf = (config: ClientConfig, uplinkMtuBytes: number): number =>
  Math.min(config.mtu ?? Number.POSITIVE_INFINITY, uplinkMtuBytes - HEADER_DIFFERENCE);

/** The one mapping of a CLAT, rule A-06. */
const clatMapping = (ipv4: number, clat: Uint8Array): Mapping => ({
  ipv4: { address: ipv4, length: 32 },
  ipv6: { address: clat, length: 128 },
});

/**
 * Settings of a CLAT's translator.
 * @param prefix the NAT64 prefix
 * @param ipv4 the host's IPv4 address behind the CLAT
 * @param clat the CLAT's IPv6 address, 16 bytes
 * @param ipv6MtuBytes MTU of the way to the NAT64
 */
export function clatSettings(
  config: ClientConfig,
  prefix: Prefix6,
  ipv4: number,
  clat: Uint8Array,
  ipv6MtuBytes: number,
): TranslatorSettings {
  return {
    ...DEFAULT_SETTINGS,
    prefix,
    mappings: [clatMapping(ipv4, clat)],
    allowBothEmbedded: false,
    ownIpv4: DUMMY_IPV4,
    // No IPv6 address of its own: the CLAT's is the host's, and all that comes for it is to be translated. Hop limits that run
    // out on the way in are reported by the kernel, which forwards before we see the packet.
    ownIpv6: null,
    icmpPoolIpv4: [{ address: DUMMY_IPV4, length: 32 }],
    ipv4Mtu: ipv4MtuOf(config, ipv6MtuBytes),
    ipv6Mtu: ipv6MtuBytes,
    allowNonGlobal: config.allowNonGlobal,
    decrementHopLimit: config.decrementHopLimit,
  };
}

/** An address inside the NAT64 prefix, to ask the kernel for the way there: the prefix's own first one. */
export const addressInside = (prefix: Prefix6): Uint8Array => prefix.address;
