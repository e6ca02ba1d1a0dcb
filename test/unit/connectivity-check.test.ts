// The client's connectivity check (rule D-08): when it is made, what it holds back, and what it only shows.

import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { discoveredPrefixes } from '../../src/client/discovered-prefixes.ts';
import { configuredPrefix, type PrefixListener } from '../../src/client/prefix-source.ts';
import { formatPrefix6 } from '../../src/config/addresses.ts';
import type { Candidate } from '../../src/core/pref64/candidate.ts';
import { CHECK_AGAIN_MS, checkConnectivity } from '../../src/discovery/connectivity.ts';
import { ip4, prefix6 } from '../support/addresses.ts';
import { FakeNetwork, TurnedClock } from '../support/fake-discovery.ts';

const CHECK = { ipv4: ip4('203.0.113.7'), port: 443 };
const NAT64 = prefix6('2001:db8:64::/96');
const ANSWER_MS = 20_000;
/** By then the resolvers were asked. */
const ASKED_MS = 10_000;

/** A listener that remembers. */
class Heard implements PrefixListener {
  latest: readonly Candidate[] = [];
  readonly outcomes: boolean[] = [];

  offers(candidates: readonly Candidate[]): void {
    this.latest = candidates;
  }

  trouble(): void {
    // Links are not what is under test.
  }

  flooded(): void {
    // Nor is who floods them.
  }

  refused(): void {
    // Nor what they offer that cannot be.
  }

  checked(_fields: object, isReachable: boolean): void {
    this.outcomes.push(isReachable);
  }

  /** The prefixes on offer, each with the outcome of its check. */
  get offered(): (readonly [string, boolean | null])[] {
    return this.latest.map(({ prefix, isReachable }) => [formatPrefix6(prefix), isReachable]);
  }
}

/** Checks that answer after a while what the test says by then. */
class Checks {
  answer = true;
  made = 0;

  readonly run: typeof checkConnectivity = (_prefix, _target, { clock }, done) => {
    this.made += 1;
    return clock.after(ANSWER_MS, () => done(this.answer));
  };
}

describe('the connectivity check of a configured prefix', () => {
  it('D-08 takes nothing away when it fails, is made anew, and tells each outcome once', async () => {
    const [clock, heard, checks] = [new TurnedClock(), new Heard(), new Checks()];
    checks.answer = false;
    const source = configuredPrefix(NAT64, { check: CHECK, clock, checkConnectivity: checks.run }, heard);
    assert.deepEqual(heard.offered, [['2001:db8:64::/96', null]]);
    await clock.turn(ANSWER_MS);
    assert.deepEqual(heard.offered, [['2001:db8:64::/96', false]]);
    await clock.turn(CHECK_AGAIN_MS + ANSWER_MS);
    assert.deepEqual([checks.made, heard.outcomes], [2, [false]]);
    checks.answer = true;
    await clock.turn(CHECK_AGAIN_MS + ANSWER_MS);
    assert.deepEqual(heard.offered, [['2001:db8:64::/96', true]]);
    assert.deepEqual([heard.outcomes, clock.pending], [[false, true], 0]);
    source.refresh(false);
    assert.equal(checks.made, 4, 'another network is checked anew');
    source.close();
    assert.equal(clock.pending, 0);
  });

  it('D-08 is not made unless someone to reach is named', () => {
    const [clock, heard] = [new TurnedClock(), new Heard()];
    configuredPrefix(NAT64, { check: null, clock }, heard).close();
    assert.deepEqual([heard.offered, clock.pending], [[['2001:db8:64::/96', null]], 0]);
  });
});

describe('the connection of a connectivity check', () => {
  /** Begins one that ends with an error. @returns what came of it */
  const outcomeOf = (code: string): Promise<boolean> =>
    new Promise((resolve) => {
      const connect = (): Socket => {
        const socket = new Socket();
        setImmediate(() => socket.destroy(Object.assign(new Error(code), { code })));
        return socket;
      };
      checkConnectivity(NAT64, CHECK, { clock: new TurnedClock(), connect }, resolve);
    });

  it('D-08 that is refused came back through the prefix; one that leads nowhere did not', async () => {
    assert.equal(await outcomeOf('ECONNREFUSED'), true);
    assert.equal(await outcomeOf('EHOSTUNREACH'), false);
  });
});

describe('the connectivity check of discovered prefixes', () => {
  /** A network whose resolver shows a NAT64. */
  function network(checks: Checks, check: typeof CHECK | null = CHECK) {
    const net = new FakeNetwork();
    net.systemResolvers = [{ address: '2001:db8::53', port: 53, source: 'resolv.conf' }];
    net.answers.set('2001:db8::53', { kind: 'prefixes', prefixes: [NAT64], ttlSeconds: 600 });
    const heard = new Heard();
    const { clock, exchange } = net;
    const context = { platform: net, clock, exchange, only: null, check, checkConnectivity: checks.run };
    return { net, heard, source: discoveredPrefixes(context, heard) };
  }

  it('D-08 comes before the use of a prefix that only DNS shows, and keeps one away that nothing comes back through', async () => {
    const checks = new Checks();
    checks.answer = false;
    const { net, heard, source } = network(checks);
    await net.clock.turn(ASKED_MS);
    assert.deepEqual([checks.made, heard.offered], [1, []]);
    await net.clock.turn(ANSWER_MS);
    assert.deepEqual(heard.offered, [['2001:db8:64::/96', false]]);
    assert.deepEqual(heard.outcomes, [false]);
    source.close();
  });

  it('D-08 does not hold up the prefix of a router, and its failure does not take it away', async () => {
    const checks = new Checks();
    checks.answer = false;
    const { net, heard, source } = network(checks);
    net.ra({ pref64: [{ prefix: '64:ff9b::/96', lifetimeSeconds: 600 }] });
    await net.clock.turn(1000);
    assert.deepEqual(heard.offered, [['64:ff9b::/96', null]]);
    await net.clock.turn(ANSWER_MS);
    assert.ok(heard.offered.some(([prefix, is]) => prefix === '64:ff9b::/96' && is === false));
    source.close();
  });

  it('D-08 that is not asked for holds nothing back', async () => {
    const checks = new Checks();
    const { net, heard, source } = network(checks, null);
    await net.clock.turn(ASKED_MS);
    assert.deepEqual([heard.offered, checks.made], [[['2001:db8:64::/96', null]], 0]);
    source.close();
  });
});
