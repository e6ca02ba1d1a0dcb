// The translator's life: traffic both ways, an end that leaves nothing, leases over a restart, captures, and starts that fail.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { netnsForTest, run } from '../support/netns.ts';
import { lines, said } from '../support/role-log.ts';
import { answers, BASE, buildNet, PROGRAM, startTranslator, V4_SEEN_BY_V6, write } from './translate-net.ts';

const MAPPED = `${BASE}mappings: [{ipv4: 192.0.2.1, ipv6: "2001:db8:1::2"}]\n`;

describe('xlat464 translate', () => {
  it('translates both ways, answers ping to its own addresses, and leaves nothing after SIGTERM and SIGKILL', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const state = async (): Promise<string> =>
      (await net.t.run(['ip', 'link'])) + (await net.t.run(['ip', 'route'])) + (await net.t.run(['ip', '-6', 'route']));
    const before = await state();
    const file = write(net, 'siit.yaml', MAPPED);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
      const translator = await startTranslator(net, file);
      assert.equal(await answers(net.v4, '192.0.2.1'), true);
      assert.equal(await answers(net.v6, V4_SEEN_BY_V6, '-I', '2001:db8:1::2'), true);
      assert.equal(await answers(net.v4, '192.0.2.254'), true);
      assert.equal(await answers(net.v6, '2001:db8:46::c000:2fe'), true);
      assert.equal(await translator.stop(signal), signal === 'SIGKILL' ? null : 0, translator.output());
      assert.equal(await state(), before, signal);
    }
  });

  it('keeps the leases of the dynamic pool over a restart', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const leaseFile = `${net.set.directory}/state/leases.json`;
    const pool = (range: string): string =>
      `${BASE}dynamic-pool: {ranges: [${range}], lease-file: state/leases.json}\n`;
    const file = write(net, 'siit.yaml', pool('198.51.100.0/28'));
    const owners = (): string[] =>
      JSON.parse(readFileSync(leaseFile, 'utf8')).leases.map((l: { ipv6: string }) => l.ipv6);

    const first = await startTranslator(net, file);
    assert.equal(await answers(net.v6, V4_SEEN_BY_V6, '-I', '2001:db8:1::3'), true);
    assert.equal(await answers(net.v6, V4_SEEN_BY_V6, '-I', '2001:db8:1::2'), true);
    assert.equal(await first.stop(), 0);
    const saved = readFileSync(leaseFile, 'utf8');
    assert.deepEqual(owners(), ['2001:db8:1::3', '2001:db8:1::2']);

    const second = await startTranslator(net, file);
    // From the IPv4 side: the leases work although no IPv6 host has sent anything yet.
    const { leases } = JSON.parse(saved);
    assert.equal(await answers(net.v4, leases[0].ipv4), true);
    assert.equal(await answers(net.v4, leases[1].ipv4), true);
    assert.equal(await second.stop(), 0);

    write(net, 'state/leases.json', 'no lease file');
    const third = await startTranslator(net, file);
    assert.match(await said(third, 'leases-unreadable'), /the leases of the last run are lost/);
    assert.equal(await third.stop(), 0);
  });

  it('records both sides of the translation with --capture', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const capture = `${net.set.directory}/both.pcapng`;
    const translator = await startTranslator(net, write(net, 'siit.yaml', MAPPED), '--capture', capture);
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
    assert.equal(await translator.stop(), 0);
    const seen = await run(['tshark', '-r', capture, '-Y', 'icmp or icmpv6', '-T', 'fields', '-e', '_ws.col.Info']);
    assert.match(seen, /Echo \(ping\) request .*\n.*Echo \(ping\) request/);
  });

  it('says once that --capture cannot be written, and translates on', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const translator = await startTranslator(net, write(net, 'siit.yaml', MAPPED), '--capture', '/dev/full');
    assert.match(await said(translator, 'capture-failed'), /the capture ended: cannot write \/dev\/full: ENOSPC/);
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
    assert.equal(await translator.stop(), 0, translator.output());
    assert.equal(lines(translator, 'capture-failed').length, 1);
    assert.doesNotMatch(translator.output(), /^xlat464:/m);
  });

  it('uses an existing interface with attach, and leaves it as it was', async (t) => {
    const net = await buildNet(netnsForTest(t));
    await net.t.run(['ip', 'tuntap', 'add', 'dev', 'siit0', 'mode', 'tun', 'vnet_hdr']);
    await net.t.ip('link set siit0 up', 'route add 192.0.2.1 dev siit0', 'route add 2001:db8:46::/96 dev siit0');
    const translator = await startTranslator(net, write(net, 'a.yaml', `${MAPPED}tun: {name: siit0, attach: true}\n`));
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
    assert.equal(await translator.stop(), 0, translator.output());
    assert.match(await net.t.run(['ip', 'route']), /192\.0\.2\.1 dev siit0/);
  });

  it('takes a persistent interface of its last run over, with new addresses and routes', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const tun = (address: string): string => `${MAPPED}tun: {name: keep0, persist: true, addresses: [${address}]}\n`;
    const file = write(net, 'siit.yaml', tun('10.9.0.1/24'));
    assert.equal(await (await startTranslator(net, file)).stop(), 0);
    write(net, 'siit.yaml', tun('10.9.1.1/24'));
    const again = await startTranslator(net, file);
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
    const addresses = await net.t.run(['ip', '-br', 'address', 'show', 'dev', 'keep0']);
    assert.match(addresses, /10\.9\.1\.1\/24/);
    assert.doesNotMatch(addresses, /10\.9\.0\.1/);
    assert.equal(await again.stop(), 0);
  });
});

