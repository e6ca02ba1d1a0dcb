// The gateway's nftables table, its settings and the three kinds of IPv4 pool, with real kernels on all sides. In the place of the
// NAT64 stands a host: what the NAT64's interface gets, it gets.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RuleCount } from '../../src/gateway/host.ts';
import { type Netns, netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { setting, snapshot } from './client-net.ts';
import { LAN, type LanProcess, type RoutedNet, routedNet, startLan, WAN } from './gateway-lan-net.ts';
import { type HostOrder, type LanOptions, TUN } from './gateway-lan-options.ts';

const MASQUERADE: HostOrder = { lan: [LAN], pool: { kind: 'masquerade' } };
const SHARED: HostOrder = { lan: [LAN], pool: { kind: 'shared', address: '203.0.113.1', ports: [1024, 65535] } };
const OWN = '203.0.113.1';
const FAR = '203.0.113.9';

/** Starts the host side and waits until it is in force. @returns also the address that the NAT64 would work with */
async function startHost(net: RoutedNet, host: HostOrder): Promise<readonly [LanProcess, inside: string]> {
  const gateway = await startLan(net, { host });
  return [gateway, String((await gateway.said('test-applied')).fields.inside)];
}

/** How often a rule was met. */
async function met(gateway: LanProcess, rule: RegExp): Promise<number> {
  const { counts } = await gateway.report<{ readonly counts: readonly RuleCount[] }>();
  return counts.filter((c) => rule.test(c.rule)).reduce((sum, c) => sum + c.packets, 0);
}

const ping = (ns: Netns, to: string, ...args: readonly string[]) =>
  ns.runAny(['ping', '-c', '1', '-W', '2', ...args, to]);

async function pings(ns: Netns, to: string, ...args: readonly string[]): Promise<void> {
  const { code, stdout } = await ping(ns, to, ...args);
  assert.equal(code, 0, stdout);
}

/** A server that says whom it talks to, on a port of TCP or UDP. */
async function echoOn(ns: Netns, kind: 'TCP4' | 'UDP4', port: number): Promise<Running> {
  const script = kind === 'TCP4' ? 'SYSTEM:echo $SOCAT_PEERADDR $SOCAT_PEERPORT' : 'EXEC:cat';
  const server = await ns.start(['socat', '-d', '-d', `${kind}-LISTEN:${port},fork,reuseaddr`, script]);
  await waitFor('the server', async () => {
    const listed = await ns.run(['ss', '-Hln', kind === 'TCP4' ? '-t' : '-u', `sport = :${port}`]);
    return listed.trim() !== '';
  });
  return server;
}

/** Connects and returns what the server says of the connection. */
const asks = async (ns: Netns, to: string, port: number, options = ''): Promise<string> =>
  (await ns.run(['socat', '-T3', '-', `TCP4:${to}:${port}${options}`])).trim();

describe('the host of a gateway', () => {
  it('O-02 NAT66 gives hosts of the LAN the address of the interface, and status counts it', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, { ...MASQUERADE, nat66: [['2001:db8:2000::/64', WAN]] });
    await pings(net.host, '2001:db8:1::9'); // the outside has no route to 2001:db8:2000::/64
    assert.equal(await met(gateway, /^NAT66 of 2001:db8:2000:/), 1);
    assert.match(await net.gateway.run(['conntrack', '-L', '-f', 'ipv6']), /src=2001:db8:1::9 dst=2001:db8:1::1 /);
    await gateway.running.stop();
    assert.doesNotMatch(await net.gateway.run(['nft', 'list', 'ruleset']), /xlat464/);
  });

  it('O-02 NPTv6 maps host by host in both directions', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.host.ip(`addr add fd00:64::10/64 dev host0 nodad`);
    await net.gateway.ip(`addr add fd00:64::1/64 dev ${LAN} nodad`);
    await net.outside.ip('route add 2001:db8:5::/64 via 2001:db8:1::1');
    const [gateway] = await startHost(net, { ...MASQUERADE, nptv6: [['fd00:64::/64', '2001:db8:5::/64', WAN]] });
    await pings(net.host, '2001:db8:1::9', '-I', 'fd00:64::10');
    const dump = await net.host.start(['tcpdump', '--immediate-mode', '-n', '-l', '-i', 'host0', 'icmp6[0] == 128']);
    await waitFor('tcpdump', () => dump.output().includes('listening on'));
    await pings(net.outside, '2001:db8:5::10');
    await waitFor('the inside address', () => /2001:db8:1::9 > fd00:64::10: ICMP6, echo request/.test(dump.output()));
    assert.equal(await met(gateway, /^NPTv6/), 2);
  });

  it('O-03 NAT44 does the same for IPv4, as does the masquerade of the pool for the NAT64', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway, inside] = await startHost(net, { ...MASQUERADE, nat44: [['192.168.2.0/24', WAN]] });
    await pings(net.host, FAR);
    assert.equal(await met(gateway, /^NAT44 of 192\.168\.2\.0\/24 out of wan0/), 1);
    assert.equal(inside, '10.64.46.0');
    await net.standIn('10.64.46.1');
    await echoOn(net.outside, 'TCP4', 80);
    assert.match(await asks(net.inside, FAR, 80), /^203\.0\.113\.1 \d+$/);
    assert.equal(await met(gateway, /^masquerade of the NAT64 pool/), 1);
  });

  it('O-03 takes another range for the pool where the first is in use, and refuses one that overlaps', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.gateway.ip('route add 10.64.0.0/16 dev lo');
    const [gateway, inside] = await startHost(net, MASQUERADE);
    assert.equal(inside, '10.65.46.0');
    await gateway.running.stop();
    const other = await startLan(net, {
      host: { ...MASQUERADE, pool: { kind: 'masquerade', range: '192.168.2.128/25' } },
    });
    const failed = await other.said('test-failed');
    assert.equal(failed.fields.code, 'CONFIG_INVALID');
    assert.match(failed.text, /192\.168\.2\.128\/25 overlaps 192\.168\.2\.1\/24, an address of lan0/);
  });

  it('O-04 packets to the NAT64 come from the LAN alone, and nobody outside has a source of the NAT64', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, MASQUERADE);
    const to = '64:ff9b::c000:201';
    await net.inside.ip(`addr add ${to}/128 dev in0 nodad`);
    await net.outside.ip('route add 64:ff9b::/96 via 2001:db8:1::1', 'route add 2001:db8:2000::/64 via 2001:db8:1::1');
    const dump = await net.inside.start(['tcpdump', '--immediate-mode', '-n', '-l', '-i', 'in0', 'icmp6[0] == 128']);
    await waitFor('tcpdump', () => dump.output().includes('listening on'));
    await ping(net.outside, to, '-W', '0.3');
    assert.equal(await met(gateway, /^to the NAT64 from outside/), 1);
    await ping(net.host, to, '-W', '0.3');
    await waitFor('the echo request from the LAN', () => /2001:db8:2000::10 > 64:ff9b::c000:201/.test(dump.output()));
    assert.doesNotMatch(dump.output(), /2001:db8:1::9/);
    await net.outside.ip('addr add 64:ff9b::9/128 dev lo nodad');
    await ping(net.outside, '2001:db8:2000::10', '-I', '64:ff9b::9', '-W', '0.3');
    assert.equal(await met(gateway, /^from outside with a source of the NAT64/), 1);
    await gateway.change({ host: { ...MASQUERADE, servesOutside: true } });
    await net.outside.ip('addr del 64:ff9b::9/128 dev lo');
    await ping(net.outside, to, '-W', '0.3');
    await waitFor('the echo request from outside', () => /2001:db8:1::9 > 64:ff9b::c000:201/.test(dump.output()));
  });

  it('O-04 a query with a source of the LAN that comes from outside does not reach the DNS64 of the LAN', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, { ...MASQUERADE, lanDns: ['2001:db8:2000::1'] });
    const server = await net.gateway.start(['socat', '-u', 'UDP6-RECV:53', 'STDOUT']);
    await waitFor('the server', async () => (await net.gateway.run(['ss', '-Hlnu', 'sport = :53'])).trim() !== '');
    const forged = '2001:db8:2000::66';
    await net.outside.ip(`addr add ${forged}/128 dev lo nodad`, 'route add 2001:db8:2000::/64 via 2001:db8:1::1');
    const send = (ns: Netns, text: string, from: string) =>
      ns.run(['sh', '-c', `printf '${text}\\n' | socat -u - UDP6-SENDTO:[2001:db8:2000::1]:53,bind=[${from}]`]);
    await send(net.outside, 'forged', forged);
    assert.equal(await met(gateway, /^to the DNS64 from outside the LAN/), 1);
    await send(net.host, 'true', '2001:db8:2000::10');
    await waitFor('the query from the LAN', () => server.output().includes('true'));
    await send(net.gateway, 'own', '2001:db8:2000::1');
    await waitFor("the router's own query", () => server.output().includes('own'));
    assert.doesNotMatch(server.output(), /forged/);
    await gateway.change({ host: MASQUERADE }); // the operator named wider clients
    await send(net.outside, 'wider', forged);
    await waitFor('the query from outside', () => server.output().includes('wider'));
  });

  it('O-04 the private range of the pool is not reached from outside', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, MASQUERADE);
    await net.standIn('10.64.46.1');
    await net.outside.ip(`route add 10.64.46.0/28 via ${OWN}`);
    assert.notEqual((await ping(net.outside, '10.64.46.1', '-W', '0.3')).code, 0);
    assert.equal(await met(gateway, /^to the masqueraded pool from outside/), 1);
  });
});

