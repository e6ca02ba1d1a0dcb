// What other nodes do to the CLAT's address, at the start and later: rule D-10. Read first: core/lifecycle/neighbours.ts, contest.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTEST_QUIET_MS, DEFEND_INTERVAL_MS } from '../../src/core/lifecycle/contest.ts';
import { MOVES_MAX, MOVES_WITHIN_MS } from '../../src/core/lifecycle/neighbours.ts';
import { DEFENCE_GAP_MS } from '../../src/core/lifecycle/turn.ts';
import { address, Driver, FAILURE, offer, uplink } from '../support/lifecycle.ts';

const ETH = uplink('eth0');
const ELSEWHERE = uplink('eth0', 2);
const NONE_LEFT = { code: 'ADDRESS_DUPLICATE', message: 'none left', isFinal: false };

const contested = (driver: Driver, n: number): Driver => driver.take({ event: 'contested', clat: address(n) });
/** Claimed again at once, although it was defended. */
const insisted = (driver: Driver, n: number): Driver => contested(contested(driver, n), n);
const has = (driver: Driver, effect: string): boolean => driver.effects.some((e) => e.effect === effect);
const avoided = (driver: Driver): readonly Uint8Array[] => driver.effect('claim').avoid;

/** Runs by an address after having given up as many as it may within the hour. */
function moved(): Driver {
  const driver = new Driver().run();
  for (let n = 1; n <= MOVES_MAX; n++)
    insisted(driver, n)
      .claimed(n + 1)
      .done();
  return driver;
}
const LAST = MOVES_MAX + 1;

