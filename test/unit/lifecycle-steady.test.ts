// What a CLAT that runs goes on through: probes that fail, MTUs that change, looks that say the same in other words. Read first:
// lifecycle.test.ts, which goes by the rules.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { problemsOf } from '../../src/client/problems.ts';
import { clientState } from '../../src/client/report.ts';
import { WIDER_LASTS_MS } from '../../src/core/lifecycle/review.ts';
import { address, Driver, FAILURE, noWay, offer, uplink } from '../support/lifecycle.ts';

const ETH = uplink('eth0');
const RENUMBERED = uplink('eth0', 2);
const WLAN = uplink('wlan0', 3);
const NOT_SENT = { code: '', message: 'sendto: network is unreachable', isFinal: false };
const FINAL = { code: 'NOT_PERMITTED', message: 'no raw socket', isFinal: true };
const SIDE = { tun: { name: 'clat0', index: 9 }, ipv4: 0xc0000001, ipv4MtuBytes: 1480 };
const narrow = uplink('eth0', 1, { mtuBytes: 1400 });

const has = (driver: Driver, effect: string): boolean => driver.effects.some((e) => e.effect === effect);
const mtuOf = (driver: Driver): number => {
  const { state } = driver.life;
  return 'clat' in state ? state.way.uplink.mtuBytes : 0;
};

describe('a probe for duplicates that fails while an address is in use', () => {
  it('D-10, D-11 after sleep leaves that one in use, and is made again ever later', () => {
    const driver = new Driver().run().take({ event: 'woke', sleptMs: 60_000 });
    for (const pauseMs of [1000, 2000, 4000, 8000]) {
      driver.failed(NOT_SENT);
      assert.deepEqual([driver.state, driver.said.at(-1)], ['running', 'client-retrying']);
      assert.ok(!has(driver, 'detach') && !has(driver, 'tear-down'));
      driver.done().pass(pauseMs - 1);
      assert.equal(driver.state, 'running');
      driver.pass(1).effect('claim');
      assert.equal(driver.state, 'moving');
    }
    driver.claimed(1).pass(60_000);
    assert.equal(driver.state, 'running', 'and is owed no more');
  });

  it('D-15 is a problem in status until one succeeds', () => {
    const driver = new Driver().run().take({ event: 'woke', sleptMs: 60_000 }).failed(NOT_SENT);
    const { text } = problemsOf(driver.life).find((p) => p.code === 'client-retrying') ?? {};
    assert.match(text ?? '', /the address in use is kept: sendto/);
    driver.done().pass(1000).claimed(1);
    assert.deepEqual(problemsOf(driver.life), []);
  });

  it('D-10, D-11 for a new network is made again, while the old interface is the way, whatever failed', () => {
    for (const failure of [NOT_SENT, FINAL]) {
      const driver = new Driver().run().change({ route: RENUMBERED }).failed(failure);
      assert.equal(driver.state, 'running');
      assert.ok(!has(driver, 'detach') && !has(driver, 'tear-down'));
      driver.done().pass(1000).claimed(2);
      assert.deepEqual(driver.effect('attach').clat, address(2));
    }
  });

  it('D-11 is judged by a look that begins after it', () => {
    const driver = new Driver().run().prefixes(offer('eth0', 1), offer('wlan0', 2)).change({ route: WLAN });
    driver.isLooking = false;
    driver.failed(NOT_SENT);
    assert.equal(driver.state, 'running');
    driver.effect('look');
  });

  it('D-11, D-15 takes a way that is gone off the route, and the interface stays until the next attempt', () => {
    const driver = new Driver().run().prefixes(offer('eth0', 1), offer('wlan0', 2)).change({ route: WLAN });
    assert.equal(driver.state, 'moving');
    driver.failed(NOT_SENT);
    assert.deepEqual([driver.state, driver.said.at(-1)], ['detaching', 'client-failed']);
    driver.done();
    assert.equal(driver.state, 'backoff');
    assert.ok(driver.life.ledger.hasInterface);
    driver.pass(1000);
    assert.equal(driver.state, 'claiming');
    driver.failed(NOT_SENT);
    assert.deepEqual([driver.state, driver.life.ledger.hasInterface], ['detaching', true]);
  });

  it('D-11 is forgotten where no way is left', () => {
    const driver = new Driver().run().change({ route: RENUMBERED }).failed(NOT_SENT).change({ route: null });
    assert.deepEqual([driver.state, driver.said.at(-1)], ['detaching', 'uplink-lost']);
  });
});

