// Option 108 (RFC 8925, rule D-14) in the host's own DHCP clients. NetworkManager 1.52.1 and systemd-networkd 257 gave these answers,
// on Debian 13, where a dnsmasq that sent the option made both of them give up IPv4.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { networkManager } from '../../src/platform/linux/network-manager.ts';
import { makeNetworkd } from '../../src/platform/linux/networkd.ts';
import type { Option108Link } from '../../src/platform/option108.ts';
import { scratch } from '../support/control.ts';
import { type Recorded, replay } from '../support/replay.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

const WIRED = 'f1a48097-c79a-3a8f-9e10-c186695bafc0';
const PROPERTY = 'ipv4.dhcp-ipv6-only-preferred';

const nmcli = (args: string, out = '', more: Partial<Recorded> = {}): Recorded => ({
  tool: 'nmcli',
  args,
  out,
  ...more,
});

/** Three active connections, of which one uses DHCP. @param value the property, as `nmcli -g` prints it */
const connections = (value: string): readonly Recorded[] => [
  nmcli('-t -f VERSION general', '1.52.1\n'),
  nmcli(
    '-t -e no -f UUID,DEVICE connection show --active',
    `${WIRED}:up0\n3e0fb0c7-eaa3-4eba-8665-8851c570e407:lo\nbada0dbe-1250-4602-a0fd-e939747de3c7:clat0\n`,
  ),
  nmcli(`-g ipv4.method,${PROPERTY} connection show uuid ${WIRED}`, `auto\n${value}\n`),
  ...['3e0fb0c7-eaa3-4eba-8665-8851c570e407', 'bada0dbe-1250-4602-a0fd-e939747de3c7'].map((uuid) =>
    nmcli(`-g ipv4.method,${PROPERTY} connection show uuid ${uuid}`, 'manual\n-1\n'),
  ),
];

const up0: Option108Link = {
  interfaceName: 'up0',
  program: 'NetworkManager',
  version: '1.52.1',
  profile: WIRED,
  setting: 'default',
  obstacle: null,
};

describe('option 108 by NetworkManager', () => {
  for (const [value, setting] of [
    ['-1', 'default'],
    ['0', 'off'],
    ['1', 'on'],
    ['2', 'auto'],
  ] as const) {
    it(`D-14 ${value} is ${setting}, and nothing is changed by asking`, async (t) => {
      const calls = replay(t, connections(value));
      assert.deepEqual(await networkManager.links(), [{ ...up0, setting }]);
      assert.ok(!calls().some((call) => /modify|reapply/.test(call)), calls().join('\n'));
    });
  }

  for (const [choice, value] of [
    ['on', '1'],
    ['off', '0'],
    ['default', '-1'],
  ] as const) {
    it(`D-14 ${choice} is written to the connection and brought into use`, async (t) => {
      const modify = `connection modify uuid ${WIRED} ${PROPERTY} ${value}`;
      const reapply = 'device reapply up0';
      const reapplied = "Connection successfully reapplied to device 'up0'.\n";
      const calls = replay(t, [nmcli(modify), nmcli(reapply, reapplied)]);
      await networkManager.set(up0, choice);
      assert.deepEqual(calls(), [`nmcli ${modify}`, `nmcli ${reapply}`]);
    });
  }

  it('D-14 an older one cannot be told, and says from which version on', async (t) => {
    replay(t, [
      nmcli('-t -f VERSION general', '1.42.4\n'),
      nmcli('-t -e no -f UUID,DEVICE connection show --active', `${WIRED}:up0\n`),
      nmcli(`-g ipv4.method connection show uuid ${WIRED}`, 'auto\n'),
    ]);
    const [link] = await networkManager.links();
    assert.equal(link?.obstacle, 'it knows option 108 from version 1.52 on');
  });

  it('that does not run has no interfaces', async (t) => {
    const err = 'Error: NetworkManager is not running.\n';
    replay(t, [nmcli('-t -f VERSION general', '1.52.1\n', { err, code: 8 })]);
    assert.deepEqual(await networkManager.links(), []);
  });

  it('that refuses this user is told apart from other failures', async (t) => {
    const modify = `connection modify uuid ${WIRED} ${PROPERTY} 1`;
    const err = "Error: Failed to modify connection 'Wired connection 1': Insufficient privileges\n";
    replay(t, [nmcli(modify, '', { err, code: 1 })]);
    await assert.rejects(networkManager.set(up0, 'on'), { code: 'NOT_PERMITTED' });
  });
});

/** As networkctl 257 lists it, shortened. */
const listed = (file: string, dropIns: readonly string[]): string =>
  `${JSON.stringify({
    Interfaces: [
      { Index: 1, Name: 'lo', Type: 'loopback', AdministrativeState: 'unmanaged', OnlineState: null },
      {
        Index: 2,
        Name: 'up0',
        AdministrativeState: 'configured',
        NetworkFile: file,
        NetworkFileDropins: dropIns,
        RequiredForOnline: true,
      },
      { Index: 8, Name: 'clat0', Kind: 'tun', AdministrativeState: 'unmanaged' },
    ],
    Routes: [],
  })}\n`;

interface Files {
  readonly directory: string;
  readonly file: string;
  readonly dropIn: string;
}

function networkFile(t: TestContext, text = '[Match]\nName=up0\n[Network]\nDHCP=ipv4\n'): Files {
  const directory = scratch(t);
  const file = join(directory, '10-up.network');
  writeFileSync(file, text);
  return { directory, file, dropIn: join(directory, '10-up.network.d', '90-xlat464-option108.conf') };
}

