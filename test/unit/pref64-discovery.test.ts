// Discovery on a turned clock: when routers and resolvers are asked, what their answers change, what a hostile network costs.

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import {
  type Discovery,
  type DiscoveryEvent,
  type DiscoveryOptions,
  startDiscovery,
} from '../../src/discovery/discovery.ts';
import type { DnsReading } from '../../src/discovery/dns-message.ts';
import { discoveryReport } from '../../src/discovery/report.ts';
import { RESOLVERS_MAX, ROUTERS_MAX } from '../../src/discovery/routers.ts';
import { prefix6, text6 } from '../support/addresses.ts';
import { FakeNetwork, link } from '../support/fake-discovery.ts';

const A = '2001:db8:a::/96';
const B = '2001:db8:b::/96';
const RESOLVER = '2001:db8::53';

interface Started {
  readonly net: FakeNetwork;
  readonly discovery: Discovery;
  readonly events: DiscoveryEvent[];
  /** Prefix, source and reason on eth0. */
  chosen(): string;
}

/** Starts discovery on a network that `prepare` has set up. */
function start(
  t: TestContext,
  prepare: (net: FakeNetwork) => void = () => undefined,
  options: Partial<DiscoveryOptions> = {},
): Started {
  const net = new FakeNetwork();
  prepare(net);
  const events: DiscoveryEvent[] = [];
  const discovery = startDiscovery({
    platform: net,
    clock: net.clock,
    exchange: net.exchange,
    only: null,
    configured: null,
    check: null,
    asksDnsBesideRa: false,
    onEvent: (event) => events.push(event),
    ...options,
  });
  t.after(() => discovery.close());
  const chosen = (): string => {
    const { candidate, reason } = discovery.choice('eth0');
    return candidate === null
      ? reason
      : `${text6(candidate.prefix.address)}/${candidate.prefix.length} ${candidate.source} ${reason}`;
  };
  return { net, discovery, events, chosen };
}

const offer = (prefix: string, lifetimeSeconds = 600) => ({ pref64: [{ prefix, lifetimeSeconds }] });
const named = (net: FakeNetwork): void => {
  net.systemResolvers = [{ address: RESOLVER, port: 53, source: 'resolv.conf' }];
};
const answered = (prefix: string, ttlSeconds = 3600): DnsReading => ({
  kind: 'prefixes',
  prefixes: [prefix6(prefix)],
  ttlSeconds,
});
const askedAt = (net: FakeNetwork): number[] => net.asked.map((a) => a.atMs);

