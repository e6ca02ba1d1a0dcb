// The log of a role as a user gets it, from the bundle: --verbose shows the details of the parts that were asked for, of the others what
// the level lets through.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { sendRa } from '../support/ra-sender.ts';
import { lines, said } from '../support/role-log.ts';
import { bareNet, ROUTER_LINK, UPLINK } from './client-net.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bundle/xlat464.js');

interface Line {
  readonly part: string;
  readonly level: string;
  readonly code: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

const logOf = (running: Running): Line[] =>
  running
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

const CONFIG = `role: translator
prefix: 2001:db8:46::/96
own-ipv4: 192.0.2.254
own-ipv6: 2001:db8:46::c000:2fe
tun:
  name: log0
`;

before(() => {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'build/bundle.mjs')], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
});

describe('the log of a role', () => {
  it('D-15 has the details of the parts that --verbose names, and of the others what --log-level says', async (t) => {
    const set = netnsForTest(t);
    const ns = await set.add('log');
    const config = join(set.directory, 'siit.yaml');
    writeFileSync(config, CONFIG);
    const environment = { XLAT464_STATE_DIR: set.directory };
    const options = ['--json', '--log-level', 'error', '--verbose', 'host,control'];
    const running = await ns.start([process.execPath, PROGRAM, 'translate', '-c', config, ...options], environment);
    await said(running, 'command-ran');
    const command = ['env', `XLAT464_STATE_DIR=${set.directory}`, process.execPath, PROGRAM];
    await waitFor('its API', async () => (await ns.runAny([...command, 'status'])).code === 0);
    const refused = await ns.runAny([...command, 'up', '--name', 'translator-log0']);
    assert.equal(refused.code, 2);
    await said(running, 'control-closed');
    running.child.kill('SIGTERM');
    await waitFor('its end', () => running.hasEnded());
    const log = logOf(running);
    assert.deepEqual([...new Set(log.map(({ part }) => part))].sort(), ['control', 'host']);
    const ran = log.find(({ code }) => code === 'command-ran');
    assert.match(ran?.text ?? '', /^ip -batch - << link set dev log0 .*; link set dev log0 up/);
    assert.deepEqual([typeof ran?.ms, ran?.ok, ran?.level], ['number', true, 'debug']);
    assert.ok(log.some(({ code, access }) => code === 'control-connected' && access === 'admin'));
  });

  it('D-15 tells step by step how a client came to its prefix, its address and its interface', async (t) => {
    const net = await bareNet(netnsForTest(t));
    await net.router.sysctl('net/ipv6/conf/all/forwarding', '1');
    await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(`addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`, 'route add default via 2001:db8:1::1');
    await waitFor('a link-local address', async () =>
      /inet6 fe80/.test(await net.router.run(['ip', '-6', 'address', 'show', 'dev', ROUTER_LINK, '-tentative'])),
    );
    const command = [process.execPath, PROGRAM, 'client', '--json', '--verbose', '--uplink-mode', 'forwarding'];
    const running = await net.host.start(command, { XLAT464_STATE_DIR: net.stateDir });
    await said(running, 'link-watched');
    const order = { device: ROUTER_LINK, pref64: [{ prefix: '64:ff9b::/96', lifetimeSeconds: 1800 }], rdnss: [] };
    await sendRa(net.router, order);
    await said(running, 'client-ready');
    const heard = JSON.parse(await said(running, 'router-heard')) as Line;
    assert.deepEqual([heard.part, heard.pref64, heard.interface], ['discovery', '64:ff9b::/96', UPLINK]);
    const steps = logOf(running).filter(({ code }) => code === 'lifecycle-step');
    assert.ok(steps.some(({ text }) => /^prefixes, 1 on offer → /.test(text)));
    assert.ok(steps.some(({ text }) => /^claimed #\d+ → attaching: (.*, )?attach #\d+/.test(text)));
    for (const code of ['setting-written', 'journal-written', 'datapath-started']) await said(running, code);
    const before = lines(running, 'router-heard').length;
    for (let again = 0; again < 3; again++) await sendRa(net.router, order);
    running.child.kill('SIGTERM');
    await waitFor('its end', () => running.hasEnded());
    assert.equal(lines(running, 'router-heard').length, before, 'the same once more is no news');
    assert.equal(lines(running, 'datapath-ended').length, 1);
  });
});
