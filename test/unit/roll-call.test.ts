// Routers that vanish without a goodbye, on a turned clock: who is asked when, who counts as silent, and what strangers can make of it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { discoveryReport } from '../../src/discovery/report.ts';
import { OVERDUE_MS, ROUND_EVERY_MS } from '../../src/discovery/roll-call.ts';
import { ROUND_MS } from '../../src/discovery/solicitor.ts';
import { text6 } from '../support/addresses.ts';
import { link } from '../support/fake-discovery.ts';
import { Link, offer } from '../support/routed-link.ts';

const A = '2001:db8:a::/96';
const B = '2001:db8:b::/96';
const [ROUTER_A, ROUTER_B] = ['fe80::a', 'fe80::b'];

describe('a router that vanishes without a goodbye', () => {
  it('D-03, D-04, D-05 gives way some 12 s after another one announces its prefix, and has no way back', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    await place.join(ROUTER_B, offer(B));
    assert.equal(place.chosen, A, 'one advertisement proves nothing');
    await place.turn(ROUND_MS - 1);
    assert.equal(place.chosen, A);
    await place.turn(1);
    assert.deepEqual([place.chosen, place.silent], [B, [ROUTER_A]]);
    assert.equal(place.discovery.choice('eth0').reason, 'answered');
    const asked = place.net.solicitedAtMs.length;
    assert.equal(asked, 4, 'one at the start, and three');
    for (let minutes = 0; minutes < 60; minutes++) {
      await place.turn(60_000);
      place.net.ra(offer(B), ROUTER_B);
    }
    assert.deepEqual([place.net.solicitedAtMs.length, place.silent], [asked, [ROUTER_A]], 'that is settled');
    await place.join(ROUTER_A, offer(A));
    await place.turn(3_600_000);
    assert.deepEqual([place.chosen, place.silent], [B, []]);
  });

  it('D-04 a router that is there answers, and keeps its prefix in use', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    const before = place.net.solicitedAtMs.length;
    await place.join(ROUTER_B, { ...offer(B), preference: 1 });
    await place.turn(600_000);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
    assert.equal(place.net.solicitedAtMs.length, before + 1, 'asked once, for all have answered');
  });

  it('D-03 keeps its prefix while no other router has one', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    place.vanish(ROUTER_A);
    await place.join(ROUTER_B, {});
    await place.turn(1000);
    place.discovery.refresh(false);
    await place.turn(ROUND_MS + 5000);
    assert.deepEqual([place.chosen, place.silent], [A, [ROUTER_A]]);
  });

  it('D-04 which said goodbye as a router is asked, and one that was not heard for long as well', async (t) => {
    for (const before of ['goodbye', 'nothing'] as const) {
      const place = new Link(t);
      await place.join(ROUTER_A, offer(A));
      await place.join(ROUTER_B, offer(B));
      await place.turn(100_000);
      assert.equal(place.chosen, A);
      place.vanish(ROUTER_A);
      if (before === 'goodbye') place.net.ra({ lifetimeSeconds: 0 }, ROUTER_A);
      else await place.turn(OVERDUE_MS);
      if (before === 'nothing') place.net.ra(offer(B), ROUTER_B);
      await place.turn(ROUND_MS);
      assert.equal(place.chosen, B, before);
    }
  });

  it('D-05 after a network change that it does not survive gives way without anybody announcing something new', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.join(ROUTER_B, offer(B));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    place.net.present = [link('eth0', ['2001:db8:7::1', 'fe80::10'])];
    place.net.networkChanged();
    await place.turn(ROUND_MS + 1000);
    assert.equal(place.chosen, B);
  });

  it('D-05 after the goodbye of the last default router solicits until one is heard, at ever longer distances', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 3; i++) place.net.ra({ lifetimeSeconds: 0 }, ROUTER_A);
    await place.turn(60_000);
    const asked = place.net.solicitedAtMs.slice(before).map((atMs) => atMs - 100_000);
    assert.deepEqual([asked.slice(0, 4), asked.length], [[0, 4000, 8000, 12_000], 6], `${asked}`);
    await place.join(ROUTER_A, offer(A));
    const heard = place.net.solicitedAtMs.length;
    await place.turn(600_000);
    assert.deepEqual([place.chosen, place.net.solicitedAtMs.length, place.silent], [A, heard, []]);
  });

  it('D-05 asks no more when another default router is heard, though it has no prefix', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    place.vanish(ROUTER_A);
    place.net.ra({ lifetimeSeconds: 0 }, ROUTER_A);
    await place.turn(60_000);
    await place.join(ROUTER_B, {});
    const asked = place.net.solicitedAtMs.length;
    await place.turn(3_600_000);
    assert.deepEqual([place.net.solicitedAtMs.length, place.chosen], [asked, A]);
  });

  it('D-04, D-05 a question that comes up in a round is settled by it', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    place.discovery.refresh(false);
    await place.turn(5000);
    await place.join(ROUTER_B, offer(B));
    await place.turn(ROUND_MS - 5000);
    assert.equal(place.chosen, B);
  });

  it('D-05 a question that is none any more when its time comes is not asked', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.join(ROUTER_B, offer(B, 32));
    await place.turn(20_000);
    place.net.ra(offer('2001:db8:c::/96', 16), ROUTER_B);
    const asked = place.net.solicitedAtMs.length;
    await place.turn(ROUND_EVERY_MS);
    assert.equal(place.net.solicitedAtMs.length, asked);
  });

  it('D-05 failures to send now and then do not end the asking', async (t) => {
    const place = new Link(t);
    const failure = new Error('ENOBUFS');
    let looks = 0;
    // Ten attempts fail, which look at it twice each, and the eleventh does not.
    Object.defineProperty(place.net, 'solicitFailure', { get: () => (looks++ % 21 < 20 ? failure : null) });
    await place.turn(60_000);
    assert.ok(place.net.solicitedAtMs.length >= 4, `${place.net.solicitedAtMs}`);
  });

  it('D-05 switching off and on forgets what was heard, and asks anew', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    place.vanish(ROUTER_A);
    const asked = place.net.solicitedAtMs.length;
    place.discovery.refresh(true);
    assert.deepEqual([place.chosen, place.discovery.candidates('eth0')], ['none', []]);
    assert.equal(place.net.solicitedAtMs.length, asked + 1);
    assert.deepEqual(discoveryReport(place.discovery).interfaces[0]?.routers, []);
    await place.join(ROUTER_B, offer(B));
    assert.equal(place.chosen, B);
  });
});

