// What the client says of the prefixes that it has to choose from: in its log, in the snapshot, on the screen; and when it forgets them.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { offerTexts } from '../../src/cli/screens/offers.ts';
import { statusScreen } from '../../src/cli/screens/status.ts';
import { discoveredPrefixes } from '../../src/client/discovered-prefixes.ts';
import { clientOffers } from '../../src/client/offers.ts';
import type { PrefixListener } from '../../src/client/prefix-source.ts';
import { OFFERS_MAX, STATUS, type StatusOffer } from '../../src/contract/status.ts';
import type { ClatEvent } from '../../src/core/lifecycle/event.ts';
import { initialLifecycle, type Lifecycle } from '../../src/core/lifecycle/state.ts';
import { step } from '../../src/core/lifecycle/step.ts';
import { clientFacts } from '../../src/daemon/client-status.ts';
import { StatusBoard } from '../../src/daemon/status-board.ts';
import { SAMPLE } from '../support/control.ts';
import { FakeNetwork } from '../support/fake-discovery.ts';
import { offer, SETTINGS } from '../support/lifecycle.ts';
import { TRANSLATOR } from '../support/nat64.ts';

/** A lifecycle after some events, and what the last of them led to. */
function after(...events: readonly ClatEvent[]): { life: Lifecycle; effects: readonly object[] } {
  let [life, effects]: [Lifecycle, readonly object[]] = [initialLifecycle(SETTINGS), []];
  for (const event of events) ({ life, effects } = step(life, event, 0));
  return { life, effects };
}

const discovers = (...events: readonly ClatEvent[]): readonly object[] =>
  after(...events).effects.filter((e) => 'effect' in e && e.effect === 'discover');

describe('the prefixes that a client has to choose from', () => {
  const candidates = [
    offer('eth0', 1, { preference: 1 }),
    offer('eth0', 2, { isSilent: true, validUntilMs: 60_000 }),
    offer('wlan0', 3, { source: 'dns', origin: '2001:db8::53', isReachable: true }),
  ];
  const { life } = after({ event: 'up' }, { event: 'prefixes', candidates });
  const offers = clientOffers(life, [{ interfaceName: 'wlan0', count: 3 }], 0);

  it('D-04 of each interface one is the choice', () => {
    assert.deepEqual(offers.candidates, candidates);
    assert.deepEqual([...offers.chosen], [candidates[0], candidates[2]]);
  });

  it('D-15 the snapshot lists them with all that the choice goes by, and says how many were refused', () => {
    const identity = SAMPLE.daemon;
    const client = { state: { state: 'starting' }, offers } as const;
    const board = new StatusBoard(identity, () => clientFacts(client, { settings: TRANSLATOR, dataPath: null }));
    const status = STATUS.read({ ...board.status(), rates: null }, '');
    const [first, third, second] = status.offers?.candidates ?? []; // the chosen ones first
    assert.deepEqual(
      [first?.interface, first?.prefix, first?.preference, first?.isDefaultRouter, first?.isSilent, first?.isChosen],
      ['eth0', '2001:db8:6401::/96', 'high', true, false, true],
    );
    assert.deepEqual([second?.isSilent, second?.isChosen, first?.validUntilMs], [true, false, null]);
    assert.ok(second?.validUntilMs !== null);
    assert.deepEqual(
      [third?.source, third?.origin, third?.preference, third?.isSilent, third?.isReachable],
      ['dns', '2001:db8::53', null, null, true],
    );
    assert.deepEqual(status.offers?.refused, [{ interface: 'wlan0', prefixes: 3 }]);
  });

  it('D-15 the snapshot lists a bounded number, the chosen ones first', () => {
    const many = Array.from({ length: 100 }, (_, i) => offer('eth0', i));
    const chosen = many.slice(-1);
    const client = {
      state: { state: 'starting' },
      offers: { candidates: many, chosen: new Set(chosen), refused: [] },
    } as const;
    const { offers: listed } = clientFacts(client, { settings: null, dataPath: null });
    assert.deepEqual([listed?.candidates.length, listed?.candidates[0]?.isChosen], [OFFERS_MAX, true]);
  });
});

