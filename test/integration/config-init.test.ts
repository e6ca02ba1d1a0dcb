// `xlat464 config init gateway` on a machine of its own: what it reads, that it needs no privilege, and that it changes nothing.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { type Netns, netnsForSuite } from '../support/netns.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
/** Nobody in particular. */
const UNPRIVILEGED = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--bounding-set=-all'];

describe('config init gateway', () => {
  const set = netnsForSuite();
  let router: Netns;

  const init = (...args: readonly string[]) =>
    router.runAny([...UNPRIVILEGED, process.execPath, PROGRAM, 'config', 'init', 'gateway', ...args]);

  /** Addresses, routes, firewall and forwarding. */
  const state = () =>
    Promise.all(
      [
        ['ip', 'address', 'show', 'permanent'],
        ['ip', '-4', 'route', 'show', 'table', 'all'],
        ['ip', '-6', 'route', 'show', 'table', 'all'],
        ['nft', 'list', 'ruleset'],
        ['sysctl', 'net.ipv4.ip_forward', 'net.ipv6.conf.all.forwarding'],
      ].map((command) => router.run(command)),
    );

  before(async () => {
    router = await set.add('router');
    const [wan, lan] = [await set.add('wan'), await set.add('lan')];
    await set.connect(router, 'eth0', wan, 'p0');
    await set.connect(router, 'eth1', lan, 'p1');
    await router.ip(
      'address add 192.0.2.10/24 dev eth0',
      'address add 2001:db8:1::10/64 dev eth0',
      'address add 2001:db8:2000::1/64 dev eth1',
      'route add default via 192.0.2.1',
      'route add default via 2001:db8:1::1',
    );
  });

  it('writes a file for the machine that check takes as it is, without privilege and without changing anything', async () => {
    const was = await state();
    const { code, stdout, stderr } = await init();
    assert.equal(code, 0, stderr);
    assert.doesNotMatch(stderr, /lan|wan|route/);
    const { lan, wan } = parse(stdout);
    assert.deepEqual([lan, wan], [['eth1'], ['eth0']]);
    assert.match(stdout, /^# eth0: 192\.0\.2\.10\/24, 2001:db8:1::10\/64$/m);
    const file = path.join(set.directory, 'gateway.yaml');
    writeFileSync(file, stdout);
    await router.run([process.execPath, PROGRAM, 'config', 'check', file]);
    assert.deepEqual(await state(), was);
  });

  it('takes the interfaces that are named, and says which there are where one is not', async () => {
    const { stdout } = await init('--lan', 'eth0', '--wan', 'eth1');
    assert.deepEqual(parse(stdout).lan, ['eth0']);
    const { code, stderr } = await init('--lan', 'eth9');
    assert.deepEqual([code, stderr.split('\n')[0]], [2, 'xlat464: this machine has no interface eth9']);
  });

  it('says on standard error what is doubtful, and writes a file all the same', async (t) => {
    await router.ip('route del default via 192.0.2.1', 'route del default via 2001:db8:1::1');
    t.after(() => router.ip('route add default via 192.0.2.1', 'route add default via 2001:db8:1::1'));
    const { code, stdout, stderr } = await init();
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^warning: there is no default route, so wan is left to the one that there will be$/m);
    assert.match(stdout, /^# Look at this: there is no default route/m);
  });

  it('gives the same as JSON', async () => {
    const { role, text, doubts } = JSON.parse((await init('--json')).stdout);
    assert.equal(role, 'gateway');
    assert.equal(parse(text).role, 'gateway');
    assert.ok(Array.isArray(doubts));
  });
});