function networkctl(
  t: TestContext,
  { file }: Files,
  dropIns: readonly string[] = [],
  version = '257 (257.13-1~deb13u1)',
) {
  return replay(t, [
    { tool: 'networkctl', args: '--version', out: `systemd ${version}\n+PAM +AUDIT\n` },
    { tool: 'networkctl', args: '--json=short list', out: listed(file, dropIns) },
    { tool: 'networkctl', args: 'reload' },
  ]);
}

describe('option 108 by systemd-networkd', () => {
  it('D-14 is a drop-in of our own, brought into use, and default takes it away', async (t) => {
    const files = networkFile(t);
    const calls = networkctl(t, files);
    const networkd = makeNetworkd(files.directory);
    const [link] = await networkd.links();
    assert.ok(link !== undefined);
    assert.deepEqual([link.interfaceName, link.setting, link.version], ['up0', 'default', '257']);
    await networkd.set(link, 'on');
    assert.match(readFileSync(files.dropIn, 'utf8'), /^# Made by .*\n\[DHCPv4\]\nIPv6OnlyMode=yes\n$/);
    await networkd.set(link, 'off');
    assert.match(readFileSync(files.dropIn, 'utf8'), /\nIPv6OnlyMode=no\n$/);
    await networkd.set(link, 'default');
    await networkd.set(link, 'default');
    assert.ok(!existsSync(join(files.dropIn, '..')));
    assert.equal(calls().filter((call) => call === 'networkctl reload').length, 4);
  });

  it('D-14 the last of its files counts', async (t) => {
    const files = networkFile(t, '[Network]\nDHCP=yes\n[DHCPv4]\nIPv6OnlyMode=yes\nUseDNS=no\n');
    mkdirSync(join(files.dropIn, '..'));
    writeFileSync(files.dropIn, '[DHCPv6]\nIPv6OnlyMode=yes\n[DHCPv4]\n IPv6OnlyMode = off\n');
    networkctl(t, files, [files.dropIn, '/run/nothing/there.conf']);
    assert.equal((await makeNetworkd(files.directory).links())[0]?.setting, 'off');
  });

  it('an interface without DHCP for IPv4 does not count', async (t) => {
    for (const dhcp of ['', 'DHCP=ipv6\n', 'DHCP=no\n']) {
      const files = networkFile(t, `[Match]\nName=up0\n[Network]\n${dhcp}`);
      networkctl(t, files);
      assert.deepEqual(await makeNetworkd(files.directory).links(), []);
    }
  });

  it('D-14 an older one cannot be told', async (t) => {
    const files = networkFile(t);
    networkctl(t, files, [], '252 (252.38-1~deb12u1)');
    assert.match((await makeNetworkd(files.directory).links())[0]?.obstacle ?? '', /from version 255 on/);
  });

  it('that does not run has no interfaces', async (t) => {
    const err =
      'Failed to connect to network service /run/systemd/netif/io.systemd.Network: No such file or directory\n';
    replay(t, [
      { tool: 'networkctl', args: '--version', out: 'systemd 257 (257.13-1~deb13u1)\n' },
      { tool: 'networkctl', args: '--json=short list', err, code: 1 },
    ]);
    assert.deepEqual(await makeNetworkd(scratch(t)).links(), []);
  });
});

describe('xlat464 option108', () => {
  const xlat464 = (t: TestContext, ...args: string[]) => {
    const env = { ...process.env, XLAT464_STATE_DIR: scratch(t) };
    return spawnSync(process.execPath, [PROGRAM, 'option108', ...args], { encoding: 'utf8', env });
  };
  const nothing: readonly Recorded[] = [
    { tool: 'networkctl', args: '--version', code: 1 },
    { tool: 'networkctl', args: '--json=short list', code: 1 },
  ];

  it('D-14 shows who asks, and asks nobody to do anything', (t) => {
    replay(t, [...connections('-1'), ...nothing]);
    const { status, stdout } = xlat464(t);
    assert.equal(status, 0);
    assert.match(stdout, /^up0: option 108 default, by NetworkManager 1\.52\.1\n {2}does what the configuration/);
  });

  it('D-14 is not switched on where no CLAT runs, unless the user insists', (t) => {
    const modify = `connection modify uuid ${WIRED} ${PROPERTY} 1`;
    const calls = replay(t, [...connections('1'), ...nothing, nmcli(modify), nmcli('device reapply up0')]);
    const refused = xlat464(t, 'on');
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /^xlat464: no client runs here, and without a CLAT this host would be without IPv4\n/);
    assert.ok(!calls().some((call) => call.includes('modify')));
    const { status, stdout } = xlat464(t, 'on', '--anyway');
    assert.deepEqual([status, stdout.split('\n')[0]], [0, 'up0: option 108 on, by NetworkManager 1.52.1']);
    assert.ok(calls().includes(`nmcli ${modify}`));
  });

  it('D-14 without anybody to tell says so, and which other clients can', (t) => {
    replay(t, [nmcli('-t -f VERSION general', '', { code: 8 }), ...nothing]);
    assert.match(xlat464(t).stdout, /^No interface gets its IPv4 address from .*\n.*dhcpcd 10/);
    assert.match(xlat464(t, 'status', '--interface', 'up0').stdout, /^up0 does not get its IPv4 address from /);
    const { status, stderr } = xlat464(t, 'off');
    assert.equal(status, 1);
    assert.match(stderr, /^xlat464: No interface gets/);
  });
});