describe('the status screen', () => {
  const other: StatusOffer = {
    interface: 'wlan0',
    prefix: '2001:db8:b::/96',
    source: 'router-advertisement',
    origin: 'fe80::1111:2222:3333:4444',
    validUntilMs: 600_000,
    preference: 'medium',
    isDefaultRouter: false,
    isSilent: true,
    isReachable: false,
    isChosen: false,
  };
  /** The prefix of SAMPLE. */
  const IN_USE: StatusOffer = {
    ...other,
    interface: null,
    prefix: '64:ff9b::/96',
    source: 'configuration',
    origin: 'configuration',
    isSilent: null,
    isChosen: true,
  };
  const screenOf = (changes: Partial<typeof SAMPLE>, colour = false): string[] => {
    const options = { columns: 80, rows: null, colour, nowMs: 0 };
    return [...statusScreen({ status: { ...SAMPLE, ...changes }, events: [] }, options)];
  };
  const screen = (offers: NonNullable<typeof SAMPLE.offers>): string[] => screenOf({ offers });
  /** The lines of the prefix in use, and of what else there is. */
  const prefixLines = (lines: readonly string[]): string[] =>
    lines.slice(
      lines.findIndex((line) => line.includes('PREF64')),
      lines.findIndex((line) => line.includes('IPv4')),
    );

  it('D-15 shows what else is on offer in 80 columns, and nothing where nothing is', () => {
    const lines = screen({
      candidates: [other, IN_USE],
      refused: [{ interface: 'wlan0', prefixes: 3 }],
    });
    const at = lines.findIndex((line) => line.startsWith('Offered'));
    assert.match(
      lines.slice(at, at + 4).join('\n'),
      /^Offered {2}2001:db8:b::\/96 by fe80::1111:2222:3333:4444 on wlan0, 10 min left,\n +does not answer any more, the connectivity check failed, no default\n +router\n +3 prefixes of wlan0 refused: unusable, or too many$/,
    );
    for (const line of lines) assert.ok(line.length <= 80, line);
    const alone = screen({ candidates: [IN_USE], refused: [] });
    assert.equal(
      alone.some((line) => line.startsWith('Offered')),
      false,
    );
  });

  it('D-08, D-15 says of the prefix in use who offers it, and in colour that he is silent or it leads nowhere', () => {
    const prefix = {
      prefix: '64:ff9b::/96',
      source: 'router-advertisement',
      validUntilMs: 600_000,
      isReachable: false,
    } as const;
    const chosen: StatusOffer = { ...other, prefix: prefix.prefix, isChosen: true };
    const candidates = [
      { ...chosen, origin: 'fe80::2', isChosen: false }, // the same prefix by another router
      { ...chosen, origin: 'fe80::3', interface: 'eth0' }, // and the choice on another interface
      chosen,
    ];
    const [first, second, third, ...rest] = prefixLines(screenOf({ prefix, offers: { candidates, refused: [] } }));
    assert.deepEqual(
      [first, second, third],
      [
        'PREF64   64:ff9b::/96 by router advertisement from fe80::1111:2222:3333:4444,',
        '         which does not answer any more, 10 min left; the connectivity check',
        '         failed',
      ],
    );
    assert.match(rest.join(), /^Offered {2}64:ff9b::\/96 by fe80::2 on wlan0,.*64:ff9b::\/96 by fe80::3 on eth0,/);
    for (const bad of [
      { isSilent: true, isReachable: null },
      { isSilent: false, isReachable: false },
    ]) {
      const offers = { candidates: [{ ...chosen, ...bad }], refused: [] };
      const checked = bad.isReachable === null ? {} : { isReachable: bad.isReachable };
      const lines = screenOf({ prefix: { ...prefix, isReachable: true, ...checked }, offers }, true);
      assert.ok(prefixLines(lines)[0]?.includes('\u001b[33m64:ff9b::'), JSON.stringify(bad));
    }
  });

  it('D-15 says which resolver shows the prefix in use, and nothing bad in colour where nothing is', () => {
    const prefix = { prefix: '64:ff9b::/96', source: 'dns', validUntilMs: null } as const;
    const chosen = { ...IN_USE, source: 'dns', origin: '2001:db8::53', interface: 'wlan0' } as const;
    const lines = screenOf({ prefix, offers: { candidates: [chosen], refused: [] } }, true);
    assert.deepEqual(prefixLines(lines), ['PREF64   64:ff9b::/96 by DNS from 2001:db8::53']);
  });

  it('D-15 while no prefix is in use all that are on offer are shown, the choice among them', () => {
    const offers = { candidates: [{ ...other, isChosen: true }], refused: [] };
    const lines = prefixLines(screenOf({ prefix: null, offers }));
    assert.equal(lines[0], 'PREF64   offered, not in use');
    assert.match(lines[1] ?? '', /^Offered {2}2001:db8:b::\/96 by fe80::1111/);
  });

  it('D-15 shows a few of many', () => {
    const candidates = Array.from({ length: 20 }, () => ({ ...other }));
    const texts = offerTexts({ ...SAMPLE, offers: { candidates, refused: [] } }, 0);
    assert.deepEqual([texts.length, texts.at(-1)], [5, 'and 16 more, see --json']);
  });
});

