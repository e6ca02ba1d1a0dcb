// The connectivity check with real TCP, from a host with two links: what lies behind a NAT64 prefix is behind one of them alone, and
// the routing table prefers the other.

import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { systemClock } from '../../src/discovery/clock.ts';
import { checkConnectivity } from '../../src/discovery/connectivity.ts';
import { selectDiscoveryPlatform } from '../../src/platform/select.ts';
import { ip4, prefix6 } from '../support/addresses.ts';
import { waitFor } from '../support/netns.ts';
import { inside, ip, type Setup } from './shim-inside.ts';

const PREFIX = prefix6('2001:db8:64::/96');
const HOST = ip4('192.0.2.1');
const HOST_BEHIND = '2001:db8:64::c000:201';
const OPEN_PORT = 8080;
const CLOSED_PORT = 9;

const twoLinks: Setup = async (set) => {
  const [host, good, bad] = [await set.add('host'), await set.add('good'), await set.add('bad')];
  await set.connect(host, 'good0', good, 'lan0');
  await set.connect(host, 'bad0', bad, 'lan0');
  await host.ip('addr add 2001:db8:1::100/64 dev good0 nodad', 'addr add 2001:db8:2::100/64 dev bad0 nodad');
  await good.ip('addr add 2001:db8:1::1/64 dev lan0 nodad', `addr add ${HOST_BEHIND}/128 dev lo nodad`);
  await bad.ip('addr add 2001:db8:2::1/64 dev lan0 nodad');
  await host.ip(
    'route add default via 2001:db8:1::1 dev good0 metric 2048',
    'route add default via 2001:db8:2::1 dev bad0 metric 1024',
  );
  await good.start(['socat', `TCP6-LISTEN:${OPEN_PORT},fork,reuseaddr`, 'PIPE']);
  await waitFor('the server', async () => (await good.run(['ss', '-Hltn'])).includes(`:${OPEN_PORT}`));
  return { ns: host };
};

inside(import.meta.url, 'the connectivity check works in a namespace', twoLinks, () => {
  const check = async (name: string, port: number, prefix: Prefix6 = PREFIX): Promise<boolean> => {
    const platform = await selectDiscoveryPlatform();
    const link = { name, index: 0 };
    const connect = (address: string, to: number) => platform.connectTcp(link, address, to);
    return new Promise((resolve) => {
      checkConnectivity(prefix, { ipv4: HOST, port }, { clock: systemClock, connect }, resolve);
    });
  };

  it('D-08 a host that answers behind the prefix is reached by the link that offers it, though another is preferred', async () => {
    assert.match(ip('-6', 'route', 'get', HOST_BEHIND), /dev bad0/);
    assert.equal(await check('good0', OPEN_PORT), true);
  });

  it('D-08 a refused connection came back as well, so the prefix carries', async () => {
    assert.equal(await check('good0', CLOSED_PORT), true);
  });

  it('D-08 no way behind the prefix is a failure', async () => {
    assert.equal(await check('bad0', OPEN_PORT), false);
  });

  it('D-08 an interface that has gone is a failure', async () => {
    assert.equal(await check('gone0', OPEN_PORT), false);
  });
});
