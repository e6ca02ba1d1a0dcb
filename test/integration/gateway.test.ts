// The gateway as an operator runs it: three lines of configuration, a host that learns everything by router advertisement, and
// what status, sessions, bindings and dns say meanwhile.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { GatewayStatus, Session } from '../../src/contract/gateway.ts';
import type { Status } from '../../src/contract/status.ts';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { lines, said } from '../support/role-log.ts';
import {
  GATEWAY,
  gatewayNet,
  hasAddress,
  hello,
  json,
  onHost,
  startGateway,
  WEB,
  WEB_IPV4,
  write,
  xlat464,
} from './gateway-net.ts';

/** The servers of the test's internet have documentation addresses. */
const THREE_LINES = 'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true}\n';

describe('xlat464 gateway', () => {
  it('R-01, S-02, N-13 of three lines makes a network in which an IPv6-only host opens an IPv4-only site', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    const address = await hasAddress(net);
    assert.equal(await hello(net), `hello 203.0.113.2 from ${WEB_IPV4}`);
    assert.match(await hello(net, `http://[64:ff9b::${WEB_IPV4}]/`), /^hello 203\.0\.113\.2/);

    const { nat64, dns64, advertise } = await waitFor('both sessions in the status', async () => {
      const { status } = await json(net, 'status');
      const gateway = (status as Status).gateway as GatewayStatus;
      return (gateway.nat64?.openedSessions ?? 0) >= 2 ? gateway : undefined;
    });
    assert.ok(nat64 !== null && dns64 !== null);
    assert.ok(dns64.listen.includes(`[${GATEWAY}]:53`), JSON.stringify(dns64));
    assert.deepEqual(advertise[0]?.pref64, ['64:ff9b::/96']);

    const { sessions } = await json(net, 'sessions', '--kind', 'nat64', '--remote', `64:ff9b::${WEB_IPV4}`);
    const found = sessions as { host: { address: string }; remote: { address: string; port: number } }[];
    assert.deepEqual(
      [...new Set(found.map(({ host, remote }) => `${host.address} ${remote.address} ${remote.port}`))],
      [`${address} ${WEB_IPV4} 80`],
    );
    const screen = await xlat464(net, 'status');
    assert.doesNotMatch(screen.stdout, /martian-source/, 'the kernel says nothing on the interface itself');
    assert.match(screen.stdout, /^Pool +masquerade: 10\.64\.46\.0-10\.64\.46\.15 tcp,udp 1024-65535/m);
    assert.ok(
      screen.stdout.split('\n').every((line) => line.length <= 80),
      screen.stdout,
    );
    assert.equal(await gateway.stop(), 0, gateway.output());
  });

  it('S-02 `dns query` tells step by step how an answer comes about', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    const { steps, answer, isSynthetic } = await json(net, 'dns', 'query', WEB);
    assert.equal(isSynthetic, true);
    assert.ok((steps as unknown[]).length >= 3, JSON.stringify(steps));
    assert.match((answer as string[])[0] ?? '', /AAAA 64:ff9b::cb00:710a$/);
    const { stdout } = await xlat464(net, 'dns', 'query', 'both.lab.example');
    assert.match(stdout, /2001:db8:2::2/);
    assert.match(stdout, /NOERROR, 1 record$/m);
    assert.match((await xlat464(net, 'dns', 'query', 'a..b')).stderr, /^xlat464: /);
  });

  it('N-09 opens and closes a port from outside at run time', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const config = 'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true, pool: [203.0.113.2 61001-65535]}\n';
    await startGateway(net, write(net, 'gateway.yaml', config));
    const address = await hasAddress(net);
    await net.host.start(['socat', 'TCP6-LISTEN:8080,reuseaddr,fork', 'SYSTEM:echo inside']);
    const ends = ['tcp', '203.0.113.2:62000', `[${address}]:8080`];
    const reach = (): Promise<string> =>
      net.internet.runAny(['socat', '-T2', 'STDIO', 'TCP4:203.0.113.2:62000,connect-timeout=2']).then((r) => r.stdout);

    assert.equal((await xlat464(net, 'bindings', 'add', ...ends)).code, 0);
    assert.equal(await reach(), 'inside\n');
    const { bindings } = await json(net, 'bindings', 'list', '--static');
    assert.deepEqual(bindings, [
      {
        protocol: 'tcp',
        isStatic: true,
        host: { address, port: 8080 },
        mapped: { address: '203.0.113.2', port: 62000 },
        sessions: 1,
      },
    ]);
    assert.match((await xlat464(net, 'bindings', 'add', ...ends)).stderr, /is open already/);
    assert.equal((await xlat464(net, 'bindings', 'remove', ...ends)).code, 0);
    assert.equal(await reach(), '');
    assert.match((await xlat464(net, 'bindings', 'remove', ...ends)).stderr, /is not open/);
    const kernels = await xlat464(net, 'bindings', 'add', 'tcp', '203.0.113.2:22', `[${address}]:22`);
    assert.match(
      kernels.stderr,
      /tcp port 22 of 203\.0\.113\.2 stays with this router.*\nAdd "203\.0\.113\.2 tcp 22" to nat64\.pool/,
    );
    const strange = await xlat464(net, 'bindings', 'add', 'tcp', '198.51.100.1:22', `[${address}]:22`);
    assert.match(strange.stderr, /packets for 198\.51\.100\.1 do not come to the NAT64/);
  });
});