describe('asking routers', () => {
  /** What RFC 7559 calls RAND is 0. */
  const evenly: Partial<DiscoveryOptions> = { randomId: () => 0xffff / 2 };

  it('D-05 solicits three times, 4 s apart, and while nobody answers at ever longer distances', async (t) => {
    const { net, chosen } = start(t, undefined, evenly);
    await net.clock.turn(80_000);
    assert.deepEqual(net.solicitedAtMs, [0, 4000, 8000, 12_000, 20_000, 36_000, 68_000]);
    net.ra(offer(A));
    assert.equal(chosen(), `${A} ra only`);
    await net.clock.turn(599_000);
    assert.equal(net.solicitedAtMs.length, 7, 'no more once a router was heard');
  });

  it('D-05 solicits once an hour in the end, however long nobody answers', async (t) => {
    const { net } = start(t, undefined, evenly);
    await net.clock.turn(40 * 3_600_000);
    const [before, last] = net.solicitedAtMs.slice(-2);
    assert.equal((last ?? 0) - (before ?? 0), 3_600_000);
    assert.ok(net.solicitedAtMs.length < 55, `${net.solicitedAtMs.length}`);
  });

  it('D-05 solicits no more once a router was heard', async (t) => {
    const { net } = start(t);
    await net.clock.turn(100);
    net.ra({});
    await net.clock.turn(60_000);
    assert.deepEqual(net.solicitedAtMs, [0]);
  });

  it('D-05 an advertisement that is not accepted does not end the solicitations', async (t) => {
    const { net, discovery } = start(t);
    net.ra(offer(A), 'fe80::1', 64);
    net.ra(offer(A), '2001:db8::1');
    net.ra({ rawMessage: '86000000 40000708 00000000 00000000 2600' });
    await net.clock.turn(8000);
    assert.equal(net.solicitedAtMs.length, 3);
    const counts = discoveryReport(discovery).interfaces[0]?.advertisements;
    assert.deepEqual([counts?.hopLimit, counts?.source, counts?.malformed, counts?.accepted], [1, 1, 1, 0]);
  });

  it('D-05 solicits again when the link comes up, and when its addresses have changed', async (t) => {
    const { net, events } = start(t);
    net.ra({});
    net.present = [];
    net.networkChanged();
    await net.clock.turn(1000);
    net.present = [link('eth0')];
    net.networkChanged();
    await net.clock.turn(1000);
    net.ra({});
    assert.equal(net.solicitedAtMs.length, 2);
    net.networkChanged();
    await net.clock.turn(1000);
    assert.equal(net.solicitedAtMs.length, 2, 'a change elsewhere');
    net.present = [link('eth0', ['2001:db8:1::10', 'fe80::10'])];
    net.networkChanged();
    await net.clock.turn(1000);
    assert.equal(net.solicitedAtMs.length, 3);
    assert.deepEqual(
      events.map((e) => e.kind).filter((k) => k.startsWith('link')),
      ['link-up', 'link-down', 'link-up'],
    );
  });

  it('D-05 a solicitation that cannot be sent is tried again, and the report says why', async (t) => {
    const { net, discovery } = start(t, (n) => {
      n.solicitFailure = new Error('EADDRNOTAVAIL');
    });
    await net.clock.turn(1000);
    assert.match(String(discoveryReport(discovery).interfaces[0]?.trouble), /cannot solicit routers: EADDRNOTAVAIL/);
    net.solicitFailure = null;
    await net.clock.turn(9000);
    assert.deepEqual(net.solicitedAtMs, [1500, 5500, 9500], 'as soon as it can be, and three times then');
  });

  it('D-05 solicits no more after 8 s in which nothing could be sent, until the network changes', async (t) => {
    const { net } = start(t, (n) => {
      n.solicitFailure = new Error('EINVAL');
    });
    await net.clock.turn(9000);
    net.solicitFailure = null;
    await net.clock.turn(60_000);
    assert.deepEqual(net.solicitedAtMs, []);
    net.present = [link('eth0', ['2001:db8:1::10', 'fe80::10'])];
    net.networkChanged();
    await net.clock.turn(1000);
    assert.equal(net.solicitedAtMs.length, 1);
  });

  it('D-03, D-15 a prefix expires at its deadline by itself, and the choice goes with it and says why', async (t) => {
    const { net, chosen, events } = start(t);
    net.ra({
      pref64: [
        { prefix: A, lifetimeSeconds: 80 },
        { prefix: B, lifetimeSeconds: 160 },
      ],
    });
    await net.clock.turn(79_999);
    assert.equal(chosen(), `${A} ra first`);
    await net.clock.turn(1);
    assert.equal(chosen(), `${B} ra only`);
    await net.clock.turn(80_000);
    assert.equal(chosen(), 'expired');
    assert.equal(events.filter((e) => e.kind === 'chosen').length, 4, 'none at the start, A, B, none');
    net.ra(offer(A));
    net.ra(offer(A, 0));
    assert.equal(chosen(), 'none', 'a withdrawal is another thing');
  });

  it('D-05 after sleep everybody is asked anew, and what expired meanwhile is gone', async (t) => {
    const { net, discovery, chosen } = start(t);
    net.ra(offer(A, 80));
    net.clock.jump(100_000); // no timer fires while the machine sleeps
    discovery.refresh(false);
    assert.deepEqual([chosen(), net.solicitedAtMs], ['expired', [0, 100_000]]);
    assert.deepEqual(discovery.candidates('eth0'), []);
  });

  it('D-03 a link that goes takes its prefixes along', async (t) => {
    const { net, discovery, chosen } = start(t);
    net.ra(offer(A));
    net.present = [];
    net.networkChanged();
    await net.clock.turn(1000);
    assert.deepEqual([chosen(), discovery.candidates('eth0').length, net.sockets.size], ['none', 0, 0]);
  });
});

