// core/pref64: which prefixes are kept, for how long, and which is chosen.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isUsablePref64 } from '../../src/core/pref64/candidate.ts';
import { type Choice, choose, chooseAfter } from '../../src/core/pref64/choose.ts';
import {
  candidatesOn,
  EMPTY_TABLE,
  expire,
  forgetInterface,
  forgetResolver,
  forgetRouter,
  hasRivals,
  hearDns,
  hearRa,
  nextExpiryMs,
  noteNamed,
  noteReachable,
  noteSilent,
  offersNews,
  PREFIXES_PER_INTERFACE,
  PREFIXES_PER_ORIGIN,
  type Pref64Table,
  setStatic,
} from '../../src/core/pref64/table.ts';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { prefix6, text6 } from '../support/addresses.ts';

const WELL_KNOWN = '64:ff9b::/96';
const A = '2001:db8:a::/96';
const B = '2001:db8:b::/96';

const text = (p: Prefix6): string => `${text6(p.address)}/${p.length}`;

interface Ra {
  readonly at?: number;
  readonly on?: string;
  readonly router?: string;
  readonly preference?: number;
  readonly isDefaultRouter?: boolean;
}

/** An advertisement of prefixes with lifetimes in seconds. */
const ra = (table: Pref64Table, offers: Readonly<Record<string, number>>, { at = 0, ...from }: Ra = {}): Pref64Table =>
  hearRa(
    table,
    {
      interfaceName: from.on ?? 'eth0',
      router: from.router ?? 'fe80::1',
      preference: from.preference ?? 0,
      isDefaultRouter: from.isDefaultRouter ?? true,
      offers: Object.entries(offers).map(([p, lifetimeSeconds]) => ({ prefix: prefix6(p), lifetimeSeconds })),
    },
    at,
  );

const dns = (
  table: Pref64Table,
  prefixes: readonly string[],
  untilMs = 60_000,
  resolver = '2001:db8::53',
): Pref64Table =>
  hearDns(table, { interfaceName: 'eth0', resolver, prefixes: prefixes.map(prefix6), validUntilMs: untilMs });

const prefixes = (table: Pref64Table, on = 'eth0'): string[] => candidatesOn(table, on).map((c) => text(c.prefix));

/** The chosen prefix and why, on eth0. */
function chosen(table: Pref64Table, current: string | null = null, nowMs = 0): string {
  const { candidate, reason } = choose(candidatesOn(table, 'eth0'), current === null ? null : prefix6(current), nowMs);
  return candidate === null ? reason : `${text(candidate.prefix)} ${candidate.source} ${candidate.origin}: ${reason}`;
}