describe('xlat464 gateway of a longer file', () => {
  it('O-02 masquerades IPv6, and lists the kernel’s sessions beside its own', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    await net.internet.ip('addr add 2001:db8:f::1/64 dev net0 nodad');
    await net.gateway.ip('addr add 2001:db8:f::2/64 dev wan0 nodad');
    await startGateway(net, write(net, 'gateway.yaml', `${THREE_LINES}nat66: [{source: "2001:db8:1::/64"}]\n`));
    const address = await hasAddress(net);
    await net.host.run(['ping', '-c', '1', '-W', '3', '2001:db8:f::1']);
    await net.host.run(['ping', '-c', '1', '-W', '3', `64:ff9b::${WEB_IPV4}`]);
    const { sessions, notes } = await json(net, 'sessions', '--proto', 'icmp', '--host', '2001:db8:1::/64');
    assert.deepEqual(notes, []);
    const found = (sessions as Session[]).map(({ kind, host, mapped }) => [kind, host.address, mapped.address]);
    assert.deepEqual(found, [
      ['nat66', address, '2001:db8:f::2'],
      ['nat64', address, found.at(-1)?.[2]],
    ]);
  });

  it('answers metrics, and each part can be off', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const config = (...lines: string[]): string =>
      write(net, 'gateway.yaml', ['role: gateway', 'lan: [lan0]', ...lines, ''].join('\n'));
    const gateway = await startGateway(
      net,
      config('metrics: {}', 'nat64: none', 'dns64: {prefixes: ["64:ff9b::/96"]}', 'advertise: none'),
    );
    const metrics = (): Promise<string> => net.gateway.run(['curl', '-sSg', 'http://[::1]:9464/metrics']);
    assert.doesNotMatch(await metrics(), /nat64|xlat464_ra/);
    config('metrics: {}', 'dns64: none', 'advertise: {max-interval: 10s}');
    gateway.child.kill('SIGHUP');
    await said(gateway, 'gateway-reloaded');
    await said(gateway, 'advertising');
    const page = await metrics();
    assert.match(page, /^xlat464_nat64_sessions 0$/m);
    assert.match(page, /^xlat464_ra_advertising\{interface="lan0"\} 1$/m);
    assert.doesNotMatch(page, /xlat464_dns/);
    config('dns64: none');
    gateway.child.kill('SIGHUP');
    await said(gateway, 'gateway-reloaded', 2);
    await assert.rejects(metrics());
  });

  it('O-04 translates nothing that comes from outside the LAN', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    await net.internet.ip('addr add 2001:db8:f::1/64 dev net0 nodad', 'route add 64:ff9b::/96 via 2001:db8:f::2');
    await net.gateway.ip('addr add 2001:db8:f::2/64 dev wan0 nodad');
    const file = write(net, 'gateway.yaml', THREE_LINES);
    const gateway = await startGateway(net, file);
    const ping = ['ping', '-c', '1', '-W', '1', `64:ff9b::${WEB_IPV4}`];
    assert.equal((await net.internet.runAny(ping)).code, 1);
    write(net, 'gateway.yaml', `${THREE_LINES.trimEnd().slice(0, -1)}, serve-outside: true}\n`);
    gateway.child.kill('SIGHUP');
    await said(gateway, 'gateway-reloaded');
    assert.equal((await net.internet.runAny(ping)).code, 0);
  });
});