describe('asking resolvers', () => {
  it("D-06 asks the system's resolvers, after a second without a router, and the ones that a router names", async (t) => {
    const { net, chosen } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A));
    });
    await net.clock.turn(900);
    assert.deepEqual(askedAt(net), []);
    await net.clock.turn(200);
    assert.deepEqual(askedAt(net), [1000]);
    assert.equal(chosen(), `${A} dns only`);

    const other = start(t, named);
    other.net.ra({ rdnss: ['2001:db8::54', 'fe80::53'] });
    await other.net.clock.turn(1);
    assert.deepEqual(
      other.net.asked.map((a) => a.resolver),
      [RESOLVER, '2001:db8::54', 'fe80::53%eth0'],
    );
  });

  it('D-06 a resolver that its router names no more is asked no more, and what it said goes with it', async (t) => {
    const { net, discovery, chosen } = start(t, (n) => n.answers.set(RESOLVER, answered(A)));
    net.ra({ rdnss: [RESOLVER] });
    await net.clock.turn(2000);
    assert.equal(chosen(), `${A} dns only`);
    net.ra({ rawOptions: ['1903 0000 00000000 20010db8 00000000 00000000 00000053'] });
    await net.clock.turn(2000);
    assert.equal(chosen(), 'none');
    assert.deepEqual(discoveryReport(discovery).interfaces[0]?.resolvers, []);
  });

  it('D-06 asks again 10 s before the answer ends, and keeps it while the resolver is silent', async (t) => {
    const { net, chosen } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A, 300));
    });
    await net.clock.turn(2000);
    net.answers.clear();
    await net.clock.turn(289_000);
    assert.deepEqual(askedAt(net), [1000]);
    await net.clock.turn(9000);
    assert.equal(askedAt(net)[1], 291_010);
    assert.equal(chosen(), `${A} dns only`);
    await net.clock.turn(2000);
    assert.equal(chosen(), 'expired', 'at 301,010 without another answer');
  });

  it('D-06 a TTL of zero does not make the prefix come and go', async (t) => {
    const { net, events } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A, 0));
    });
    await net.clock.turn(600_000);
    assert.equal(events.filter((e) => e.kind === 'chosen').length, 2, 'none, then A for good');
    assert.ok(net.asked.length < 14, `${net.asked.length} questions in ten minutes`);
  });

  it('D-06 after failures asks at growing distances, at least once a minute', async (t) => {
    const { net } = start(t, named);
    await net.clock.turn(400_000);
    const rounds = askedAt(net).filter((_, i) => i % 2 === 0);
    const distances = rounds.slice(1).map((at, i) => at - (rounds[i] ?? 0) - 3000);
    assert.deepEqual(distances.slice(0, 6), [5000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it('D-06 "no NAT64" takes back what the resolver said before', async (t) => {
    const { net, chosen, discovery } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A, 300));
    });
    await net.clock.turn(2000);
    net.answers.set(RESOLVER, { kind: 'no-nat64', why: 'NXDOMAIN' });
    await net.clock.turn(290_000);
    assert.equal(chosen(), 'none');
    assert.deepEqual(discoveryReport(discovery).interfaces[0]?.resolvers[0]?.why, 'NXDOMAIN');
  });

  it('D-06 a change of the network asks at once who could not be asked before', async (t) => {
    const { net, chosen } = start(t, named);
    await net.clock.turn(13_000);
    net.answers.set(RESOLVER, answered(A));
    const before = net.asked.length;
    net.networkChanged();
    await net.clock.turn(300);
    assert.equal(net.asked.length, before + 1);
    assert.equal(chosen(), `${A} dns only`);
  });

  it('D-07 a prefix from DNS is dropped when a router announces one, and asked for again when that one is gone', async (t) => {
    const { net, chosen, discovery } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A));
    });
    await net.clock.turn(2000);
    net.ra(offer(B, 80));
    assert.equal(chosen(), `${B} ra only`);
    assert.deepEqual(
      discovery.candidates('eth0').map((c) => c.source),
      ['ra'],
    );
    const asked = net.asked.length;
    await net.clock.turn(70_000);
    assert.equal(net.asked.length, asked, 'nobody is asked meanwhile');
    await net.clock.turn(20_000);
    assert.equal(chosen(), `${A} dns only`);
  });

  it('D-07 both are shown side by side where that is wanted', async (t) => {
    const prepare = (n: FakeNetwork): void => {
      named(n);
      n.answers.set(RESOLVER, answered(A));
    };
    const { net, discovery, chosen } = start(t, prepare, {
      asksDnsBesideRa: true,
      configured: prefix6('64:ff9b::/96'),
    });
    net.ra(offer(B));
    await net.clock.turn(2000);
    assert.equal(chosen(), '64:ff9b::/96 static configured');
    const [report] = discoveryReport(discovery).interfaces;
    assert.deepEqual(report?.routers[0]?.pref64, [{ prefix: B, secondsLeft: 598 }]);
    assert.deepEqual(report?.resolvers[0]?.prefixes, [A]);
  });
});

