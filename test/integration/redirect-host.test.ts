// The redirect uplink on its host: which packets it takes and which it leaves, how the CLAT address is defended, what becomes of
// it when the uplink changes, and that nothing stays after kill -9 but what the journal names.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import type { ClientNet, ClientProcess } from './client-net.ts';
import { ROUTER_LINK, setting, snapshot, startChild, startReady, staticNet, UPLINK } from './client-net.ts';
import { linkAddress, scapy } from './redirect-net.ts';

const REDIRECT = { client: { 'uplink-mode': 'redirect' } } as const;
/** An address of the NAT64 that the router speaks for. */
const NAT64_SOURCE = '64:ff9b::808:808';

/** A client on the usual net, and its CLAT address. */
async function started(net: ClientNet): Promise<{ child: ClientProcess; clat: string }> {
  await net.router.ip(`addr add ${NAT64_SOURCE}/128 dev lo nodad`);
  const child = await startReady(net, REDIRECT);
  return { child, clat: String((await child.said('client-ready')).fields.clat) };
}

/** Packets that came out of the TUN. */
const taken = (child: ClientProcess) => child.lines().filter((l) => l.reason === 'test-packet');

/** Sends a packet of `size` bytes from the NAT64 that the client must take, by the router's own neighbour discovery. */
async function sendFromNat64(net: ClientNet, clat: string, size: number): Promise<void> {
  const argv = ['ping', '-c', '1', '-W', '0.2', '-I', NAT64_SOURCE, '-s', String(size - 48), clat];
  await net.router.runAny(argv);
}

/** Waits until the client has taken a packet of this size. */
const hasTaken = (child: ClientProcess, size: number): Promise<boolean> =>
  waitFor(`a packet of ${size} bytes`, () => taken(child).some((l) => l.fields.length === size));

/** A program that prints the datagrams that it receives on a port of any local address. */
const LISTENER = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(('::', 7777))
print('READY', flush=True)
while True: print(s.recvfrom(100)[0].decode(), flush=True)`;

const send = (ns: Netns, to: string, text: string): Promise<string> =>
  ns.run([
    '/usr/bin/python3',
    '-c',
    `import socket; socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'${text}', ('${to}', 7777))`,
  ]);

describe('the redirect uplink takes the right packets', () => {
  it('takes packets from the NAT64 and errors of routers, none of frames for other machines', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { child, clat } = await started(net);
    const mac = await linkAddress(net.host, UPLINK);
    // The sizes tell them apart: 40 for IPv6, 8 for UDP or ICMPv6, and the payload.
    await scapy(
      net.router,
      `
def frame(mac, src, upper, size):
    sendp(Ether(dst=mac)/IPv6(src=src, dst='${clat}')/upper/(b'x' * (size - 48)), iface='${ROUTER_LINK}')
frame('02:00:5e:00:53:99', '${NAT64_SOURCE}', UDP(sport=1, dport=2), 100)
frame('${mac}', '2001:db8:1::1', UDP(sport=1, dport=2), 101)
frame('${mac}', '2001:db8:1::1', ICMPv6EchoRequest(), 102)
frame('${mac}', '2001:db8:1::1', ICMPv6TimeExceeded(), 103)
frame('${mac}', '${NAT64_SOURCE}', UDP(sport=1, dport=2), 104)`,
    );
    await hasTaken(child, 104);
    assert.deepEqual(
      taken(child).map((l) => l.fields.length),
      [103, 104],
    );
  });

  it('local sockets are out of reach by the CLAT address', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { clat } = await started(net);
    const listener = await net.host.start(['/usr/bin/python3', '-c', LISTENER]);
    await waitFor('the listener', () => listener.output().includes('READY'));
    await send(net.router, clat, 'by the CLAT address');
    await send(net.router, '2001:db8:1::10', 'by the own address');
    await waitFor('the second datagram', () => listener.output().includes('by the own address'));
    assert.doesNotMatch(listener.output(), /by the CLAT address/);
    const { code } = await net.router.runAny(['ping', '-c', '1', '-W', '0.3', clat]);
    assert.equal(code, 1, 'no answer to a ping from elsewhere');
  });
});

describe('the redirect uplink defends the CLAT address', () => {
  /** A unicast solicitation, as neighbour unreachability detection sends it. @returns S and O flags, hop limit and whether our link answers */
  async function probe(net: ClientNet, clat: string): Promise<string> {
    const mac = await linkAddress(net.host, UPLINK);
    return scapy(
      net.router,
      `
