// What a few forged Router Advertisements can make of the choice of prefix after their sender has left, on a turned clock: the real
// router answers solicitations, and nobody else does. Read first: roll-call.test.ts.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { DiscoveryOptions } from '../../src/discovery/discovery.ts';
import { discoveryReport } from '../../src/discovery/report.ts';
import { ROUND_EVERY_MS } from '../../src/discovery/roll-call.ts';
import { ROUTERS_MAX, Routers } from '../../src/discovery/routers.ts';
import { ROUND_MS } from '../../src/discovery/solicitor.ts';
import { ip6, prefix6 } from '../support/addresses.ts';
import { TurnedClock } from '../support/fake-discovery.ts';
import { Link, offer } from '../support/routed-link.ts';

const REAL = '64:ff9b::/96';
const ROUTER = 'fe80::1';
const RESOLVER = '2001:db8::53';
const LIFETIME_MAX = 65_528;

const forged = (i: number): string => `2001:db8:bad:${(i + 1).toString(16)}::/96`;
const stranger = (i: number): string => `fe80::bad:${i.toString(16)}`;
const withdrawn = (prefix: string) => ({ prefix, lifetimeSeconds: 0 });

/** A link whose real router has announced its prefix for a while. */
async function settled(t: TestContext, options?: Partial<DiscoveryOptions>): Promise<Link> {
  const place = new Link(t, options);
  await place.join(ROUTER, offer(REAL));
  await place.turn(100_000);
  return place;
}

const routersOf = (place: Link): string[] =>
  (discoveryReport(place.discovery).interfaces[0]?.routers ?? []).map((r) => r.router);
const refused = (place: Link): number | undefined =>
  discoveryReport(place.discovery).interfaces[0]?.advertisements.prefixes;

describe('forged routers at join', () => {
  it('D-04, D-05 three of them hold the client no longer than two rounds', async (t) => {
    const place = new Link(t);
    for (let i = 0; i < 3; i++) {
      await place.turn(100);
      place.net.ra(offer(forged(i), LIFETIME_MAX), stranger(i));
    }
    await place.join(ROUTER, offer(REAL));
    await place.turn(ROUND_MS);
    assert.notEqual(place.chosen, REAL, 'the third came when the round had begun');
    await place.turn(ROUND_EVERY_MS);
    assert.deepEqual([place.chosen, place.silent], [REAL, [0, 1, 2].map(stranger)]);
    const asked = place.net.solicitedAtMs.length;
    await place.turn(600_000);
    assert.deepEqual([place.chosen, place.net.solicitedAtMs.length], [REAL, asked], 'and that is settled');
  });

  it('D-03, D-05 as many as there is room for keep the real router out until they are found silent, and are counted', async (t) => {
    for (const isDefault of [false, true]) {
      const place = new Link(t);
      const says = { ...offer(forged(0), LIFETIME_MAX), lifetimeSeconds: isDefault ? 1800 : 0 };
      for (let i = 0; i < ROUTERS_MAX; i++) place.net.ra(says, stranger(i));
      await place.join(ROUTER, offer(REAL));
      assert.deepEqual([routersOf(place).includes(ROUTER), refused(place)], [false, 1]);
      assert.equal(place.discovery.candidates('eth0').length, ROUTERS_MAX, 'who has no room offers nothing');
      // Those that are default routers are asked at once, the others after the round at the start.
      await place.turn(ROUND_MS + 4000 + (isDefault ? 0 : ROUND_EVERY_MS));
      assert.deepEqual([routersOf(place).length, place.chosen], [ROUTERS_MAX, REAL], `default router: ${isDefault}`);
      assert.equal(place.discovery.candidates('eth0').length, ROUTERS_MAX, 'who made room offers nothing any more');
    }
  });

  it('D-04 when the whole link has said nothing, a full list before that makes no difference', async (t) => {
    const place = new Link(t);
    for (let i = 0; i < ROUTERS_MAX; i++) place.net.ra(offer(forged(0), LIFETIME_MAX), stranger(i));
    await place.join(ROUTER, offer(REAL));
    await place.turn(3 * ROUND_EVERY_MS);
    place.vanish(ROUTER);
    place.discovery.refresh(false);
    await place.turn(ROUND_MS + 1000);
    place.net.ra(offer(forged(0), LIFETIME_MAX), stranger(9));
    assert.equal(place.chosen, REAL);
  });

  it('D-05 ever new ones for which there is no room cost a round a minute', async (t) => {
    const place = new Link(t);
    for (let i = 0; i < ROUTERS_MAX; i++) await place.join(stranger(i), offer(forged(0)));
    await place.turn(100_000);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 600; i++) {
      place.net.ra(offer(forged(i)), stranger(0x100 + i));
      await place.turn(1000);
    }
    const asked = place.net.solicitedAtMs.length - before;
    assert.ok(asked > 0 && asked <= 11, `${asked} solicitations`);
    assert.deepEqual([place.silent, refused(place)], [[], 600]);
  });
});

