// Branches of the lifecycle that take two things at once to reach: a change while something else goes on, and the choice between
// ways that are nearly the same. Read first: lifecycle.test.ts, which goes by the rules.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { chooseWay, isSamePath, type Way, type WayAnswer } from '../../src/core/lifecycle/way.ts';
import { address, Driver, FAILURE, noWay, offer, uplink, viewOf } from '../support/lifecycle.ts';

const ETH = uplink('eth0', 1);
const ETH_ELSEWHERE = uplink('eth0', 2);
const WLAN = uplink('wlan0', 3);
const VPN = uplink('vpn0', 4);
const narrow = (network: number) => uplink('eth0', network, { mtuBytes: 1400 });
const REFUSED = { code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false };

describe('an MTU that changes while an address is probed', () => {
  it('D-12 is the one that the host is set up with, at the start', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1));
    const { ticket } = driver.effect('claim');
    driver.change({ route: narrow(1) });
    assert.equal(driver.ticket, ticket, 'the probe goes on');
    assert.equal(driver.claimed(1).effect('attach').way.uplink.mtuBytes, 1400);
  });

  it('D-11, D-12 is the one that the host is set up with, after a move', () => {
    const driver = new Driver().run().change({ route: ETH_ELSEWHERE });
    const { ticket } = driver.effect('claim');
    driver.change({ route: narrow(2) });
    assert.equal(driver.ticket, ticket, 'the probe goes on');
    assert.equal(driver.claimed(2).effect('attach').way.uplink.mtuBytes, 1400);
  });

  it('D-11, D-12 sets the host up anew also where the address stays', () => {
    const driver = new Driver()
      .run()
      .take({ event: 'woke', sleptMs: 60_000 })
      .change({ route: narrow(1) });
    assert.equal(driver.state, 'moving');
    driver.claimed(1);
    assert.equal(driver.state, 'attaching');
    const { way, clat } = driver.effect('attach');
    assert.deepEqual([way.uplink.mtuBytes, clat], [1400, address(1)]);
  });
});

describe('a failure', () => {
  it('D-15 redirecting that is refused against the routing table does not become forwarding, which follows it', () => {
    const driver = new Driver({ route: VPN, own: [ETH] }).up().prefixes(offer('eth0', 1)).claimed(1);
    assert.ok(driver.effect('attach').way.isTied);
    driver.failed(REFUSED);
    assert.deepEqual([driver.state, driver.said.at(-1)], ['detaching', 'uplink-elsewhere']);
    assert.ok(!driver.effects.some((e) => e.effect === 'attach'));
    driver.done();
    assert.equal(driver.state, 'waiting', 'and there is no way that forwarding could take');
  });

  it('is judged by a look that begins after it, not by one that went on already', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).claimed(1);
    driver.isLooking = false;
    const before = driver.change({ route: ETH }).effect('look');
    const after = driver.failed().effect('look');
    driver.take({ event: 'seen', ticket: before.ticket, view: viewOf({ route: ETH }, before.targets) });
    assert.equal(driver.state, 'doubting');
    driver.take({ event: 'seen', ticket: after.ticket, view: viewOf({ route: null }, after.targets) });
    assert.equal(driver.state, 'detaching');
  });

  it('D-15, D-16 of a teardown is told to whoever waits for its end', () => {
    const driver = new Driver().run().down().failed();
    assert.deepEqual([driver.state, driver.said.at(-1)], ['idle', 'host-trouble']);
    const { state } = driver.life;
    assert.deepEqual(state.state === 'idle' && [state.reason, state.why], ['host-trouble', FAILURE.message]);
    const { failure, left } = driver.effect('rest');
    assert.deepEqual([failure, left], [null, FAILURE]);
  });

  it('D-16 of a teardown is mended by `down` again, and by nothing else that happens', () => {
    const driver = new Driver().run().down().failed();
    driver.take({ event: 'network-changed' }).prefixes(offer('eth0', 1)).pass(1e6);
    assert.equal(driver.state, 'idle');
    driver.down().effect('tear-down');
    driver.done();
    assert.equal(driver.effect('rest').left, null);
    assert.deepEqual(driver.down().effects, [], 'nothing is left to put back');
  });

  it('D-15 of a teardown does not hide the one that it follows', () => {
    const first = { ...FAILURE, message: 'the data path ended', isFinal: true };
    const driver = new Driver().run().take({ event: 'data-path-failed', failure: first }).failed();
    assert.deepEqual(driver.effect('rest').failure, first);
  });
});

