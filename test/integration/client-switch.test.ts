// The command line against a client that really runs: up, down, stop, reload, a second client, and what a killed one leaves.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandResult, netnsForTest, type Running, runAny, waitFor } from '../support/netns.ts';
import { type ClientNet, snapshot, staticNet, UPLINK } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const PREFIX = ['--prefix', '2001:db8:64::/96', '--uplink-mode', 'forwarding'];

/** A host with a client on it. */
interface Host {
  readonly net: ClientNet;
  readonly client: Running;
  /** The host before it. */
  readonly before: readonly string[];
  xlat464(...args: string[]): Promise<CommandResult>;
  start(...args: string[]): Promise<Running>;
}

/** @param more options of the client, for files in a directory */
async function hostWithClient(t: TestContext, more: (directory: string) => string[] = () => []): Promise<Host> {
  const net = await staticNet(netnsForTest(t));
  const before = await snapshot(net.host);
  const command = (args: readonly string[]): string[] => [
    ...['env', `XLAT464_STATE_DIR=${net.stateDir}`, 'LC_ALL=C', process.execPath, PROGRAM],
    ...args,
  ];
  const start = (...args: string[]): Promise<Running> => net.host.start(command(args));
  const client = await start('client', ...PREFIX, ...more(net.set.directory));
  const host = { net, client, before, start, xlat464: (...args: string[]) => net.host.runAny(command(args)) };
  await waitFor('the client', () => {
    if (client.hasEnded()) throw new Error(client.output());
    return client.output().includes('code=client-ready');
  });
  await waitFor('its API', async () => (await host.xlat464('status')).code === 0);
  return host;
}

describe('xlat464 up and down', () => {
  it('D-15, D-16 down puts the host back and says so, up switches on again; both can be said twice', async (t) => {
    const { client, xlat464, net, before } = await hostWithClient(t);
    for (let again = 0; again < 2; again++) {
      const { code, stdout } = await xlat464('down');
      assert.deepEqual([code, stdout], [0, 'down: everything on this host is as it was\n']);
    }
    assert.deepEqual(await snapshot(net.host), before);
    assert.match(
      (await xlat464('status')).stdout,
      /\nState {4}stopped for .* \(client-off\)\n {9}switched off by the user/,
    );
    for (let again = 0; again < 2; again++) {
      const { code, stdout } = await xlat464('up');
      assert.deepEqual([code, stdout], [0, `up: 2001:db8:64::/96 from the configuration on ${UPLINK}\n`]);
    }
    const { isUp, state } = JSON.parse((await xlat464('up', '--json')).stdout);
    assert.deepEqual([isUp, state.reason], [true, 'client-ready']);
    const { isDown } = JSON.parse((await xlat464('down', '--json')).stdout);
    assert.equal(isDown, true);
    assert.equal(await client.stop(), 0, client.output());
  });

  it('up says why it is not up, at once where waiting is in vain, and exits with 1', async (t) => {
    const { net, client, xlat464 } = await hostWithClient(t);
    await xlat464('down');
    await net.host.ip(`addr add 192.0.2.2/24 dev ${UPLINK}`, `route add default via 192.0.2.1 dev ${UPLINK}`);
    const native = await xlat464('up', '--timeout', '60');
    assert.equal(native.code, 1);
    assert.match(
      native.stdout,
      /^not up yet: native IPv4 present on up0 \(native-ipv4\)\nIt comes up when that is gone; started with --force/,
    );
    await xlat464('down');
    await net.host.ip('route del default');
    await net.host.run(['ip', '-6', 'route', 'del', 'default']);
    const lost = await xlat464('up', '--timeout', '0.5');
    assert.equal(lost.code, 1);
    assert.match(lost.stdout, /^not up yet: .* \(uplink-(lost|waiting)\)\n/);
    assert.equal(await client.stop(), 0, client.output());
  });

  it('are not for everybody', async (t) => {
    const { net, client } = await hostWithClient(t);
    await runAny(['chmod', '0755', net.set.directory, net.stateDir]);
    const nobody = ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all'];
    const environment = ['env', `XLAT464_STATE_DIR=${net.stateDir}`];
    for (const command of ['up', 'down', 'stop', 'reload']) {
      const { code, stderr } = await net.host.runAny([...nobody, ...environment, process.execPath, PROGRAM, command]);
      assert.equal(code, 3, command);
      assert.match(stderr, /^xlat464: no permission to use .*client-clat0\.admin\nUse sudo/);
    }
    assert.equal(await client.stop(), 0, client.output());
  });
});

