// Which resolvers discovery asks on a turned clock, for how long, and what a hostile network can make of that. Read first:
// pref64-discovery.test.ts.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type Discovery, startDiscovery } from '../../src/discovery/discovery.ts';
import type { DnsReading } from '../../src/discovery/dns-message.ts';
import { discoveryReport } from '../../src/discovery/report.ts';
import { ResolverProbe } from '../../src/discovery/resolver-probe.ts';
import { shareOut } from '../../src/discovery/resolver-shares.ts';
import { RESOLVERS_MAX } from '../../src/discovery/routers.ts';
import type { Resolver } from '../../src/platform/discovery-platform.ts';
import { prefix6 } from '../support/addresses.ts';
import { FakeNetwork, link } from '../support/fake-discovery.ts';

const A = '2001:db8:a::/96';
const DNS64 = '192.0.2.53';
const PLAIN = '2001:db8::53';
const BY_DHCP: readonly Resolver[] = [{ address: DNS64, port: 53, source: 'systemd-resolved' }];
const SHOWS_A: DnsReading = { kind: 'prefixes', prefixes: [prefix6(A)], ttlSeconds: 3600 };
const NONE: DnsReading = { kind: 'no-nat64', why: 'no AAAA record' };

/** Discovery on a network that `prepare` has set up. */
function start(t: TestContext, prepare: (net: FakeNetwork) => void): { net: FakeNetwork; discovery: Discovery } {
  const net = new FakeNetwork();
  prepare(net);
  const { clock, exchange } = net;
  const common = { only: null, configured: null, check: null, asksDnsBesideRa: false, onEvent: () => undefined };
  const discovery = startDiscovery({ platform: net, clock, exchange, ...common });
  t.after(() => discovery.close());
  return { net, discovery };
}

/** The resolver whose prefix is chosen, or why there is none. */
function chosenBy(discovery: Discovery): string {
  const { candidate, reason } = discovery.choice('eth0');
  return candidate?.origin ?? reason;
}

const reportOf = (discovery: Discovery) => discoveryReport(discovery).interfaces[0];
const askedOf = (discovery: Discovery): string[] => (reportOf(discovery)?.resolvers ?? []).map((r) => r.resolver);

describe('routers and the system name resolvers', () => {
  const dhcpHasDns64 = (net: FakeNetwork): void => {
    net.systemResolvers = [...BY_DHCP];
    net.answers.set(DNS64, SHOWS_A).set(PLAIN, NONE);
  };

  it('D-06 the DNS64 that only DHCP names is asked where a router names another resolver', async (t) => {
    const { net, discovery } = start(t, dhcpHasDns64);
    net.ra({ rdnss: [PLAIN] });
    await net.clock.turn(5000);
    assert.equal(chosenBy(discovery), DNS64);
    assert.deepEqual(askedOf(discovery), [DNS64, PLAIN]);
  });

  it('D-06 the system is asked again for its resolvers where those that are known show no prefix', async (t) => {
    for (const answer of [NONE, null]) {
      const { net, discovery } = start(t, (n) => {
        if (answer !== null) n.answers.set(PLAIN, answer);
      });
      net.ra({ rdnss: [PLAIN] });
      await net.clock.turn(500);
      net.systemResolvers = [...BY_DHCP];
      net.answers.set(DNS64, SHOWS_A);
      await net.clock.turn(3500);
      assert.equal(chosenBy(discovery), DNS64, answer?.kind ?? 'no answer');
    }
  });

  it('D-06 an advertisement that names a dead resolver takes no working one away', async (t) => {
    const { net, discovery } = start(t, dhcpHasDns64);
    await net.clock.turn(5000);
    net.ra({ rdnss: ['fe80::dead'] }, 'fe80::bad');
    await net.clock.turn(60_000);
    assert.equal(chosenBy(discovery), DNS64);
  });

  it('D-06 a resolver that both name is asked once, and shown as a router names it', async (t) => {
    const { net, discovery } = start(t, (n) => {
      n.systemResolvers = [{ address: PLAIN, port: 53, source: 'systemd-resolved' }];
    });
    await net.clock.turn(1500);
    assert.deepEqual(
      reportOf(discovery)?.resolvers.map((r) => r.from),
      ['systemd-resolved'],
    );
    net.ra({ rdnss: [PLAIN, '2001:db8::54'] });
    await net.clock.turn(1000);
    assert.deepEqual(
      reportOf(discovery)?.resolvers.map((r) => `${r.resolver} ${r.from}`),
      [`${PLAIN} ra`, '2001:db8::54 ra'],
    );
  });

  it("D-06 this host's own addresses and groups are nobody's resolvers, whoever announces them", async (t) => {
    const { net, discovery } = start(t, () => undefined);
    net.ra({ rdnss: ['::1', '::', 'ff02::fb', '::ffff:127.0.0.1', 'fe80::53'] });
    await net.clock.turn(1500);
    assert.deepEqual(askedOf(discovery), ['fe80::53%eth0']);
    assert.equal(reportOf(discovery)?.resolversLeftOut, 0);
  });
});

