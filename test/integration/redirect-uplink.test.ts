// The redirect uplink with the real program in a whole network: translated packets pass host and firewall by, super-packets
// stay whole, on Ethernet, bridge and point-to-point uplinks; and the fallback where the kernel refuses.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { download, upload } from '../../src/lab/proofs/transfer.ts';
import { type Netns, waitFor } from '../support/netns.ts';
import { ADDRESS, counted, LAB_UPLINK, linkAddress, ping, redirectLab, statusOf, WITHOUT_BPF } from './redirect-net.ts';

const quietly = (): void => undefined;
const LARGE = 50_000_000;

const FORWARD_DROP = `table inet filter {
  chain forward { type filter hook forward priority 0; policy drop; }
}
`;

const addDropPolicy = (host: Netns): Promise<string> => host.run(['nft', '-f', '-'], { input: FORWARD_DROP });

/** Gives the client's addresses and route to another device of it. */
const moveTo = (host: Netns, device: string): Promise<void> =>
  host.ip(
    `addr del ${ADDRESS.client}/64 dev ${LAB_UPLINK}`,
    `addr add ${ADDRESS.client}/64 dev ${device} nodad`,
    `route replace default via ${ADDRESS.router} dev ${device}`,
  );

/** One end of a link without link-layer addresses, as mobile modems have it: a TUN whose packets travel in UDP. */
async function openTunnel(ns: Netns, local: string, remote: string): Promise<void> {
  await ns.ip(`addr add ${local}/30 dev ${LAB_UPLINK}`);
  const tun = 'TUN,tun-name=ptp0,tun-type=tun,iff-no-pi,iff-up';
  await ns.start(['socat', tun, `UDP:${remote}:5555,bind=${local}:5555`]);
  const isUp = async () => (await ns.runAny(['ip', 'link', 'show', 'ptp0', 'up'])).stdout !== '';
  await waitFor('the tunnel', isUp);
}

describe('the redirect uplink', () => {
  it('passes with forwarding off and a FORWARD policy of DROP, and super-packets stay whole', async (t) => {
    const { lab, host, said } = await redirectLab(t, { prepare: async (ns) => void (await addDropPolicy(ns)) });
    assert.equal((await said('client-ready')).uplinkKind, 'redirect');
    assert.equal((await host.run(['cat', '/proc/sys/net/ipv6/conf/all/forwarding'])).trim(), '0');
    await ping(host);
    await ping(host, '-s', '1452', '-M', 'do');

    const before = { up: await counted(host, LAB_UPLINK), tun: await counted(host, 'clat0') };
    await upload(lab, LARGE, quietly);
    await download(lab, LARGE, quietly);
    const after = { up: await counted(host, LAB_UPLINK), tun: await counted(host, 'clat0') };
    const perPacket = (side: 'up' | 'tun', way: 'rx' | 'tx'): number =>
      (after[side][way].bytes - before[side][way].bytes) / (after[side][way].packets - before[side][way].packets);
    // A segment is at most 1514 bytes; the means count the acknowledgements of the other direction as well.
    assert.ok(perPacket('up', 'tx') > 1514, `${perPacket('up', 'tx')} bytes a packet out`);
    assert.ok(perPacket('tun', 'tx') > 1514, `${perPacket('tun', 'tx')} bytes a packet into the TUN`);
    assert.equal(await lab.client?.stop(), 0);
  });

  it('works on a bridge', async (t) => {
    const { host, said } = await redirectLab(t, {
      prepare: async (ns) => {
        await ns.ip('link add br0 type bridge', `link set ${LAB_UPLINK} master br0`, 'link set br0 up');
        await ns.sysctl('net/ipv6/conf/br0/accept_dad', '0');
        await moveTo(ns, 'br0');
      },
    });
    assert.equal((await said('client-ready')).uplink, 'br0');
    await ping(host);
  });

  it('works on a point-to-point uplink, without neighbour discovery', async (t) => {
    const { host, said } = await redirectLab(t, {
      prepare: async (ns, router) => {
        await openTunnel(ns, '10.9.9.1', '10.9.9.2');
        await openTunnel(router, '10.9.9.2', '10.9.9.1');
        await moveTo(ns, 'ptp0');
        await router.ip(`addr del ${ADDRESS.router}/64 dev lan0`, `addr add ${ADDRESS.router}/64 dev ptp0 nodad`);
      },
    });
    await said('address-detection-skipped');
    assert.equal((await said('client-ready')).uplink, 'ptp0');
    await ping(host);
  });

  it('D-11 tells the router a new link-layer address at once', async (t) => {
    const { lab, host, said } = await redirectLab(t);
    const clat = String((await said('client-ready')).clat);
    await ping(host);
    const neighbour = () => lab.net.router.run(['ip', '-6', 'neighbour', 'show', clat]);
    assert.match(await neighbour(), new RegExp(await linkAddress(host, LAB_UPLINK)));
    await host.ip(`link set ${LAB_UPLINK} address 02:00:5e:00:53:01`);
    await waitFor('the new address at the router', async () => (await neighbour()).includes('02:00:5e:00:53:01'));
    await ping(host);
  });

  it('D-15 falls back to forwarding where programs are refused, and says why in log and status', async (t) => {
    const client = await redirectLab(t, { mode: 'auto', wrapper: WITHOUT_BPF });
    const { lab, host, said } = client;
    assert.match(String((await said('redirect-unavailable')).text), /refuses the program.*EPERM/);
    assert.equal((await said('client-ready')).uplinkKind, 'forwarding');
    const [problem] = (await statusOf(client)).state.problems ?? [];
    assert.equal(problem?.code, 'redirect-unavailable');
    assert.match(`${problem?.text} ${problem?.advice}`, /it does not redirect: .*EPERM.* needs CAP_BPF/s);
    await ping(host);
    assert.equal(await lab.client?.stop(), 0);
  });

  it('is chosen by itself where it works', async (t) => {
    const { said } = await redirectLab(t, { mode: 'auto' });
    assert.equal((await said('client-ready')).uplinkKind, 'redirect');
  });

  it('fails where programs are refused and nothing else may be used', async (t) => {
    const { lab } = await redirectLab(t, { mode: 'auto' });
    assert.equal(await lab.client?.stop(), 0);
    const argv = [...WITHOUT_BPF, ...lab.clientCommand.map((word) => (word === 'auto' ? 'redirect' : word))];
    const env = { XLAT464_STATE_DIR: `${lab.set.directory}/refused` };
    const { code, stdout, stderr } = await lab.net.client.runAny(argv, { env });
    assert.equal(code, 1, stdout + stderr);
    assert.match(stdout + stderr, /REDIRECT_UNAVAILABLE|uplink-mode/);
  });
});
