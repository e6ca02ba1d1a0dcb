// A host that cannot be put back, because one of its tools fails: `down` leaves the client off and says what is the matter, another
// `down` mends it, and `stop` ends with 1.

import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { said } from '../support/role-log.ts';
import { snapshot, staticNet } from './client-net.ts';
import { PROGRAM } from './gateway-net.ts';

/** `ip`, which deletes nothing while a file is there. */
const ipThatFails = (flag: string): string => `#!/bin/sh
case "$*" in *del*) [ -e ${flag} ] && { echo 'no such luck' >&2; exit 2; } ;; esac
PATH=/usr/sbin:/sbin:/usr/bin:/bin exec ip "$@"
`;

describe('a client whose host cannot be put back', () => {
  it('D-15, D-16 is down and says so, by another down all is well, and stop ends with 1', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { directory } = net.set;
    const flag = `${directory}/broken`;
    writeFileSync(`${directory}/ip`, ipThatFails(flag), { mode: 0o755 });
    const before = await snapshot(net.host);
    const environment = ['env', `XLAT464_STATE_DIR=${net.stateDir}`, `PATH=${directory}:${process.env.PATH}`];
    const program = [...environment, process.execPath, PROGRAM];
    const client = ['client', '--prefix', '64:ff9b::/96', '--uplink-mode', 'forwarding', '--json'];
    const running = await net.host.start([...program, ...client]);
    await said(running, 'ready');
    writeFileSync(flag, '');
    const down = await net.host.runAny([...program, 'down']);
    assert.equal(down.code, 1, running.output());
    assert.match(
      down.stdout,
      /^down, but \d+ setting\(s\) could not be put back \(host-trouble\); "xlat464 down" tries again/,
    );
    assert.match((await net.host.runAny([...program, 'status'])).stdout, /host-trouble/);
    assert.equal(running.hasEnded(), false);
    rmSync(flag);
    const again = await net.host.runAny([...program, 'down']);
    assert.equal(again.stdout, 'down: everything on this host is as it was\n');
    assert.deepEqual(await snapshot(net.host), before);

    assert.equal((await net.host.runAny([...program, 'up'])).code, 0);
    writeFileSync(flag, '');
    running.child.kill('SIGTERM');
    await waitFor('the end', () => running.hasEnded());
    assert.equal(running.child.exitCode, 1, running.output());
    assert.match(running.output(), /could not be put back/);
    rmSync(flag);
    await net.host.run([...program, 'cleanup']);
    assert.deepEqual(await snapshot(net.host), before);
  });
});