describe('an IPv4 pool that is routed to the gateway', () => {
  it('N-03 reaches the NAT64 from outside, and its packets leave as they are', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.outside.ip(`route add 198.51.100.64 via ${OWN}`);
    await startHost(net, { lan: [LAN], pool: { kind: 'routed', address: '198.51.100.64', ports: [1024, 65535] } });
    await net.standIn('198.51.100.64');
    await echoOn(net.outside, 'TCP4', 80);
    assert.match(await asks(net.inside, FAR, 80), /^198\.51\.100\.64 \d+$/);
    await echoOn(net.inside, 'TCP4', 4000);
    assert.match(await asks(net.outside, '198.51.100.64', 4000), /^203\.0\.113\.9 \d+$/);
  });

  it('N-03 is refused where an interface has its address, and warned about where neighbours would ask for it', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const own = await startLan(net, { host: { lan: [LAN], pool: { kind: 'routed', address: OWN, ports: [1, 2] } } });
    assert.match((await own.said('test-failed')).text, /203\.0\.113\.1 is an address of wan0/);
    const near = await startLan(net, {
      host: { lan: [LAN], pool: { kind: 'routed', address: '203.0.113.77', ports: [1, 2] } },
    });
    assert.match((await near.said('pool-warning')).text, /ip neighbour add proxy 203\.0\.113\.77 dev wan0/);
  });
});

