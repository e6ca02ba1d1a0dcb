// What routers tell in the options of a Router Advertisement: prefixes, MTU, resolvers and NAT64 prefixes. Read first: ndp.ts,
// which reads the message and walks its options. Offsets count from an option's body, after its type and length octets.
//
//     PREF64, RFC 8781 §4                                    RDNSS, RFC 8106 §5.1
//     +---------+---------+------------------------+-----+   +---------+---------+-------------------+
//     | Type 38 | Length 2|  Scaled Lifetime (13)  | PLC |   | Type 25 | Length  |     Reserved      |
//     +---------+---------+------------------------+-----+   +---------+---------+-------------------+
//     |       highest 96 bits of the prefix              |   |              Lifetime                 |
//     +--------------------------------------------------+   +---------------------------------------+
//                                                            |   addresses of resolvers, 16 bytes …  |
//                                                            +---------------------------------------+

import type { Prefix6 } from '../translate/settings.ts';
import type { NdpOption, PrefixInformation } from './ndp.ts';
import { OPTION_MTU, OPTION_PREFIX_INFORMATION, parseMtuOption, parsePrefixInformation } from './ndp.ts';
import { slabOver } from './slab.ts';

export const OPTION_RDNSS = 25;
const OPTION_DNSSL = 31;
export const OPTION_PREF64 = 38;

const PREF64_BODY = 14;
const PREF64_PREFIX = 2;
const PREF64_PREFIX_BYTES = 12;
const LIFETIME_UNIT_SECONDS = 8;
const SCALED_LIFETIME_MAX = 0x1fff;
/** RFC 8781 §4: the Prefix Length Code's meaning; 6 and 7 have none. */
const PLC_LENGTHS: readonly number[] = [96, 64, 56, 48, 40, 32];

const RDNSS_LIFETIME = 2;
const RDNSS_ADDRESSES = 6;
const ADDRESS = 16;
/** RFC 8200 §5: no IPv6 link has a smaller MTU, so an option that says so is not believed (RFC 4861 §6.3.4). */
const IPV6_MIN_MTU = 1280;

/** A PREF64 option. */
export interface Pref64Option {
  /** Bits behind its length are zero. It may still be one that cannot carry IPv4 addresses; core/pref64 judges that. */
  readonly prefix: Prefix6;
  /** 0 withdraws the prefix; at most 65,528. */
  readonly lifetimeSeconds: number;
}

/** A Recursive DNS Server option. */
export interface RdnssOption {
  /** 0 withdraws the resolvers; 0xffffffff: for ever. */
  readonly lifetimeSeconds: number;
  readonly addresses: readonly Uint8Array[];
}

/** A DNS Search List option. */
export interface DnsslOption {
  /** 0 withdraws the names. */
  readonly lifetimeSeconds: number;
  readonly names: readonly string[];
}

/** The options of one advertisement that the product reads, each kind in the message's order. */
export interface RouterOptions {
  readonly pref64: readonly Pref64Option[];
  readonly rdnss: readonly RdnssOption[];
  readonly prefixes: readonly PrefixInformation[];
  /** The last valid MTU option's, ≥ 1280; null: none. */
  readonly mtuBytes: number | null;
  /** Options of these kinds whose length or content is wrong, skipped. */
  readonly malformed: number;
}

/** The first `length` bits of a 16-byte address, the others zero. */
function masked(address: Uint8Array, length: number): Uint8Array {
  return address.fill(0, Math.ceil(length / 8));
}

/** Reads a PREF64 option; null if it is not one, its length is not 2, or its prefix length code has no meaning. Never throws. */
export function parsePref64(option: NdpOption): Pref64Option | null {
  if (option.type !== OPTION_PREF64 || option.body.length !== PREF64_BODY) return null;
  const field = slabOver(option.body).view.getUint16(0);
  const length = PLC_LENGTHS[field & 7];
  if (length === undefined) return null;
  const address = new Uint8Array(ADDRESS);
  address.set(option.body.subarray(PREF64_PREFIX, PREF64_PREFIX + PREF64_PREFIX_BYTES));
  return {
    prefix: { address: masked(address, length), length },
    lifetimeSeconds: (field >>> 3) * LIFETIME_UNIT_SECONDS,
  };
}

