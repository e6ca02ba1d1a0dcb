// All prefixes on offer, as one immutable value that each event makes anew. Owns the rules of keeping: per interface and router,
// until an absolute deadline, withdrawn by lifetime 0 (D-03), doubted when its router was asked and named only others, and never
// more than a bounded number, whoever sends how much.

import { isSamePrefix } from '../address/same.ts';
import type { Prefix6 } from '../translate/settings.ts';
import type { Candidate, Pref64Source } from './candidate.ts';
import { isUsablePref64 } from './candidate.ts';

/** Prefixes kept for one router or resolver, and options looked at in one advertisement. More is not a network, it is an attack. */
export const PREFIXES_PER_ORIGIN = 8;
/** Prefixes kept for one interface and source. */
export const PREFIXES_PER_INTERFACE = 32;

/** The offers, and what keeping them cost. */
export interface Pref64Table {
  readonly candidates: readonly Candidate[];
  /** The next candidate's order. */
  readonly nextOrder: number;
  /** Prefixes that were not kept: unusable ones, those above the limits, and those that made room for another router's. */
  readonly refused: number;
}

/** Nothing on offer. */
export const EMPTY_TABLE: Pref64Table = { candidates: [], nextOrder: 0, refused: 0 };

/** What a Router Advertisement says. */
export interface HeardRa {
  readonly interfaceName: string;
  readonly router: string;
  readonly preference: number;
  /** Whether its Router Lifetime is not 0. */
  readonly isDefaultRouter: boolean;
  readonly offers: readonly { readonly prefix: Prefix6; readonly lifetimeSeconds: number }[];
}

/** What a resolver's answer says; no prefix: there is no NAT64, by RFC 7050 §3. */
export interface HeardDns {
  readonly interfaceName: string;
  readonly resolver: string;
  readonly prefixes: readonly Prefix6[];
  readonly validUntilMs: number;
}

const isFrom = (c: Candidate, source: Pref64Source, interfaceName: string | null, origin: string): boolean =>
  c.source === source && c.interfaceName === interfaceName && c.origin === origin;

/** How many of the candidates each origin has. */
function countByOrigin(candidates: readonly Candidate[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { origin } of candidates) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  return counts;
}

/** The table without that prefix of a full router's that was named longest ago; null where all were named together with this one. */
function makeRoomOf(table: Pref64Table, own: readonly Candidate[], namedAtMs: number): Pref64Table | null {
  const oldest = own.reduce((a, b) => (b.namedAtMs < a.namedAtMs ? b : a));
  return oldest.namedAtMs < namedAtMs ? refuse(keep(table, (o) => o !== oldest)) : null;
}

/**
 * The candidates with room for one more, or null. Of a full router the prefix named longest ago makes room. On a full interface
 * whoever offers less than another takes the place of the newest prefix of the one with most, so a few senders that offer much
 * lock nobody out; but only if it then has no more than it leaves the other, so two never push each other out in turn.
 */
function makeRoom(table: Pref64Table, c: Omit<Candidate, 'order' | 'isReachable'>): Pref64Table | null {
  const sameInterface = table.candidates.filter((o) => o.source === c.source && o.interfaceName === c.interfaceName);
  const own = sameInterface.filter(({ origin }) => origin === c.origin);
  if (own.length >= PREFIXES_PER_ORIGIN) return makeRoomOf(table, own, c.namedAtMs);
  if (sameInterface.length < PREFIXES_PER_INTERFACE) return table;
  const counts = countByOrigin(sameInterface);
  const most = Math.max(...counts.values());
  if (own.length + 1 >= most) return null;
  const victim = sameInterface.findLast(({ origin }) => counts.get(origin) === most);
  return refuse(keep(table, (o) => o !== victim));
}

const refuse = (table: Pref64Table, count = 1): Pref64Table => ({ ...table, refused: table.refused + count });

/** What is so of every prefix that no router announces. */
const NO_ROUTER = { preference: 0, isDefaultRouter: true, isSilent: false, isNamed: true, namedAtMs: 0 } as const;

