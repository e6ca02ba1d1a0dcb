// Which addresses the CLAT gets: its IPv4 address (rule D-12) and its IPv6 address (rules A-06 and D-10).

import { createHmac } from 'node:crypto';
import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { ClientConfig } from '../config/client.ts';
import { XlatError } from '../contract/errors.ts';
import type { Log } from '../contract/reasons.ts';
import { CLAT_RANDOM_BYTES, isChecksumNeutral, makeClatAddress } from '../core/address/clat-address.ts';
import { isSameAddress } from '../core/address/same.ts';
import type { HostFacts } from '../core/host/host-config.ts';
import type { Way } from '../core/lifecycle/way.ts';
import type { Platform } from '../platform/platform.ts';

/** 192.0.0.1, first of those that RFC 7335 gives to a CLAT, and how many we take: .0 and .7 are the ends of its /29. */
const FIRST_IPV4 = 0xc0000001;
const IPV4_COUNT = 6;

/** Random bytes that may lead to a reserved address before the next are taken; practically never more than one. */
const ATTEMPTS_MAX = 64;

/** Addresses on the host without their prefix length, those of one interface left out. */
function addressesInUse(facts: HostFacts, exceptDevice: string): Set<string> {
  const links = facts.links.filter((l) => l.name !== exceptDevice);
  return new Set(links.flatMap((l) => l.addresses.map((a) => a.slice(0, a.indexOf('/')))));
}

/**
 * The IPv4 address that programs on this host get: the configured one, or the first of 192.0.0.1 … 192.0.0.6 that is free.
 * @throws XlatError HOST_CHANGE_FAILED when it is in use
 */
export function chooseIpv4(config: ClientConfig, facts: HostFacts): number {
  const inUse = addressesInUse(facts, config.tunName);
  const wanted =
    config.clatIpv4 === null ? Array.from({ length: IPV4_COUNT }, (_, i) => FIRST_IPV4 + i) : [config.clatIpv4];
  const free = wanted.find((address) => !inUse.has(formatIpv4(address)));
  if (free !== undefined) return free;
  const what = wanted.length > 1 ? '192.0.0.1 to 192.0.0.6 are all' : `${formatIpv4(wanted[0] ?? 0)} is`;
  throw new XlatError('HOST_CHANGE_FAILED', 'choose an IPv4 address', `${what} in use on this host already`, {
    advice: 'another CLAT may be running here; or set clat-ipv4 to a free private address',
  });
}

/** What choosing the IPv6 address needs. */
interface AddressRequest {
  readonly config: ClientConfig;
  readonly way: Way;
  readonly ipv4: number;
  readonly secret: Uint8Array;
  readonly facts: HostFacts;
  /** Addresses of 16 bytes that other nodes have. */
  readonly avoid: readonly Uint8Array[];
  /** RetransTimer of RFC 4861 §10: how long to wait for someone to object. */
  readonly retransMs: number;
  readonly platform: Platform;
  readonly log: Log;
}

/**
 * Random bytes of the address on a network, stable as RFC 7217 §5 wants: from a secret, the network (its on-link prefix and its
 * NAT64) and the count of addresses that could not be used.
 */
function randomFor({ secret, way }: AddressRequest, counter: number): Uint8Array {
  const network = `${formatPrefix6(way.uplink.prefix)} ${formatPrefix6(way.candidate.prefix)} ${counter}`;
  return createHmac('sha256', secret).update(network).digest().subarray(0, CLAT_RANDOM_BYTES);
}

/** Candidates in their order; each is usable and not the host's own. */
function* candidates(request: AddressRequest): Generator<Uint8Array> {
  const { config, way, ipv4, facts } = request;
  if (config.clatIpv6 !== null) {
    yield config.clatIpv6;
    return;
  }
  const inUse = addressesInUse(facts, '');
  for (let counter = 0; counter < ATTEMPTS_MAX; counter++) {
    const random = randomFor(request, counter);
    const address = makeClatAddress(way.uplink.prefix, way.candidate.prefix, ipv4, random);
    if (address !== null && !inUse.has(formatIpv6(address))) yield address;
  }
}

/**
 * Chooses the CLAT's IPv6 address and asks the link whether somebody else has it.
 * @throws XlatError ADDRESS_DUPLICATE when there is none left to try; the system's error when the interface goes away meanwhile
 */
export async function claimAddress(request: AddressRequest): Promise<{ clat: Uint8Array; isFree: boolean }> {
  const { avoid, way, log } = request;
  for (const clat of candidates(request)) {
    if (avoid.some((other) => isSameAddress(other, clat))) continue;
    const isFree = await hasNobody(request, clat);
    if (isFree) logChoice(request, clat);
    return { clat, isFree };
  }
  const { name } = way.uplink.link;
  const what = `${avoid.length} address(es) on ${name} were taken by other nodes`;
  log.error('address-duplicate', { uplink: name }, what);
  throw duplicateError(what);
}

/** What to do where other nodes have, or claim, all addresses. */
export const DUPLICATE_ADVICE =
  'something on that network answers for addresses that are not its own: a proxy that is set wrongly, or an attacker; ' +
  'it is for the network to stop that (ND inspection in the switch)';

/** The failure of rule D-10. */
export const duplicateError = (what: string): XlatError =>
  new XlatError('ADDRESS_DUPLICATE', 'choose the CLAT address', what, { advice: DUPLICATE_ADVICE });

async function hasNobody({ way: { uplink }, log, platform, retransMs }: AddressRequest, clat: Uint8Array) {
  const fields = { address: formatIpv6(clat), uplink: uplink.link.name };
  if (uplink.linkAddress === null) {
    log.info('address-detection-skipped', fields, `${uplink.link.name} has no neighbours to ask`);
    return true;
  }
  if (await platform.isDuplicate(uplink, clat, retransMs)) return false;
  log.info('address-unique', fields, `nobody else on ${uplink.link.name} has ${fields.address}`);
  return true;
}

function logChoice({ way: { uplink, candidate }, ipv4, log }: AddressRequest, clat: Uint8Array): void {
  const text = formatIpv6(clat);
  const isNeutral = isChecksumNeutral(clat, candidate.prefix, ipv4);
  const fields = { address: text, uplink: uplink.link.name, isNeutral };
  log.info('address-chosen', fields, `${text}, from ${formatPrefix6(uplink.prefix)} on ${uplink.link.name}`);
  if (!isNeutral) log.info('address-not-neutral', fields, 'checksums are updated in every packet');
}
