// `xlat464 service` with a systemd that really runs: the client under all of the unit's limits, killed, started anew, taken away.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { boot, cannotBoot, MOUNTED } from '../support/systemd.ts';
import { snapshot, staticNet } from './client-net.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = `${MOUNTED}/dist/src/main.js`;
const obstacle = cannotBoot();

describe('xlat464 service', { skip: obstacle ?? false }, () => {
  it('D-16 runs the client with the rights of its unit alone, again after kill -9, and leaves the host as it was', async (t) => {
    const set = netnsForTest(t);
    const net = await staticNet(set);
    const before = await snapshot(net.host);
    const { run, write } = await boot(t, set, net.host);
    const xlat464 = (...args: string[]) => run(process.execPath, PROGRAM, ...args);
    const status = async () => {
      const { stdout } = await xlat464('status', '--json');
      return stdout === '' ? null : JSON.parse(stdout).status;
    };
    const running = (butNot = 0) =>
      waitFor(
        'the client to run',
        async () => {
          const now = await status();
          return now?.state?.name === 'running' && now.daemon.pid !== butNot && now;
        },
        30_000,
      );

    assert.match((await xlat464('service', 'status')).stdout, /^xlat464-client\.service is not installed\n/);
    await write('/etc/xlat464/client.yaml', 'role: client\nprefix: 2001:db8:64::/96\n');
    const installed = await xlat464('service', 'install', '-c', '/etc/xlat464/client.yaml');
    assert.equal(installed.code, 0, installed.stderr);
    assert.match(installed.stdout, /^xlat464-client\.service: active \(running\), process \d+; starts with the host\n/);

    const first = await running();
    assert.equal(first.uplink.kind, 'redirect', 'by BPF, which needs CAP_BPF');
    const rights = (await run('cat', `/proc/${first.daemon.pid}/status`)).stdout;
    // capabilities(7): chown 0, net_admin 12, net_raw 13, bpf 39.
    assert.match(rights, /^CapBnd:\t0000008000003001\nCapAmb:\t0{16}\nNoNewPrivs:\t1\nSeccomp:\t2\n/m);
    const { stdout: log } = await run('journalctl', '--no-pager', '-o', 'cat', '-u', 'xlat464-client');
    assert.ok(!log.includes('control-unavailable') && log.includes('code=client-ready'), log);

    await run('kill', '-9', `${first.daemon.pid}`);
    const second = await running(first.daemon.pid);
    assert.notEqual(second.daemon.pid, first.daemon.pid);
    assert.equal((await xlat464('service', 'install', '-c', '/etc/xlat464/client.yaml')).code, 0, 'again');
    await running(second.daemon.pid);

    const removed = await xlat464('service', 'uninstall');
    assert.deepEqual([removed.code, removed.stdout], [0, 'xlat464-client: stopped and taken away\n']);
    assert.equal((await xlat464('service', 'uninstall')).stdout, 'xlat464-client: there was no such service\n');
    assert.equal((await xlat464('service', 'status')).code, 1);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('runs a translator, which writes its leases, and replaces nobody else’s unit', async (t) => {
    const set = netnsForTest(t);
    const { run, write } = await boot(t, set, await set.add('siit'));
    const xlat464 = (...args: string[]) => run(process.execPath, PROGRAM, ...args);
    const config = [
      ...['role: translator', 'prefix: 2001:db8:64::/96', 'own-ipv4: 192.0.2.1', 'own-ipv6: 2001:db8:64::c000:201'],
      ...['dynamic-pool:', '  ranges: [198.51.100.0/24]', '  lease-file: /srv/leases/pool.json', ''],
    ];
    await write('/etc/xlat464/siit.yaml', config.join('\n'));
    await run('mkdir', '/srv/leases');
    const install = ['service', 'install', '--role', 'translate', '-c', '/etc/xlat464/siit.yaml'];
    await write('/etc/systemd/system/xlat464-translate.service', '[Service]\nExecStart=/bin/true\n');
    const refused = await xlat464(...install);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /xlat464-translate\.service was not made by this program\nMove it away/);
    await run('rm', '/etc/systemd/system/xlat464-translate.service');

    const { code, stderr } = await xlat464(...install);
    assert.equal(code, 0, stderr);
    await waitFor('its API', async () => (await xlat464('status')).code === 0, 30_000);
    assert.equal((await xlat464('reload')).code, 0);
    assert.equal((await run('systemctl', 'reload', 'xlat464-translate')).code, 0);
    assert.equal((await xlat464('service', 'uninstall', '--role', 'translate')).code, 0);
    assert.match((await run('cat', '/srv/leases/pool.json')).stdout, /"version":1/);
  });

  it('without systemd says what to do instead', async (t) => {
    const ns = await netnsForTest(t).add('none');
    const hide =
      'if [ -d /run/systemd ]; then mount -t tmpfs tmpfs /run/systemd; fi; mount --bind "$0" /mnt; exec "$@"';
    const without = ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', hide, ROOT];
    for (const command of ['install', 'uninstall', 'status']) {
      const { code, stderr } = await ns.runAny([
        ...without,
        process.execPath,
        '/mnt/dist/src/main.js',
        'service',
        command,
      ]);
      assert.equal(code, 1);
      assert.match(stderr, /^xlat464: systemd does not run on this host\nHave the service manager of this host run/);
    }
  });

  it('a bad configuration is refused before anything is installed', async (t) => {
    const set = netnsForTest(t);
    const { run, write } = await boot(t, set, await set.add('bad'));
    await write('/etc/xlat464/client.yaml', 'role: client\nprefix: 1.2.3.4\n');
    const install = ['service', 'install', '-c', '/etc/xlat464/client.yaml'];
    const { code, stderr } = await run(process.execPath, PROGRAM, ...install);
    assert.equal(code, 2);
    assert.match(stderr, /client\.yaml:2:9: prefix: "1\.2\.3\.4" is not an IPv6 address/);
    assert.ok(!(await run('ls', '/etc/systemd/system')).stdout.includes('xlat464-'));
  });
});