describe('more resolvers than places', () => {
  const many = (count: number): string[] => Array.from({ length: count }, (_, i) => `2001:db8:bad::${i + 1}`);

  it("D-06 one router's eight keep neither another router's out nor DHCP's, and those without a place are counted", async (t) => {
    const { net, discovery } = start(t, (n) => {
      n.systemResolvers = [...BY_DHCP];
      n.answers.set(PLAIN, SHOWS_A);
    });
    net.ra({ lifetimeSeconds: 0, rdnss: many(RESOLVERS_MAX) }, 'fe80::bad');
    await net.clock.turn(5000);
    net.ra({ rdnss: [PLAIN] });
    await net.clock.turn(5000);
    assert.equal(chosenBy(discovery), PLAIN);
    const asked = askedOf(discovery);
    assert.ok(asked.includes(PLAIN) && asked.includes(DNS64));
    assert.deepEqual([asked.length, reportOf(discovery)?.resolversLeftOut], [RESOLVERS_MAX, 2]);
  });

  it("D-06 as many routers as there are places do not keep the system's resolver out", async (t) => {
    const { net, discovery } = start(t, (n) => {
      n.systemResolvers = [...BY_DHCP];
    });
    for (let i = 1; i <= 2 * RESOLVERS_MAX; i++) net.ra({ rdnss: [`2001:db8:bad::${i}`] }, `fe80::bad:${i}`);
    await net.clock.turn(1500);
    assert.deepEqual([askedOf(discovery)[0], askedOf(discovery).length], [DNS64, RESOLVERS_MAX]);
    assert.equal(reportOf(discovery)?.resolversLeftOut, RESOLVERS_MAX + 1);
  });

  it('D-06 advertisements that name no more than before ask nobody anew, also on a full list', async (t) => {
    const { net } = start(t, () => undefined);
    let looks = 0;
    net.resolvers = async () => {
      looks += 1;
      return [];
    };
    for (const router of ['fe80::1', 'fe80::2'])
      net.ra({ rdnss: many(RESOLVERS_MAX - 1).concat(`${router}3`) }, router);
    await net.clock.turn(1500);
    const [before, asked] = [looks, net.asked.length];
    for (let i = 0; i < 10; i++) {
      net.ra({ rdnss: many(RESOLVERS_MAX - 1) }, 'fe80::2');
      await net.clock.turn(100);
    }
    assert.deepEqual([looks, new Set(net.asked.map((a) => a.resolver)).size], [before, RESOLVERS_MAX]);
    assert.ok(asked >= RESOLVERS_MAX);
  });

  it('D-06 the places go round, the first source first, and what has two names counts once', () => {
    const named = (...addresses: string[]): Resolver[] =>
      addresses.map((address) => ({ address, port: 53, source: 'ra' }));
    const { asked, leftOut } = shareOut([named('a1'), named('b1', 'b2', 'b3'), named('a1', 'c2')], 4);
    assert.deepEqual([asked.map((r) => r.address), leftOut], [['a1', 'b1', 'b2', 'c2'], 1]);
    assert.deepEqual(shareOut([], 4), { asked: [], leftOut: 0 });
  });
});

