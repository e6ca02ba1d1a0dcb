// The user presses Ctrl-C again: at once it is the same wish once more; later, while the end still hangs, it ends the client at once,
// whatever it is doing, and `cleanup` finishes what it left.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { type ClientNet, snapshot, staticNet } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** The program's command line; its `ip` takes no end while the file `hangs` is there. */
function prepare(net: ClientNet) {
  const dir = `${net.set.directory}/bin`;
  const hangs = `${dir}/hangs`;
  mkdirSync(dir);
  const wait = `while [ -e ${hangs} ]; do sleep 0.1; done`;
  writeFileSync(`${dir}/ip`, `#!/bin/sh\n${wait}\nPATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin exec ip "$@"\n`);
  chmodSync(`${dir}/ip`, 0o755);
  const environment = [`XLAT464_STATE_DIR=${net.stateDir}`, `PATH=${dir}:${process.env.PATH}`];
  return { program: ['env', ...environment, process.execPath, PROGRAM], hangs };
}

const CLIENT = ['client', '--prefix', '64:ff9b::/96', '--uplink-mode', 'forwarding'];

const ready = (client: Running) => waitFor('the client', () => /ready in \d+ ms/.test(client.output()));

describe('a second signal', () => {
  it('D-16 right after the first changes nothing: everything is put back', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { program } = prepare(net);
    const before = await snapshot(net.host);
    const client = await net.host.start([...program, ...CLIENT]);
    await ready(client);
    client.child.kill('SIGINT');
    await waitFor('the undo', () => client.output().includes('client-stopping'));
    assert.equal(await client.stop('SIGINT'), 0, client.output());
    assert.match(client.output(), /stopping after SIGINT/);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-16 later ends a client that hangs, its packet worker included, and cleanup brings the host back', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { program, hangs } = prepare(net);
    const before = await snapshot(net.host);
    const client = await net.host.start([...program, ...CLIENT]);
    await ready(client);
    writeFileSync(hangs, '');
    await waitFor('the end', () => {
      client.child.kill('SIGINT'); // an impatient user
      return client.hasEnded();
    });
    assert.equal(client.child.signalCode, 'SIGINT', client.output());
    assert.match(client.output(), /not cleaned up: run "xlat464 cleanup"/);
    rmSync(hangs);
    await net.host.run([...program, 'cleanup']);
    await waitFor(
      'the interface to go',
      async () => (await net.host.runAny(['ip', 'link', 'show', 'clat0'])).code !== 0,
    );
    assert.deepEqual(await snapshot(net.host), before);
  });
});
