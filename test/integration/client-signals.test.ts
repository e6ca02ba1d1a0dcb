// The user insists: a second signal ends the client at once, whatever it is doing, and `cleanup` finishes what it left.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { snapshot, staticNet } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

describe('a second signal', () => {
  it('D-16 ends a client that is stopping, its packet worker included, and cleanup brings the host back', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const program = ['env', `XLAT464_STATE_DIR=${net.stateDir}`, process.execPath, PROGRAM];
    const arguments_ = ['client', '--prefix', '64:ff9b::/96', '--uplink-mode', 'forwarding'];
    const client = await net.host.start([...program, ...arguments_]);
    await waitFor('the client', () => /ready in \d+ ms/.test(client.output()));
    client.child.kill('SIGINT');
    await waitFor('the undo', () => client.output().includes('client-stopping'));
    client.child.kill('SIGINT');
    await waitFor('the end', () => client.hasEnded());
    await net.host.run([...program, 'cleanup']);
    await waitFor(
      'the interface to go',
      async () => (await net.host.runAny(['ip', 'link', 'show', 'clat0'])).code !== 0,
    );
    assert.deepEqual(await snapshot(net.host), before);
  });
});
