// SIGHUP: mappings are read again without losing a packet, and a bad configuration changes nothing.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { netnsForTest } from '../support/netns.ts';
import { lines, said } from '../support/role-log.ts';
import { answers, BASE, buildNet, startTranslator, write } from './translate-net.ts';

const FIRST = '192.0.2.1 2001:db8:1::2\n';
const BOTH = `${FIRST}192.0.2.2 2001:db8:1::3\n`;

describe('xlat464 translate on SIGHUP', () => {
  it('A-05 takes new mappings, with their routes, and loses no packet of the others', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', `${BASE}mappings-file: mappings.txt\n`);
    write(net, 'mappings.txt', FIRST);
    const translator = await startTranslator(net, file);
    assert.equal(await answers(net.v4, '192.0.2.2'), false);

    const pinging = net.v4.run(['ping', '-n', '-q', '-c', '1000', '-i', '0.002', '-W', '5', '192.0.2.1']);
    for (let reload = 1; reload <= 5; reload++) {
      write(net, 'mappings.txt', reload % 2 === 1 ? BOTH : FIRST);
      translator.child.kill('SIGHUP');
      await said(translator, 'translator-reloaded', reload);
    }
    assert.match(await pinging, /1000 packets transmitted, 1000 received, 0% packet loss/);
    assert.equal(await answers(net.v4, '192.0.2.2'), true);

    write(net, 'mappings.txt', FIRST);
    translator.child.kill('SIGHUP');
    await said(translator, 'translator-reloaded', 6);
    assert.doesNotMatch(await net.t.run(['ip', '-4', 'route']), /192\.0\.2\.2 /);
  });

  it('keeps the running configuration when the new one is bad, and logs every error of it', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', `${BASE}mappings-file: mappings.txt\n`);
    write(net, 'mappings.txt', FIRST);
    const translator = await startTranslator(net, file);
    write(net, 'mappings.txt', '192.0.2.1/24 2001:db8:1::2\n192.0.2.9\n');
    translator.child.kill('SIGHUP');
    await said(translator, 'translator-reload-failed', 2);
    const [first = '', second = ''] = lines(translator, 'translator-reload-failed');
    assert.match(first, /mappings\.txt:1:1: .*bits set after the first 24/);
    assert.match(second, /mappings\.txt:2:1: .*one column/);
    assert.equal(await answers(net.v4, '192.0.2.1'), true);

    write(net, 'mappings.txt', BOTH);
    translator.child.kill('SIGHUP');
    await said(translator, 'translator-reloaded');
    assert.equal(await answers(net.v4, '192.0.2.2'), true);
  });

  it('keeps routes and mappings together when a route of the new configuration is taken, and takes a good one after it', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', `${BASE}mappings-file: mappings.txt\n`);
    write(net, 'mappings.txt', `${FIRST}192.0.2.8 2001:db8:1::8\n`);
    const translator = await startTranslator(net, file);
    const routes = async (): Promise<string> =>
      (await net.t.run(['ip', '-4', 'route'])) + (await net.t.run(['ip', '-6', 'route']));
    await net.t.ip('route add 192.0.2.66/32 dev left');
    const before = await routes();

    write(net, 'mappings.txt', '192.0.2.1 2001:db8:1::99\n192.0.2.2 2001:db8:1::3\n192.0.2.66 2001:db8:1::66\n');
    translator.child.kill('SIGHUP');
    assert.match(await said(translator, 'translator-reload-failed'), /192\.0\.2\.66.*File exists/);
    assert.equal(await routes(), before);
    assert.equal(await answers(net.v4, '192.0.2.1'), true, 'still to ::2');

    write(net, 'mappings.txt', BOTH);
    // What someone else took away does not keep the new ones from being used.
    await net.t.ip('route del 192.0.2.8 dev xlat0');
    translator.child.kill('SIGHUP');
    await said(translator, 'translator-reloaded');
    assert.equal(await answers(net.v4, '192.0.2.2'), true);
    assert.equal(await answers(net.v4, '192.0.2.1'), true);
  });

  it('refuses a dynamic pool while it runs with more than one queue', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', `${BASE}tun: {queues: 2}\n`);
    const translator = await startTranslator(net, file);
    write(net, 'siit.yaml', `${BASE}dynamic-pool: {ranges: [10.7.0.0/24]}\n`);
    translator.child.kill('SIGHUP');
    assert.match(
      await said(translator, 'translator-reload-failed'),
      /needs one queue, and this run was started with 2/,
    );
  });

  it('says which keys wait for the next start', async (t) => {
    const net = await buildNet(netnsForTest(t));
    const file = write(net, 'siit.yaml', BASE);
    const translator = await startTranslator(net, file);
    write(net, 'siit.yaml', `${BASE}tun: {mtu: 1400, queues: 2}\n`);
    translator.child.kill('SIGHUP');
    assert.match(await said(translator, 'config-warning'), /tun\.mtu, tun\.queues changed; .* at the next start/);
  });
});
