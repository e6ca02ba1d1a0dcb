// Which addresses the CLAT gets: its IPv4 address (rule D-12) and its IPv6 address (rules A-06 and D-10).

import { createHmac } from 'node:crypto';
import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { ClientConfig } from '../config/client.ts';
import { XlatError } from '../contract/errors.ts';
import type { Log } from '../contract/reasons.ts';
import { CLAT_RANDOM_BYTES, isChecksumNeutral, makeClatAddress } from '../core/address/clat-address.ts';
import type { HostFacts } from '../core/host/host-config.ts';
import type { Platform, Uplink } from '../platform/platform.ts';

/** 192.0.0.1, first of those that RFC 7335 gives to a CLAT, and how many we take: .0 and .7 are the ends of its /29. */
const FIRST_IPV4 = 0xc0000001;
const IPV4_COUNT = 6;

/** Rule D-10: addresses tried before giving up. */
const DUPLICATES_MAX = 3;

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

/**
 * Random bytes of the address on a network, stable as RFC 7217 §5 wants: from a secret, the network (its on-link prefix and its
 * NAT64) and the count of duplicates so far.
 */
function randomFor(secret: Uint8Array, uplink: Uplink, config: ClientConfig, counter: number): Uint8Array {
  const network = `${formatPrefix6(uplink.prefix)} ${formatPrefix6(config.prefix)} ${counter}`;
  return createHmac('sha256', secret).update(network).digest().subarray(0, CLAT_RANDOM_BYTES);
}

/** Candidates in their order; each is usable and not the host's own. */
function* candidates(request: AddressRequest): Generator<Uint8Array> {
  const { config, uplink, ipv4, secret, facts } = request;
  const inUse = addressesInUse(facts, '');
  for (let counter = 0; counter < ATTEMPTS_MAX; counter++) {
    const random = randomFor(secret, uplink, config, counter);
    const address = makeClatAddress(uplink.prefix, config.prefix, ipv4, random);
    if (address !== null && !inUse.has(formatIpv6(address))) yield address;
  }
}

/** What choosing the IPv6 address needs. */
export interface AddressRequest {
  readonly config: ClientConfig;
  readonly uplink: Uplink;
  readonly ipv4: number;
  readonly secret: Uint8Array;
  readonly facts: HostFacts;
  /** RetransTimer of RFC 4861 §10: how long to wait for someone to object. */
  readonly retransMs: number;
  readonly platform: Platform;
  readonly log: Log;
}

/**
 * Chooses the CLAT's IPv6 address and makes sure that nobody else has it.
 * @returns 16 bytes
 * @throws XlatError ADDRESS_DUPLICATE after three duplicates, or when the configured address is one
 */
export async function chooseAddress(request: AddressRequest): Promise<Uint8Array> {
  const { config, log } = request;
  const list = config.clatIpv6 === null ? candidates(request) : [config.clatIpv6];
  let duplicates = 0;
  for (const address of list) {
    if (await isFree(request, address)) {
      logChoice(request, address);
      return address;
    }
    const text = formatIpv6(address);
    log.warn('address-duplicate', { address: text, uplink: request.uplink.link.name }, `${text} is taken`);
    duplicates += 1;
    if (duplicates === DUPLICATES_MAX) break;
  }
  throw new XlatError(
    'ADDRESS_DUPLICATE',
    'choose the CLAT address',
    `${duplicates} address(es) on ${request.uplink.link.name} were taken by other nodes`,
    { advice: 'something on that network answers for addresses that are not its own; look at its proxies' },
  );
}

async function isFree(request: AddressRequest, address: Uint8Array): Promise<boolean> {
  const { uplink, log, platform } = request;
  const fields = { address: formatIpv6(address), uplink: uplink.link.name };
  if (uplink.linkAddress === null) {
    log.info('address-detection-skipped', fields, `${uplink.link.name} has no neighbours to ask`);
    return true;
  }
  if (await platform.isDuplicate(uplink, address, request.retransMs)) return false;
  log.info('address-unique', fields, `nobody else on ${uplink.link.name} has ${fields.address}`);
  return true;
}

function logChoice({ config, uplink, ipv4, log }: AddressRequest, address: Uint8Array): void {
  const text = formatIpv6(address);
  const isNeutral = isChecksumNeutral(address, config.prefix, ipv4);
  const fields = { address: text, uplink: uplink.link.name, isNeutral };
  log.info('address-chosen', fields, `${text}, from ${formatPrefix6(uplink.prefix)} on ${uplink.link.name}`);
  if (!isNeutral) log.info('address-not-neutral', fields, 'checksums are updated in every packet');
}
