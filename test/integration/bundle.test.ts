// The bundle that users start (build/bundle.mjs): what the modules of dist/src do, it does too, from any working directory.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, waitFor } from '../support/netns.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PROGRAM = join(ROOT, 'dist/bundle/xlat464.js');

const CONFIG = `role: translator
prefix: 2001:db8:46::/96
own-ipv4: 192.0.2.254
own-ipv6: 2001:db8:46::c000:2fe
tun:
  name: bundle0
`;

const folder = mkdtempSync(join(tmpdir(), 'x464-bundle-'));
const config = join(folder, 'siit.yaml');
writeFileSync(config, CONFIG);
after(() => rmSync(folder, { recursive: true }));

const xlat464 = (...args: string[]): string => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', cwd: folder });
  assert.deepEqual([status, stderr], [0, ''], args.join(' '));
  return stdout;
};

describe('the bundle', () => {
  before(() => {
    const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'build/bundle.mjs')], { encoding: 'utf8' });
    assert.deepEqual([status, stderr], [0, '']);
  });

  it('prints the version of package.json', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    assert.equal(xlat464('--version'), `xlat464 ${version}\n`);
  });

  it('knows every command, and reads configurations', () => {
    assert.match(xlat464('--help'), /Examples:/);
    assert.equal(xlat464('man'), readFileSync(join(ROOT, 'dist/man/xlat464.1'), 'utf8'));
    assert.match(xlat464('completion', 'bash'), /^complete /m);
    assert.match(xlat464('config', 'check', config), /good \(role translator\)/);
    assert.equal(typeof JSON.parse(xlat464('config', 'schema')), 'object');
  });

  it('translates: it finds its worker and the native addon, answers a ping, and ends cleanly', async (t) => {
    const set = netnsForTest(t);
    const ns = await set.add('bundle');
    const running = await ns.start([process.execPath, PROGRAM, 'translate', '-c', config, '--json'], {
      XLAT464_STATE_DIR: set.directory,
    });
    await waitFor('the translator', () => {
      if (running.hasEnded()) throw new Error(running.output());
      return running.output().includes('"code":"ready"');
    });
    await ns.ip('address add 198.51.100.1/32 dev lo', 'route replace 192.0.2.254/32 dev bundle0 src 198.51.100.1');
    await ns.run(['ping', '-n', '-c', '1', '-W', '5', '192.0.2.254']);
    running.child.kill('SIGTERM');
    await waitFor('its end', () => running.hasEnded());
    assert.match(running.output(), /"code":"translator-stopped"/);
  });

  it('has the licences of what is inside, and no native addon', () => {
    const licences = readFileSync(join(ROOT, 'dist/bundle/LICENSES.txt'), 'utf8');
    for (const name of ['commander', 'ipaddr.js', 'pino', 'yaml', 'zod']) {
      assert.match(licences, new RegExp(`^${name.replace('.', '\\.')} \\d+\\.\\d+\\.\\d+ \\(`, 'm'));
    }
    assert.equal(existsSync(join(ROOT, 'dist/bundle/xlat464.node')), false);
  });
});