describe('the connectivity check', () => {
  it('D-08 of a configured prefix is in the status', async (t) => {
    const target = ['--connectivity-check', '203.0.113.7:443'];
    const { net, client, xlat464 } = await hostWithClient(t, () => target);
    await waitFor('the first outcome', () => /code=prefix-(un)?reachable/.test(client.output()));
    await xlat464('down');
    // Behind the prefix now is a host that refuses the connection, and so proves that packets come back.
    await net.router.ip('addr add 2001:db8:64::cb00:7107/128 dev lo nodad');
    await xlat464('up');
    await waitFor('an outcome', () => client.output().includes('code=prefix-reachable'));
    assert.match((await xlat464('status')).stdout, /\nPREF64 {3}2001:db8:64::\/96 from the configuration, reachable\n/);
    assert.equal(await client.stop(), 0, client.output());
  });
});

describe('xlat464 stop and reload', () => {
  it('stop ends the client and waits for it', async (t) => {
    const { net, client, xlat464 } = await hostWithClient(t);
    const { code, stdout } = await xlat464('stop');
    assert.deepEqual([code, stdout], [0, 'client-clat0 has ended\n']);
    assert.equal((await net.host.runAny(['ip', 'link', 'show', 'clat0'])).code, 1);
    await waitFor('its end', () => client.hasEnded());
    assert.equal(client.child.exitCode, 0);
  });

  it('reload says what a client does with it, and exits with 1', async (t) => {
    const { client, xlat464 } = await hostWithClient(t);
    const { code, stderr } = await xlat464('reload');
    assert.equal(code, 1);
    assert.match(stderr, /^xlat464: the client reads its settings at its start only; restart it/);
    assert.equal(await client.stop(), 0, client.output());
  });
});

describe('a client that cannot start', () => {
  it('because another one runs says so once, and nothing of the control API', async (t) => {
    const { client, xlat464 } = await hostWithClient(t);
    const { code, stderr } = await xlat464('client', ...PREFIX);
    assert.equal(code, 1);
    assert.equal(stderr.match(/is already running as process/g)?.length, 1, stderr);
    assert.ok(!stderr.includes('control'), stderr);
    assert.equal((await xlat464('status')).code, 0);
    assert.equal(await client.stop(), 0, client.output());
  });

  it('because its interface is taken is told which option names another', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip('link add clat0 type veth peer name clat1');
    const environment = ['env', `XLAT464_STATE_DIR=${net.stateDir}`];
    const { code, stderr } = await net.host.runAny([...environment, process.execPath, PROGRAM, 'client', ...PREFIX]);
    assert.equal(code, 1);
    assert.match(stderr, /--tun NAME/);
  });
});

describe('a client that was killed', () => {
  it('D-16 is told of by status, with what to do, and cleanup removes its sockets, too', async (t) => {
    const { net, client, xlat464 } = await hostWithClient(t);
    client.child.kill('SIGKILL');
    await waitFor('its end', () => client.hasEnded());
    const told = await xlat464('status');
    assert.equal(told.code, 1);
    assert.match(
      told.stderr,
      /no daemon is running; one was, and ended without cleaning up\nRun "sudo xlat464 cleanup"/,
    );
    const { code, stdout } = await xlat464('cleanup');
    assert.equal(code, 0);
    assert.match(stdout, /\nremoved the sockets of client-clat0, which was killed\n$/);
    for (const file of ['client-clat0.sock', 'client-clat0.admin']) assert.ok(!existsSync(join(net.stateDir, file)));
    assert.match((await xlat464('status')).stderr, /no daemon is running\nStart one with/);
    assert.equal((await xlat464('cleanup')).stdout, 'nothing to undo\n');
  });
});

describe('a capture of a client that is switched', () => {
  it('goes on in the same file', async (t) => {
    const host = await hostWithClient(t, (directory) => ['--capture', join(directory, 'switched.pcapng')]);
    const file = join(host.net.set.directory, 'switched.pcapng');
    const ping = (): Promise<unknown> => host.net.host.runAny(['ping', '-c', '1', '-W', '0.1', '198.51.100.7']);
    await ping();
    await host.xlat464('down');
    assert.equal((await host.xlat464('up')).code, 0);
    await ping();
    assert.equal(await host.client.stop(), 0, host.client.output());
    const { stdout } = await runAny(['tshark', '-r', file, '-Y', 'icmp.type == 8 && !(icmp.type == 3)']);
    assert.equal(stdout.trim().split('\n').length, 2, stdout);
  });
});