/**
 * Writes a PREF64 option. The lifetime is rounded up to the unit of 8 s and capped at 65,528 s (RFC 8781 §4.1).
 * @throws RangeError on a prefix length that has no code
 */
export function emitPref64({ prefix, lifetimeSeconds }: Pref64Option): NdpOption {
  const plc = PLC_LENGTHS.indexOf(prefix.length);
  if (plc < 0) throw new RangeError(`no prefix length code for /${prefix.length}`);
  const scaled = Math.min(Math.ceil(lifetimeSeconds / LIFETIME_UNIT_SECONDS), SCALED_LIFETIME_MAX);
  const body = new Uint8Array(PREF64_BODY);
  slabOver(body).view.setUint16(0, (scaled << 3) | plc);
  body.set(prefix.address.subarray(0, PREF64_PREFIX_BYTES), PREF64_PREFIX);
  return { type: OPTION_PREF64, body };
}

/** Reads an RDNSS option; null if it is not one, or holds no address or part of one (RFC 8106 §5.1). Never throws. */
export function parseRdnss(option: NdpOption): RdnssOption | null {
  const bytes = option.body.length - RDNSS_ADDRESSES;
  if (option.type !== OPTION_RDNSS || bytes < ADDRESS || bytes % ADDRESS !== 0) return null;
  const addresses: Uint8Array[] = [];
  for (let at = RDNSS_ADDRESSES; at < option.body.length; at += ADDRESS) {
    addresses.push(option.body.slice(at, at + ADDRESS));
  }
  return { lifetimeSeconds: slabOver(option.body).view.getUint32(RDNSS_LIFETIME), addresses };
}

/** Writes an RDNSS option of 16-byte addresses. */
export function emitRdnss({ lifetimeSeconds, addresses }: RdnssOption): NdpOption {
  const body = new Uint8Array(RDNSS_ADDRESSES + addresses.length * ADDRESS);
  slabOver(body).view.setUint32(RDNSS_LIFETIME, lifetimeSeconds);
  addresses.forEach((address, i) => {
    body.set(address, RDNSS_ADDRESSES + i * ADDRESS);
  });
  return { type: OPTION_RDNSS, body };
}

/**
 * Writes a DNS Search List option, RFC 8106 §5.2: names as labels (RFC 1035 §3.1), filled with zeros.
 * @param names ASCII, labels of 1–63 octets, with or without the final dot
 */
export function emitDnssl({ lifetimeSeconds, names }: DnsslOption): NdpOption {
  const labels = names.flatMap((name) => [...labelsOf(name), 0]);
  const body = new Uint8Array(Math.ceil((2 + RDNSS_ADDRESSES + labels.length) / 8) * 8 - 2);
  slabOver(body).view.setUint32(RDNSS_LIFETIME, lifetimeSeconds);
  body.set(labels, RDNSS_ADDRESSES);
  return { type: OPTION_DNSSL, body };
}

const labelsOf = (name: string): number[] =>
  name
    .split('.')
    .filter((label) => label !== '')
    .flatMap((label) => [label.length, ...[...label].map((letter) => letter.charCodeAt(0))]);

/** Reads all options of an advertisement; unknown ones and malformed ones are skipped (rule D-01). Never throws. */
export function readRouterOptions(options: readonly NdpOption[]): RouterOptions {
  const pref64: Pref64Option[] = [];
  const rdnss: RdnssOption[] = [];
  const prefixes: PrefixInformation[] = [];
  let mtuBytes: number | null = null;
  let malformed = 0;
  const keep = <T>(list: T[], value: T | null): void => {
    if (value === null) malformed += 1;
    else list.push(value);
  };
  for (const option of options) {
    if (option.type === OPTION_PREF64) keep(pref64, parsePref64(option));
    else if (option.type === OPTION_RDNSS) keep(rdnss, parseRdnss(option));
    else if (option.type === OPTION_PREFIX_INFORMATION) keep(prefixes, parsePrefixInformation(option));
    else if (option.type === OPTION_MTU) {
      const mtu = parseMtuOption(option);
      if (mtu === null || mtu < IPV6_MIN_MTU) malformed += 1;
      else mtuBytes = mtu;
    }
  }
  return { pref64, rdnss, prefixes, mtuBytes, malformed };
}