describe('xlat464 translate that cannot start', () => {
  const cases: readonly (readonly [what: string, prepare: string[][], more: string, code: number, said: RegExp])[] = [
    [
      'a name that is taken',
      [['ip', 'tuntap', 'add', 'dev', 'xlat0', 'mode', 'tap']],
      '',
      1,
      /^xlat464: an interface named xlat0 exists already\n\S.*\n$/,
    ],
    [
      'an interface to attach to that is not there',
      [],
      'tun: {attach: true}\n',
      1,
      /^xlat464: there is no interface xlat0 to attach to\nMake it with "ip tuntap add/,
    ],
    [
      'a route that exists',
      [['ip', 'route', 'add', '192.0.2.1/32', 'dev', 'left']],
      '',
      1,
      /^xlat464: ip route add 192\.0\.2\.1\/32 dev xlat0: File exists\nThis host has such a route already/,
    ],
  ];
  for (const [what, prepare, more, code, expected] of cases) {
    it(`because of ${what} says so in a sentence, what to do in another, and leaves nothing`, async (t) => {
      const net = await buildNet(netnsForTest(t));
      for (const command of prepare) await net.t.run(command);
      const links = await net.t.run(['ip', '-br', 'link']);
      const file = write(net, 'siit.yaml', MAPPED + more);
      const result = await net.t.runAny([process.execPath, PROGRAM, 'translate', '-c', file]);
      assert.match(result.stderr, expected);
      assert.equal(result.code, code);
      assert.equal(await net.t.run(['ip', '-br', 'link']), links);
    });
  }

  it('because a first instance runs on the interface says so, and the first goes on', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', MAPPED);
    await startTranslator(net, file);
    const second = await net.t.runAny([process.execPath, PROGRAM, 'translate', '-c', file, '--json']);
    assert.equal(second.code, 1);
    assert.equal(JSON.parse(second.stdout).error.code, 'TUN_BUSY');
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
  });

  it('because the user may not says so and exits with 3', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', MAPPED);
    const program = [process.execPath, PROGRAM, 'translate', '-c', file];
    const result = await net.t.runAny(['setpriv', '--bounding-set', '-all', '--inh-caps', '-all', ...program]);
    assert.equal(result.code, 3, result.stderr);
    assert.match(result.stderr, /^xlat464: this user may not open a TUN interface\nRun as root/);
  });
});