describe('a CLAT that slept', () => {
  it('D-10, D-11 while it probed an address probes again: who answered was not heard', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1));
    const asleep = driver.effect('claim').ticket;
    driver.take({ event: 'woke', sleptMs: 60_000 });
    assert.notEqual(driver.effect('claim').ticket, asleep);
    driver.take({ event: 'claimed', ticket: asleep, clat: address(1) });
    assert.equal(driver.state, 'claiming', 'the old probe counts no more');
    assert.equal(driver.claimed(1).state, 'attaching');
  });
});

describe('several ways', () => {
  const tied = (router: string | null): Way => ({
    candidate: offer('eth0', 1),
    uplink: { ...ETH, router },
    isTied: true,
  });

  it('D-04 the interface in use stays in use where another one is as good and comes first', () => {
    const driver = new Driver({ route: VPN, own: [ETH] }).run();
    driver
      .prefixes(offer('wlan0', 2), offer('eth0', 1))
      .done()
      .change({ route: VPN, own: [WLAN, ETH] });
    assert.deepEqual([driver.state, driver.effect('attach').way.uplink.link.name], ['running', 'eth0']);
    assert.ok(!driver.said.includes('uplink-changed'));
  });

  it('D-04 the routes decide between the interface in use and another, and where both agree it stays', () => {
    const free = [WLAN, ETH].map(
      (u, i): WayAnswer => ({
        target: { candidate: offer(u.link.name, i), interfaceName: u.link.name },
        free: { uplink: u },
        tied: null,
      }),
    );
    const against = free.map(
      (answer): WayAnswer =>
        answer.target.interfaceName === 'eth0' ? { ...answer, free: noWay(), tied: answer.free } : answer,
    );
    const chosen = (answers: readonly WayAnswer[]): string | undefined =>
      chooseWay(answers, null, () => true, tied(null)).way?.uplink.link.name;
    assert.deepEqual([chosen(free), chosen(against)], ['eth0', 'wlan0']);
  });

  it('D-11 another router is another path only for a way that names its router itself', () => {
    const [one, two] = [tied('fe80::1'), tied('fe80::2')];
    assert.ok(isSamePath(one, tied('fe80::1')) && !isSamePath(one, two));
    assert.ok(isSamePath({ ...one, isTied: false }, { ...two, isTied: false }));
    const driver = new Driver({ route: VPN, own: [ETH] }).run();
    driver.change({ route: VPN, own: [uplink('eth0', 1, { router: 'fe80::2' })] });
    assert.equal(driver.state, 'attaching');
    assert.equal(driver.effect('attach').way.uplink.router, 'fe80::2');
  });
});

describe('prefixes that change while a look goes on', () => {
  it('D-03 a lifetime that was renewed is the one of the way, not that of the look', () => {
    const driver = new Driver().up();
    driver.isLooking = false;
    const { ticket, targets } = driver.prefixes(offer('eth0', 1, { validUntilMs: 61_000 })).effect('look');
    driver.prefixes(offer('eth0', 1, { validUntilMs: 121_000 }));
    driver.take({ event: 'seen', ticket, view: viewOf(driver.net, targets) });
    assert.equal(driver.effect('claim').way.candidate.validUntilMs, 121_000);
  });

  it('D-15 a look that did not ask for them says nothing about them', () => {
    const driver = new Driver();
    driver.isLooking = false;
    const { ticket, targets } = driver.up().effect('look');
    driver.prefixes(offer('eth0', 1));
    driver.take({ event: 'seen', ticket, view: viewOf(driver.net, targets) });
    assert.deepEqual(driver.said, []);
    assert.equal(driver.effect('look').targets.length, 1);
  });
});
