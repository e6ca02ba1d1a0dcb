// Lists of a gateway's sessions, its own and those of the kernel, and of its bindings: page by page out of the tables, so that packets
// wait for a page at most, filtered, and sorted here. One list looks at a bounded number of entries.

import { formatIpv4, formatIpv6, holds4, holds6, parseIpv4, parsePrefix4, parsePrefix6 } from '../config/addresses.ts';
import type { AnyPrefix } from '../config/gateway-scalars.ts';
import { XlatError } from '../contract/errors.ts';
import type { Binding, Session } from '../contract/gateway.ts';
import type { Params, Result } from '../contract/methods.ts';
import { addressWord, extract, isInside, makeEmbeddingPrefix } from '../core/address/rfc6052.ts';
import type { BindingRecord, SessionRecord, TableFilter } from '../core/nat64/listing.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import { translatedConnections } from '../gateway/conntrack.ts';
import { readConntrackTable } from '../platform/select.ts';
import type { RunningNat64 } from './gateway-nat64.ts';
import type { GatewayParts } from './gateway-parts.ts';

/** Entries that pass the tables' own filter and are looked at here. */
const LOOKED_AT = 100_000;
const PAGE = 200;
const LIMIT = 100;

/** A list of sessions. @throws XlatError USAGE for a host or remote that is no address */
export async function listSessions(parts: GatewayParts, wanted: Params<'sessions'>): Promise<Result<'sessions'>> {
  const prefix = parts.nat64?.inUse.translator.prefix ?? null;
  const asked = { host: addressOf(wanted.host, 'host', null), remote: addressOf(wanted.remote, 'remote', prefix) };
  const passes = testOf(wanted, asked);
  const isKernelOnly = wanted.kind === 'nat66' || wanted.kind === 'nat44';
  const [ours, kernels] = await Promise.all([
    isKernelOnly || parts.nat64 === null ? NOTHING : nat64Sessions(parts.nat64, wanted, asked, passes),
    wanted.kind === 'nat64' ? NOTHING : kernelSessions(parts.nat64, passes),
  ]);
  const all = [...ours.found, ...kernels.found].sort(ORDERS[wanted.sort ?? 'host']);
  const { limit = LIMIT } = wanted;
  return { total: all.length, sessions: all.slice(0, limit), notes: [...ours.notes, ...kernels.notes] };
}

/** What was asked for as prefixes; null: it does not matter. */
interface Asked {
  readonly host: AnyPrefix | null;
  readonly remote: AnyPrefix | null;
}

type Test = (session: Session) => boolean;

interface Found {
  readonly found: readonly Session[];
  readonly notes: readonly string[];
}

const NOTHING: Found = { found: [], notes: [] };

/** What the tables can sort out by themselves. */
function filterOf(protocol: Params<'sessions'>['protocol'], { host, remote }: Asked): TableFilter {
  return {
    ...(protocol === undefined ? {} : { protocol }),
    ...(host !== null && !isIpv4(host) && host.length === 128 ? { ipv6: host.address } : {}),
    ...(remote !== null && isIpv4(remote) && remote.length === 32 ? { remote4: remote.address } : {}),
  };
}

async function nat64Sessions(
  nat64: RunningNat64,
  { protocol }: Params<'sessions'>,
  asked: Asked,
  passes: Test,
): Promise<Found> {
  const filter = filterOf(protocol, asked);
  const found: Session[] = [];
  let [cursor, seen] = [0, 0];
  do {
    const page = await nat64.dataPlane.nat64.sessions({ filter, limit: PAGE, cursor });
    found.push(...page.sessions.map((record) => sessionOf(record, nat64)).filter(passes));
    cursor = page.next;
    seen += page.sessions.length;
  } while (cursor !== 0 && seen < LOOKED_AT);
  const note = `only ${seen} of the NAT64's sessions were looked at; ask for a protocol, a host or a remote`;
  return { found, notes: cursor === 0 ? [] : [note] };
}

function sessionOf(record: SessionRecord, nat64: RunningNat64): Session {
  const { protocol, ipv6, port6, ipv4, port4, remote4, remotePort, state, leftMs } = record;
  return {
    kind: 'nat64',
    protocol,
    state: protocol === 'tcp' ? state : null,
    host: { address: formatIpv6(ipv6), port: port6 },
    mapped: { address: formatIpv4(nat64.outsideOf(ipv4)), port: port4 },
    remote: { address: formatIpv4(remote4), port: protocol === 'icmp' ? null : remotePort },
    expiresInMs: Math.round(leftMs),
  };
}

