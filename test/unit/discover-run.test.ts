// When `xlat464 discover` has waited long enough, on a turned clock, and what its exit code says.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DiscoveryReport } from '../../src/contract/discovery.ts';
import { EXIT, XlatError } from '../../src/contract/errors.ts';
import { type RunOptions, runDiscover } from '../../src/discovery/run.ts';
import { prefix6 } from '../support/addresses.ts';
import { FakeNetwork } from '../support/fake-discovery.ts';

const A = '2001:db8:a::/96';
const B = '2001:db8:b::/96';
const RESOLVER = '2001:db8::53';
const TIMEOUT_MS = 6000;
const offer = (prefix: string) => ({ pref64: [{ prefix, lifetimeSeconds: 600 }] });

/** A run, its exit code and report as soon as it has them. */
class Run {
  readonly net = new FakeNetwork();
  readonly end = new AbortController();
  code: number | null = null;
  report: DiscoveryReport | null = null;

  begin(options: Partial<RunOptions> = {}): this {
    const { net, end } = this;
    const { clock, exchange } = net;
    const common = { only: null, configured: null, check: null, timeoutMs: TIMEOUT_MS, isWatching: false };
    const settings = { platform: net, clock, exchange, signal: end.signal, ...common, ...options };
    const show = (report: DiscoveryReport): void => {
      this.report = report;
    };
    void runDiscover(settings, show).then((code) => {
      this.code = code;
    });
    return this;
  }

  /** Turns the clock to so many milliseconds after the start. */
  async at(ms: number): Promise<void> {
    await this.net.clock.turn(ms - this.net.clock.now());
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('how long "discover" waits', () => {
  it('D-05 a second router may keep to 3 s between advertisements, and to its random delay, where the first has no prefix', async () => {
    const run = new Run().begin();
    await run.at(100);
    run.net.ra({});
    await run.at(3400);
    assert.equal(run.code, null);
    run.net.ra(offer(A), 'fe80::2');
    await run.at(3750);
    assert.deepEqual([run.code, run.report?.interfaces[0]?.chosen?.prefix], [EXIT.done, A]);
  });

  it('D-05 3.5 s after the last solicitation nobody owes an answer', async () => {
    const run = new Run().begin();
    await run.at(100);
    run.net.ra({});
    await run.at(4000);
    assert.deepEqual([run.code, run.report?.interfaces[0]?.routers.length], [EXIT.failed, 1]);
    const late = new Run();
    late.net.solicitFailure = new Error('EADDRNOTAVAIL');
    late.begin();
    await late.at(1200);
    late.net.solicitFailure = null;
    await late.at(1600); // solicited at 1500
    late.net.ra({});
    await late.at(4900);
    assert.equal(late.code, null);
    await late.at(5250);
    assert.equal(late.code, EXIT.failed);
  });

  it('a prefix that is found waits a second for its rivals; one that is configured shortens nothing', async () => {
    const run = new Run().begin();
    run.net.ra(offer(A));
    await run.at(900);
    assert.equal(run.code, null);
    await run.at(1250);
    assert.equal(run.code, EXIT.done);
    const given = new Run().begin({ configured: prefix6(B) });
    given.net.ra({});
    await given.at(3400);
    assert.equal(given.code, null);
  });

  it('D-06 a question that is planned counts as one that is asked', async () => {
    const run = new Run();
    run.net.answers.set(RESOLVER, { kind: 'prefixes', prefixes: [prefix6(A)], ttlSeconds: 600 });
    // So that routers are not what it waits for: one shows a prefix already.
    run.begin();
    await run.at(1050); // the system was asked at 1000 and knows of none
    run.net.ra({ ...offer(B), rdnss: [RESOLVER] });
    await run.at(1900);
    assert.equal(run.code, null);
    await run.at(2300);
    assert.deepEqual(
      run.report?.interfaces[0]?.resolvers.map((r) => r.prefixes),
      [[A]],
    );
    assert.equal(run.code, EXIT.done);
  });

  it('waits no longer than it was told, nor than the user wants', async () => {
    const run = new Run().begin();
    await run.at(TIMEOUT_MS - 1);
    assert.equal(run.code, null);
    await run.at(TIMEOUT_MS + 250);
    assert.equal(run.code, EXIT.failed);
    assert.equal(run.net.clock.pending, 0);
    const stopped = new Run().begin();
    await stopped.at(500);
    stopped.end.abort();
    await stopped.at(1000);
    assert.equal(stopped.code, EXIT.failed);
  });
});

describe('the exit code of "discover" without the right to listen', () => {
  /** A host on which nobody may listen. */
  function deaf(): Run {
    const run = new Run();
    run.net.openFailure = new XlatError('NOT_PERMITTED', 'listen', 'listening needs CAP_NET_RAW');
    return run;
  }

  it('is 3 where there was no resolver to ask either, and 1 where one has answered', async () => {
    const run = deaf().begin();
    await run.at(1000);
    assert.equal(run.code, EXIT.notPermitted);
    const other = deaf();
    other.net.systemResolvers = [{ address: RESOLVER, port: 53, source: 'resolv.conf' }];
    other.net.answers.set(RESOLVER, { kind: 'no-nat64', why: 'NXDOMAIN' });
    other.begin();
    await other.at(1000);
    assert.equal(other.code, EXIT.failed);
  });
});
