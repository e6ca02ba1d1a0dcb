// A client that is switched before it could start, and what it says of itself then.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startClient } from '../../src/client/client.ts';
import type { ClientEnvironment } from '../../src/client/running-client.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import { XlatError } from '../../src/contract/errors.ts';
import type { HostControl, Platform } from '../../src/platform/platform.ts';

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
  return { platform, startDataPlane, log, stateDir: '', secretDir: '', waitsForUplink: true };
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
    await client.ready;
    const { state } = client;
    assert.ok(state.state === 'stopped');
    assert.equal(state.reason, 'client-off');
    assert.ok(!said.includes('client-failed'), said.join(' '));
    client.switchOn();
    assert.equal(client.state.state, 'waiting');
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