describe('xlat464 gateway on SIGHUP and when its machine changes', () => {
  it('N-12 takes another configuration without losing a session', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const file = write(net, 'gateway.yaml', THREE_LINES);
    const gateway = await startGateway(net, file);
    await hasAddress(net);
    const url = `http://${WEB}/bytes/400000000`;
    const download = onHost(
      net,
      'curl',
      '-sS',
      '-o',
      '/dev/null',
      '--limit-rate',
      '100M',
      '-w',
      '%{size_download}',
      url,
    );
    await waitFor('the session of the download', async () => {
      const { total } = await json(net, 'sessions', '--kind', 'nat64', '--state', 'established');
      return Number(total) > 0 ? true : undefined;
    });
    write(
      net,
      'gateway.yaml',
      'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true, filtering: address-dependent}\ndns64: {reverse: forward}\n',
    );
    gateway.child.kill('SIGHUP');
    await said(gateway, 'gateway-reloaded');
    const { stdout, stderr } = await download;
    assert.equal(stdout, '400000000', stderr);
  });

  it('N-12 says how many bindings another pool has no room for', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    await hasAddress(net);
    assert.match(await hello(net), /^hello/);
    const { total } = await json(net, 'bindings', 'list');
    write(net, 'gateway.yaml', THREE_LINES.replace('true}', 'true, masquerade-range: 10.77.0.0/28}'));
    const { code, stdout } = await xlat464(net, 'reload');
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`^${total} bindings do not fit the new settings any more; they ended`, 'm'));
    await said(gateway, 'bindings-dropped');
  });

  it('keeps the running configuration when the new one is bad, or cannot be had', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    await hasAddress(net);
    write(net, 'gateway.yaml', 'role: gateway\nlan: [lan0]\nnat64: {pool: [], port-block: 9}\n');
    gateway.child.kill('SIGHUP');
    assert.match(await said(gateway, 'gateway-reload-failed', 2), /gateway\.yaml:3:\d+: nat64\.port-block/);
    write(net, 'gateway.yaml', `${THREE_LINES}dns64: {listen: [192.0.2.99]}\n`);
    const { code, stderr } = await xlat464(net, 'reload');
    assert.equal(code, 1);
    assert.match(stderr, /192\.0\.2\.99/);
    assert.match(await hello(net), /^hello/);
    write(net, 'gateway.yaml', THREE_LINES);
    assert.equal((await xlat464(net, 'reload')).code, 0);
    assert.match(await hello(net), /^hello/);
  });

  it('N-12 goes along with an address of the outside that comes late, and shares it', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    await net.gateway.ip('addr del 203.0.113.2/24 dev wan0');
    const config =
      'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true, pool: [203.0.113.2 61001-65535]}\ndns64: {forwarders: [203.0.113.53]}\n';
    const gateway = await startGateway(net, write(net, 'gateway.yaml', config));
    await hasAddress(net);
    await net.gateway.ip('addr add 203.0.113.2/24 dev wan0', 'route add default via 203.0.113.1');
    await said(gateway, 'gateway-replanned');
    assert.equal(await hello(net), `hello 203.0.113.2 from ${WEB_IPV4}`);
    const { sessions } = await json(net, 'sessions', '--kind', 'nat64', '--proto', 'tcp');
    const [session] = sessions as Session[];
    assert.equal(session?.mapped.address, '203.0.113.2');
    assert.ok((session.mapped.port ?? 0) >= 61_001);
  });

  it('R-02, S-09 goes along with a new prefix of the LAN: advertised, answered, and its clients served', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    await hasAddress(net);
    await net.gateway.ip('addr add 2001:db8:2::1/64 dev lan0 nodad');
    await said(gateway, 'gateway-replanned');
    await waitFor('an address of the new prefix', async () =>
      /2001:db8:2:/.test(await net.host.run(['ip', '-6', 'addr', 'show', 'dev', 'up0', '-tentative']))
        ? true
        : undefined,
    );
    const { code, stdout } = await onHost(net, 'dig', '+short', '+time=2', '+tries=1', '@2001:db8:2::1', 'AAAA', WEB);
    assert.equal(code, 0);
    assert.equal(stdout, '64:ff9b::cb00:710a\n');
  });
});

