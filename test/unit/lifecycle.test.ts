// The lifecycle by its rules, step by step with a fake clock. Read first: core/lifecycle/state.ts; every pair of state and event is in
// lifecycle-table.test.ts.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BACKOFF_MAX_MS, STABLE_MS } from '../../src/core/lifecycle/transitions.ts';
import { address, Driver, FAILURE, offer, uplink } from '../support/lifecycle.ts';

const ETH = uplink('eth0');
const REFUSED = { code: 'REDIRECT_UNAVAILABLE', message: 'no tcx', isFinal: false };

describe('a CLAT starts', () => {
  it('D-09 when there is a prefix and a way to it, and not before', () => {
    const driver = new Driver({ route: null }).up();
    assert.deepEqual(driver.life.state, {
      state: 'waiting',
      reason: 'prefix-waiting',
      why: 'waiting for a Router Advertisement with PREF64, or for DNS64',
    });
    driver.prefixes(offer('eth0', 1));
    assert.equal(driver.said.at(-1), 'uplink-waiting');
    driver.change({ route: ETH });
    assert.equal(driver.state, 'claiming');
    driver.claimed(1).done();
    assert.equal(driver.state, 'running');
    assert.deepEqual(driver.said.slice(-3), ['prefix-chosen', 'uplink-chosen', 'client-ready']);
  });

  it('D-09 not beside native IPv4, unless it is forced', () => {
    const net = { route: ETH, nativeIpv4: 'eth0' };
    const driver = new Driver(net).up().prefixes(offer('eth0', 1));
    assert.equal(driver.life.state.state === 'waiting' && driver.life.state.why, 'native IPv4 present on eth0');
    const forced = new Driver(net, { force: true }).up().prefixes(offer('eth0', 1));
    assert.equal(forced.state, 'claiming');
  });

  it('D-15 for each thing that is missing there is a reason of its own', () => {
    const reasons = (['address', 'link', 'room', 'route'] as const).map((lacks) =>
      new Driver({ route: null, lacks }).up().prefixes(offer('eth0', 1)).said.at(-1),
    );
    assert.deepEqual(reasons, ['address-waiting', 'link-waiting', 'network-too-small', 'uplink-waiting']);
  });

  it('D-07 the configured prefix goes before what the network says', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1), offer(null, 2));
    assert.equal(driver.effect('claim').way.candidate.source, 'static');
  });

  it('told not to wait, it fails without a way, and everything is undone first', () => {
    const driver = new Driver({ route: null }, { isPatient: false }).up().prefixes(offer(null, 1));
    assert.equal(driver.state, 'stopping');
    driver.effect('tear-down');
    driver.done();
    assert.equal(driver.effect('rest').failure?.code, 'NO_UPLINK');
  });
});

describe('a CLAT that runs', () => {
  it('D-09 goes on until native IPv4 has lasted for two seconds', () => {
    const driver = new Driver().run().change({ route: ETH, nativeIpv4: 'eth0' });
    assert.equal(driver.state, 'running');
    driver.done().pass(1000);
    assert.equal(driver.state, 'running');
    driver.pass(1100);
    assert.equal(driver.state, 'detaching');
    assert.equal(driver.said.at(-1), 'native-ipv4');
  });

  it('D-09 a native route that goes again before that changes nothing', () => {
    const driver = new Driver().run().change({ route: ETH, nativeIpv4: 'eth0' }).done().pass(1500);
    driver.change({ route: ETH }).done().pass(5000);
    assert.equal(driver.state, 'running');
  });

  it('D-03 stops when its prefix expires, without anybody saying so', () => {
    const driver = new Driver()
      .up()
      .prefixes(offer('eth0', 1, { validUntilMs: 61_000 }))
      .claimed(1)
      .done();
    driver.pass(59_000);
    assert.equal(driver.state, 'running');
    driver.pass(1000);
    assert.equal(driver.state, 'detaching');
    assert.equal(driver.said.at(-1), 'prefix-lost');
  });

  it('D-15 begins from empty on "up", which is no loss of what there was before', () => {
    const driver = new Driver().run().down().done().up().prefixes();
    const { state } = driver.life;
    assert.deepEqual(state.state === 'waiting' && state.reason, 'prefix-waiting');
    const levels = driver.effects.flatMap((e) => (e.effect === 'report' ? [e.level] : []));
    assert.deepEqual(levels, ['info']);
    driver.prefixes(offer('eth0', 1)).claimed(1).done().prefixes();
    assert.equal(driver.said.at(-1), 'prefix-lost');
  });

  it('D-08, D-15 waits with a reason of its own while nothing comes back through the only prefix, and goes when it does', () => {
    const driver = new Driver().up();
    driver.prefixes(offer('eth0', 1, { source: 'dns', isReachable: false }));
    assert.deepEqual([driver.state, driver.said.at(-1)], ['waiting', 'prefix-unreachable']);
    driver.prefixes(offer('eth0', 1, { source: 'dns', isReachable: true }));
    assert.equal(driver.state, 'claiming');
  });

  it('D-04 keeps its prefix while it is on offer, whatever else comes', () => {
    const driver = new Driver()
      .run()
      .prefixes(offer('eth0', 1), offer('eth0', 2, { preference: 1, origin: 'fe80::2' }));
    assert.equal(driver.state, 'running');
    driver.prefixes(offer('eth0', 2));
    assert.equal(driver.state, 'moving');
  });

  it('D-11 renumbered, goes on by the old address until the new one is probed', () => {
    const driver = new Driver().run().change({ route: uplink('eth0', 2) });
    assert.equal(driver.state, 'moving');
    assert.deepEqual(
      driver.effects.map((e) => e.effect).filter((e) => e === 'detach'),
      [],
    );
    driver.claimed(2);
    assert.deepEqual(driver.effect('attach').clat, address(2));
    driver.done();
    assert.equal(driver.state, 'running');
  });

  it('D-11 back on the old network before that, stays where it is', () => {
    const driver = new Driver()
      .run()
      .change({ route: uplink('eth0', 2) })
      .change({ route: ETH });
    assert.equal(driver.state, 'running');
  });

  it('D-11 after sleep, probes its address and keeps it where nobody has it', () => {
    const driver = new Driver().run().take({ event: 'woke', sleptMs: 60_000 });
    driver.effect('discover');
    assert.equal(driver.state, 'moving');
    driver.claimed(1);
    assert.equal(driver.state, 'running');
    assert.ok(!driver.effects.some((e) => e.effect === 'attach'));
  });

  it('D-12 another MTU keeps the address', () => {
    const driver = new Driver().run().change({ route: uplink('eth0', 1, { mtuBytes: 1400 }) });
    assert.equal(driver.state, 'attaching');
    assert.deepEqual(driver.effect('attach').clat, address(1));
  });

  it('repairs what others have changed, one repair at a time', () => {
    const driver = new Driver().run().change({ route: ETH });
    driver.effect('attach');
    driver.change({ route: ETH });
    assert.ok(!driver.effects.some((e) => e.effect === 'attach'));
    driver.done().change({ route: ETH });
    driver.effect('attach');
  });
});