/** Adds a candidate, or renews the one of the same origin and prefix, which keeps its order and the outcome of its check. */
function put(table: Pref64Table, offer: Omit<Candidate, 'order' | 'isReachable'>): Pref64Table {
  if (!isUsablePref64(offer.prefix)) return refuse(table);
  const at = table.candidates.findIndex(
    (c) => isFrom(c, offer.source, offer.interfaceName, offer.origin) && isSamePrefix(c.prefix, offer.prefix),
  );
  const old = table.candidates[at];
  if (old !== undefined) {
    const { order, isReachable } = old;
    return { ...table, candidates: table.candidates.with(at, { ...offer, order, isReachable }) };
  }
  const room = makeRoom(table, offer);
  if (room === null) return refuse(table);
  const candidate = { ...offer, order: room.nextOrder, isReachable: null };
  return { ...room, candidates: [...room.candidates, candidate], nextOrder: room.nextOrder + 1 };
}

/** Keeps only candidates for which `test` holds; the same table when it holds for all. */
function keep(table: Pref64Table, test: (c: Candidate) => boolean): Pref64Table {
  return table.candidates.every(test) ? table : { ...table, candidates: table.candidates.filter(test) };
}

/**
 * Takes a Router Advertisement (rule D-03): lifetime 0 withdraws that prefix of that router; what it does not name stays. Of more than
 * {@link PREFIXES_PER_ORIGIN} prefixes the rest is refused unseen.
 * @param nowMs the time that the lifetimes count from
 */
export function hearRa(table: Pref64Table, ra: HeardRa, nowMs: number): Pref64Table {
  const { interfaceName, router: origin, preference, isDefaultRouter } = ra;
  const router = { preference, isDefaultRouter, isSilent: false };
  const unseen = Math.max(0, ra.offers.length - PREFIXES_PER_ORIGIN);
  let next = expire(unseen > 0 ? refuse(table, unseen) : table, nowMs);
  for (const { prefix, lifetimeSeconds } of ra.offers.slice(0, PREFIXES_PER_ORIGIN)) {
    next =
      lifetimeSeconds === 0
        ? keep(next, (c) => !(isFrom(c, 'ra', interfaceName, origin) && isSamePrefix(c.prefix, prefix)))
        : put(next, {
            source: 'ra',
            prefix,
            interfaceName,
            origin,
            ...router,
            isNamed: true,
            namedAtMs: nowMs,
            validUntilMs: nowMs + lifetimeSeconds * 1000,
          });
  }
  // Its preference is the router's, not the prefix's, and so is the rest: it holds for all that this router said before.
  return change(next, (c) => isFrom(c, 'ra', interfaceName, origin), router);
}

/** What is so of a router as a whole, and whether it still names a prefix. */
type RouterFacts = Pick<Candidate, 'preference' | 'isDefaultRouter' | 'isSilent' | 'isNamed'>;

/** Changes the candidates that are meant; the same table where that changes nothing. */
function change(table: Pref64Table, isMeant: (c: Candidate) => boolean, to: Partial<RouterFacts>): Pref64Table {
  const isOld = (c: Candidate): boolean =>
    isMeant(c) && Object.entries(to).some(([key, value]) => c[key as keyof RouterFacts] !== value);
  if (!table.candidates.some(isOld)) return table;
  return { ...table, candidates: table.candidates.map((c) => (isOld(c) ? { ...c, ...to } : c)) };
}

/** Notes which routers of an interface are silent: they were solicited, and did not answer. All others of it are not. */
export function noteSilent(table: Pref64Table, interfaceName: string, silent: ReadonlySet<string>): Pref64Table {
  const isRouters = (c: Candidate): boolean => c.source === 'ra' && c.interfaceName === interfaceName;
  const noted = change(table, (c) => isRouters(c) && silent.has(c.origin), { isSilent: true });
  return change(noted, (c) => isRouters(c) && !silent.has(c.origin), { isSilent: false });
}

/**
 * Notes what the routers of an interface named since they were asked. Of one that named any prefix, those that it did not name are no
 * longer its word: it has another prefix now, or somebody else gave its name. One advertisement alone proves that not, for a router
 * may spread its options over several (RFC 4861 §6.2.3).
 * @param askedAtMs what was named by then is no answer
 */
export function noteNamed(table: Pref64Table, interfaceName: string, askedAtMs: number): Pref64Table {
  const all = announcedOn(table, interfaceName);
  const answered = new Set(all.filter((c) => c.namedAtMs > askedAtMs).map((c) => c.origin));
  const unnamed = new Set(all.filter((c) => answered.has(c.origin) && c.namedAtMs <= askedAtMs));
  return change(table, (c) => unnamed.has(c), { isNamed: false });
}