describe('xlat464 gateway leaves nothing behind', () => {
  const state = async ({ gateway }: Awaited<ReturnType<typeof gatewayNet>>): Promise<string> => {
    const shown = [
      'ip link',
      'ip route',
      'ip -6 route',
      'nft list ruleset',
      'sysctl -a --pattern forward|accept_ra|rp_filter|reserved',
    ];
    const texts = await Promise.all(shown.map((command) => gateway.run(command.split(' '))));
    return texts.join('\n');
  };

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`after ${signal}`, async (t) => {
      const net = await gatewayNet(netnsForTest(t));
      const before = await state(net);
      const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
      assert.notEqual(await state(net), before);
      assert.equal(await gateway.stop(signal), 0, gateway.output());
      assert.equal(await state(net), before);
    });
  }

  it('after SIGKILL and cleanup', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const before = await state(net);
    const gateway = await startGateway(
      net,
      write(net, 'gateway.yaml', `${THREE_LINES}nat66: [{source: "2001:db8::/32"}]\n`),
    );
    await gateway.stop('SIGKILL');
    const { code, stdout } = await xlat464(net, 'cleanup');
    assert.equal(code, 0);
    assert.match(stdout, /undone/);
    assert.equal(await state(net), before);
  });

  it('when its data path fails: it says so, ends with 1, and hosts lose their router', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const before = await state(net);
    const gateway = await startGateway(net, write(net, 'gateway.yaml', THREE_LINES));
    await hasAddress(net);
    await net.gateway.ip('link del nat64');
    assert.match(await said(gateway, 'data-path-failed'), /nothing passes untranslated/);
    await waitFor('the end', () => gateway.hasEnded() || undefined);
    assert.equal(gateway.child.exitCode, 1);
    assert.equal(await state(net), before);
    assert.doesNotMatch(await net.host.run(['ip', '-6', 'route']), /default/);
  });

  it('when it cannot start: the DNS port is taken, and the error says by whom', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const before = await state(net);
    await net.gateway.start(['socat', '-u', `UDP6-RECV:53,bind=[${GATEWAY}]`, 'OPEN:/dev/null']);
    await waitFor('socat', async () => (/:53/.test(await net.gateway.run(['ss', '-Hlun'])) ? true : undefined));
    const { code, stderr } = await xlat464(net, 'gateway', '-c', write(net, 'gateway.yaml', THREE_LINES));
    assert.equal(code, 1, stderr);
    assert.match(stderr, /53.*socat/);
    assert.doesNotMatch(stderr, /host-changed|host-restored/, 'the host is not touched for nothing');
    assert.equal(await state(net), before);
  });
});

describe('xlat464 gateway that cannot start', () => {
  const cases: readonly (readonly [what: string, config: string, code: number, said: RegExp])[] = [
    [
      'an interface is missing',
      'role: gateway\nlan: [eth9]\n',
      1,
      /^xlat464: there is no interface eth9 on this router\nIt has .*lan0/,
    ],
    [
      'O-02 a shared address is not its own',
      'role: gateway\nlan: [lan0]\nnat64: {pool: [203.0.113.2, 203.0.113.77]}\n',
      1,
      /203\.0\.113\.2 is an address of wan0/,
    ],
  ];
  for (const [what, config, exit, expected] of cases) {
    it(`because ${what} says so and exits with ${exit}`, async (t) => {
      const net = await gatewayNet(netnsForTest(t));
      const { code, stderr } = await xlat464(net, 'gateway', '-c', write(net, 'gateway.yaml', config));
      assert.match(stderr, expected);
      assert.equal(code, exit);
    });
  }

  it('because a first one runs says so, and the first goes on', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const file = write(net, 'gateway.yaml', THREE_LINES);
    await startGateway(net, file);
    const { code, stderr } = await xlat464(net, 'gateway', '-c', file);
    assert.equal(code, 1);
    assert.match(stderr, /^xlat464: xlat464 is already running as process \d+/);
    await hasAddress(net);
    assert.match(await hello(net), /^hello/);
  });
});

describe('the NAT64 of a gateway', () => {
  it('N-11 logs each mapping to a file, or none', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const config =
      'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true, mapping-log: mapping, mapping-log-file: mappings.log}\n';
    const gateway = await startGateway(net, write(net, 'gateway.yaml', config));
    const address = await hasAddress(net);
    await hello(net);
    assert.equal(await gateway.stop(), 0);
    const log = readFileSync(`${net.set.directory}/mappings.log`, 'utf8');
    assert.match(
      log,
      new RegExp(`^\\d{4}-\\S+Z mapping-made tcp \\[${address}\\]:\\d+ 10\\.64\\.46\\.\\d+:\\d+$`, 'm'),
    );
    assert.equal(lines(gateway, 'mapping').length, 0);
  });

  it('keeps bindings over a restart, so that a connection goes on', async (t) => {
    const net = await gatewayNet(netnsForTest(t));
    const file = write(
      net,
      'gateway.yaml',
      'role: gateway\nlan: [lan0]\nnat64: {allow-non-global: true, save-file: bindings}\n',
    );
    const first = await startGateway(net, file);
    await hasAddress(net);
    await hello(net);
    const before = await json(net, 'bindings', 'list', '--proto', 'tcp');
    assert.equal(await first.stop(), 0, first.output());
    const second = await startGateway(net, file);
    assert.match(await said(second, 'bindings-restored'), /"restored":[1-9]/);
    const after = await json(net, 'bindings', 'list', '--proto', 'tcp');
    const mapped = (of: Record<string, never>): unknown[] =>
      (of.bindings as { host: unknown; mapped: unknown }[]).map(({ host, mapped: outside }) => [host, outside]);
    assert.deepEqual(mapped(after), mapped(before));
  });
});