describe('prefixes on offer', () => {
  it('D-03 a prefix is kept until its lifetime ends, counted from when it was heard', () => {
    const table = ra(EMPTY_TABLE, { [A]: 600, [B]: 8 }, { at: 1000 });
    assert.equal(nextExpiryMs(table), 9000);
    assert.deepEqual(prefixes(expire(table, 8999)), [A, B]);
    assert.deepEqual(prefixes(expire(table, 9000)), [A]);
    assert.deepEqual(prefixes(expire(table, 601_000)), []);
    assert.equal(nextExpiryMs(EMPTY_TABLE), Number.POSITIVE_INFINITY);
  });

  it('D-03 lifetime 0 withdraws that prefix of that router and interface only', () => {
    let table = ra(ra(EMPTY_TABLE, { [A]: 600, [B]: 600 }), { [A]: 600 }, { router: 'fe80::2' });
    table = ra(table, { [A]: 600 }, { on: 'wlan0' });
    table = ra(table, { [A]: 0 });
    assert.deepEqual(prefixes(table), [B, A]);
    assert.deepEqual(prefixes(table, 'wlan0'), [A]);
  });

  it('D-03 an advertisement without the option withdraws nothing, and one with it renews', () => {
    const table = ra(ra(EMPTY_TABLE, { [A]: 600 }), {}, { at: 1000 });
    assert.deepEqual(prefixes(table), [A]);
    assert.equal(nextExpiryMs(table), 600_000);
    assert.equal(nextExpiryMs(ra(table, { [A]: 600 }, { at: 2000 })), 602_000);
  });

  it('D-03 the same prefix twice in one advertisement: the last word counts', () => {
    const offers = [600, 0].map((lifetimeSeconds) => ({ prefix: prefix6(A), lifetimeSeconds }));
    const router = { interfaceName: 'eth0', router: 'fe80::1', preference: 0, isDefaultRouter: true };
    const table = hearRa(EMPTY_TABLE, { ...router, offers }, 0);
    assert.deepEqual(prefixes(table), []);
  });

  it('D-03 an interface that goes takes its prefixes along, and no others', () => {
    const table = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [B]: 600 }, { on: 'wlan0' });
    assert.deepEqual(prefixes(forgetInterface(table, 'eth0')), []);
    assert.deepEqual(prefixes(forgetInterface(table, 'eth0'), 'wlan0'), [B]);
  });

  it("D-06 a resolver's answer replaces its last one, and no other resolver's", () => {
    let table = dns(dns(EMPTY_TABLE, [A, B]), [A], 60_000, '2001:db8::54');
    table = dns(table, [B]);
    assert.deepEqual(prefixes(table), [B, A]);
    assert.deepEqual(prefixes(dns(table, [])), [A]);
    assert.deepEqual(prefixes(forgetResolver(table, 'eth0', '2001:db8::54')), [B]);
  });

  it('keeps a bounded number of prefixes of one router and of one interface, and counts the others', () => {
    const many = (n: number, third: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`2001:db8:${third}:${i.toString(16)}::/96`, 600]));
    const one = ra(EMPTY_TABLE, many(PREFIXES_PER_ORIGIN + 5, 1));
    assert.deepEqual([one.candidates.length, one.refused], [PREFIXES_PER_ORIGIN, 5]);
    let table = EMPTY_TABLE;
    for (let r = 1; r <= 20; r++) table = ra(table, many(3, r), { router: `fe80::${r}` });
    assert.equal(table.candidates.length, PREFIXES_PER_INTERFACE);
    assert.equal(table.refused, 60 - PREFIXES_PER_INTERFACE);
    const renewed = ra(table, { '2001:db8:1:0::/96': 600 }, { router: 'fe80::1', at: 1000 });
    assert.equal(renewed.refused, table.refused, 'those that are kept are renewed on a full table too');
  });

  it('D-03 four routers that fill the table do not lock out the one that comes after them', () => {
    const eight = (third: number) =>
      Object.fromEntries(Array.from({ length: PREFIXES_PER_ORIGIN }, (_, i) => [`2001:db8:${third}:${i}::/96`, 600]));
    let table = EMPTY_TABLE;
    for (let r = 1; r <= 4; r++) table = ra(table, eight(r), { router: `fe80::bad:${r}` });
    assert.equal(table.candidates.length, PREFIXES_PER_INTERFACE);
    const before = table.refused;
    table = ra(table, { [A]: 600 }, { router: 'fe80::1' });
    assert.ok(prefixes(table).includes(A));
    assert.deepEqual([table.candidates.length, table.refused], [PREFIXES_PER_INTERFACE, before + 1]);
    for (let r = 1; r <= 4; r++) table = ra(table, eight(r), { router: `fe80::bad:${r}` });
    assert.ok(prefixes(table).includes(A), 'nor push it out afterwards');
    assert.equal(table.candidates.length, PREFIXES_PER_INTERFACE);
  });

  it('D-03 on a full table two never push each other out in turn', () => {
    const some = (router: number, n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`2001:db8:${router}:${i}::/96`, 600]));
    let table = EMPTY_TABLE;
    for (let r = 1; r <= 15; r++) table = ra(table, some(r, 2), { router: `fe80::${r}` });
    for (const r of [16, 17]) table = ra(table, some(r, 1), { router: `fe80::${r}` });
    assert.equal(table.candidates.length, PREFIXES_PER_INTERFACE);
    const next = ra(table, some(16, 2), { router: 'fe80::16' });
    assert.deepEqual([prefixes(next), next.refused], [prefixes(table), table.refused + 1]);
  });

  it('D-03 of a full router the prefix that it named longest ago makes room, and none of the same advertisement', () => {
    const names = (from: number, n: number) =>
      Object.fromEntries(Array.from({ length: n }, (_, i) => [`2001:db8:0:${from + i}::/96`, 600]));
    let table = ra(EMPTY_TABLE, names(0, PREFIXES_PER_ORIGIN));
    table = ra(table, names(0, 1), { at: 1000 });
    table = ra(table, { [A]: 600 }, { at: 2000 });
    assert.deepEqual([table.candidates.length, table.refused], [PREFIXES_PER_ORIGIN, 1]);
    assert.deepEqual([prefixes(table)[0], prefixes(table).at(-1)], ['2001:db8::/96', A], 'the second one made room');
    const others = ra(table, names(0x20, PREFIXES_PER_ORIGIN), { at: 3000 });
    assert.deepEqual(
      prefixes(others),
      Object.keys(names(0x20, PREFIXES_PER_ORIGIN)).map((p) => text(prefix6(p))),
    );
  });

  it("D-06 of a resolver's prefixes the first ones are kept", () => {
    const many = Array.from({ length: PREFIXES_PER_ORIGIN + 2 }, (_, i) => `2001:db8:1:${i + 1}::/96`);
    const table = dns(EMPTY_TABLE, many);
    assert.deepEqual([prefixes(table), table.refused], [many.slice(0, PREFIXES_PER_ORIGIN), 2]);
  });

  it('D-03 of the options of one advertisement so many are looked at as a router may have prefixes', () => {
    const first = Object.fromEntries(
      Array.from({ length: PREFIXES_PER_ORIGIN }, (_, i) => [`2001:db8:0:${i}::/96`, 0]),
    );
    const table = ra(EMPTY_TABLE, { ...first, [A]: 600, [B]: 600 });
    assert.deepEqual([prefixes(table), table.refused], [[], 2]);
  });

  it('D-03 a router that leaves takes its prefixes of that interface along', () => {
    const table = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [B]: 600 }, { router: 'fe80::2' });
    assert.deepEqual(prefixes(forgetRouter(table, 'eth0', 'fe80::1')), [B]);
    assert.equal(forgetRouter(table, 'wlan0', 'fe80::1'), table);
  });

  it('D-03, D-04 what a router did not name when it was asked, while it named another, is named no more until it does', () => {
    let table = ra(EMPTY_TABLE, { [A]: 600 }, { at: 1000 });
    table = ra(table, { [A]: 600 }, { router: 'fe80::2', at: 1000 });
    table = ra(table, { [B]: 600 }, { at: 1001 });
    assert.equal(noteNamed(table, 'eth0', 1001), table, 'nobody has answered');
    assert.equal(noteNamed(table, 'eth0', 999), table, 'all was named');
    assert.equal(noteNamed(table, 'wlan0', 1000), table);
    const noted = noteNamed(table, 'eth0', 1000);
    assert.deepEqual(
      noted.candidates.map((c) => c.isNamed),
      [false, true, true],
      'the other router still names it',
    );
    assert.equal(chosen(forgetRouter(noted, 'eth0', 'fe80::2'), A), `${B} ra fe80::1: named`);
    assert.equal(chosen(noted, A), `${A} ra fe80::2: first`);
    const again = ra(noted, { [A]: 600 }, { at: 2000 });
    assert.deepEqual(
      [again.candidates[0]?.isNamed, offersNews(forgetRouter(noted, 'eth0', 'fe80::2'), again, 'eth0')],
      [true, true],
    );
    assert.equal(offersNews(noted, again, 'eth0'), false, 'somebody named it all the while');
    assert.equal(ra(noted, {}, { at: 2000 }).candidates[0]?.isNamed, false, 'an advertisement without it says nothing');
  });

  it('D-03 silence is noted for the routers of one interface, and taken back when they are heard', () => {
    let table = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [B]: 600 }, { router: 'fe80::2' });
    table = ra(table, { [A]: 600 }, { on: 'wlan0' });
    const silentOn = (t: Pref64Table): string[] =>
      t.candidates.filter((c) => c.isSilent).map((c) => `${text(c.prefix)} ${c.interfaceName}`);
    const noted = noteSilent(table, 'eth0', new Set(['fe80::1']));
    assert.deepEqual(silentOn(noted), [`${A} eth0`]);
    assert.deepEqual(silentOn(ra(noted, {})), [], 'an advertisement without prefixes is its voice as well');
    assert.deepEqual(silentOn(noteSilent(noted, 'eth0', new Set(['fe80::2']))), [`${B} eth0`]);
    assert.equal(noteSilent(table, 'eth0', new Set()), table, 'nothing changed');
  });

  it('D-04 which router to use is a question only where they offer different prefixes, and a new one only once', () => {
    const one = ra(EMPTY_TABLE, { [A]: 600 });
    const same = ra(one, { [A]: 600 }, { router: 'fe80::2' });
    const two = ra(same, { [B]: 600 }, { router: 'fe80::2' });
    assert.deepEqual([hasRivals(one, 'eth0'), hasRivals(same, 'eth0'), hasRivals(two, 'eth0')], [false, false, true]);
    assert.equal(hasRivals(two, 'wlan0'), false);
    assert.equal(hasRivals(dns(one, [B]), 'eth0'), false, 'a resolver is none');
    assert.deepEqual([offersNews(one, same, 'eth0'), offersNews(same, two, 'eth0')], [false, true]);
    assert.equal(offersNews(two, ra(two, { [B]: 600 }, { router: 'fe80::2', at: 5000 }), 'eth0'), false);
  });

  it('refuses prefixes that cannot be those of a NAT64', () => {
    const good = [WELL_KNOWN, '64:ff9b:1::/48', '2001:db8::/32', 'fd00:64::/96', '2001:db8:0:64::/64'];
    const bad = [
      '::/96',
      '::/32',
      '::ffff:0:0/96',
      '::ffff:0:0:0/96',
      'fe80::/64',
      'ff02::/96',
      '2001:db8:0:0:100::/96',
    ];
    for (const p of good) assert.equal(isUsablePref64(prefix6(p)), true, p);
    for (const p of bad) assert.equal(isUsablePref64(prefix6(p)), false, p);
    assert.equal(isUsablePref64(prefix6('64:ff9b::/95')), false);
    assert.equal(ra(EMPTY_TABLE, { '::/96': 600, [A]: 600 }).refused, 1);
  });
});

