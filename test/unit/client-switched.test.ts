// A client that is switched before it could start, and what it says of itself then.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startClient } from '../../src/client/client.ts';
import type { ClientEnvironment } from '../../src/client/running-client.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import { XlatError } from '../../src/contract/errors.ts';
import type { Log } from '../../src/contract/reasons.ts';
import type { HostControl, Platform } from '../../src/platform/platform.ts';
import { TurnedClock } from '../support/fake-discovery.ts';
import { waitFor } from '../support/netns.ts';

const CLOSABLE = { close: () => undefined };

/** A host without a network. @param opened when it is this client's to change */
function environment(opened: Promise<void>, said: string[]): ClientEnvironment {
  const host: HostControl = {
    facts: async () => ({ links: [], routes: [], proxies: [], sysctls: new Map(), firewallTables: new Set() }),
    apply: async () => undefined,
    forwardDrops: async () => [],
    defend: () => undefined,
    close: () => undefined,
  };
  const platform: Platform = {
    findUplink: async () => ({ uplink: null, lacks: 'route', why: 'no route' }),
    findLink: async () => null,
    isDuplicate: async () => false,
    watchNetwork: () => CLOSABLE,
    openHost: async () => {
      await opened;
      return host;
    },
  };
  const note = (reason: string): void => void said.push(reason);
  const startDataPlane = async (): Promise<never> => assert.fail('there is no way to start it for');
  const log = { debug: () => undefined, info: note, warn: note, error: note };
  // A clock that stands still: a client that does not end keeps no process alive.
  const clock = new TurnedClock();
  return { platform, startDataPlane, log, clock, stateDir: '', secretDir: '', waitsForUplink: true };
}

const config = clientConfigFromOptions({ prefix: '64:ff9b::/96' });

describe('a client', () => {
  it('D-15 that is switched off before it could start is off, with the reason, until it is switched on', async () => {
    let open: () => void = () => undefined;
    const said: string[] = [];
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    const client = startClient(config, environment(opened, said));
    client.switchOff();
    open();
    await waitFor('the client to be off', () => client.state.state === 'stopped');
    await client.ready;
    const { state } = client;
    assert.ok(state.state === 'stopped');
    assert.equal(state.reason, 'client-off');
    assert.ok(!said.includes('client-failed'), said.join(' '));
    client.switchOn();
    assert.equal(client.state.state, 'waiting');
    await client.stop();
  });

  it('that was switched off ends when it is stopped', async () => {
    const said: string[] = [];
    const client = startClient(config, environment(Promise.resolve(), said));
    await client.ready;
    client.switchOff();
    await waitFor('the client to be off', () => client.state.state === 'stopped');
    let hasEnded = false;
    void client.stop().then(() => {
      hasEnded = true;
    });
    await waitFor('the end', () => hasEnded);
    assert.equal(said.at(-1), 'client-stopped');
  });

  it('D-11 hears that the host slept before it hears what happened after that', async () => {
    const events: string[] = [];
    const clock = new TurnedClock();
    const env = environment(Promise.resolve(), []);
    let changed: () => void = () => undefined;
    const watchNetwork: Platform['watchNetwork'] = (on) => {
      changed = () => on(false);
      return CLOSABLE;
    };
    const debug: Log['debug'] = (_code, fields) => void events.push(String(fields.event));
    const log = { ...env.log, debug };
    const client = startClient(config, { ...env, log, clock, platform: { ...env.platform, watchNetwork } });
    await client.ready;
    events.length = 0;
    clock.jump(60_000);
    changed();
    const heard = events.filter((event) => event !== 'prefixes'); // those are offered anew after sleep
    assert.deepEqual(heard, ['woke', 'network-changed']);
    await client.stop();
  });

  it('whose host is taken fails in all of its promises, and says nothing of its own', async () => {
    const said: string[] = [];
    const taken = Promise.reject(new XlatError('ALREADY_RUNNING', 'start', 'another one runs'));
    const client = startClient(config, environment(taken, said));
    for (const promise of [client.opened, client.ready, client.ended]) {
      await assert.rejects(promise, { code: 'ALREADY_RUNNING' });
    }
    assert.deepEqual(said, ['client-starting']);
  });
});