describe('who makes room on a full list', () => {
  it('D-07 sixteen empty advertisements do not take away the router whose resolver gives the prefix', async (t) => {
    const place = new Link(t);
    place.net.answers.set(RESOLVER, { kind: 'prefixes', prefixes: [prefix6(REAL)], ttlSeconds: 3600 });
    await place.join(ROUTER, { rdnss: [RESOLVER] });
    await place.turn(30_000);
    assert.equal(place.chosen, REAL);
    for (let i = 0; i < 2 * ROUTERS_MAX; i++) {
      place.net.ra({ lifetimeSeconds: i % 2 === 0 ? 0 : 1800 }, stranger(i));
      await place.turn(1);
    }
    await place.turn(10_000);
    assert.ok(routersOf(place).includes(ROUTER));
    assert.equal(place.chosen, REAL);
  });

  /** Routers of which none is needed, and who of them went. */
  function list(silent: readonly string[] = [], announcing: readonly string[] = []) {
    const evicted: string[] = [];
    const routers = new Routers('eth0', {
      announces: (r) => announcing.includes(r),
      isSilent: (r) => silent.includes(r),
      evicted: (r) => evicted.push(r),
    });
    const hear = (i: number, atMs: number, lifetimeSeconds = 1800, rdnss: readonly number[] = []): boolean =>
      routers.hear(
        stranger(i),
        { hopLimit: 64, isManaged: false, isOther: false, preference: 0, lifetimeSeconds, options: [] } as never,
        {
          pref64: [],
          rdnss: rdnss.map((seconds) => ({ lifetimeSeconds: seconds, addresses: [ip6(RESOLVER)] })),
          prefixes: [],
          mtuBytes: null,
          malformed: 0,
        },
        atMs,
      );
    return { routers, hear, evicted };
  }

  it('D-03 of those whom nobody needs the one that is no default router, then the one heard longest ago', () => {
    const { hear, evicted } = list();
    for (let i = 0; i < ROUTERS_MAX; i++) hear(i, 100 - i, i === 3 ? 0 : 1800);
    for (const i of [100, 101, 102]) assert.equal(hear(i, 200), true);
    assert.deepEqual(evicted, [3, ROUTERS_MAX - 1, ROUTERS_MAX - 2].map(stranger));
  });

  it('D-03 of those that announce a prefix or a resolver only the silent, after all others', () => {
    const all = Array.from({ length: ROUTERS_MAX }, (_, i) => stranger(i));
    const { hear, evicted } = list([stranger(4), stranger(9)], all.slice(0, -2));
    for (let i = 0; i < ROUTERS_MAX; i++) hear(i, i, i === 9 ? 0 : 1800, i === ROUTERS_MAX - 2 ? [600] : []);
    assert.deepEqual(
      [100, 101, 102].map((i) => hear(i, 20, 1800, [600])),
      [true, true, true],
    );
    assert.deepEqual(evicted, [ROUTERS_MAX - 1, 9, 4].map(stranger));
    assert.equal(hear(103, 21), false);
  });

  it('D-06 a resolver counts until its lifetime ends', () => {
    const { routers, hear } = list();
    hear(0, 0, 1800, [10]);
    assert.deepEqual([routers.resolvers(9999).flat().length, routers.resolvers(10_000).flat().length], [1, 0]);
    hear(0, 10_000, 1800, [10]);
    hear(0, 10_001, 1800, [0]);
    assert.equal(routers.resolvers(10_001).flat().length, 0, 'and lifetime 0 takes it away');
  });
});