describe('an address in use that another node claims', () => {
  it('D-10, D-15 is defended and kept for one claim, as often as one comes alone, and that is said', () => {
    const driver = new Driver().run();
    for (let i = 0; i < 2 * MOVES_MAX; i++) {
      contested(driver, 1);
      assert.ok(has(driver, 'defend') && !has(driver, 'claim'));
      assert.deepEqual([driver.state, driver.said.includes('address-contested')], ['running', true]);
      driver.pass(DEFEND_INTERVAL_MS + 1);
    }
    assert.ok(!driver.said.includes('address-conflict'));
    assert.deepEqual(driver.life.ledger.neighbours, []);
  });

  it('D-10 is given up where it is claimed again up to ten seconds after the defence', () => {
    const driver = contested(new Driver().run(), 1).pass(DEFEND_INTERVAL_MS);
    assert.equal(contested(driver, 1).state, 'moving');
  });

  it('D-10 is given up for another one, three times within an hour, and the old one goes on meanwhile', () => {
    const driver = new Driver().run();
    for (let n = 1; n <= MOVES_MAX; n++) {
      contested(driver, n);
      assert.ok(has(driver, 'defend'));
      contested(driver.pass(DEFENCE_GAP_MS), n);
      assert.deepEqual([driver.state, driver.said.at(-1)], ['moving', 'address-conflict']);
      assert.ok(has(driver, 'defend') && !has(driver, 'detach'));
      assert.deepEqual(
        avoided(driver),
        Array.from({ length: n }, (_, i) => address(i + 1)),
      );
      driver.claimed(n + 1).done();
      assert.equal(driver.state, 'running');
    }
  });

  it('D-10, D-15 is kept after that, defended, and said', () => {
    const driver = contested(contested(moved(), LAST).pass(DEFENCE_GAP_MS), LAST);
    assert.deepEqual([driver.state, driver.said.at(-1)], ['running', 'address-contested']);
    assert.ok(has(driver, 'defend') && !has(driver, 'claim'));
    assert.deepEqual(driver.life.ledger.contest?.clat, address(LAST));
  });

  it('D-10 is defended at most once a second, and said at most once a minute', () => {
    const driver = moved();
    const before = driver.said.length;
    let defences = 0;
    for (let ms = 0; ms < 61_000; ms += 100) {
      driver.effects = [];
      if (has(driver.pass(100), 'defend')) defences += 1;
      if (has(contested(driver, LAST), 'defend')) defences += 1;
    }
    assert.equal(defences, 61_000 / DEFENCE_GAP_MS);
    assert.deepEqual(driver.said.slice(before), ['address-contested', 'address-contested']);
    assert.equal(driver.state, 'running');
  });

  it('D-10 has the last word: a claim that came too soon to be answered is answered without another one', () => {
    const driver = contested(contested(moved(), LAST).pass(DEFENCE_GAP_MS / 2), LAST);
    assert.ok(!has(driver, 'defend'));
    driver.pass(DEFENCE_GAP_MS / 2);
    assert.ok(has(driver, 'defend'));
    driver.pass(DEFENCE_GAP_MS);
    assert.equal(driver.life.ledger.contest?.isOwed, false);
    driver.pass(CONTEST_QUIET_MS);
    assert.equal(driver.life.ledger.contest, null);
  });

  it('D-15 is in peace again when nobody has claimed it for half a minute', () => {
    const driver = contested(moved(), LAST).pass(CONTEST_QUIET_MS - 1);
    assert.notEqual(driver.life.ledger.contest, null);
    driver.pass(1);
    assert.deepEqual([driver.life.ledger.contest, driver.said.at(-1)], [null, 'address-uncontested']);
  });

  it('D-10 may be given up again when the hour is over', () => {
    const driver = moved().pass(MOVES_WITHIN_MS);
    assert.equal(insisted(driver, LAST).state, 'moving');
  });

  it('D-10 is given up on another network, whose nodes are others', () => {
    const driver = moved().change({ route: ELSEWHERE }).claimed(9).done();
    assert.equal(insisted(driver, 9).state, 'moving');
  });

  it('D-10 is kept where other nodes have all that is tried instead, and no connection ends', () => {
    const driver = insisted(new Driver().run(), 1).taken(2).taken(3);
    driver.pass(DEFENCE_GAP_MS).pass(DEFENCE_GAP_MS).taken(4);
    assert.deepEqual([driver.state, driver.said.at(-1)], ['running', 'address-contested']);
    assert.ok(has(driver, 'defend') && !has(driver, 'tear-down') && !has(driver, 'detach'));
    assert.deepEqual(driver.life.ledger.contest?.clat, address(1));
    driver.take({ event: 'woke', sleptMs: 60_000 });
    assert.deepEqual(avoided(driver), [address(2), address(3), address(4)], 'it is tried first after sleep');
  });

  it('D-10 is kept where there is no other to try, as with a configured one', () => {
    const driver = insisted(new Driver().run(), 1).failed(NONE_LEFT);
    assert.deepEqual([driver.state, driver.said.at(-1)], ['running', 'address-contested']);
  });

  it('D-10, D-12 is kept by the MTU that the network has meanwhile', () => {
    const narrowed = (): Driver =>
      insisted(new Driver().run(), 1).change({ route: uplink('eth0', 1, { mtuBytes: 1400 }) });
    for (const driver of [narrowed().failed(NONE_LEFT), narrowed().taken(2).taken(3).taken(4)])
      assert.deepEqual([driver.state, driver.effect('attach').way.uplink.mtuBytes], ['attaching', 1400]);
  });

  it('D-10, D-11 is defended, and nothing else, while an address on another network is looked for', () => {
    const driver = contested(new Driver().run().change({ route: ELSEWHERE }), 1);
    assert.equal(driver.state, 'moving');
    assert.ok(has(driver, 'defend') && !has(driver, 'claim'));
    assert.deepEqual(driver.life.ledger.neighbours, []);
  });

  it('D-10 is defended while another one is looked for, without a word', () => {
    const driver = insisted(new Driver().run(), 1).pass(DEFENCE_GAP_MS);
    const said = driver.said.length;
    contested(driver.pass(DEFENCE_GAP_MS), 1);
    assert.ok(has(driver, 'defend'));
    assert.deepEqual([driver.state, driver.said.length], ['moving', said]);
  });

  it('D-10 is not waited for where it is the one that is probed after sleep', () => {
    const driver = new Driver().run().take({ event: 'woke', sleptMs: 60_000 });
    assert.deepEqual(avoided(driver), []);
    contested(driver, 1);
    assert.ok(has(driver, 'defend') && !has(driver, 'claim'));
    contested(driver, 1);
    assert.deepEqual(avoided(driver), [address(1)]);
  });

  it('D-10 that is contested while the host is set up is defended right after, also where redirecting is refused meanwhile', () => {
    const driver = contested(new Driver().up().prefixes(offer('eth0', 1)).claimed(1), 1);
    driver.failed({ code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false });
    assert.equal(driver.state, 'attaching');
    driver.done();
    assert.equal(driver.state, 'running');
    assert.ok(has(driver, 'defend'));
    contested(driver, 1);
    assert.deepEqual([driver.state, avoided(driver)], ['moving', [address(1)]]);
  });
});

