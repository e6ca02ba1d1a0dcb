// A client on a link with somebody who lies: forged Neighbour Advertisements for its address while it runs, and answers to every probe
// for duplicates. IPv4 goes on, status says what is the matter, and it is over when the liar is gone (rules D-10, D-11, D-15).

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { StatusProblem } from '../../src/contract/status.ts';
import { MOVES_MAX } from '../../src/core/lifecycle/neighbours.ts';
import { type Netns, netnsForTest, type Running, waitFor } from '../support/netns.ts';
import type { ClientNet, ClientProcess } from './client-net.ts';
import { ROUTER_LINK, startChild, startReady, staticNet, UPLINK } from './client-net.ts';
import { ADDRESS, DEVICE, type RedirectLab, redirectLab, statusOf } from './redirect-net.ts';

/** How long the attack lasts, and how often a forged advertisement comes. */
const ATTACK = { seconds: 10, gapSeconds: 0.3 } as const;
/** What tells that nothing more comes takes half a minute. */
const PEACE_LIMIT_MS = 60_000;

/**
 * A third machine on the link of client and router: the free end of a veth pair whose other end is in a bridge with the link. The
 * router speaks by the bridge, so what is forged reaches it as it reaches the client.
 */
async function addStranger(router: Netns): Promise<void> {
  await router.ip('link add br0 type bridge', 'link add evil0 type veth peer name evil1');
  for (const device of ['br0', 'evil0']) await router.sysctl(`net/ipv6/conf/${device}/accept_dad`, '0');
  await router.sysctl('net/ipv6/conf/evil1/disable_ipv6', '1');
  await router.ip(
    `link set ${DEVICE.routerLan} master br0`,
    'link set evil0 master br0',
    ...['br0', 'evil0', 'evil1'].map((device) => `link set ${device} up`),
    `addr del ${ADDRESS.router}/64 dev ${DEVICE.routerLan}`,
    `addr add ${ADDRESS.router}/64 dev br0 nodad`,
  );
}

/**
 * Claims the CLAT's address, and each that it takes instead, as soon as the client tells the neighbours that it has it. At the end it
 * says how often the client told them.
 */
const forger = (clat: string): string => `
from scapy.all import *
import time
conf.verb = 0
own = get_if_hwaddr('evil1')
target = '${clat}'
told = 0
def hear(p):
    global target, told
    if p[ICMPv6ND_NA].S == 1 or p.src == own: return
    target = p[ICMPv6ND_NA].tgt
    told += p[ICMPv6ND_NA].O
AsyncSniffer(iface='evil1', lfilter=lambda p: ICMPv6ND_NA in p, prn=hear, store=False).start()
s = conf.L2socket(iface='evil1')
print('READY', flush=True)
end = time.monotonic() + ${ATTACK.seconds}
while time.monotonic() < end:
    na = IPv6(src=target, dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt=target, R=0, S=0, O=1)/ICMPv6NDOptDstLLAddr(lladdr=own)
    s.send(Ether(src=own, dst='33:33:00:00:00:01')/na)
    time.sleep(${ATTACK.gapSeconds})
print('told', told, flush=True)`;

const python = (ns: Netns, code: string): Promise<Running> => ns.start(['/usr/bin/python3', '-c', code]);

const get = (host: Netns, path: string, ...options: string[]) =>
  host.runAny(['curl', '-sS', '--fail', '--max-time', '55', ...options, `http://${ADDRESS.server}${path}`], {
    timeoutMs: 60_000,
  });

const problem = async (of: RedirectLab, code: string): Promise<StatusProblem | undefined> =>
  (await statusOf(of)).state.problems?.find((p) => p.code === code);

/** The index tells an interface that was made anew from the one that was there. */
const indexOf = async (host: Netns): Promise<number> =>
  (JSON.parse(await host.run(['ip', '-j', 'link', 'show', 'clat0'])) as { ifindex: number }[])[0]?.ifindex ?? 0;

