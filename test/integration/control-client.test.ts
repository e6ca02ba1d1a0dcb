// status against a client that really runs: while it waits for a way, while it translates, and after the way is gone.

import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connectTo } from '../../src/control/client.ts';
import { endpointIn } from '../../src/control/endpoint.ts';
import { netnsForSuite, type Running, waitFor } from '../support/netns.ts';
import { type ClientNet, staticNet, UPLINK } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

describe('the status of a client', () => {
  const set = netnsForSuite();
  let net: ClientNet;
  let client: Running;

  const program = (...args: string[]): string[] => [
    'env',
    `XLAT464_STATE_DIR=${net.stateDir}`,
    process.execPath,
    PROGRAM,
    ...args,
  ];
  const status = async () => {
    const { stdout } = await net.host.runAny(program('status', '--json'));
    return stdout === '' ? undefined : JSON.parse(stdout).status;
  };
  const inState = (name: string) =>
    waitFor(`the state ${name}`, async () => {
      if (client.hasEnded()) throw new Error(client.output());
      const now = await status();
      return now?.state.name === name && now;
    });

  before(async () => {
    net = await staticNet(set);
    client = await net.host.start(program('client', '--prefix', '2001:db8:64::/96'));
  });

  it('has its addresses, its uplink and both MTUs when it runs', async () => {
    const now = await inState('running');
    assert.equal(now.state.reason, 'client-ready');
    assert.equal(now.daemon.name, 'client-clat0');
    assert.deepEqual(now.prefix, { prefix: '2001:db8:64::/96', source: 'configuration', validUntilMs: null });
    assert.equal(now.addresses.ipv4, '192.0.0.1');
    assert.match(now.addresses.ipv6, /^2001:db8:1:/);
    assert.deepEqual([now.uplink.name, now.uplink.mtuBytes], [UPLINK, 1500]);
    assert.deepEqual([now.device.ipv4MtuBytes, now.device.ipv6MtuBytes], [1480, 1500]);
  });

  it('counts what it translates, and shows it on one screen', async () => {
    await net.host.runAny(['ping', '-c', '2', '-i', '0.01', '-W', '0.1', '192.0.2.1']);
    const { stdout, stderr } = await net.host.runAny(program('status'));
    assert.equal(stderr, '');
    assert.match(stdout, /\nIPv4 {5}192\.0\.0\.1 on clat0, MTU 1480\n/);
    assert.match(stdout, new RegExp(`\\nUplink   ${UPLINK} by (redirect|forwarding), MTU 1500`));
    assert.match(stdout, /\nIPv4 → IPv6 .* 2 {11}0 \(0 %\)\n/);
  });

  it('says that it waits and why, when the way is gone, and since when it has it again', async () => {
    const before = (await status()).state.sinceMs;
    await net.host.ip('route del default via 2001:db8:1::1');
    const waiting = await inState('waiting');
    assert.equal(waiting.state.reason, 'uplink-lost');
    assert.equal(waiting.uplink, null);
    assert.ok(waiting.counters !== null);
    await net.host.ip('route add default via 2001:db8:1::1');
    assert.ok((await inState('running')).state.sinceMs > before);
  });

  it('has nothing to reload, and ends by the API as by a signal', async () => {
    const admin = await connectTo(endpointIn(net.stateDir, 'client-clat0'), 'admin', 'test');
    assert.deepEqual(await admin.call('reload', {}), {
      isReloaded: false,
      problems: ['the client reads its settings at its start only; restart it to change them'],
      notes: [],
    });
    await admin.call('stop', {});
    await waitFor('the end of the client', () => client.hasEnded());
    assert.equal(client.child.exitCode, 0);
    assert.equal((await net.host.runAny(program('status'))).code, 1);
  });
});