own = get_if_hwaddr('${ROUTER_LINK}')
ns = IPv6(src='2001:db8:1::1', dst='${clat}', hlim=255)/ICMPv6ND_NS(tgt='${clat}')/ICMPv6NDOptSrcLLAddr(lladdr=own)
na = srp1(Ether(dst='${mac}')/ns, iface='${ROUTER_LINK}', timeout=3)
print(na[ICMPv6ND_NA].S, na[ICMPv6ND_NA].O, na[IPv6].hlim, na.src == '${mac}')`,
    );
  }

  it('D-11 the kernel answers multicast and unicast solicitations', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { child, clat } = await started(net);
    assert.equal(await setting(net.host, `ipv6/neigh/${UPLINK}/proxy_delay`), '0');
    await sendFromNat64(net, clat, 200);
    await hasTaken(child, 200);
    assert.equal(await probe(net, clat), '1 0 255 True\n');
  });

  it('D-11 with a /128 alone on the uplink we answer, with the override flag, also probes for duplicates', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip(
      `addr flush dev ${UPLINK} scope global`,
      `addr add 2001:db8:1::10/128 dev ${UPLINK} nodad`,
      `route add 2001:db8:1::/64 dev ${UPLINK}`,
      'route replace default via 2001:db8:1::1',
    );
    const { child, clat } = await started(net);
    assert.doesNotMatch(await net.host.run(['cat', '/proc/net/anycast6']), new RegExp(UPLINK));
    await sendFromNat64(net, clat, 200);
    await hasTaken(child, 200);
    assert.equal(await probe(net, clat), '1 1 255 True\n');
    await net.router.sysctl(`net/ipv6/conf/${ROUTER_LINK}/accept_dad`, '1');
    await net.router.ip(`addr add ${clat}/64 dev ${ROUTER_LINK}`);
    await waitFor('the duplicate to be noticed', async () =>
      (await net.router.run(['ip', 'address', 'show', 'dev', ROUTER_LINK])).includes('dadfailed'),
    );
  });

  it('D-10 another node that goes on claiming the address later gets it, and the client takes another one', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { child, clat } = await started(net);
    await net.router.ip(`addr add ${clat}/64 dev ${ROUTER_LINK} nodad`);
    const claim = `
na = IPv6(src='${clat}', dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt='${clat}', R=0, S=0, O=1)
sendp(Ether(dst='33:33:00:00:00:01')/na/ICMPv6NDOptDstLLAddr(lladdr=get_if_hwaddr('${ROUTER_LINK}')), iface='${ROUTER_LINK}')`;
    await scapy(net.router, claim);
    assert.equal((await child.said('address-contested')).fields.address, clat);
    await scapy(net.router, claim);
    assert.equal((await child.said('address-conflict')).fields.address, clat);
    const next = String((await child.said('client-ready', 2)).fields.clat);
    assert.notEqual(next, clat);
    await sendFromNat64(net, next, 200);
    await hasTaken(child, 200);
  });
});

describe('the redirect uplink follows the uplink', () => {
  it('D-11 an uplink that was removed and comes back is attached to anew', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { child } = await started(net);
    await net.host.ip(`link del ${UPLINK}`);
    await child.said('uplink-lost');
    await net.set.connect(net.host, UPLINK, net.router, ROUTER_LINK);
    await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(`addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`, 'route add default via 2001:db8:1::1');
    const clat = String((await child.said('client-ready', 2)).fields.clat);
    await sendFromNat64(net, clat, 200);
    await hasTaken(child, 200);
    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.equal(await setting(net.host, `ipv6/neigh/${UPLINK}/proxy_delay`), '80');
  });

  it('D-11 after an uplink went down and up too fast to be seen, the kernel answers again', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { child, clat } = await started(net);
    await net.host.ip(
      `link set ${UPLINK} down`,
      `link set ${UPLINK} up`,
      `addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`,
      'route add default via 2001:db8:1::1',
    );
    await waitFor('the anycast route', async () =>
      (await net.host.run(['ip', '-6', 'route', 'show', 'table', 'all'])).includes(`anycast ${clat} dev ${UPLINK}`),
    );
    await sendFromNat64(net, clat, 200);
    await hasTaken(child, 200);
    assert.equal(await child.running.stop(), 0);
  });
});

describe('the redirect uplink leaves nothing behind', () => {
  it('D-16 after a stop the host is as before', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const child = await startReady(net, REDIRECT);
    assert.equal(await setting(net.host, 'ipv6/conf/clat0/disable_ipv6'), '1');
    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-12 nobody else can take the firewall table away while the client runs', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net, REDIRECT);
    await net.host.run(['nft', 'flush', 'ruleset']);
    assert.match(await net.host.run(['nft', 'list', 'ruleset']), /flags owner.*iifname "clat0" ct state new.*drop/s);
    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.equal((await net.host.run(['nft', 'list', 'ruleset'])).trim(), '');
  });

  it('D-16 after kill -9 programs, address, interface, route and firewall are gone; cleanup undoes the rest', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const { child, clat } = await started(net);
    await child.running.stop('SIGKILL');

    const left = (await snapshot(net.host)).filter((line) => !before.includes(line));
    assert.deepEqual(left, [`/proc/sys/net/ipv6/neigh/${UPLINK}/proxy_delay:0`]);

    // The program on the uplink would drop this ping, if it were still there.
    await net.host.ip(`addr add ${clat}/128 dev ${UPLINK} nodad`);
    await net.router.run(['ping', '-c', '1', '-W', '2', '-I', '2001:db8:1::1', clat]);
    await net.host.ip(`addr del ${clat}/128 dev ${UPLINK}`);

    const cleanUp = await startChild(net, { cleanUp: true });
    await cleanUp.ended();
    assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
    assert.deepEqual(await snapshot(net.host), before);
  });
});