describe('a client whose address is claimed by somebody else', () => {
  it('D-10, D-11, D-15 moves, then stays and defends it: IPv4 goes on, status says so, and that it is over', async (t) => {
    const client = await redirectLab(t, { prepare: (_host, router) => addStranger(router) });
    const { lab, host, said } = client;
    const index = await indexOf(host);
    const attack = await python(lab.net.router, forger(String((await said('client-ready')).clat)));
    await said('address-conflict', 3);
    assert.match(String((await said('address-contested')).text), /kept and defended\. Something on that network/);
    // One connection from here to the end of the attack, and others beside it.
    const long = get(host, '/bytes/1200000', '--limit-rate', '300k', '-o', '/dev/null', '-w', '%{size_download}');
    let fetched = 0;
    for (; !attack.hasEnded(); fetched += 1) {
      const { code, stderr } = await get(host, '/bytes/1000', '-o', '/dev/null');
      assert.equal(code, 0, stderr);
      const contested = await problem(client, 'address-contested');
      assert.match(contested?.advice ?? '', /answers for addresses that are not its own/);
    }
    const told = Number(/told (\d+)/.exec(attack.output())?.[1]);
    // Once for each address that it moved to, and then again and again.
    assert.ok(told >= MOVES_MAX + 2, `${told} advertisements`);
    assert.equal((await long).stdout, '1200000');
    assert.ok(fetched > 0);
    assert.equal(await indexOf(host), index, 'the interface is the same');
    assert.doesNotMatch(lab.client?.output() ?? '', /"code":"client-(failed|retrying)"/);
    await waitFor('peace', async () => (await problem(client, 'address-contested')) === undefined, PEACE_LIMIT_MS);
    assert.equal((await said('address-uncontested')).level, 'info');
    assert.equal((await statusOf(client)).state.name, 'running');
    assert.equal(await lab.client?.stop(), 0);
  });
});

/** Answers the first three probes for duplicates, as a proxy for the whole link would, and is honest from then on. */
const LIAR = `
from scapy.all import *
conf.verb = 0
def answer(p):
    na = IPv6(src='2001:db8:1::1', dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt=p[ICMPv6ND_NS].tgt, R=0, S=0, O=1)
    sendp(Ether(dst='33:33:00:00:00:01')/na, iface='${ROUTER_LINK}')
wanted = lambda p: ICMPv6ND_NS in p and p[IPv6].src == '::'
sniff(iface='${ROUTER_LINK}', lfilter=wanted, prn=answer, count=3, started_callback=lambda: print('READY', flush=True))`;

async function startLiar(net: ClientNet): Promise<void> {
  const liar = await python(net.router, LIAR);
  await waitFor('the liar', () => liar.output().includes('READY'));
}

/** The addresses that were found taken, and the one that the client has at last. */
function addresses(child: ClientProcess): { taken: unknown[]; clat: unknown } {
  const of = (reason: string) => child.lines().filter((l) => l.reason === reason);
  return { taken: of('address-duplicate').map((l) => l.fields.address), clat: of('client-ready').at(-1)?.fields.clat };
}

/** A probe takes so long that even a slow liar answers in time. */
const PATIENT = { waitsForUplink: true, retransMs: 1500 };

describe('a client whose probes for duplicates are all answered', () => {
  const liedTo = async (t: TestContext): Promise<ClientNet> => staticNet(netnsForTest(t));

  it('D-10, D-15 gives up after three, and its next attempt finds another address', async (t) => {
    const net = await liedTo(t);
    await startLiar(net);
    const child = await startChild(net, PATIENT);
    await child.said('client-retrying');
    await child.said('client-ready');
    const { taken, clat } = addresses(child);
    assert.equal(new Set(taken).size, 3);
    assert.ok(!taken.includes(clat), String(clat));
    assert.equal(await child.running.stop(), 0);
  });

  it('D-10, D-11 on the network that it moves to keeps its interface through the pause, without the IPv4 route', async (t) => {
    const net = await liedTo(t);
    const child = await startReady(net, PATIENT);
    const index = await indexOf(net.host);
    await startLiar(net);
    await net.router.ip(`addr add 2001:db8:2::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(
      `addr add 2001:db8:2::10/64 dev ${UPLINK} nodad`,
      `addr del 2001:db8:1::10/64 dev ${UPLINK}`,
      'route replace default via 2001:db8:2::1',
    );
    await child.said('client-retrying');
    assert.match(await net.host.run(['ip', '-4', 'address', 'show', 'clat0']), /inet 192\.0\.0\.1/);
    assert.equal(await net.host.run(['ip', '-4', 'route', 'show', 'default']), '');
    const { clat } = (await child.said('client-ready', 2)).fields;
    assert.match(String(clat), /^2001:db8:2:/);
    const { taken } = addresses(child);
    assert.ok(taken.length === 3 && !taken.includes(clat), `${taken} ${clat}`);
    assert.equal(await indexOf(net.host), index, 'the interface is the same');
    assert.equal(await child.running.stop(), 0);
  });
});
