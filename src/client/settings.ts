// What the translator of a CLAT is told: one explicit mapping and the NAT64 prefix. Pure.

import type { ClientConfig } from '../config/client.ts';
import { DUMMY_IPV4 } from '../core/address/special.ts';
import type { Mapping, Prefix6, TranslatorSettings } from '../core/translate/settings.ts';
import { DEFAULT_SETTINGS } from '../core/translate/settings.ts';
import { HEADER_DIFFERENCE } from '../core/wire/ipv6.ts';

/** MTU of the IPv4 side, rule D-12: the configured one, or what is left of the uplink's. */
const ipv4MtuOf = (config: ClientConfig, uplinkMtuBytes: number): number =>
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
    // The CLAT's address is the host's: all that comes for it is to be translated. Errors about it come from it, too; a CLAT that
    // were silent would make what is too big for the IPv4 side vanish without a word (rule T-5.1-05).
    ownIpv6: clat,
    ownIpv6IsShared: true,
    icmpPoolIpv4: [{ address: DUMMY_IPV4, length: 32 }],
    ipv4Mtu: ipv4MtuOf(config, ipv6MtuBytes),
    ipv6Mtu: ipv6MtuBytes,
    allowNonGlobal: config.allowNonGlobal,
    decrementHopLimit: config.decrementHopLimit,
  };
}
