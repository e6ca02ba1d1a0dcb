// All prefixes on offer, as one immutable value that each event makes anew. Owns the rules of keeping: per interface and router,
// until an absolute deadline, withdrawn by lifetime 0 (D-03), and never more than a bounded number, whoever sends how much.

import type { Prefix6 } from '../translate/settings.ts';
import type { Candidate, Pref64Source } from './candidate.ts';
import { isSamePrefix, isUsablePref64 } from './candidate.ts';

/** Prefixes kept for one router or resolver. More is not a network, it is an attack. */
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

/**
 * The candidates with room for one more, or null. On a full interface whoever offers less than another takes the place of the newest
 * prefix of the one with most, so a few senders that offer much lock nobody out; but only if it then has no more than it leaves the
 * other, so two never push each other out in turn.
 */
function makeRoom(table: Pref64Table, c: Pick<Candidate, 'source' | 'interfaceName' | 'origin'>): Pref64Table | null {
  const sameInterface = table.candidates.filter((o) => o.source === c.source && o.interfaceName === c.interfaceName);
  const countOf = (origin: string): number => sameInterface.filter((o) => o.origin === origin).length;
  const own = countOf(c.origin);
  if (own >= PREFIXES_PER_ORIGIN) return null;
  if (sameInterface.length < PREFIXES_PER_INTERFACE) return table;
  const most = Math.max(...sameInterface.map(({ origin }) => countOf(origin)));
  if (own + 1 >= most) return null;
  const victim = sameInterface.findLast(({ origin }) => countOf(origin) === most);
  return refuse(keep(table, (o) => o !== victim));
}

const refuse = (table: Pref64Table): Pref64Table => ({ ...table, refused: table.refused + 1 });

/** What is so of every prefix that no router announces. */
const NO_ROUTER = { preference: 0, isDefaultRouter: true, isSilent: false } as const;

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
 * Takes a Router Advertisement (rule D-03): lifetime 0 withdraws that prefix of that router; what it does not name stays.
 * @param nowMs the time that the lifetimes count from
 */
export function hearRa(table: Pref64Table, ra: HeardRa, nowMs: number): Pref64Table {
  const { interfaceName, router: origin, preference, isDefaultRouter } = ra;
  const router = { preference, isDefaultRouter, isSilent: false };
  let next = expire(table, nowMs);
  for (const { prefix, lifetimeSeconds } of ra.offers) {
    next =
      lifetimeSeconds === 0
        ? keep(next, (c) => !(isFrom(c, 'ra', interfaceName, origin) && isSamePrefix(c.prefix, prefix)))
        : put(next, {
            source: 'ra',
            prefix,
            interfaceName,
            origin,
            ...router,
            validUntilMs: nowMs + lifetimeSeconds * 1000,
          });
  }
  // Its preference is the router's, not the prefix's, and so is the rest: it holds for all that this router said before.
  return change(next, (c) => isFrom(c, 'ra', interfaceName, origin), router);
}

/** What RAs say of a router as a whole. */
type RouterFacts = Pick<Candidate, 'preference' | 'isDefaultRouter' | 'isSilent'>;

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

/** Prefixes that routers of an interface offer. */
const announcedOn = ({ candidates }: Pref64Table, interfaceName: string): readonly Candidate[] =>
  candidates.filter((c) => c.source === 'ra' && c.interfaceName === interfaceName);

/** Whether routers of an interface offer different prefixes. */
export function hasRivals(table: Pref64Table, interfaceName: string): boolean {
  const [first, ...others] = announcedOn(table, interfaceName);
  return first !== undefined && others.some((c) => !isSamePrefix(c.prefix, first.prefix));
}

/** Whether a router of an interface offers a prefix that none of them did before. */
export function offersNews(before: Pref64Table, after: Pref64Table, interfaceName: string): boolean {
  const old = announcedOn(before, interfaceName);
  return announcedOn(after, interfaceName).some((c) => !old.some((o) => isSamePrefix(o.prefix, c.prefix)));
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