describe('the choice', () => {
  it('says why there is none', () => {
    assert.equal(chosen(EMPTY_TABLE), 'none');
    assert.equal(chosen(ra(EMPTY_TABLE, { [A]: 8 }), null, 8000), 'expired');
  });

  it('D-15 tells a prefix that ran out from one that was withdrawn, until there is one again', () => {
    const table = ra(EMPTY_TABLE, { [A]: 8 });
    const after = (before: Choice | undefined, t: Pref64Table, nowMs: number): Choice =>
      chooseAfter(before, candidatesOn(expire(t, nowMs), 'eth0'), nowMs);
    const inUse = after(undefined, table, 0);
    const ranOut = after(inUse, table, 8000);
    assert.deepEqual(
      [inUse, ranOut, after(ranOut, table, 9000), after(inUse, EMPTY_TABLE, 7999), after(undefined, table, 8000)].map(
        (c) => c.reason,
      ),
      ['only', 'expired', 'expired', 'none', 'none'],
    );
    assert.equal(after(ranOut, ra(table, { [B]: 8 }, { at: 9000 }), 9000).reason, 'only');
  });

  it('D-07 configuration comes first, then a router, then DNS', () => {
    let table = dns(EMPTY_TABLE, [A]);
    assert.equal(chosen(table), `${A} dns 2001:db8::53: only`);
    table = ra(table, { [B]: 600 });
    assert.equal(chosen(table), `${B} ra fe80::1: only`);
    table = setStatic(table, prefix6(WELL_KNOWN));
    assert.equal(chosen(table), `${WELL_KNOWN} static configuration: configured`);
    assert.equal(chosen(setStatic(table, null)), `${B} ra fe80::1: only`);
  });

  it('D-07 a prefix in use that came from DNS is given up as soon as a router announces one', () => {
    assert.equal(chosen(ra(dns(EMPTY_TABLE, [A]), { [B]: 600 }), A), `${B} ra fe80::1: only`);
  });

  it('D-04 the prefix in use stays while it is valid, whatever the others are worth', () => {
    let table = ra(EMPTY_TABLE, { [A]: 600 });
    table = ra(table, { [B]: 1200 }, { router: 'fe80::2', preference: 1 });
    assert.equal(chosen(table, A), `${A} ra fe80::1: kept`);
    assert.equal(chosen(table, A, 600_000), `${B} ra fe80::2: only`);
    assert.equal(chosen(table), `${B} ra fe80::2: preference`);
  });

  it('D-04 without one in use the higher router preference decides, then who was heard first', () => {
    let table = ra(EMPTY_TABLE, { [A]: 600 }, { router: 'fe80::1', preference: -1 });
    table = ra(table, { [B]: 600 }, { router: 'fe80::2' });
    assert.equal(chosen(table), `${B} ra fe80::2: preference`);
    table = ra(table, {}, { router: 'fe80::1', preference: 0 });
    assert.equal(chosen(table), `${A} ra fe80::1: first`);
    table = ra(table, { [A]: 600 }, { at: 5000 });
    assert.equal(chosen(table), `${A} ra fe80::1: first`, 'renewal does not change the order');
  });

  it('D-04 the same prefix from two routers outlives one of them', () => {
    const table = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [A]: 1200 }, { router: 'fe80::2' });
    assert.equal(chosen(table, A, 700_000), `${A} ra fe80::2: only`);
  });

  it('D-08 a failed check removes what DNS gave, and not what a router or the user gave', () => {
    const unreachable = noteReachable(dns(EMPTY_TABLE, [A]), 'eth0', prefix6(A), false);
    assert.equal(chosen(unreachable), 'unreachable');
    assert.equal(chosen(noteReachable(unreachable, 'eth0', prefix6(A), true)), `${A} dns 2001:db8::53: only`);
    const announced = noteReachable(ra(EMPTY_TABLE, { [A]: 600 }), 'eth0', prefix6(A), false);
    assert.equal(chosen(announced), `${A} ra fe80::1: only`);
    const fallback = noteReachable(dns(EMPTY_TABLE, [A, B]), 'eth0', prefix6(A), false);
    assert.equal(chosen(fallback), `${B} dns 2001:db8::53: only`);
    const user = noteReachable(setStatic(EMPTY_TABLE, prefix6(A)), 'eth0', prefix6(A), false);
    assert.equal(chosen(user), `${A} static configuration: configured`);
  });

  it('D-04 the prefix in use gives way when its router is silent and that of another is not, and stays there', () => {
    const two = ra(ra(EMPTY_TABLE, { [A]: 600 }, { preference: 1 }), { [B]: 600 }, { router: 'fe80::2' });
    const silent = noteSilent(two, 'eth0', new Set(['fe80::1']));
    assert.equal(chosen(silent, A), `${B} ra fe80::2: answered`);
    assert.equal(chosen(ra(silent, { [A]: 600 }, { preference: 1 }), B), `${B} ra fe80::2: kept`, 'no way back');
  });

  it('D-04 a silent router keeps its prefix in use while there is no other, and while all are silent', () => {
    const one = noteSilent(ra(EMPTY_TABLE, { [A]: 600 }), 'eth0', new Set(['fe80::1']));
    assert.equal(chosen(one, A), `${A} ra fe80::1: only`);
    assert.equal(chosen(dns(one, [B]), A), `${A} ra fe80::1: only`, 'D-07: what DNS says is no other');
    const two = ra(one, { [B]: 600 }, { router: 'fe80::2', preference: 1 });
    assert.equal(chosen(noteSilent(two, 'eth0', new Set(['fe80::1', 'fe80::2'])), A), `${A} ra fe80::1: kept`);
  });

  it('D-04 a prefix that a second router announces as well does not fall silent with the first', () => {
    let table = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [B]: 600 }, { router: 'fe80::3', preference: 1 });
    table = noteSilent(ra(table, { [A]: 600 }, { router: 'fe80::2' }), 'eth0', new Set(['fe80::1']));
    assert.equal(chosen(table, A), `${A} ra fe80::2: kept`);
  });

  it('D-04 default routers come first, and the preference of one that is none is ignored (RFC 4191 §2.2)', () => {
    let table = ra(EMPTY_TABLE, { [A]: 600 }, { preference: 1, isDefaultRouter: false });
    assert.equal(chosen(table), `${A} ra fe80::1: only`, 'used where there is no other');
    table = ra(table, { [B]: 600 }, { router: 'fe80::2', preference: -1 });
    assert.equal(chosen(table), `${B} ra fe80::2: default-router`);
    assert.equal(chosen(table, A), `${A} ra fe80::1: kept`, 'what is in use stays');
    table = ra(table, {}, { router: 'fe80::2', preference: -1, isDefaultRouter: false });
    assert.equal(chosen(table), `${A} ra fe80::1: first`, 'neither preference counts');
    table = ra(table, {}, { preference: 0 });
    assert.equal(chosen(table), `${A} ra fe80::1: default-router`, 'and it is the one of the last advertisement');
  });

  it('D-08 of several routers one whose prefix carries nothing comes last, and gives way to one that is known to carry', () => {
    const two = ra(ra(EMPTY_TABLE, { [A]: 600 }), { [B]: 600 }, { router: 'fe80::2', preference: -1 });
    const failed = noteReachable(two, 'eth0', prefix6(A), false);
    assert.equal(chosen(failed), `${B} ra fe80::2: reachable`);
    assert.equal(chosen(failed, A), `${A} ra fe80::1: kept`, 'the other one is not known to be better');
    const better = noteReachable(failed, 'eth0', prefix6(B), true);
    assert.equal(chosen(better, A), `${B} ra fe80::2: reachable`);
    const both = noteReachable(failed, 'eth0', prefix6(B), false);
    assert.equal(chosen(both, B), `${B} ra fe80::2: kept`, 'where none does, what is in use stays');
    const silent = noteSilent(better, 'eth0', new Set(['fe80::2']));
    assert.equal(chosen(silent, A), `${A} ra fe80::1: answered`, 'a silent router carries nothing any more');
  });

  it('D-04, D-08 never flaps: a prefix in use changes only for one that is better by what was heard or checked, and rests there', () => {
    const router = fc.constantFrom('fe80::1', 'fe80::2', 'fe80::3');
    const prefix = fc.constantFrom(A, B, WELL_KNOWN);
    const event = fc.oneof(
      fc.record({
        kind: fc.constant('ra' as const),
        router,
        prefix,
        preference: fc.constantFrom(-1, 0, 1),
        isDefaultRouter: fc.boolean(),
        lifetime: fc.constantFrom(0, 8, 600),
        stepMs: fc.nat(20_000),
      }),
      fc.record({ kind: fc.constant('silent' as const), routers: fc.uniqueArray(router) }),
      fc.record({ kind: fc.constant('checked' as const), prefix, isReachable: fc.boolean() }),
      fc.record({ kind: fc.constant('answered' as const), agoMs: fc.nat(20_000) }),
    );
    type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

    let nowMs = 0;
    const after = (table: Pref64Table, e: Event): Pref64Table => {
      if (e.kind === 'answered') return noteNamed(table, 'eth0', nowMs - e.agoMs);
      if (e.kind === 'silent') return noteSilent(table, 'eth0', new Set(e.routers));
      if (e.kind === 'checked') return noteReachable(table, 'eth0', prefix6(e.prefix), e.isReachable);
      nowMs += e.stepMs;
      return ra(table, { [e.prefix]: e.lifetime }, { ...e, at: nowMs });
    };
    const hasReason = (table: Pref64Table, old: string, next: string): boolean => {
      const of = (p: string) => table.candidates.filter((c) => text(c.prefix) === p);
      const speaks = (p: string): boolean => of(p).some((c) => !c.isSilent);
      if (of(old).length === 0) return true;
      if (!speaks(old)) return speaks(next);
      const isNamed = (p: string): boolean => of(p).some((c) => !c.isSilent && c.isNamed);
      if (!isNamed(old) && isNamed(next)) return true;
      return (
        of(old).every((c) => c.isReachable === false) && of(next).some((c) => !c.isSilent && c.isReachable === true)
      );
    };
    const run = (events: readonly Event[]): void => {
      let [table, current]: [Pref64Table, string | null] = [EMPTY_TABLE, null];
      nowMs = 0;
      for (const e of events) {
        table = after(table, e);
        const choiceFrom = (from: string | null): string | null => {
          const { candidate } = choose(candidatesOn(table, 'eth0'), from === null ? null : prefix6(from), nowMs);
          return candidate === null ? null : text(candidate.prefix);
        };
        const next = choiceFrom(expire(table, nowMs).candidates.length === 0 ? null : current);
        if (current !== null && next !== null && next !== current) {
          assert.ok(hasReason(expire(table, nowMs), current, next), `${current} → ${next}`);
        }
        assert.equal(choiceFrom(next), next, 'asked again it says the same');
        current = next;
      }
    };
    fc.assert(fc.property(fc.array(event, { maxLength: 40 }), run));
  });
});
