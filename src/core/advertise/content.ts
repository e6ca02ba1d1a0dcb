// What one interface advertises at a moment: its settings, applied to the link as it is, as a list of items; and the items of
// before that hosts still have to forget. Read first: settings.ts. Read next: message.ts, which writes them.

import type { LinkRef } from '../host/host-config.ts';
import type { Prefix6 } from '../translate/settings.ts';
import type { AdvertisedPrefix, AdvertiseSettings } from './settings.ts';
import { DEFAULT_PREFIX_LIFETIMES } from './settings.ts';

/** An address of the interface that is in use: neither tentative nor temporary. */
export interface LinkAddress {
  readonly address: Uint8Array;
  /** Its on-link prefix. */
  readonly prefix: Prefix6;
  /** Infinity: for ever. */
  readonly validUntilMs: number;
  readonly preferredUntilMs: number;
}

/** An interface that is up and has a link-local address. */
export interface AdvertiseLink extends LinkRef {
  /** 6 bytes; null where the link has no MAC addresses. */
  readonly linkAddress: Uint8Array | null;
  /** 16 bytes; the source of the advertisements. */
  readonly linkLocal: Uint8Array;
  readonly mtuBytes: number;
  /** Its others. */
  readonly addresses: readonly LinkAddress[];
}

/** One thing that an advertisement tells. */
export type Item =
  | {
      readonly kind: 'prefix';
      readonly prefix: AdvertisedPrefix;
      readonly validUntilMs: number;
      readonly preferredUntilMs: number;
    }
  | { readonly kind: 'pref64'; readonly prefix: Prefix6; readonly lifetimeSeconds: number }
  | { readonly kind: 'rdnss'; readonly address: Uint8Array }
  | { readonly kind: 'dnssl'; readonly name: string };

/** An item that is no longer true, and until when that is said. */
export interface Retired {
  readonly item: Item;
  readonly untilMs: number;
}

/** RFC 7084 L-13: a prefix that went is announced as deprecated for at most this long, which is also what hosts keep it for. */
export const STALE_PREFIX_SECONDS = 7_200;

/** RFC 4862 §5.5.3: only interface identifiers of 64 bits fit the links that there are. */
const SLAAC_LENGTH = 64;

/** What makes two items speak of the same thing. */
function itemKey(item: Item): string {
  switch (item.kind) {
    case 'prefix':
      return `prefix ${item.prefix.prefix.address.join('.')}/${item.prefix.prefix.length}`;
    case 'pref64':
      return `pref64 ${item.prefix.address.join('.')}/${item.prefix.length}`;
    case 'rdnss':
      return `rdnss ${item.address.join('.')}`;
    case 'dnssl':
      return `dnssl ${item.name}`;
    default:
      return item satisfies never;
  }
}

/** Items in order, each thing once. */
const unique = (items: readonly Item[]): Item[] =>
  [...new Map([...items].reverse().map((item) => [itemKey(item), item])).values()].reverse();

/** `auto`: the prefixes of the interface's own addresses, no longer than those last. */
const ownPrefixes = (link: AdvertiseLink): Item[] =>
  link.addresses
    .filter(({ prefix }) => prefix.length < 128)
    .map(({ prefix, validUntilMs, preferredUntilMs }) => ({
      kind: 'prefix',
      prefix: {
        prefix,
        isOnLink: true,
        isAutonomous: prefix.length === SLAAC_LENGTH,
        ...DEFAULT_PREFIX_LIFETIMES,
      },
      validUntilMs,
      preferredUntilMs,
    }));

const configuredPrefixes = (prefixes: readonly AdvertisedPrefix[]): Item[] =>
  prefixes.map((prefix) => ({
    kind: 'prefix',
    prefix,
    validUntilMs: Number.POSITIVE_INFINITY,
    preferredUntilMs: Number.POSITIVE_INFINITY,
  }));

/** `self`: a global address of the interface before a unique local one (fc00::/7) before the link-local one. */
function ownResolver(link: AdvertiseLink): Uint8Array {
  const isUniqueLocal = ({ address }: LinkAddress): boolean => (address[0] & 0xfe) === 0xfc;
  const own = link.addresses.find((a) => !isUniqueLocal(a)) ?? link.addresses[0];
  return own?.address ?? link.linkLocal;
}

/** Lifetime of what has none of its own: RFC 8106 §5.1 and RFC 8781 §4.1 both say three intervals. */
export const defaultLifetimeSeconds = ({ maxIntervalSeconds }: AdvertiseSettings): number => 3 * maxIntervalSeconds;

/** What the settings say on a link as it is. */
export function contentOf(settings: AdvertiseSettings, link: AdvertiseLink): Item[] {
  const { prefixes, pref64, dnsServers, dnsSearch } = settings;
  return unique([
    ...(prefixes === 'auto' ? ownPrefixes(link) : configuredPrefixes(prefixes)),
    ...pref64.map(
      ({ prefix, lifetimeSeconds }): Item => ({
        kind: 'pref64',
        prefix,
        lifetimeSeconds: lifetimeSeconds ?? defaultLifetimeSeconds(settings),
      }),
    ),
    ...dnsServers.map((server): Item => ({ kind: 'rdnss', address: server === 'self' ? ownResolver(link) : server })),
    ...dnsSearch.map((name): Item => ({ kind: 'dnssl', name })),
  ]);
}

/** Until when it is said that an item is gone: a prefix as long as hosts keep it, the others for as long as they would. */
function retire(item: Item, settings: AdvertiseSettings, nowMs: number): Retired {
  if (item.kind !== 'prefix') return { item, untilMs: nowMs + defaultLifetimeSeconds(settings) * 1000 };
  const seconds = Math.min(item.prefix.validSeconds, STALE_PREFIX_SECONDS);
  return { item, untilMs: nowMs + seconds * 1000 };
}

/**
 * What there is to retract after a change of content.
 * @param was what was advertised before, `retired` what was being retracted
 * @param settings those of before
 */
export function retireItems(
  was: readonly Item[],
  now: readonly Item[],
  retired: readonly Retired[],
  settings: AdvertiseSettings,
  nowMs: number,
): Retired[] {
  const present = new Set(now.map(itemKey));
  const gone = was.filter((item) => !present.has(itemKey(item))).map((item) => retire(item, settings, nowMs));
  return [...retired, ...gone].filter(({ item, untilMs }) => untilMs > nowMs && !present.has(itemKey(item)));
}

/** Whether two contents say the same. */
export const isSameContent = (a: readonly Item[], b: readonly Item[]): boolean =>
  a.length === b.length && a.every((item, i) => isSameItem(item, b[i]));

/** Deadlines of addresses are read with a second's grain, so smaller differences are none. */
const GRAIN_MS = 2_000;
const isSameTime = (a: number, b: number): boolean => a === b || Math.abs(a - b) <= GRAIN_MS;

function isSameItem(a: Item, b: Item): boolean {
  if (itemKey(a) !== itemKey(b)) return false;
  if (a.kind === 'pref64' && b.kind === 'pref64') return a.lifetimeSeconds === b.lifetimeSeconds;
  if (a.kind !== 'prefix' || b.kind !== 'prefix') return true;
  return (
    isSameTime(a.validUntilMs, b.validUntilMs) &&
    isSameTime(a.preferredUntilMs, b.preferredUntilMs) &&
    a.prefix.isOnLink === b.prefix.isOnLink &&
    a.prefix.isAutonomous === b.prefix.isAutonomous &&
    a.prefix.validSeconds === b.prefix.validSeconds &&
    a.prefix.preferredSeconds === b.prefix.preferredSeconds
  );
}