/** The kernel's translations. Those of the NAT64's own pool are the second half of a session that is listed already. */
async function kernelSessions(nat64: RunningNat64 | null, passes: Test): Promise<Found> {
  const place = nat64?.place;
  const pool = place?.kind === 'masquerade' ? place.range : null;
  const isOfPool = ({ host }: Session): boolean => {
    const address = pool === null ? null : parseIpv4(host.address);
    return pool !== null && address?.ok === true && holds4(pool, { address: address.value, length: 32 });
  };
  try {
    const all = translatedConnections(await readConntrackTable());
    return { found: all.filter((session) => !isOfPool(session) && passes(session)), notes: [] };
  } catch (error) {
    return { found: [], notes: [`the kernel's own translations cannot be listed: ${(error as Error).message}`] };
  }
}

const testOf =
  ({ kind, protocol, state }: Params<'sessions'>, { host, remote }: Asked): Test =>
  (session) =>
    (kind === undefined || session.kind === kind) &&
    (protocol === undefined || session.protocol === protocol) &&
    (state === undefined || session.state === state.toLowerCase()) &&
    (host === null || lies(session.host.address, host)) &&
    (remote === null || lies(session.remote.address, remote));

/**
 * An address or prefix that was asked for.
 * @param prefix what carries IPv4 addresses: one inside it counts as the IPv4 address
 * @throws XlatError USAGE when it is none
 */
function addressOf(text: string | undefined, what: string, prefix: Prefix6 | null): AnyPrefix | null {
  if (text === undefined) return null;
  const wanted = prefixOf(text);
  if (wanted === null) throw new XlatError('USAGE', 'list sessions', `the ${what} "${text}" is no address or prefix`);
  const carried = prefix === null || isIpv4(wanted) ? null : carriedIn(prefix, wanted);
  return carried === null ? wanted : { address: carried, length: 32 };
}

/** Whether an address lies in a prefix. */
function lies(address: string, outer: AnyPrefix): boolean {
  const inner = prefixOf(address);
  if (inner === null) return false;
  if (isIpv4(outer)) return isIpv4(inner) && holds4(outer, inner);
  return !isIpv4(inner) && holds6(outer, inner);
}

/** The IPv4 address that an address inside the NAT64 prefix carries; null: it carries none. */
function carriedIn(prefix: Prefix6, { address, length }: Prefix6): number | null {
  const embedding = makeEmbeddingPrefix(prefix);
  const word = (i: number): number => addressWord(address, i);
  const isCarrying = length === 128 && isInside(embedding, word(0), word(1), word(2));
  return isCarrying ? extract(embedding, word(1), word(2), word(3)) >>> 0 : null;
}

const isIpv4 = (prefix: AnyPrefix): prefix is Extract<AnyPrefix, { readonly address: number }> =>
  typeof prefix.address === 'number';

function prefixOf(text: string): AnyPrefix | null {
  const parsed = text.includes(':') ? parsePrefix6(text) : parsePrefix4(text);
  return parsed.ok ? parsed.value : null;
}

const textOf = ({ address, port }: Session['host']): string => `${address} ${String(port ?? 0).padStart(5, '0')}`;

type Order = (a: Session, b: Session) => number;

const ORDERS: Readonly<Record<NonNullable<Params<'sessions'>['sort']>, Order>> = {
  host: (a, b) => compare(textOf(a.host), textOf(b.host)),
  remote: (a, b) => compare(textOf(a.remote), textOf(b.remote)),
  mapped: (a, b) => compare(textOf(a.mapped), textOf(b.mapped)),
  expires: (a, b) => (a.expiresInMs ?? 0) - (b.expiresInMs ?? 0),
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** A list of bindings. @throws XlatError USAGE for a host that is no address */
export async function listBindings(
  nat64: RunningNat64,
  { protocol, host, staticOnly = false, limit = LIMIT }: Params<'bindings.list'>,
): Promise<Result<'bindings.list'>> {
  const asked = addressOf(host, 'host', null);
  const filter = filterOf(protocol, { host: asked, remote: null });
  const found: Binding[] = [];
  let [cursor, seen] = [0, 0];
  do {
    const page = await nat64.dataPlane.nat64.bindings({ filter, limit: PAGE, cursor });
    const bindings = page.bindings.map((record) => bindingOf(record, nat64));
    found.push(
      ...bindings.filter((one) => (one.isStatic || !staticOnly) && (asked === null || lies(one.host.address, asked))),
    );
    cursor = page.next;
    seen += page.bindings.length;
  } while (cursor !== 0 && seen < LOOKED_AT);
  return { total: found.length, bindings: found.slice(0, limit) };
}

const bindingOf = (record: BindingRecord, nat64: RunningNat64): Binding => ({
  protocol: record.protocol,
  isStatic: record.origin !== 'dynamic',
  host: { address: formatIpv6(record.ipv6), port: record.port6 },
  mapped: { address: formatIpv4(nat64.outsideOf(record.ipv4)), port: record.port4 },
  sessions: record.sessions,
});