describe('what the client forgets and refuses', () => {
  it('D-05 "up" begins from empty, also while it still stops; waking and trying again after a failure do not', () => {
    assert.deepEqual(discovers({ event: 'up' }), [{ effect: 'discover', isFromEmpty: true }]);
    const ticket =
      after({ event: 'up' }, { event: 'down' }).effects.flatMap((e) => ('ticket' in e ? [Number(e.ticket)] : []))[0] ??
      0;
    assert.deepEqual(discovers({ event: 'up' }, { event: 'down' }, { event: 'up' }, { event: 'done', ticket }), [
      { effect: 'discover', isFromEmpty: true },
    ]);
    assert.deepEqual(discovers({ event: 'up' }, { event: 'woke', sleptMs: 60_000 }), [
      { effect: 'discover', isFromEmpty: false },
    ]);
  });

  it('D-15 refused prefixes are said once a minute, with their number and interface', async () => {
    const said: (readonly [object, string])[] = [];
    const listener: PrefixListener = {
      offers: () => undefined,
      trouble: () => undefined,
      flooded: () => undefined,
      checked: () => undefined,
      refused: (fields, text) => said.push([fields, text]),
    };
    const net = new FakeNetwork();
    const { clock, exchange } = net;
    const source = discoveredPrefixes({ platform: net, clock, exchange, only: null, check: null }, listener);
    const bad = { pref64: [{ prefix: 'fe80::/64', lifetimeSeconds: 600 }] };
    for (let i = 0; i < 90; i++) {
      net.ra(bad);
      await clock.turn(1000);
    }
    assert.deepEqual(
      said.map(([fields]) => fields),
      [
        { interface: 'eth0', prefixes: 1 },
        { interface: 'eth0', prefixes: 60 },
      ],
    );
    assert.equal(said[1]?.[1], 'eth0: 60 prefixes not kept, unusable or too many');
    assert.deepEqual(source.refused, [{ interfaceName: 'eth0', count: 90 }]);
    source.close();
  });

  it('D-15 a link that cannot be asked is a trouble when that lasts, and then once and in words', async () => {
    const said: string[] = [];
    const ignore = (): void => undefined;
    const trouble = (_: object, text: string): void => void said.push(text);
    const listener = { offers: ignore, trouble, flooded: ignore, checked: ignore, refused: ignore };
    const net = new FakeNetwork();
    const { clock, exchange } = net;
    net.solicitFailure = Object.assign(new Error('EADDRNOTAVAIL: sendmsg'), { code: 'EADDRNOTAVAIL' });
    const source = discoveredPrefixes({ platform: net, clock, exchange, only: null, check: null }, listener);
    await clock.turn(2000);
    assert.deepEqual(said, []);
    net.solicitFailure = null;
    await clock.turn(1000);
    net.solicitFailure = Object.assign(new Error('EADDRNOTAVAIL: sendmsg'), { code: 'EADDRNOTAVAIL' });
    await clock.turn(6000); // the next one is due after 4 s
    assert.deepEqual(said, []);
    await clock.turn(4000);
    assert.deepEqual(said, ['eth0: cannot solicit routers: the interface has no link-local address in use yet']);
    source.close();
  });

  it('D-05 from empty it asks anew and offers nothing until somebody answers', async () => {
    let latest: readonly object[] = [];
    const ignore = (): void => undefined;
    const offers = (candidates: readonly object[]): void => {
      latest = candidates;
    };
    const listener = { offers, trouble: ignore, flooded: ignore, checked: ignore, refused: ignore };
    const net = new FakeNetwork();
    const { clock, exchange } = net;
    const source = discoveredPrefixes({ platform: net, clock, exchange, only: null, check: null }, listener);
    net.ra({ pref64: [{ prefix: '64:ff9b::/96', lifetimeSeconds: 600 }] });
    assert.equal(latest.length, 1);
    source.refresh(false);
    assert.equal(latest.length, 1);
    source.refresh(true);
    assert.deepEqual([latest, net.solicitedAtMs.length], [[], 3]);
    source.close();
  });
});