describe('the connectivity check', () => {
  const check = { ipv4: 0xc0000201, port: 80 };

  /** A check that finds the prefixes in `reachable` and takes 50 ms. */
  const checkOf =
    (reachable: readonly string[], made: string[]): NonNullable<DiscoveryOptions['checkConnectivity']> =>
    ({ address, length }, _target, { clock }, done) => {
      const prefix = `${text6(address)}/${length}`;
      made.push(prefix);
      return clock.after(50, () => done(reachable.includes(prefix)));
    };

  it('D-08 a prefix from DNS that does not carry is given up, checked again, and taken when it does', async (t) => {
    const made: string[] = [];
    const reachable: string[] = [];
    const prepare = (n: FakeNetwork): void => {
      named(n);
      n.answers.set(RESOLVER, answered(A));
    };
    const { net, chosen, events } = start(t, prepare, { check, checkConnectivity: checkOf(reachable, made) });
    await net.clock.turn(2000);
    assert.deepEqual([chosen(), made], ['unreachable', [A]]);
    reachable.push(A);
    await net.clock.turn(30_000);
    assert.deepEqual([chosen(), made], [`${A} dns only`, [A, A]]);
    assert.deepEqual(
      events.filter((e) => e.kind === 'checked').map((e) => e.isReachable),
      [false, true],
    );
  });

  it("D-08 a router's prefix that does not carry stays, and the report says so", async (t) => {
    const { net, chosen, discovery } = start(t, undefined, { check, checkConnectivity: checkOf([], []) });
    net.ra(offer(A));
    await net.clock.turn(200);
    assert.equal(chosen(), `${A} ra only`);
    assert.equal(discoveryReport(discovery).interfaces[0]?.chosen?.isReachable, false);
    discovery.close();
    assert.equal(net.clock.pending, 0);
  });

  it('D-08 without a target nothing is checked', async (t) => {
    const made: string[] = [];
    const { net } = start(t, undefined, { checkConnectivity: checkOf([], made) });
    net.ra(offer(A));
    await net.clock.turn(60_000);
    assert.deepEqual(made, []);
  });
});

describe('a hostile network', () => {
  it('D-03 keeps a bounded number of routers; one that announces a prefix is not pushed out', async (t) => {
    const { net, discovery, chosen } = start(t);
    net.ra(offer(A));
    for (let i = 2; i < 5000; i++) net.ra({}, `fe80::${i.toString(16)}`);
    const [report] = discoveryReport(discovery).interfaces;
    assert.equal(report?.routers.length, ROUTERS_MAX);
    assert.equal(chosen(), `${A} ra only`);
  });

  it('D-06 a flood of advertisements that name ever new resolvers asks a bounded number, at most once a second', async (t) => {
    const { net, discovery } = start(t);
    for (let i = 0; i < 3000; i++) {
      net.ra({ rdnss: [`2001:db8::${i.toString(16)}`] }, `fe80::${i.toString(16)}`);
      if (i % 100 === 0) await net.clock.turn(100);
    }
    assert.ok(net.asked.length <= RESOLVERS_MAX * 2 * 4, `${net.asked.length} questions in 3 s`);
    assert.ok((discoveryReport(discovery).interfaces[0]?.resolvers.length ?? 0) <= RESOLVERS_MAX);
  });

  it('tells of a burst of changes once', async (t) => {
    const { net, events } = start(t);
    await net.clock.turn(1000);
    events.length = 0;
    for (let i = 0; i < 1000; i++) net.ra(offer(A));
    await net.clock.turn(150);
    assert.equal(events.filter((e) => e.kind === 'changed').length, 1);
    assert.equal(events.filter((e) => e.kind === 'chosen').length, 1);
  });
});

describe('what is missing on the host', () => {
  it('without the right to listen, resolvers are asked at once and the report says so', async (t) => {
    const { net, discovery, chosen } = start(t, (n) => {
      named(n);
      n.answers.set(RESOLVER, answered(A));
      n.openFailure = new XlatError('NOT_PERMITTED', 'listen', 'listening needs CAP_NET_RAW');
    });
    await net.clock.turn(100);
    assert.equal(chosen(), `${A} dns only`);
    assert.equal(discoveryReport(discovery).interfaces[0]?.listening, 'not-permitted');
  });

  it('a socket that ends by itself leaves the resolvers', async (t) => {
    const { net, discovery } = start(t, named);
    net.sockets.get('eth0')?.failed(new Error('ENODEV'));
    await net.clock.turn(2000);
    const [report] = discoveryReport(discovery).interfaces;
    assert.deepEqual([report?.listening, report?.trouble, net.asked.length > 0], ['failed', 'ENODEV', true]);
  });

  it('D-05 a socket that ended by itself is opened again at the next change of the network, and solicits', async (t) => {
    const { net, chosen } = start(t);
    net.sockets.get('eth0')?.failed(new Error('ENETDOWN'));
    net.networkChanged();
    await net.clock.turn(1000);
    net.ra(offer(A));
    assert.deepEqual([chosen(), net.solicitedAtMs.length], [`${A} ra only`, 2]);
  });

  it('closing ends every timer', async (t) => {
    const { net, discovery } = start(t, named);
    net.ra(offer(A));
    await net.clock.turn(500);
    discovery.close();
    assert.equal(net.clock.pending, 0);
  });

  it('only the interface asked for is looked at', (t) => {
    const both = (n: FakeNetwork): void => {
      n.present = [link('eth0'), link('wlan0')];
    };
    assert.deepEqual(
      start(t, both, { only: 'wlan0' }).discovery.links.map((l) => l.link.name),
      ['wlan0'],
    );
  });
});