describe('duplicates', () => {
  it('D-10 at most three addresses are tried', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).taken(1).taken(2);
    assert.deepEqual(driver.effect('claim').avoid, [address(1), address(2)]);
    driver.taken(3);
    assert.equal(driver.state, 'stopping');
    driver.done();
    assert.equal(driver.state, 'backoff');
    assert.equal(driver.said.filter((r) => r === 'address-duplicate').length, 3);
  });

  it('D-10 an address that another node goes on claiming later is replaced', () => {
    const driver = new Driver().run();
    driver.take({ event: 'contested', clat: address(1) }).take({ event: 'contested', clat: address(1) });
    assert.deepEqual(driver.effect('claim').avoid, [address(1)]);
    driver.claimed(2).done();
    assert.equal(driver.state, 'running');
  });

  it('D-10 one that is claimed while the host is set up is defended right after', () => {
    const driver = new Driver()
      .up()
      .prefixes(offer('eth0', 1))
      .claimed(1)
      .take({ event: 'contested', clat: address(1) });
    assert.equal(driver.state, 'attaching');
    driver.done().effect('defend');
    assert.equal(driver.state, 'running');
  });

  it("somebody else's address is nobody's business", () => {
    assert.equal(new Driver().run().take({ event: 'contested', clat: address(7) }).state, 'running');
  });
});

describe('failures', () => {
  it('forwards where redirecting is refused and that is left to it', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).claimed(1);
    assert.equal(driver.effect('attach').kind, 'redirect');
    driver.failed(REFUSED);
    assert.equal(driver.effect('attach').kind, 'forwarding');
    driver.done();
    assert.equal(driver.state, 'running');
  });

  it('does not forward where the user wants redirecting', () => {
    const driver = new Driver({ route: ETH }, { uplinkMode: 'redirect' }).up().prefixes(offer('eth0', 1)).claimed(1);
    driver.failed(REFUSED);
    assert.equal(driver.state, 'stopping');
  });

  it('an uplink that went away half-way is no failure', () => {
    const driver = new Driver().up().prefixes(offer('eth0', 1)).claimed(1);
    driver.net = { route: null };
    driver.failed();
    assert.equal(driver.state, 'detaching');
  });

  it('the data path is started again after a pause that grows, and is short again after a stable time', () => {
    const driver = new Driver().run();
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      driver.take({ event: 'data-path-failed', failure: FAILURE }).done();
      pauses.push((driver.life.ledger.timerMs ?? 0) - driver.nowMs);
      driver
        .pass(pauses.at(-1) ?? 0)
        .claimed(1)
        .done();
      assert.equal(driver.state, 'running');
    }
    assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, BACKOFF_MAX_MS, BACKOFF_MAX_MS]);
    driver.pass(STABLE_MS).take({ event: 'data-path-failed', failure: FAILURE }).done();
    assert.equal((driver.life.ledger.timerMs ?? 0) - driver.nowMs, 1000);
  });

  it('what another attempt cannot mend ends it', () => {
    const driver = new Driver().run();
    driver.take({ event: 'data-path-failed', failure: { ...FAILURE, isFinal: true } }).done();
    assert.equal(driver.state, 'idle');
  });

  it('a look that fails is made again, and what is in use stays in use', () => {
    const driver = new Driver().run();
    driver.isLooking = false;
    const { ticket } = driver.change({ route: ETH }).effect('look');
    driver.isLooking = true;
    driver.take({ event: 'failed', ticket, failure: FAILURE });
    assert.deepEqual([driver.state, driver.said.at(-1)], ['running', 'network-unreadable']);
    driver.pass(1000);
    assert.equal(driver.state, 'running');
    driver.effect('attach');
  });

  it('up again while everything is undone begins anew after it', () => {
    const driver = new Driver().run().down().up();
    assert.equal(driver.state, 'stopping');
    driver.done();
    assert.equal(driver.state, 'claiming');
  });
});
