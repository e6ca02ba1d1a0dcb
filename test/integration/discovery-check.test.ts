// The connectivity check with real TCP, inside a namespace whose loopback has the addresses behind a NAT64 prefix.

import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import type { Prefix6 } from '../../src/core/translate/settings.ts';
import { systemClock } from '../../src/discovery/clock.ts';
import { checkConnectivity } from '../../src/discovery/connectivity.ts';
import { ip4, prefix6 } from '../support/addresses.ts';
import { inside } from './shim-inside.ts';

const PREFIX = prefix6('2001:db8:64::/96');
const HOST = ip4('192.0.2.1');

const check = (prefix: Prefix6, port: number): Promise<boolean> =>
  new Promise((resolve) => void checkConnectivity(prefix, { ipv4: HOST, port }, systemClock, resolve));

/** A server behind the prefix. @returns its port */
function listen(t: TestContext): Promise<number> {
  const server = createServer((socket) => socket.end());
  t.after(() => server.close());
  return new Promise((resolve) => {
    server.listen(0, '2001:db8:64::c000:201', () => resolve((server.address() as { port: number }).port));
  });
}

inside(
  import.meta.url,
  'the connectivity check works in a namespace',
  async (set) => {
    const ns = await set.add('check');
    await ns.ip('addr add 2001:db8:64::c000:201/128 dev lo nodad');
    return { ns };
  },
  () => {
    it('D-08 a host that answers behind the prefix is reached', async (t) => {
      assert.equal(await check(PREFIX, await listen(t)), true);
    });

    it('D-08 a refused connection came back as well, so the prefix carries', async () => {
      assert.equal(await check(PREFIX, 9), true);
    });

    it('D-08 no way behind the prefix is a failure', async () => {
      assert.equal(await check(prefix6('2001:db8:65::/96'), 9), false);
    });
  },
);
