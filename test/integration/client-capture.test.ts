// The client with --capture: a file that cannot be made keeps it from starting, one that gets full does not stop it.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { type ClientNet, snapshot, staticNet } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

const program = (net: ClientNet, capture: string): string[] => [
  ...['env', `XLAT464_STATE_DIR=${net.stateDir}`, process.execPath, PROGRAM],
  ...['client', '--prefix', '64:ff9b::/96', '--uplink-mode', 'forwarding', '--capture', capture],
];

describe('the client with --capture', () => {
  it('ends with a sentence and exit code 2 when the file cannot be made, and the host is as before', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const { code, stderr } = await net.host.runAny(program(net, '/nonexistent/x.pcapng'));
    assert.match(stderr, /^xlat464: cannot write \/nonexistent\/x\.pcapng: ENOENT/m);
    assert.equal(code, 2, stderr);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('runs on when the disk is full, says so once, and ends as ever', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const client = await net.host.start(program(net, '/dev/full'));
    await waitFor('the client', () => /ready in \d+ ms/.test(client.output()));
    await waitFor('the end of the capture', () => /capture-failed/.test(client.output()));
    assert.match(client.output(), /the capture ended: cannot write \/dev\/full: ENOSPC/);
    assert.equal(await client.stop(), 0, client.output());
    assert.equal(client.output().match(/ENOSPC/g)?.length, 1, client.output());
    assert.deepEqual(await snapshot(net.host), before);
  });
});