describe('the time of a resolver that a router named', () => {
  it('D-06 ends although nobody advertises any more, and so do the questions', async (t) => {
    const { net, discovery } = start(t, (n) => n.answers.set(PLAIN, SHOWS_A));
    net.ra({ rdnss: [PLAIN], rdnssLifetimeSeconds: 1800 });
    await net.clock.turn(1_799_000);
    assert.equal(chosenBy(discovery), PLAIN);
    await net.clock.turn(1500);
    assert.deepEqual([chosenBy(discovery), askedOf(discovery)], ['none', []]);
    net.asked.length = 0;
    await net.clock.turn(3 * 3_600_000);
    assert.deepEqual(net.asked, []);
  });

  it('D-06 goes on with each advertisement, and one of two may end before the other', async (t) => {
    const { net, discovery } = start(t, () => undefined);
    net.ra({ rdnss: ['2001:db8::54'], rdnssLifetimeSeconds: 700 }, 'fe80::2');
    for (let i = 0; i < 3; i++) {
      net.ra({ rdnss: [PLAIN], rdnssLifetimeSeconds: 600 });
      await net.clock.turn(400_000);
    }
    assert.deepEqual(askedOf(discovery), [PLAIN]);
    await net.clock.turn(201_000);
    assert.deepEqual(askedOf(discovery), []);
  });

  it('D-06 is no reason for a timer when discovery has ended', async (t) => {
    const { net, discovery } = start(t, () => undefined);
    net.ra({ rdnss: [PLAIN] });
    await net.clock.turn(5000);
    discovery.close();
    assert.equal(net.clock.pending, 0);
  });
});

describe('asking one resolver', () => {
  /** A probe, and when it asked. */
  async function probing(t: TestContext, readings: readonly DnsReading[], ms: number): Promise<number[]> {
    const net = new FakeNetwork();
    const { clock } = net;
    const askedAtMs: number[] = [];
    const context = {
      clock,
      link: link('eth0'),
      tieToLink: () => undefined,
      connectTcp: () => assert.fail('no exchange of this test is over TCP'),
      randomId: () => 0,
    };
    const resolver: Resolver = { address: PLAIN, port: 53, source: 'ra' };
    const probe = new ResolverProbe(
      resolver,
      context,
      (_resolver, _timeoutMs, _context, done) => {
        const reading = readings[askedAtMs.length] ?? { kind: 'failed', why: 'no answer' };
        askedAtMs.push(clock.now());
        return clock.after(0, () => done(reading));
      },
      () => undefined,
    );
    t.after(() => probe.close());
    probe.ask();
    await clock.turn(ms);
    return askedAtMs;
  }

  const failed: DnsReading = { kind: 'failed', why: 'no answer' };

  it('D-06 an answer that would hold for weeks is asked for again within a day', async (t) => {
    const forever: DnsReading = { kind: 'prefixes', prefixes: [prefix6(A)], ttlSeconds: 0x7fffffff };
    assert.deepEqual(await probing(t, [forever, forever], 86_400_000), [0, 86_390_000]);
  });

  for (const between of [SHOWS_A, NONE]) {
    it(`D-06 the distances between failures begin anew after an answer (${between.kind})`, async (t) => {
      const askedAtMs = await probing(t, [failed, failed, failed, failed, between], 4_000_000);
      const again = askedAtMs.slice(5, 10);
      const start = again[0] ?? 0;
      assert.deepEqual(
        again.map((at) => at - start),
        [0, 0, 5000, 5000, 15_000],
      );
    });
  }
});