describe("advertisements with the router's own address", () => {
  it('D-03, D-05 a forged withdrawal is answered within seconds', async (t) => {
    const place = await settled(t);
    place.net.ra({ pref64: [withdrawn(REAL)] }, ROUTER);
    assert.equal(place.chosen, 'none');
    await place.turn(4000);
    assert.equal(place.chosen, REAL);
  });

  it('D-03, D-05 forged withdrawals again and again cost a round a minute', async (t) => {
    const place = await settled(t);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 600; i++) {
      place.net.ra({ pref64: [withdrawn(REAL)] }, ROUTER);
      await place.turn(1000);
    }
    const asked = place.net.solicitedAtMs.length - before;
    assert.ok(asked <= 11, `${asked} solicitations in ten minutes`);
    await place.turn(ROUND_EVERY_MS + 4000);
    assert.equal(place.chosen, REAL);
  });

  it('D-03, D-05 when the last prefix runs out its router is asked, and waited for though others have spoken', async (t) => {
    const place = new Link(t);
    await place.join('fe80::2', {});
    await place.join(ROUTER, offer(REAL, 80));
    await place.turn(60_000);
    place.vanish(ROUTER);
    const asked = place.net.solicitedAtMs.length;
    await place.turn(20_000 + ROUND_MS);
    assert.deepEqual([place.chosen, place.net.solicitedAtMs.length], ['expired', asked + 3]);
    await place.turn(3_600_000);
    assert.equal(place.net.solicitedAtMs.length, asked + 3, 'and no more while there is a default router');
  });

  it('D-05 nobody is asked when the last prefix runs out after the socket has failed', async (t) => {
    const place = await settled(t);
    const { sockets, solicitedAtMs } = place.net;
    sockets.get('eth0')?.failed(new Error('ENETDOWN'));
    const sent = discoveryReport(place.discovery).interfaces[0]?.solicitationsSent;
    await place.turn(60_000_000);
    assert.deepEqual([place.chosen, solicitedAtMs.length], ['expired', sent]);
    assert.equal(discoveryReport(place.discovery).interfaces[0]?.solicitationsSent, sent);
  });

  it('D-03, D-04 a withdrawal and a wrong prefix in one packet hold for one round', async (t) => {
    for (const others of [1, 7]) {
      const place = await settled(t);
      const wrong = Array.from({ length: others }, (_, i) => ({ prefix: forged(i), lifetimeSeconds: LIFETIME_MAX }));
      place.net.ra({ pref64: [withdrawn(REAL), ...wrong] }, ROUTER);
      assert.equal(place.chosen, forged(0));
      await place.turn(ROUND_MS);
      assert.equal(place.chosen, REAL, `${others}`);
      assert.equal(place.discovery.choice('eth0').reason, 'named');
    }
  });

  it('D-03, D-04 a wrong prefix beside the one in use takes nobody in', async (t) => {
    const place = await settled(t);
    for (let minutes = 0; minutes < 10; minutes++) {
      place.net.ra(offer(forged(0), LIFETIME_MAX), ROUTER);
      await place.turn(60_000);
    }
    assert.deepEqual([...new Set(place.choices)], ['64:ff9b::']);
  });

  it('D-03, D-04 eight wrong prefixes, for which the real one made room, hold for one round', async (t) => {
    const place = await settled(t);
    const wrong = Array.from({ length: 8 }, (_, i) => ({ prefix: forged(i), lifetimeSeconds: LIFETIME_MAX }));
    place.net.ra({ pref64: wrong }, ROUTER);
    await place.turn(ROUND_MS);
    assert.equal(place.chosen, REAL);
  });

  it('D-04 a router that was started anew with another prefix, and did not withdraw the old one, is followed there', async (t) => {
    const place = await settled(t);
    await place.join(ROUTER, offer(forged(1)));
    await place.turn(ROUND_MS - 1);
    assert.equal(place.chosen, REAL);
    await place.turn(1);
    assert.deepEqual([place.chosen, place.discovery.choice('eth0').reason], [forged(1), 'named']);
    await place.join(ROUTER, offer(REAL));
    await place.turn(ROUND_EVERY_MS + ROUND_MS);
    assert.equal(place.chosen, REAL, 'and back again');
  });

  it('D-03, D-04 a router that spreads its prefixes over several advertisements has named them all', async (t) => {
    const place = await settled(t);
    place.net.ra(offer(forged(1)), ROUTER);
    for (const ms of [1000, 500]) {
      await place.turn(ms);
      place.net.ra(offer(forged(1)), ROUTER);
    }
    await place.turn(ROUND_MS);
    assert.deepEqual(
      place.discovery.candidates('eth0').map((c) => c.isNamed),
      [true, true],
    );
    assert.equal(place.chosen, REAL);
  });

  it('D-03 after a flood, or sleep, in which an answer may have been lost, nothing is taken for unnamed', async (t) => {
    for (const lost of ['flood', 'sleep'] as const) {
      const place = await settled(t);
      await place.join(ROUTER, offer(forged(1)));
      await place.turn(5000);
      if (lost === 'flood') place.net.sockets.get('eth0')?.flooded();
      else place.net.clock.jump(3_600_000);
      await place.turn(ROUND_MS);
      assert.equal(place.chosen, REAL, lost);
    }
  });
});

