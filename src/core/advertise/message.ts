// Router Advertisements from content, RFC 4861 §6.2.3, RFC 8106, RFC 8781: the options with the lifetimes that hold at the moment
// of sending, in as many messages as the link's MTU makes of them.

import { IPV6_HEADER } from '../wire/ipv6.ts';
import type { NdpOption, RouterAdvertisement } from '../wire/ndp.ts';
import { emitMtuOption, emitNdp, emitPrefixInformation, emitSourceLinkAddress } from '../wire/ndp.ts';
import { emitDnssl, emitPref64, emitRdnss } from '../wire/ndp-options.ts';
import type { AdvertiseLink, Item, Retired } from './content.ts';
import { defaultLifetimeSeconds } from './content.ts';
import type { AdvertiseSettings } from './settings.ts';

/** Everything that an advertisement is made from. */
export interface Advertised {
  readonly settings: AdvertiseSettings;
  readonly link: AdvertiseLink;
  readonly content: readonly Item[];
  readonly retired: readonly Retired[];
}

const RA_HEADER = 16;
/** RFC 4861 §4.6.2: all bits one. */
const FOR_EVER = 0xffffffff;
const PREFERENCES = { high: 1, medium: 0, low: -1 } as const;

const secondsUntil = (untilMs: number, nowMs: number): number => Math.max(0, Math.floor((untilMs - nowMs) / 1000));

type PrefixItem = Extract<Item, { readonly kind: 'prefix' }>;

function prefixOption({ prefix }: PrefixItem, validSeconds: number, preferredSeconds: number): NdpOption {
  const { isOnLink, isAutonomous } = prefix;
  const { address, length } = prefix.prefix;
  return emitPrefixInformation({
    prefixLength: length,
    prefix: address,
    isOnLink,
    isAutonomous,
    validSeconds: Math.min(validSeconds, FOR_EVER),
    preferredSeconds: Math.min(preferredSeconds, validSeconds, FOR_EVER), // RFC 4861 §6.2.1
  });
}

/** A prefix never lasts longer than the address that it is from. */
const currentPrefix = (item: PrefixItem, nowMs: number): NdpOption =>
  prefixOption(
    item,
    Math.min(item.prefix.validSeconds, secondsUntil(item.validUntilMs, nowMs)),
    Math.min(item.prefix.preferredSeconds, secondsUntil(item.preferredUntilMs, nowMs)),
  );

/** Resolvers and search names that share a lifetime share an option. */
function nameOptions(items: readonly Item[], lifetimeSeconds: number): NdpOption[] {
  const addresses = items.flatMap((item) => (item.kind === 'rdnss' ? [item.address] : []));
  const names = items.flatMap((item) => (item.kind === 'dnssl' ? [item.name] : []));
  return [
    ...(addresses.length === 0 ? [] : [emitRdnss({ lifetimeSeconds, addresses })]),
    ...(names.length === 0 ? [] : [emitDnssl({ lifetimeSeconds, names })]),
  ];
}

/** The options that say what holds. `isFinal`: what this router gives is withdrawn; its prefixes stay, as they stay on the link. */
function contentOptions({ settings, content }: Advertised, isFinal: boolean, nowMs: number): NdpOption[] {
  const options = content.flatMap((item) => {
    if (item.kind === 'prefix') return [currentPrefix(item, nowMs)];
    if (item.kind !== 'pref64') return [];
    return [emitPref64({ prefix: item.prefix, lifetimeSeconds: isFinal ? 0 : item.lifetimeSeconds })];
  });
  return [...options, ...nameOptions(content, isFinal ? 0 : defaultLifetimeSeconds(settings))];
}

/** The options that say what no longer holds. */
function retiredOptions(retired: readonly Retired[], nowMs: number): NdpOption[] {
  const options = retired.flatMap(({ item, untilMs }) => {
    if (item.kind === 'prefix') return [prefixOption(item, secondsUntil(untilMs, nowMs), 0)];
    return item.kind === 'pref64' ? [emitPref64({ prefix: item.prefix, lifetimeSeconds: 0 })] : [];
  });
  const names = retired.map(({ item }) => item);
  return [...options, ...nameOptions(names, 0)];
}

/** RFC 4861 §6.2.3: options that do not fit one packet are spread over several. */
function spread(options: readonly NdpOption[], room: number): NdpOption[][] {
  const groups: NdpOption[][] = [[]];
  let used = 0;
  for (const option of options) {
    const length = option.body.length + 2;
    if (used + length > room && used > 0) {
      groups.push([]);
      used = 0;
    }
    groups.at(-1)?.push(option);
    used += length;
  }
  return groups;
}

/**
 * Writes the advertisement, checksums zero (the kernel fills them in).
 * @param isFinal the last one before this router stops: lifetime 0 (RFC 4861 §6.2.5)
 * @returns one message, or several where the link's MTU is too small for one
 */
export function advertisement(advertised: Advertised, isFinal: boolean, nowMs: number): Uint8Array[] {
  const { settings, link } = advertised;
  const message: Omit<RouterAdvertisement, 'options'> = {
    kind: 'router',
    hopLimit: settings.hopLimit,
    isManaged: settings.isManaged,
    isOther: settings.hasOtherConfiguration,
    // RFC 4191 §2.2: the preference of a router that is no default router is medium.
    preference: isFinal || settings.routerLifetimeSeconds === 0 ? 0 : PREFERENCES[settings.preference],
    lifetimeSeconds: isFinal ? 0 : settings.routerLifetimeSeconds,
    reachableMs: 0,
    retransMs: 0,
  };
  const first = [
    ...(link.linkAddress === null ? [] : [emitSourceLinkAddress(link.linkAddress)]),
    ...(settings.mtuBytes === null ? [] : [emitMtuOption(settings.mtuBytes)]),
  ];
  const options = [
    ...first,
    ...contentOptions(advertised, isFinal, nowMs),
    ...retiredOptions(advertised.retired, nowMs),
  ];
  const room = link.mtuBytes - IPV6_HEADER - RA_HEADER;
  return spread(options, room).map((group) => emitNdp({ ...message, options: group }));
}
