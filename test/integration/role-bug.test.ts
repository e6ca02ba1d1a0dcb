// A bug in a role that runs: one line in its log says so, everything on the host is put back, and the process ends with 1.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { lines, said } from '../support/role-log.ts';
import { snapshot, staticNet } from './client-net.ts';
import { gatewayNet, PROGRAM, write } from './gateway-net.ts';
import * as translateNet from './translate-net.ts';

const PLANT = fileURLToPath(new URL('../support/plant-bug.js', import.meta.url));
/** A role with a bug to be. */
const role = (...argv: string[]): string[] => [process.execPath, '--import', PLANT, PROGRAM, ...argv, '--json'];

/** Has it, and waits for the end. */
async function endedByBug(running: Running, signal: NodeJS.Signals): Promise<void> {
  await said(running, 'ready');
  running.child.kill(signal);
  await waitFor('the end', () => running.hasEnded());
  assert.equal(running.child.exitCode, 1, running.output());
  const [line = '', ...more] = lines(running, 'internal-error');
  assert.deepEqual(more, []);
  const { level, text, where } = JSON.parse(line) as Record<string, string>;
  assert.deepEqual([level, text], ['error', 'a bug: a planted bug; everything is put back, then this ends']);
  assert.match(where ?? '', /plant-bug/);
}

describe('a bug that nobody caught', () => {
  for (const signal of ['SIGUSR2', 'SIGWINCH'] as const) {
    const kind = signal === 'SIGUSR2' ? 'thrown' : 'rejected';
    it(`D-15, D-16 ${kind} in a client ends it with 1, and the host is as it was`, async (t) => {
      const net = await staticNet(netnsForTest(t));
      const before = await snapshot(net.host);
      const environment = ['env', `XLAT464_STATE_DIR=${net.stateDir}`];
      const argv = role('client', '--prefix', '64:ff9b::/96', '--uplink-mode', 'forwarding');
      await endedByBug(await net.host.start([...environment, ...argv]), signal);
      assert.deepEqual(await snapshot(net.host), before);
    });
  }

  it('in a translator ends it with 1, and its interface is gone', async (t) => {
    const net = await translateNet.buildNet(netnsForTest(t));
    const file = translateNet.write(net, 'siit.yaml', translateNet.BASE);
    const before = await net.t.run(['ip', 'link', 'show']);
    await endedByBug(await net.t.start(role('translate', '-c', file)), 'SIGUSR2');
    assert.equal(await net.t.run(['ip', 'link', 'show']), before);
  });

  it('in a gateway ends it with 1, and the host is as it was', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const before = await snapshot(net.gateway);
    const file = write(net, 'gateway.yaml', 'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true}\n');
    const environment = ['env', `XLAT464_STATE_DIR=${net.set.directory}/state`];
    await endedByBug(await net.gateway.start([...environment, ...role('gateway', '-c', file)]), 'SIGUSR2');
    assert.deepEqual(await snapshot(net.gateway), before);
  });
});