describe('an IPv4 address that the NAT64 shares with the router', () => {
  it('N-03 TCP, UDP, echo and large datagrams go both ways with the router’s address and the port unchanged', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway, inside] = await startHost(net, SHARED);
    await net.standIn(inside);
    await echoOn(net.outside, 'TCP4', 80);
    assert.equal(await asks(net.inside, FAR, 80, ',sourceport=40000'), `${OWN} 40000`);
    await echoOn(net.inside, 'TCP4', 5000);
    assert.match(await asks(net.outside, OWN, 5000), /^203\.0\.113\.9 \d+$/, 'a port open from outside');
    await pings(net.inside, FAR);
    await pings(net.inside, FAR, '-s', '4000');
    await echoOn(net.outside, 'UDP4', 7000);
    const datagram = 'x'.repeat(4000);
    const udp = ['socat', '-b', '8192', '-t3', '-', `UDP4:${FAR}:7000,sourceport=41000`];
    assert.equal(await net.inside.run(udp, { input: datagram }), datagram);
    assert.ok((await met(gateway, /^to the shared address, for the NAT64/)) > 5);
    assert.doesNotMatch(await net.gateway.run(['conntrack', '-L']), /dport=80 |port=41000/, 'not tracked');
    const errors = await net.inside.run(['nstat', '-az', 'TcpInCsumErrors', 'UdpInCsumErrors', 'IcmpInCsumErrors']);
    assert.doesNotMatch(errors, /CsumErrors +[1-9]/);
  });

  it('N-03 errors about its packets reach it, and its errors about others quote the router’s address', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [, inside] = await startHost(net, SHARED);
    await net.standIn(inside);
    const refused = await net.inside.runAny(['socat', '-t2', '-', `UDP4:${FAR}:7001,sourceport=41001`], { input: 'x' });
    assert.match(refused.stderr, /Connection refused/, 'ICMP port unreachable from outside');
    const back = await net.outside.runAny(['socat', '-t2', '-', `UDP4:${OWN}:41002`], { input: 'x' });
    assert.match(back.stderr, /Connection refused/, 'ICMP port unreachable from behind');
    const path = await net.outside.run(['traceroute', '-n', '-U', '-p', '5353', '-q', '1', '-m', '4', OWN]);
    assert.match(path, / 1 {2}203\.0\.113\.1 .*\n 2 {2}203\.0\.113\.1 /, 'the gateway itself, then what stands behind');
    const far = await net.inside.run(['traceroute', '-n', '-q', '1', '-m', '3', FAR]);
    assert.match(far, / 2 {2}203\.0\.113\.9 /);
  });

  it('N-06 what the NAT64 sends to the shared address comes back to it from there', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [, inside] = await startHost(net, SHARED);
    await net.standIn(inside);
    await echoOn(net.inside, 'TCP4', 5000);
    assert.equal(await asks(net.inside, OWN, 5000, ',sourceport=40000'), `${OWN} 40000`);
    const refused = await net.inside.runAny(['socat', '-t2', '-', `UDP4:${OWN}:5001,sourceport=40001`], { input: 'x' });
    assert.match(refused.stderr, /Connection refused/);
  });

  it('N-03 whatever runs on the router goes on: its services inside the range, its own connections and its ping', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await echoOn(net.gateway, 'TCP4', 2222);
    const [gateway, inside] = await startHost(net, SHARED);
    assert.match(gateway.running.output(), /listen on ports of the pool, which stay theirs: TCP 2222/);
    await net.standIn(inside);
    assert.match(await asks(net.outside, OWN, 2222), /^203\.0\.113\.9 \d+$/);
    await echoOn(net.gateway, 'TCP4', 2223); // begun later
    assert.match(await asks(net.outside, OWN, 2223), /^203\.0\.113\.9 \d+$/);
    await echoOn(net.outside, 'TCP4', 80);
    const [, port] = (await asks(net.gateway, FAR, 80)).split(' ');
    assert.ok(Number(port) >= 59_976 && Number(port) <= 60_999, `${port} is none of the pool's`);
    assert.equal(await asks(net.gateway, FAR, 80, ',sourceport=40000'), `${OWN} 40000`, 'even a port of the pool');
    await pings(net.gateway, FAR);
    await pings(net.outside, OWN);
    assert.equal(await setting(net.gateway, 'ipv4/ip_local_reserved_ports'), '1024-59975,61000-65535');
    const applied = String((await gateway.said('test-applied')).fields.ranges);
    assert.equal(
      applied,
      'tcp 1024-2221,tcp 2223-59975,tcp 61000-65535,udp 1024-59975,udp 61000-65535,icmp 1024-65535',
    );
  });

  it('O-03 NAT44 beside it uses the ports that are left', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [, inside] = await startHost(net, { ...SHARED, nat44: [['192.168.2.0/24', WAN]] });
    await net.standIn(inside);
    await echoOn(net.outside, 'TCP4', 80);
    const [address, port] = (await asks(net.host, FAR, 80, ',sourceport=40000')).split(' ');
    assert.equal(address, OWN);
    assert.ok(Number(port) >= 59_976 && Number(port) <= 60_999, String(port));
    assert.equal(await asks(net.inside, FAR, 80, ',sourceport=40000'), `${OWN} 40000`);
    await pings(net.host, FAR);
    await pings(net.inside, FAR);
  });

  it('N-03 comes with a warning where others translate addresses on the router', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const rules = `table ip nat { chain POSTROUTING { type nat hook postrouting priority 100; oifname "${WAN}" masquerade; }; }`;
    await net.gateway.run(['nft', '-f', '-'], { input: rules });
    const [gateway] = await startHost(net, SHARED);
    assert.match(gateway.running.output(), /elsewhere, too \(ip nat POSTROUTING\)/);
    await gateway.change({ host: { ...SHARED, pool: { ...SHARED.pool, ports: [2000, 3000] } as HostOrder['pool'] } });
    assert.doesNotMatch(gateway.running.output(), /xlat464_gateway source_nat\)/, 'our own is not meant');
  });

  it('N-03 is refused where the router does not have the address', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const pool = { kind: 'shared', address: '203.0.113.2', ports: [1024, 65535] } as const;
    const other = await startLan(net, { host: { lan: [LAN], pool } });
    assert.match((await other.said('test-failed')).text, /203\.0\.113\.2 is no address of this router/);
  });
});

