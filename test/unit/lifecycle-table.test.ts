// States × events: every pair, by what it leads to. The table here is the diagram of core/lifecycle/state.ts once more, by hand.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClatStateName } from '../../src/core/lifecycle/effect.ts';
import type { ClatEvent, ClatEventName } from '../../src/core/lifecycle/event.ts';
import { step } from '../../src/core/lifecycle/step.ts';
import { TABLE } from '../../src/core/lifecycle/table.ts';
import { address, type Driver, FAILURE, IN_STATE, offer, viewOf } from '../support/lifecycle.ts';

type Row = Partial<Record<ClatEventName, ClatStateName>>;

/** Where each event leads. What is left out leads nowhere. `seen` finds the network as it was, `timer` comes when it was set for. */
const LEADS: Readonly<Record<ClatStateName, Row>> = {
  idle: { up: 'waiting' },
  waiting: { down: 'stopping', 'data-path-failed': 'stopping' },
  claiming: { down: 'stopping', claimed: 'attaching', failed: 'doubting', 'data-path-failed': 'stopping' },
  attaching: { down: 'stopping', done: 'running', failed: 'doubting', 'data-path-failed': 'stopping' },
  running: { down: 'stopping', 'data-path-failed': 'stopping', woke: 'moving' },
  moving: { down: 'stopping', claimed: 'attaching', failed: 'running', 'data-path-failed': 'stopping' },
  doubting: { down: 'stopping', seen: 'stopping', 'data-path-failed': 'stopping' },
  detaching: { down: 'stopping', done: 'waiting', failed: 'stopping', 'data-path-failed': 'stopping' },
  stopping: { done: 'idle', failed: 'idle' },
  backoff: { up: 'waiting', down: 'idle', timer: 'waiting' },
};

/** An event of each name, as it may come to a driver in its state. */
function eventFor(name: ClatEventName, driver: Driver): ClatEvent {
  const { ticket } = driver;
  switch (name) {
    case 'prefixes':
      return { event: name, candidates: driver.life.world.candidates };
    case 'seen': {
      const { lookTicket, candidates } = driver.life.world;
      const targets = candidates.map((candidate) => ({ candidate, interfaceName: candidate.interfaceName }));
      return { event: name, ticket: lookTicket ?? -1, view: viewOf(driver.net, targets) };
    }
    case 'claimed':
    case 'taken':
      return { event: name, ticket, clat: address(9) };
    case 'done':
      return { event: name, ticket };
    case 'failed':
      return { event: name, ticket: driver.state === 'doubting' ? -1 : ticket, failure: FAILURE };
    case 'data-path-failed':
      return { event: name, failure: FAILURE };
    case 'contested':
      return { event: name, clat: address(1) };
    case 'woke':
      return { event: name, sleptMs: 60_000 };
    case 'up':
    case 'down':
    case 'network-changed':
    case 'timer':
      return { event: name };
    default:
      return name satisfies never;
  }
}

describe('each state handles each event', () => {
  const states = Object.keys(LEADS) as ClatStateName[];
  const events = Object.keys(TABLE.idle) as ClatEventName[];
  for (const state of states) {
    for (const name of events) {
      const next = LEADS[state][name] ?? state;
      it(`${state}: ${name} ${next === state ? 'leads nowhere' : `leads to ${next}`}`, () => {
        const driver = IN_STATE[state]();
        assert.equal(driver.state, state);
        if (name === 'timer') driver.nowMs = Math.max(driver.nowMs, driver.life.ledger.timerMs ?? 0);
        const event = eventFor(name, driver);
        const { life, reason } = step(driver.life, event, driver.nowMs);
        assert.equal(life.state.state, next);
        assert.notEqual(reason, '');
      });
    }
  }

  it('a result that nobody waits for changes nothing', () => {
    for (const state of states) {
      const driver = IN_STATE[state]();
      const results: readonly ClatEvent[] = [
        { event: 'claimed', ticket: 0, clat: address(1) },
        { event: 'taken', ticket: 0, clat: address(1) },
        { event: 'done', ticket: 0 },
        { event: 'failed', ticket: 0, failure: FAILURE },
        { event: 'seen', ticket: 0, view: viewOf({ route: null }, []) },
      ];
      for (const event of results) {
        const { life, effects } = step(driver.life, event, driver.nowMs);
        assert.deepEqual(life, driver.life, `${state}: ${event.event}`);
        assert.deepEqual(effects, []);
      }
    }
  });

  it('a step changes nothing of what it was given', () => {
    for (const state of states) {
      const driver = IN_STATE[state]();
      const before = structuredClone(driver.life);
      step(driver.life, { event: 'prefixes', candidates: [offer('eth0', 2)] }, driver.nowMs);
      step(driver.life, { event: 'woke', sleptMs: 1 }, driver.nowMs + 1e9);
      step(driver.life, { event: 'down' }, driver.nowMs);
      assert.deepEqual(driver.life, before);
    }
  });
});