describe('addresses that other nodes have', () => {
  /** Three in a row are taken, and everything is undone. */
  const refused = (from: number, driver: Driver): Driver => {
    for (let n = from; n < from + 3; n++) driver.taken(n);
    return driver;
  };

  it('D-10 are not tried again by the next attempt, on that network', () => {
    const driver = refused(1, new Driver().up().prefixes(offer('eth0', 1))).done();
    assert.equal(driver.state, 'backoff');
    driver.pass(1000);
    assert.deepEqual(avoided(driver), [address(1), address(2), address(3)]);
    driver.change({ route: ELSEWHERE });
    assert.deepEqual(avoided(driver), [], 'another network has other nodes');
    driver.change({ route: ETH });
    assert.deepEqual(avoided(driver), [address(1), address(2), address(3)]);
  });

  it('D-10 are tried again where none is left to try', () => {
    const driver = refused(1, new Driver().up().prefixes(offer('eth0', 1)))
      .done()
      .pass(1000)
      .failed(NONE_LEFT);
    assert.equal(driver.state, 'stopping');
    driver.done().pass(2000);
    assert.deepEqual(avoided(driver), []);
  });

  it('D-10 are remembered up to sixteen a network and four networks, the newest', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1));
    for (let round = 0; round < 6; round++)
      refused(1 + 3 * round, driver)
        .done()
        .pass(60_000);
    assert.deepEqual(
      avoided(driver),
      Array.from({ length: 16 }, (_, i) => address(i + 3)),
    );
    for (let network = 2; network <= 5; network++) driver.change({ route: uplink('eth0', network) }).taken(90);
    assert.equal(driver.life.ledger.neighbours.length, 4);
    assert.deepEqual(avoided(driver.change({ route: ETH })), []);
  });

  it('D-10, D-11 on the network that a CLAT moves to take it off the route, and its interface stays until the next attempt', () => {
    const driver = refused(2, new Driver().run().change({ route: ELSEWHERE }));
    assert.deepEqual([driver.state, driver.said.at(-1)], ['detaching', 'client-failed']);
    driver.effect('detach');
    driver.done();
    assert.deepEqual([driver.state, driver.said.at(-1)], ['backoff', 'client-retrying']);
    assert.ok(driver.life.ledger.hasInterface);
    driver.pass(1000);
    assert.deepEqual(avoided(driver), [address(2), address(3), address(4)]);
    driver.claimed(5).done();
    assert.equal(driver.state, 'running');
  });

  it('D-10 an interface that waits out the pause is put back when it is switched off, or its data path ends', () => {
    const waiting = (): Driver => refused(2, new Driver().run().change({ route: ELSEWHERE })).done();
    assert.equal(waiting().down().state, 'stopping');
    assert.equal(waiting().down().done().state, 'idle');
    const ended = waiting().take({ event: 'data-path-failed', failure: FAILURE });
    ended.effect('tear-down');
    assert.equal(waiting().up().state, 'claiming');
  });

  it('D-10 end a CLAT that is told not to wait and never ran, and nothing of it stays', () => {
    const vpn = { route: uplink('vpn0', 4), own: [ETH] };
    const driver = new Driver(vpn, { isPatient: false }).up().prefixes(offer('eth0', 1)).claimed(1);
    driver.failed({ code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false });
    driver.change({ ...vpn, nativeIpv4: 'eth0' }).done();
    assert.ok(driver.state === 'waiting' && driver.life.ledger.hasInterface);
    refused(2, driver.change({ route: ETH }));
    driver.effect('tear-down');
    driver.done();
    assert.equal(driver.effect('rest').failure?.code, 'ADDRESS_DUPLICATE');
  });

  it('D-10 all of them after sleep are no reason to leave the one in use', () => {
    const driver = refused(1, new Driver().run().take({ event: 'woke', sleptMs: 60_000 }));
    assert.equal(driver.state, 'running');
  });
});