describe('what silences nobody', () => {
  it('D-05 questions that a stranger raises again and again cost one round a minute', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 600; i++) {
      place.net.ra(offer(`2001:db8:${i.toString(16)}::/96`, 8), 'fe80::bad');
      await place.turn(1000);
    }
    const asked = place.net.solicitedAtMs.slice(before);
    const rounds = asked.filter((atMs, i) => i === 0 || atMs - (asked[i - 1] ?? 0) > ROUND_MS);
    assert.ok(rounds.length <= 600_000 / ROUND_EVERY_MS + 1, `${rounds.length} rounds`);
    assert.ok(asked.length <= 2 * rounds.length, `${asked.length} solicitations`);
    assert.deepEqual([...new Set(place.choices)], ['2001:db8:a::']);
  });

  it('D-05 a question that comes too soon after another one is asked when the minute is over', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    await place.join(ROUTER_B, offer(B));
    await place.turn(20_000);
    place.vanish(ROUTER_A);
    place.vanish(ROUTER_B);
    await place.join('fe80::c', offer('2001:db8:c::/96'));
    await place.turn(30_000);
    assert.equal(place.chosen, A);
    await place.turn(30_000);
    assert.deepEqual([place.chosen, place.silent], ['2001:db8:c::/96', [ROUTER_A, ROUTER_B]]);
  });

  it('D-04 a flood in which its voice may have been lost', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    await place.join(ROUTER_B, offer(B));
    place.net.sockets.get('eth0')?.flooded();
    await place.turn(2 * ROUND_MS);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
  });

  it('D-04 a link on which nobody at all was heard: the first one heard again does not take its place', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.join(ROUTER_B, offer(B));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    place.vanish(ROUTER_B);
    place.discovery.refresh(false);
    await place.turn(ROUND_MS + 60_000);
    assert.deepEqual([place.chosen, place.silent], [A, [ROUTER_A, ROUTER_B]]);
    await place.join(ROUTER_B, offer(B));
    assert.deepEqual([place.chosen, place.silent], [A, []]);
    await place.join(ROUTER_A, offer(A));
    await place.turn(2 * ROUND_MS);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
    const asked = place.net.solicitedAtMs.length;
    for (let minutes = 0; minutes < 10; minutes++) {
      place.net.ra(offer(B), ROUTER_B);
      await place.turn(60_000);
    }
    assert.equal(place.net.solicitedAtMs.length, asked, 'nor is anybody asked again');
  });

  it('D-05 forged goodbyes cost a round a minute', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 600; i++) {
      place.net.ra({ lifetimeSeconds: 0 }, ROUTER_A);
      place.net.ra({}, ROUTER_A);
      await place.turn(1000);
    }
    const asked = place.net.solicitedAtMs.length - before;
    assert.ok(asked <= 11 && place.chosen === A, `${asked} solicitations in ten minutes`);
  });

  it('D-05 one that goes on advertising and never answers costs a round a minute as well', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    const before = place.net.solicitedAtMs.length;
    for (let i = 0; i < 60; i++) {
      place.net.ra(offer(B), 'fe80::bad');
      await place.turn(ROUND_MS + 1000);
    }
    const asked = place.net.solicitedAtMs.length - before;
    assert.ok(asked <= 4 * 14, `${asked} solicitations in 13 minutes`);
  });

  it('D-04 sleep in the middle of a round', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    await place.join(ROUTER_B, offer(B));
    await place.turn(ROUND_MS - 1000);
    place.comeBack(ROUTER_A, offer(A));
    place.net.ra(offer(B), ROUTER_B);
    place.net.clock.jump(8 * 3_600_000);
    await place.turn(2000);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
    await place.turn(2 * ROUND_MS);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
  });

  it('D-05 a round of which nothing could be sent', async (t) => {
    const place = new Link(t);
    await place.join(ROUTER_A, offer(A));
    await place.turn(100_000);
    place.vanish(ROUTER_A);
    place.net.solicitFailure = new Error('ENETUNREACH');
    await place.join(ROUTER_B, offer(B));
    await place.turn(5 * ROUND_MS);
    assert.deepEqual([place.chosen, place.silent], [A, []]);
  });
});

it('D-08 while it is a question which prefix to use, that in use is checked anew', async (t) => {
  const reachable = new Set(['2001:db8:a::']);
  const place = new Link(t, {
    check: { ipv4: 0xc0000201, port: 80 },
    checkConnectivity: (prefix, _target, { clock }, done) =>
      clock.after(50, () => done(reachable.has(text6(prefix.address)))),
  });
  await place.join(ROUTER_A, offer(A));
  await place.turn(100_000);
  reachable.clear();
  reachable.add('2001:db8:b::');
  await place.join(ROUTER_B, offer(B));
  await place.turn(1000);
  assert.equal(place.chosen, B, 'router A still answers, but carries nothing');
});
