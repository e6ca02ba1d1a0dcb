// The client on a host: what it configures, and that nothing of it stays, whatever ends it (rules D-10, D-11, D-12, D-16).

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { bareNet, ROUTER_LINK, setting, snapshot, startChild, startReady, staticNet, UPLINK } from './client-net.ts';

const text = (value: unknown): string => String(value);

describe('the client configures the host', () => {
  it('D-12 address, MTU, routes, proxy, settings and firewall are there while it runs, and gone after a stop', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const child = await startReady(net);
    const { clat } = (await child.said('client-ready')).fields;

    assert.match(await net.host.run(['ip', 'address', 'show', 'clat0']), /mtu 1480.*inet 192\.0\.0\.1\/32/s);
    assert.doesNotMatch(await net.host.run(['ip', 'address', 'show', 'clat0']), /inet6/);
    assert.match(
      await net.host.run(['ip', '-4', 'route']),
      /default dev clat0.* src 192\.0\.0\.1 metric 2048 mtu 1480/,
    );
    assert.match(await net.host.run(['ip', '-6', 'route', 'get', text(clat)]), /dev clat0/);
    assert.match(await net.host.run(['ip', '-6', 'route', 'show', text(clat)]), /mtu lock 1500/);
    assert.match(await net.host.run(['ip', '-6', 'neighbour', 'show', 'proxy']), new RegExp(`${clat} dev up0`));
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/proxy_ndp`), '1');
    assert.equal(await setting(net.host, `ipv6/neigh/${UPLINK}/proxy_delay`), '0');
    assert.match(await net.host.run(['nft', 'list', 'ruleset']), /iifname "clat0" ct state new.*drop/);

    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.deepEqual(await snapshot(net.host), before);
    assert.equal(existsSync(`${net.stateDir}/journal`), false);
  });

  it('D-11 the neighbours find the CLAT address, and full-size packets for it reach the virtual interface', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    const { clat } = (await child.said('client-ready')).fields;
    // 1452 + 8 + 40 = 1500 bytes: more than the interface's own MTU, exactly the uplink's.
    await net.router.runAny(['ping', '-c', '2', '-i', '0.1', '-W', '0.2', '-M', 'do', '-s', '1452', text(clat)]);
    assert.deepEqual((await child.said('test-packet', 2)).fields, { version: 6, length: 1500 });
    assert.equal(child.lines().filter((l) => l.reason === 'test-packet').length, 2, 'nothing else comes');
    assert.match(await net.router.run(['ip', '-6', 'neighbour', 'show', text(clat)]), /lladdr/);
  });

  it('forwarding for the whole host, as older kernels need it, is undone on every interface', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip('link add d0 type veth peer name d1');
    // Without DAD: an address that stops being tentative while the test runs would count as a change.
    for (const device of ['d0', 'd1']) await net.host.sysctl(`net/ipv6/conf/${device}/accept_dad`, '0');
    await net.host.ip('link set d0 up', 'link set d1 up');
    await net.host.sysctl('net/ipv6/conf/d0/forwarding', '1');
    await waitFor('the link-local addresses', async () => {
      const addresses = await net.host.run(['ip', '-6', 'address', 'show', 'tentative']);
      return addresses.trim() === '';
    });
    const before = await snapshot(net.host);
    const child = await startReady(net, { forwarding: 'host' });
    assert.equal(await setting(net.host, 'ipv6/conf/all/forwarding'), '1');
    assert.equal(await setting(net.host, 'ipv6/conf/d1/accept_ra'), '2');
    assert.equal(await setting(net.host, 'ipv6/conf/clat0/force_forwarding'), '0');
    assert.equal(await child.running.stop(), 0, child.running.output());
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('a setting that someone else changed meanwhile is left alone and reported', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const child = await startReady(net);
    await net.host.sysctl(`net/ipv6/conf/${UPLINK}/accept_ra`, '0');
    assert.equal(await child.running.stop(), 0);
    assert.equal(await setting(net.host, `ipv6/conf/${UPLINK}/accept_ra`), '0');
    assert.match((await child.said('host-left')).text, /accept_ra.*it is 0 now/);
  });

  it('a firewall table of that name that is not ours is not touched, and the client says what to do', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.run(['nft', 'add', 'table', 'ip', 'xlat464']);
    const before = await snapshot(net.host);
    const child = await startChild(net);
    await child.ended();
    assert.match((await child.said('test-failed')).text, /already a firewall table "ip xlat464"/);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('a firewall that drops forwarded packets is reported with the rule that lets ours through', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const rules = 'table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }';
    await net.host.run(['nft', '-f', '-'], { input: rules });
    const child = await startReady(net);
    const { advice } = (await child.said('forward-policy')).fields;
    await net.host.run(['sh', '-c', text(advice)]);
    assert.equal(await child.running.stop(), 0);
    const again = await startReady(net);
    assert.equal(
      again.lines().some((l) => l.reason === 'forward-policy'),
      false,
    );
  });
});

describe('the client chooses addresses', () => {
  it('D-10 the address is the same on the same network, and checksum-neutral', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const addresses: unknown[] = [];
    for (let run = 0; run < 2; run++) {
      const child = await startReady(net);
      const { address, isNeutral } = (await child.said('address-chosen')).fields;
      addresses.push(address);
      assert.equal(isNeutral, true);
      await child.running.stop();
    }
    assert.equal(addresses[0], addresses[1]);
    assert.match(text(addresses[0]), /^2001:db8:1:0?:/);
  });

  it('D-10 a duplicate on the link is found, and the next address taken', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const first = await startReady(net);
    const { address } = (await first.said('address-chosen')).fields;
    await first.running.stop();
    await net.router.ip(`addr add ${address}/64 dev ${ROUTER_LINK} nodad`);
    const second = await startReady(net, { retransMs: 1000 });
    assert.equal((await second.said('address-duplicate')).fields.address, address);
    assert.notEqual((await second.said('address-chosen')).fields.address, address);
    await second.running.stop();
  });

  it('D-10 a third duplicate is an error, and the host is as before', async (t) => {
    const net = await staticNet(netnsForTest(t));
    // Whoever asks, the router answers: a proxy for the whole link, in the one line that scapy needs.
    const answerAll = `
from scapy.all import *
def answer(p):
    na = IPv6(src='2001:db8:1::1', dst='ff02::1', hlim=255)/ICMPv6ND_NA(tgt=p[ICMPv6ND_NS].tgt, R=0, S=0, O=1)
    sendp(Ether(dst='33:33:00:00:00:01')/na, iface='${ROUTER_LINK}', verbose=0)
sniff(iface='${ROUTER_LINK}', lfilter=lambda p: ICMPv6ND_NS in p and p[IPv6].src == '::', prn=answer, started_callback=lambda: print('READY', flush=True))`;
    const proxy = await net.router.start(['/usr/bin/python3', '-c', answerAll]);
    await waitFor('the proxy', () => proxy.output().includes('READY'));
    const before = await snapshot(net.host);
    const child = await startChild(net, { retransMs: 3000 });
    await child.ended();
    assert.equal((await child.said('test-failed')).fields.code, 'ADDRESS_DUPLICATE');
    assert.equal(child.lines().filter((l) => l.reason === 'address-duplicate').length, 3);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-12 an IPv4 address that another interface has is not taken', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip('addr add 192.0.0.1/32 dev lo', 'addr add 192.0.0.2/32 dev lo');
    const child = await startReady(net);
    assert.equal((await child.said('ipv4-chosen')).fields.address, '192.0.0.3');
  });
});

describe('the client leaves nothing behind', () => {
  /** Runs clients that end at every point of one kind until one gets through; the host must be as before each time. */
  async function endEverywhere(t: TestContext, when: 'journalled' | 'made' | 'undone', how: 'kill' | 'throw') {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    let at = 0;
    for (; at < 60; at++) {
      const child = await startChild(net, { fault: { when, at, how } });
      if (when === 'undone') {
        await child.said('client-ready');
        child.running.child.kill('SIGTERM');
      } else if (await reachesReady(child)) {
        await child.running.stop();
        break;
      }
      await child.ended();
      if (child.lines().some((l) => l.reason === 'client-stopped')) break;
      if (how === 'kill') {
        assert.equal(child.running.child.signalCode, 'SIGKILL', child.running.output());
        for (const round of ['first', 'second']) {
          const cleanUp = await startChild(net, { cleanUp: true });
          await cleanUp.ended();
          assert.equal(cleanUp.running.child.exitCode, 0, `${round}: ${cleanUp.running.output()}`);
        }
      }
      assert.deepEqual(await snapshot(net.host), before, `after a ${how} at ${when} ${at}`);
      assert.equal(existsSync(`${net.stateDir}/journal`), false);
    }
    assert.deepEqual(await snapshot(net.host), before);
    assert.ok(at > 8, `${at} points`);
  }

  async function reachesReady(child: Awaited<ReturnType<typeof startChild>>): Promise<boolean> {
    try {
      await child.said('client-ready');
      return true;
    } catch {
      return false; // it ended before, which is what the fault is for
    }
  }

  it('D-16 after kill -9 right after each journal entry, cleanup restores the host', (t) =>
    endEverywhere(t, 'journalled', 'kill'));
  it('D-16 after kill -9 right after each change, cleanup restores the host', (t) => endEverywhere(t, 'made', 'kill'));
  it('D-16 after kill -9 right after each undone change, cleanup restores the rest', (t) =>
    endEverywhere(t, 'undone', 'kill'));
  it('D-16 a start that fails at any change undoes what it did', (t) => endEverywhere(t, 'made', 'throw'));

  it('D-16 after kill -9 within the undoing of host-wide forwarding, cleanup restores the interfaces that forwarded before', async (t) => {
    const net = await staticNet(netnsForTest(t));
    await net.host.ip('link add d0 type veth peer name d1');
    for (const device of ['d0', 'd1']) await net.host.sysctl(`net/ipv6/conf/${device}/accept_dad`, '0');
    await net.host.ip('link set d0 up', 'link set d1 up');
    await net.host.sysctl('net/ipv6/conf/d0/forwarding', '1');
    const before = await snapshot(net.host);
    const child = await startReady(net, { forwarding: 'host', fault: { when: 'half-undone', at: 0, how: 'kill' } });
    child.running.child.kill('SIGTERM');
    await child.ended();
    assert.equal(child.running.child.signalCode, 'SIGKILL', child.running.output());
    assert.equal(await setting(net.host, 'ipv6/conf/d0/forwarding'), '0');
    const cleanUp = await startChild(net, { cleanUp: true });
    await cleanUp.ended();
    assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-16 a journal whose first line is unreadable is said to be so, and worked off', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    await (await startReady(net)).running.stop('SIGKILL');
    const journal = `${net.stateDir}/journal`;
    writeFileSync(journal, readFileSync(journal, 'utf8').replace(/^.{9}/, 'damaged'));
    const cleanUp = await startChild(net, { cleanUp: true });
    await cleanUp.ended();
    const troubles = cleanUp.lines().filter((l) => l.reason === 'host-trouble');
    assert.match(troubles[0]?.text ?? '', /does not say which host it is about/);
    assert.match(troubles[1]?.text ?? '', /unreadable line in the journal: damaged/);
    assert.equal(cleanUp.running.child.exitCode, 0, cleanUp.running.output());
    assert.deepEqual(await snapshot(net.host), before);
    assert.equal(existsSync(journal), false);
  });

  it('D-16 the next start cleans up after kill -9 by itself', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const first = await startReady(net);
    await first.running.stop('SIGKILL');
    const second = await startReady(net);
    assert.ok(Number((await second.said('crash-cleaned')).fields.changes) > 8);
    assert.equal(await second.running.stop(), 0);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('a second instance is refused with one sentence, and the first goes on', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const first = await startReady(net);
    const during = await snapshot(net.host);
    for (const cleanUp of [false, true]) {
      const second = await startChild(net, { cleanUp });
      await second.ended();
      assert.equal((await second.said('test-failed')).fields.code, 'ALREADY_RUNNING');
    }
    assert.deepEqual(await snapshot(net.host), during);
    assert.equal(await first.running.stop(), 0);
  });

  it('the journal of another namespace that is still there is not worked off here', async (t) => {
    const set = netnsForTest(t);
    const net = await staticNet(set);
    const first = await startReady(net);
    await first.running.stop('SIGKILL');
    const elsewhere = await startChild({ ...net, host: net.router }, { cleanUp: true });
    await elsewhere.ended();
    assert.match((await elsewhere.said('test-failed')).text, /another network namespace/);
    const here = await startChild(net, { cleanUp: true });
    await here.ended();
    assert.equal(here.running.child.exitCode, 0);
  });
});

describe('the client without a network', () => {
  it('D-09 without a way to the NAT64 it fails with one sentence', async (t) => {
    const net = await bareNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const child = await startChild(net);
    await child.ended();
    assert.equal((await child.said('test-failed')).fields.code, 'NO_UPLINK');
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('D-09 told to wait, it starts as soon as there is one', async (t) => {
    const net = await bareNet(netnsForTest(t));
    const child = await startChild(net, { waitsForUplink: true });
    await child.said('uplink-waiting');
    await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
    await net.host.ip(`addr add 2001:db8:1::10/64 dev ${UPLINK} nodad`, 'route add default via 2001:db8:1::1');
    await child.said('client-ready');
    assert.equal(await child.running.stop(), 0);
  });
});