describe('rounds', () => {
  it('D-05 do not wait for routers that announce nothing', async (t) => {
    const place = await settled(t);
    await place.join('fe80::2', {});
    place.vanish('fe80::2');
    await place.turn(10_000);
    const asked = place.net.solicitedAtMs.length;
    await place.join('fe80::3', offer(forged(0)));
    await place.turn(ROUND_MS);
    assert.equal(place.net.solicitedAtMs.length, asked + 1);
  });

  it('D-05 go on at growing distances while the whole link says nothing', async (t) => {
    const place = await settled(t);
    place.vanish(ROUTER);
    const asked = place.net.solicitedAtMs.length;
    place.discovery.refresh(false);
    await place.turn(60_000);
    assert.equal(place.net.solicitedAtMs.length, asked + 6);
  });

  it('D-04, D-05 where the whole link had said nothing, who does not come back with the first gives way', async (t) => {
    const place = await settled(t);
    const other = forged(0);
    await place.join('fe80::2', offer(other));
    await place.turn(100_000);
    place.vanish(ROUTER);
    place.vanish('fe80::2');
    place.discovery.refresh(false);
    await place.turn(ROUND_MS + 1000);
    assert.equal(place.chosen, REAL);
    await place.join('fe80::2', offer(other));
    assert.equal(place.chosen, REAL, 'asked first');
    await place.turn(ROUND_EVERY_MS + ROUND_MS);
    assert.equal(place.chosen, other);
  });

  it('D-05 the goodbye of one of two routers with the same prefix raises none', async (t) => {
    const place = await settled(t);
    await place.join('fe80::2', offer(REAL));
    place.net.ra({ pref64: [withdrawn(REAL)] }, ROUTER);
    place.net.ra({ pref64: [withdrawn(REAL)] }, 'fe80::2');
    await place.turn(100_000);
    assert.equal(place.chosen, REAL, 'that loss is settled');
    const asked = place.net.solicitedAtMs.length;
    place.net.ra({ lifetimeSeconds: 0 }, 'fe80::2');
    await place.turn(100_000);
    assert.equal(place.net.solicitedAtMs.length, asked);
  });

  it('D-05 a question whose minute ends in another round is asked a minute after that', async (t) => {
    const place = await settled(t);
    await place.join('fe80::2', offer(forged(0)));
    await place.turn(20_000);
    await place.join('fe80::3', offer(forged(1)));
    await place.turn(ROUND_EVERY_MS - 21_000);
    const asked = place.net.solicitedAtMs.length;
    place.discovery.refresh(false);
    await place.turn(ROUND_EVERY_MS - 1);
    assert.equal(place.net.solicitedAtMs.length, asked + 1);
    await place.turn(1);
    assert.equal(place.net.solicitedAtMs.length, asked + 2);
  });

  it('D-05 what was lost before everything was forgotten raises none', async (t) => {
    const place = await settled(t);
    const asked = place.net.solicitedAtMs.length;
    place.discovery.refresh(true);
    await place.turn(3 * ROUND_EVERY_MS);
    assert.deepEqual([place.chosen, place.net.solicitedAtMs.length], [REAL, asked + 1]);
  });
});

it('D-03 a timer that goes off before its time, as long ones do, is set again', async (t) => {
  class Capped extends TurnedClock {
    override after(ms: number, call: () => void): { close(): void } {
      return super.after(Math.min(ms, 10_000), call);
    }
  }
  const clock = new Capped();
  const place = new Link(t, { clock });
  place.net.ra(offer(REAL, 80));
  await clock.turn(79_999);
  assert.equal(place.chosen, REAL);
  await clock.turn(1);
  assert.equal(place.chosen, 'expired');
});

it('D-08 the check of a prefix that is offered no more ends', async (t) => {
  const made: string[] = [];
  const place = new Link(t, {
    check: { ipv4: 0xc0000201, port: 80 },
    checkConnectivity: (prefix, _target, { clock }, done) => {
      made.push(prefix.address.join());
      return clock.after(50, () => done(false));
    },
  });
  place.net.ra({ pref64: [REAL, forged(0)].map((prefix) => ({ prefix, lifetimeSeconds: LIFETIME_MAX })) }, ROUTER);
  await place.turn(1000);
  place.net.ra({ pref64: [withdrawn(forged(0))] }, ROUTER);
  made.length = 0;
  await place.turn(300_000);
  assert.deepEqual([...new Set(made)], [prefix6(REAL).address.join()]);
});
