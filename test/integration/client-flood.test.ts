// A hostile link: ten thousand routers that do not exist. The kernel takes a route from each of them, and every one of its changes is
// a change of the network; the client's work and memory stay bounded, and IPv4 goes on (rules D-02, D-15).

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { type Netns, netnsForTest, run, waitFor } from '../support/netns.ts';
import { sendRa, startRouter } from '../support/ra-sender.ts';
import { ROUTER_LINK, startReady, staticNet, UPLINK } from './client-net.ts';

const NAT64 = { prefix: '64:ff9b::/96', lifetimeSeconds: 1800 };
const OTHER = { prefix: '2001:db8:64::/96', lifetimeSeconds: 1800 };
const ROUTERS = 10_000;
/** What the test process itself takes, a client in it, and room; reading all routes took four times as much. */
const PEAK_MIB_MAX = 220;

/** Processes of a namespace. */
const pids = async (ns: Netns): Promise<number[]> =>
  (await run(['ip', 'netns', 'pids', ns.name])).trim().split(/\s+/).map(Number);

const peakMib = (pid: number): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;

describe('a client on a hostile link', () => {
  it('D-02, D-15 a flood of routers fills the kernel’s table and not the client', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.sysctl(`net/ipv6/conf/${UPLINK}/accept_ra`, '1');
    const starting = startReady(net, { discovers: true });
    await startRouter(net.router, { device: ROUTER_LINK, pref64: [NAT64], answers: true });
    const child = await starting;
    await sendRa(net.router, { device: ROUTER_LINK, source: 'fe80::1:0', count: ROUTERS, floods: true });
    const peaks = async (): Promise<number[]> => (await pids(net.host)).map(peakMib);
    const routes = async (): Promise<number> =>
      (await net.host.run(['ip', '-6', '-o', 'route', 'show', 'default', 'proto', 'ra'])).split('\n').length;
    // Without many routes in the table this proves nothing.
    await waitFor('the routes of the routers', async () => (await routes()) > ROUTERS / 10);
    // It still does its work, which begins with a look at all of the host.
    await sendRa(net.router, { device: ROUTER_LINK, pref64: [{ ...NAT64, lifetimeSeconds: 0 }, OTHER] });
    await child.said('prefix-changed');
    for (const mib of await peaks()) assert.ok(mib < PEAK_MIB_MAX, `${mib} MiB at most`);
    assert.equal(await child.running.stop(), 0, child.running.output());
  });
});
