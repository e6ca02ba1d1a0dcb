// Redirecting that is refused: forwarding takes its place, and when redirecting is tried again. Read first:
// core/lifecycle/uplink-kind.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { REDIRECT_AGAIN_MAX_MS, REDIRECT_AGAIN_MIN_MS } from '../../src/core/lifecycle/uplink-kind.ts';
import { Driver, offer, uplink } from '../support/lifecycle.ts';

const ETH = uplink('eth0');
const WLAN = uplink('wlan0', 3);
const VPN = uplink('vpn0', 4);
const REFUSED = { code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false };
const NO_MEMORY = { ...REFUSED, message: 'ENOMEM', isTemporary: true };

const attachedBy = (driver: Driver): string => driver.effect('attach').kind;

/** Runs by forwarding on eth0, where redirecting was refused. */
const forwarding = (failure = REFUSED): Driver =>
  new Driver().up().prefixes(offer('eth0', 1)).claimed(1).failed(failure).done();

describe('a refusal to redirect', () => {
  it('D-15 is said, kept while it forwards, and not tried again on the same interface', () => {
    const driver = forwarding();
    assert.equal(driver.state, 'running');
    assert.deepEqual(driver.said.slice(-2), ['redirect-unavailable', 'client-ready']);
    assert.equal(driver.life.ledger.refusal?.failure.message, 'no tcx');
    for (let i = 0; i < 3; i++) {
      driver.change({ route: ETH });
      assert.equal(attachedBy(driver), 'forwarding', 'a repair as it is');
      driver.done().pass(REDIRECT_AGAIN_MAX_MS);
    }
    driver.change({ route: uplink('eth0', 2) }).claimed(2);
    assert.equal(attachedBy(driver), 'forwarding', 'another network of the same interface');
  });

  it('while it forwards is a failure as any other', () => {
    const driver = forwarding().change({ route: ETH }).failed(REFUSED);
    assert.equal(driver.state, 'stopping');
  });

  it('is over with the next up after a down', () => {
    const driver = forwarding().down().done().up();
    assert.equal(driver.life.ledger.refusal, null);
    assert.equal(attachedBy(driver.claimed(1)), 'redirect');
    const meanwhile = forwarding().down().up().done();
    assert.equal(attachedBy(meanwhile.claimed(1)), 'redirect');
    assert.notEqual(forwarding().up().life.ledger.refusal, null, 'it was not off');
  });

  it('is over after sleep, and redirecting takes the place of forwarding with the same address', () => {
    const driver = forwarding().take({ event: 'woke', sleptMs: 60_000 });
    assert.equal(driver.life.ledger.refusal, null);
    driver.claimed(1);
    assert.deepEqual([driver.state, attachedBy(driver)], ['attaching', 'redirect']);
    driver.done().change({ route: ETH });
    assert.deepEqual([driver.state, attachedBy(driver)], ['running', 'redirect']);
    const again = forwarding().take({ event: 'woke', sleptMs: 60_000 }).claimed(1).failed(REFUSED).done();
    assert.equal(again.state, 'running');
    assert.equal(attachedBy(again.change({ route: ETH })), 'forwarding', 'refused again, and left at that');
  });

  it('is of no account on another interface, and still counts back on its own', () => {
    const driver = forwarding().prefixes(offer('eth0', 1), offer('wlan0', 2)).change({ route: WLAN }).claimed(2);
    assert.equal(attachedBy(driver), 'redirect');
    driver.done().change({ route: ETH }).claimed(1);
    assert.equal(attachedBy(driver), 'forwarding');
  });

  it('lets a way against the routing table be taken on another interface', () => {
    const driver = forwarding()
      .prefixes(offer('eth0', 1), offer('wlan0', 2))
      .change({ route: VPN, own: [ETH, WLAN] });
    assert.equal(driver.effect('claim').way.uplink.link.name, 'wlan0');
  });

  it('for want of memory is tried again by a change of the network, ever later', () => {
    const driver = forwarding(NO_MEMORY);
    for (let delayMs = REDIRECT_AGAIN_MIN_MS; delayMs < 8 * REDIRECT_AGAIN_MIN_MS; delayMs *= 2) {
      driver.pass(delayMs - 500).change({ route: ETH });
      assert.equal(attachedBy(driver), 'forwarding', 'too soon');
      driver.done().pass(500).change({ route: ETH });
      assert.deepEqual([driver.state, attachedBy(driver)], ['attaching', 'redirect']);
      driver.failed(NO_MEMORY).done();
      assert.equal(driver.state, 'running');
    }
    driver.pass(REDIRECT_AGAIN_MAX_MS).change({ route: ETH }).done();
    assert.deepEqual([driver.state, driver.life.ledger.refusal], ['running', null]);
  });
});