/** Prefixes that routers of an interface offer. */
export const announcedOn = ({ candidates }: Pref64Table, interfaceName: string): readonly Candidate[] =>
  candidates.filter((c) => c.source === 'ra' && c.interfaceName === interfaceName);

/** Whether routers of an interface offer different prefixes. */
export function hasRivals(table: Pref64Table, interfaceName: string): boolean {
  const [first, ...others] = announcedOn(table, interfaceName);
  return first !== undefined && others.some((c) => !isSamePrefix(c.prefix, first.prefix));
}

/** Whether a router of an interface names a prefix that none of them did before, or none any more. */
export function offersNews(before: Pref64Table, after: Pref64Table, interfaceName: string): boolean {
  const named = (table: Pref64Table) => announcedOn(table, interfaceName).filter((c) => c.isNamed);
  const old = named(before);
  // Most of them are the very same: a flood of advertisements makes a full table no dearer than that.
  return named(after).some((c) => !old.includes(c) && !old.some((o) => isSamePrefix(o.prefix, c.prefix)));
}

/** Takes a resolver's answer, which replaces the one before. */
export function hearDns(table: Pref64Table, heard: HeardDns): Pref64Table {
  const { interfaceName, resolver: origin, prefixes, validUntilMs } = heard;
  const isGone = (c: Candidate): boolean =>
    isFrom(c, 'dns', interfaceName, origin) && !prefixes.some((p) => isSamePrefix(p, c.prefix));
  let next = keep(table, (c) => !isGone(c));
  for (const prefix of prefixes) {
    next = put(next, { source: 'dns', prefix, interfaceName, origin, ...NO_ROUTER, validUntilMs });
  }
  return next;
}

/** Sets the configured prefix, or takes it away with null. It is the user's word and not judged here. */
export function setStatic(table: Pref64Table, prefix: Prefix6 | null): Pref64Table {
  const others = keep(table, (c) => c.source !== 'static');
  if (prefix === null) return others;
  const candidate: Candidate = {
    source: 'static',
    prefix,
    interfaceName: null,
    origin: 'configuration',
    ...NO_ROUTER,
    order: others.nextOrder,
    validUntilMs: Number.POSITIVE_INFINITY,
    isReachable: null,
  };
  return { ...others, candidates: [...others.candidates, candidate], nextOrder: others.nextOrder + 1 };
}

/** Notes the outcome of a connectivity check (rule D-08) on an interface, for all candidates with that prefix. */
export function noteReachable(table: Pref64Table, interfaceName: string, prefix: Prefix6, is: boolean): Pref64Table {
  const isMeant = (c: Candidate): boolean =>
    (c.interfaceName === interfaceName || c.interfaceName === null) && isSamePrefix(c.prefix, prefix);
  return { ...table, candidates: table.candidates.map((c) => (isMeant(c) ? { ...c, isReachable: is } : c)) };
}

/** Drops what a resolver said: it is no longer one of the interface's. */
export const forgetResolver = (table: Pref64Table, interfaceName: string, resolver: string): Pref64Table =>
  keep(table, (c) => !isFrom(c, 'dns', interfaceName, resolver));

/** Drops what a router said: it is no longer one of the interface's that are known. */
export const forgetRouter = (table: Pref64Table, interfaceName: string, router: string): Pref64Table =>
  keep(table, (c) => !isFrom(c, 'ra', interfaceName, router));

/** Drops all that came in on an interface: it went down, or to another network. */
export const forgetInterface = (table: Pref64Table, interfaceName: string): Pref64Table =>
  keep(table, (c) => c.interfaceName !== interfaceName);

/** Drops what has expired. */
export const expire = (table: Pref64Table, nowMs: number): Pref64Table => keep(table, (c) => c.validUntilMs > nowMs);

/** The earliest deadline; Infinity when nothing expires. */
export const nextExpiryMs = (table: Pref64Table): number =>
  table.candidates.reduce((first, c) => Math.min(first, c.validUntilMs), Number.POSITIVE_INFINITY);

/** The candidates of one interface, those that hold on all among them. */
export const candidatesOn = (table: Pref64Table, interfaceName: string): readonly Candidate[] =>
  table.candidates.filter((c) => c.interfaceName === interfaceName || c.interfaceName === null);
