// The systemd unit as text: what each role gets, and that no path of the user's can say something else than itself.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parseStatus } from '../../src/platform/linux/systemd.ts';
import { MARK, serviceUnit, unitName } from '../../src/platform/linux/systemd-unit.ts';
import type { ServiceSpec } from '../../src/platform/service.ts';
import { scratch } from '../support/control.ts';

const CLIENT: ServiceSpec = {
  role: 'client',
  config: null,
  node: '/usr/bin/node',
  program: '/opt/xlat464/xlat464.js',
  writes: [],
};

/** The values of a key, in their order. */
const values = (unit: string, key: string): string[] =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);

describe('the systemd unit', () => {
  it('of a client waits for its network, cleans up whatever ended it, and is not started again for what stays wrong', () => {
    const unit = serviceUnit(CLIENT);
    assert.ok(unit.startsWith(MARK));
    const options = '--max-semi-space-size=1 --v8-pool-size=1';
    assert.deepEqual(values(unit, 'ExecStart'), [`/usr/bin/node ${options} /opt/xlat464/xlat464.js client --wait`]);
    assert.deepEqual(values(unit, 'Environment'), ['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=2']);
    assert.deepEqual(values(unit, 'ExecStopPost'), ['/usr/bin/node /opt/xlat464/xlat464.js cleanup']);
    const verbose = serviceUnit({ ...CLIENT, logging: ['--verbose', 'discovery,host'] });
    assert.match(values(verbose, 'ExecStart')[0] ?? '', / client --wait --verbose discovery,host$/);
    assert.deepEqual(values(unit, 'RestartPreventExitStatus'), ['2 3']);
    assert.deepEqual(values(unit, 'ExecReload'), [], 'without a file there is nothing to read again');
    const withFile = serviceUnit({ ...CLIENT, config: '/etc/xlat464/client.yaml' });
    assert.deepEqual(values(withFile, 'ExecReload'), ['kill -HUP $MAINPID']);
  });

  it('gives each role its rights and no other', () => {
    const rights = 'CAP_NET_ADMIN CAP_NET_RAW CAP_BPF CAP_CHOWN';
    assert.deepEqual(values(serviceUnit(CLIENT), 'CapabilityBoundingSet'), [rights]);
    const gateway = serviceUnit({ ...CLIENT, role: 'gateway', config: '/etc/xlat464/gateway.yaml' });
    assert.deepEqual(values(gateway, 'CapabilityBoundingSet'), [`${rights} CAP_NET_BIND_SERVICE`]);
    for (const key of ['MemoryDenyWriteExecute', 'PrivateDevices', 'ProtectKernelTunables', 'ProtectProc']) {
      assert.deepEqual(values(gateway, key), [], key);
    }
  });

  it('of a translator reloads, writes where its leases are, and has nothing to clean up', () => {
    const unit = serviceUnit({ ...CLIENT, role: 'translate', config: '/etc/xlat464/siit.yaml', writes: ['/srv/100%'] });
    assert.deepEqual(values(unit, 'ExecReload'), ['kill -HUP $MAINPID']);
    assert.deepEqual(values(unit, 'ExecStopPost'), []);
    assert.deepEqual(values(unit, 'ReadWritePaths'), ['-/srv/100%%']);
  });

  it('sees home directories only where its program or its file is in one, and never writes there', () => {
    assert.deepEqual(values(serviceUnit(CLIENT), 'ProtectHome'), ['yes']);
    for (const more of [{ node: '/root/.nvm/node' }, { program: '/home/a/x.js' }, { config: '/home/a/client.yaml' }]) {
      assert.deepEqual(values(serviceUnit({ ...CLIENT, ...more }), 'ProtectHome'), ['read-only']);
    }
  });

  it('keeps blanks, quotes, specifiers and variables of paths as they are', () => {
    const config = '/etc/a b/"c"/%n/$HOME/d\\e.yaml';
    const [command = ''] = values(serviceUnit({ ...CLIENT, config }), 'ExecStart');
    assert.ok(command.endsWith(String.raw` client --wait -c "/etc/a b/\"c\"/%%n/$$HOME/d\\e.yaml"`), command);
  });

  it('is what systemd-analyze takes without a word', (t) => {
    const config = '/etc/xlat464/a b/%n.yaml';
    for (const role of ['client', 'gateway', 'translate'] as const) {
      const file = join(scratch(t), unitName(role));
      const unit = serviceUnit({ ...CLIENT, role, config, node: process.execPath, program: process.execPath });
      // The manual page is installed elsewhere.
      writeFileSync(file, unit.replace(/^Documentation=.*\n/m, ''));
      const { stderr, status } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
      assert.deepEqual([stderr, status], ['', 0]);
    }
  });
});

describe('the status of a service', () => {
  it('is read from what systemctl show says', () => {
    const text = 'MainPID=165\nLoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\n';
    assert.deepEqual(parseStatus('x.service', `${text}FragmentPath=/etc/systemd/system/x.service\n`), {
      name: 'x.service',
      isInstalled: true,
      isEnabled: true,
      state: 'active (running)',
      isRunning: true,
      pid: 165,
      file: '/etc/systemd/system/x.service',
    });
    const absent =
      'MainPID=0\nLoadState=not-found\nActiveState=inactive\nSubState=dead\nUnitFileState=\nFragmentPath=\n';
    const { isInstalled, pid, file } = parseStatus('x.service', absent);
    assert.deepEqual([isInstalled, pid, file], [false, null, null]);
  });
});