describe('an MTU', () => {
  it('D-12 that is smaller is followed at once, and a larger one when it has lasted', () => {
    const driver = new Driver().run().change({ route: narrow });
    assert.deepEqual([driver.state, mtuOf(driver)], ['attaching', 1400]);
    driver.done().change({ route: ETH });
    assert.deepEqual([driver.state, mtuOf(driver)], ['running', 1400]);
    driver.done().pass(WIDER_LASTS_MS - 1);
    assert.equal(mtuOf(driver), 1400);
    driver.pass(1);
    assert.deepEqual([driver.state, mtuOf(driver)], ['attaching', 1500]);
  });

  it('D-12 of routers that disagree is the smallest, for as long as they do', () => {
    const driver = new Driver().run().change({ route: narrow }).done();
    for (let i = 0; i < 20; i++) {
      driver.change({ route: ETH }).done().pass(3000);
      driver.change({ route: narrow }).done().pass(3000);
      assert.deepEqual([driver.state, mtuOf(driver)], ['running', 1400]);
    }
    assert.equal(driver.said.filter((r) => r === 'uplink-changed').length, 1);
  });

  it('D-12 that is larger has to last also where the address is probed meanwhile', () => {
    const driver = new Driver().run().change({ route: narrow }).done().take({ event: 'woke', sleptMs: 60_000 });
    driver.change({ route: ETH }).claimed(1);
    assert.deepEqual([driver.state, mtuOf(driver)], ['running', 1400]);
    driver.pass(WIDER_LASTS_MS);
    assert.deepEqual([driver.state, mtuOf(driver)], ['attaching', 1500]);
  });

  it('D-11, D-12 of the old network is followed where that is the way again', () => {
    const driver = new Driver().run().change({ route: RENUMBERED }).change({ route: narrow });
    assert.deepEqual([driver.state, mtuOf(driver), driver.effect('attach').clat], ['attaching', 1400, address(1)]);
  });

  it('D-15 that is followed is shown as running, other than the first start', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).claimed(1);
    assert.equal(clientState(driver.life, SIDE).state, 'waiting');
    driver.done().change({ route: narrow });
    assert.deepEqual([driver.state, clientState(driver.life, SIDE).state], ['attaching', 'running']);
    driver.failed({ code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false });
    assert.deepEqual([driver.state, clientState(driver.life, SIDE).state], ['attaching', 'running']);
  });
});

describe('what a CLAT says', () => {
  it('D-15 one line for each decision, however its words change', () => {
    const driver = new Driver().run().change({ route: null }).done();
    const lost = (): number => driver.said.filter((r) => r === 'uplink-lost').length;
    assert.equal(lost(), 1);
    const answers = [
      { target: { candidate: offer('eth0', 1), interfaceName: 'eth0' }, free: noWay('route', 'x'), tied: null },
    ];
    driver.isLooking = false;
    const { ticket } = driver.take({ event: 'network-changed' }).pass(200).effect('look');
    driver.take({ event: 'seen', ticket, view: { nativeIpv4: null, otherClat: null, linkTrouble: null, answers } });
    const { state } = driver.life;
    assert.ok(state.state === 'waiting' && state.why === 'x', 'status has the new words');
    assert.deepEqual(driver.effect('report').level, 'debug');
  });

  it('D-03, D-15 the lifetime of the prefix in use is that of its last renewal', () => {
    const driver = new Driver().up();
    driver
      .prefixes(offer('eth0', 1, { validUntilMs: 61_000 }))
      .claimed(1)
      .done();
    driver.prefixes(offer('eth0', 1, { validUntilMs: 121_000 }));
    const state = clientState(driver.life, SIDE);
    assert.equal(state.state === 'running' && state.prefix.validUntilMs, 121_000);
  });
});

describe('a CLAT that begins anew', () => {
  /** Prefixes come before the look that it asked for; those are the same as before, and so would be the answer of the last look. */
  const isWaiting = (driver: Driver, again: () => Driver): void => {
    driver.isLooking = false;
    again().prefixes(offer('eth0', 1));
    assert.equal(driver.state, 'waiting');
    assert.ok(!has(driver, 'claim'));
  };

  it('D-09 after a pause goes by a look that begins then', () => {
    const driver = new Driver().run().take({ event: 'data-path-failed', failure: FAILURE }).done();
    isWaiting(driver, () => driver.pass(1000));
  });

  it('D-09 after `down` and `up` goes by a look that begins then', () => {
    const driver = new Driver().run().down().done();
    isWaiting(driver, () => driver.up());
  });

  it('D-15 by `up` while a failure is put away is stopping for that, not for the failure', () => {
    const driver = new Driver().run().take({ event: 'data-path-failed', failure: { ...FAILURE, isFinal: true } });
    const { state } = driver.up().life;
    assert.ok(state.state === 'stopping' && state.next === 'waiting');
    assert.equal(state.failure, null);
  });
});