/** As of the client's tests, and what only a gateway changes. */
async function state(ns: Netns): Promise<readonly string[]> {
  const more = ['ip_forward', 'ip_local_reserved_ports'].map((name) => setting(ns, `ipv4/${name}`));
  return [...(await snapshot(ns)), ...(await Promise.all(more))];
}

describe('the settings of a gateway', () => {
  const everything: HostOrder = {
    ...SHARED,
    nat66: [['2001:db8:2000::/64', WAN]],
    nptv6: [['fd00:64::/64', '2001:db8:5::/64', WAN]],
    nat44: [['192.168.2.0/24', WAN]],
  };

  it('O-02 forwarding is on, a WAN that is autoconfigured stays so, and a stop puts everything back', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.gateway.sysctl(`net/ipv6/conf/${WAN}/accept_ra`, '1');
    await net.gateway.sysctl('net/ipv4/conf/all/accept_redirects', '0');
    await net.gateway.sysctl(`net/ipv4/conf/${WAN}/forwarding`, '1');
    const before = await state(net.gateway);
    const [gateway] = await startHost(net, everything);
    assert.equal(await setting(net.gateway, 'ipv4/ip_forward'), '1');
    assert.equal(await setting(net.gateway, 'ipv6/conf/all/forwarding'), '1');
    assert.equal(await setting(net.gateway, `ipv6/conf/${WAN}/accept_ra`), '2');
    assert.equal(await setting(net.gateway, `ipv6/conf/${LAN}/accept_ra`), '0');
    await gateway.running.stop();
    assert.deepEqual(await state(net.gateway), before);
  });

  it('O-02 other settings replace the table without an end in between', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, everything);
    await gateway.change({ host: { ...everything, nat66: [] } });
    const table = await net.gateway.run(['nft', 'list', 'ruleset']);
    assert.doesNotMatch(table, /NAT66/);
    assert.match(table, /NPTv6/);
    assert.equal(gateway.has('host-restored'), false);
  });

  it('O-04 a table that somebody took away is made again', async (t) => {
    const net = await routedNet(netnsForTest(t));
    const [gateway] = await startHost(net, everything);
    await net.gateway.run(['nft', 'flush', 'ruleset']);
    await waitFor('the repair', () => gateway.has('host-repaired'), 20_000);
    await waitFor('the table', async () => (await net.gateway.run(['nft', 'list', 'ruleset'])).includes('chain guard'));
  });

  it('O-02 after kill -9 at any point, cleanup puts everything back', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.gateway.sysctl(`net/ipv6/conf/${WAN}/accept_ra`, '1');
    const before = await state(net.gateway);
    let points = 0;
    for (const when of ['journalled', 'made', 'undone'] as const) {
      for (let at = 0; ; at++) {
        const options: Omit<LanOptions, 'stateDir'> = { host: everything, fault: { when, at } };
        const gateway = await startLan(net, options);
        if (when === 'undone') {
          await gateway.said('test-applied');
          gateway.running.child.kill('SIGTERM');
        }
        await waitFor(
          'the fault, or none',
          () => gateway.running.hasEnded() || (when !== 'undone' && gateway.has('test-applied')),
        );
        const wasKilled = gateway.running.child.signalCode === 'SIGKILL';
        await gateway.running.stop('SIGKILL');
        const cleanUp = await startLan(net, { cleanUp: true });
        await cleanUp.ended();
        assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
        await withoutRoutes(net);
        assert.deepEqual(await state(net.gateway), before, `${when} ${at}`);
        if (!wasKilled) break;
        points += 1;
      }
    }
    assert.ok(points >= 18, `${points} points`);
  });

  it('O-02 a table of that name that is not ours is not touched, and the gateway says so', async (t) => {
    const net = await routedNet(netnsForTest(t));
    await net.gateway.run(['nft', 'add', 'table', 'inet', 'xlat464_gateway']);
    const gateway = await startLan(net, { host: everything });
    assert.match((await gateway.said('test-failed')).text, /already a firewall table "inet xlat464_gateway"/);
    assert.match(await net.gateway.run(['nft', 'list', 'ruleset']), /table inet xlat464_gateway \{\n\}/);
  });
});

/** After a kill, the routes go with the NAT64's interface; here the interface is the test's and stays. */
async function withoutRoutes(net: RoutedNet): Promise<void> {
  await net.gateway.runAny(['ip', '-4', 'route', 'flush', 'dev', TUN, 'proto', 'boot']);
  await net.gateway.runAny(['ip', '-6', 'route', 'flush', 'dev', TUN, 'proto', 'boot']);
}
