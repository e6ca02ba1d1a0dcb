// Router Advertisements on a real link: our own sender says what radvd cannot (PREF64) or would not (whatever is malformed),
// radvd names the resolver; `xlat464 discover` is the program as a user runs it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { DiscoveryReport, InterfaceReport } from '../../src/contract/discovery.ts';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { type RaOrder, sendRa, startRouter } from '../support/ra-sender.ts';
import { snapshot } from './client-net.ts';
import {
  type DiscoveryNet,
  discover,
  discoverCommand,
  discovered,
  discoveryNet,
  LAN,
  UPLINK,
  WITHOUT_NET_RAW,
} from './discovery-net.ts';

const PREFIX = '2001:db8:64::/96';
const good: RaOrder = { device: LAN, pref64: [{ prefix: PREFIX, lifetimeSeconds: 600 }] };

/** Longer than a round of solicitations. */
const UNTIL_MS = 30_000;

/** A watching `discover`; `until` waits for a report of the link. */
async function watching(net: DiscoveryNet) {
  const running = await net.host.start(discoverCommand('--watch', '--json', '--interface', UPLINK));
  const last = (): InterfaceReport | undefined => {
    const line = running.output().split('\n').slice(0, -1).at(-1);
    return line === undefined ? undefined : (JSON.parse(line) as DiscoveryReport).interfaces[0];
  };
  const until = (what: string, test: (report: InterfaceReport) => boolean): Promise<InterfaceReport> =>
    waitFor(
      what,
      () => {
        if (running.hasEnded()) throw new Error(`discover ended: ${running.output()}`);
        const report = last();
        return report !== undefined && test(report) ? report : undefined;
      },
      UNTIL_MS,
    );
  const gone = (): Promise<boolean> => waitFor('the end of the link', () => last() === undefined);
  await until('the first report', () => true);
  return { running, until, gone };
}

const announced = (report: InterfaceReport): string[] => report.routers.flatMap((r) => r.pref64.map((p) => p.prefix));

describe('discovery of Router Advertisements', () => {
  it('D-01, D-05 finds every prefix of a router that answers a solicitation, and says which it would take', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const six = [
      '/96 64:ff9b::',
      '/64 2001:db8:0:64::',
      '/56 2001:db8:0:a00::',
      '/48 2001:db8:64::',
      '/40 2001:db8:100::',
      '/32 2001:db8::',
    ];
    const pref64 = six.map((p) => ({ prefix: `${p.split(' ')[1]}${p.split(' ')[0]}`, lifetimeSeconds: 600 }));
    const router = await startRouter(net.router, { ...good, pref64, preference: 1 });
    await waitFor('the router', () => router.output().includes('answering'));
    const report = await discovered(net);
    assert.match(router.output(), /solicited/);
    assert.deepEqual(
      announced(report),
      pref64.map((p) => p.prefix),
    );
    assert.equal(report.routers[0]?.preference, 'high');
    assert.deepEqual([report.chosen?.prefix, report.chosen?.source, report.reason], ['64:ff9b::/96', 'ra', 'first']);
  });

  it('D-02, D-01 takes nothing from advertisements that break a rule, and all from the one that does not', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { until, running } = await watching(net);
    const evil = { ...good, pref64: [{ prefix: '2001:db8:bad::/96', lifetimeSeconds: 600 }] };
    const header = '86000000 40000708 00000000 00000000';
    const option = '2602 04b0 20010db80bad000000000000';
    const bad: readonly RaOrder[] = [
      { ...evil, hopLimit: 254 },
      { ...evil, hopLimit: 64 },
      { ...evil, source: '2001:db8:1::1' },
      { ...evil, source: '::' },
      { ...evil, breaksChecksum: true },
      { device: LAN, rawMessage: `86010000 40000708 00000000 00000000 ${option}` },
      { device: LAN, rawMessage: '86000000 40000708 000000' },
      { device: LAN, rawMessage: `${header} ${option} fd00` },
      { device: LAN, rawMessage: `${header} ${option} fd00 000000000000` },
      { device: LAN, rawMessage: `${header} ${option} fd20 000000000000` },
      { device: LAN, rawMessage: `${header} ${option.slice(0, 20)}` },
    ];
    for (const order of bad) await sendRa(net.router, order);
    await sendRa(net.router, {
      ...good,
      rawOptions: ['fd01 000000000000', '2601 04b0 20010db8', '2602 04b6 0064ff9b 0000000000000000'],
    });
    const report = await until('the good advertisement', (r) => r.routers.length > 0);
    assert.deepEqual(announced(report), [PREFIX]);
    const { accepted, hopLimit, source, malformed, options } = report.advertisements;
    // The kernel drops what has a wrong checksum before it reaches the socket.
    assert.deepEqual(
      { accepted, hopLimit, source, malformed, options },
      { accepted: 1, hopLimit: 2, source: 2, malformed: 6, options: 2 },
    );
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-03 shows a prefix that is withdrawn, and keeps that of the other router', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { until, running } = await watching(net);
    await sendRa(net.router, { ...good, source: 'fe80::1' });
    await sendRa(net.router, {
      ...good,
      source: 'fe80::2',
      preference: 1,
      pref64: [{ prefix: '64:ff9b::/96', lifetimeSeconds: 1800 }],
    });
    const both = await until('two routers', (r) => announced(r).length === 2);
    assert.deepEqual([both.chosen?.prefix, both.reason], [PREFIX, 'kept'], 'D-04: the first stays');
    await sendRa(net.router, { ...good, source: 'fe80::1', pref64: [] });
    await sendRa(net.router, { ...good, source: 'fe80::1', pref64: [{ prefix: PREFIX, lifetimeSeconds: 0 }] });
    const one = await until('the withdrawal', (r) => announced(r).length === 1);
    assert.deepEqual([one.chosen?.prefix, one.chosen?.origin, one.reason], ['64:ff9b::/96', 'fe80::2', 'only']);
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-03, D-04, D-05 a router that vanished without a goodbye gives way to its successor, while the link stays up', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { until, running } = await watching(net);
    const first = { ...good, source: 'fe80::a', pref64: [{ prefix: PREFIX, lifetimeSeconds: 60_000 }] };
    const old = await startRouter(net.router, first);
    await until('the first prefix', (r) => r.chosen?.prefix === PREFIX);
    await old.stop('SIGKILL');
    await startRouter(net.router, {
      ...first,
      source: 'fe80::b',
      pref64: [{ prefix: '64:ff9b::/96', lifetimeSeconds: 60_000 }],
    });
    const both = await until('two routers', (r) => announced(r).length === 2);
    assert.equal(both.chosen?.prefix, PREFIX, 'one advertisement proves nothing');
    const settled = await until('its successor', (r) => r.chosen?.prefix === '64:ff9b::/96');
    assert.deepEqual(
      [settled.reason, settled.routers.filter((r) => r.isSilent).map((r) => r.router)],
      ['answered', ['fe80::a']],
    );
    await sendRa(net.router, first);
    const back = await until('the first router again', (r) => r.routers.every(({ isSilent }) => !isSilent));
    assert.deepEqual([back.chosen?.prefix, back.reason], ['64:ff9b::/96', 'kept'], 'it does not go back');
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-05 a link that goes down and comes up is solicited on again, and starts without what was before', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { until, gone, running } = await watching(net);
    await sendRa(net.router, good);
    await until('the prefix', (r) => r.chosen !== null);
    await net.host.ip(`link set ${UPLINK} down`);
    await gone();
    await net.host.ip(`link set ${UPLINK} up`);
    const fresh = await until('the fresh link', (r) => r.chosen === null && r.solicitationsSent > 0);
    assert.deepEqual(fresh.routers, []);
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-05 a link that flaps is solicited on again, and the prefix comes back', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const router = await startRouter(net.router, good);
    const solicited = (): number => router.output().split('solicited').length - 1;
    const { until, running } = await watching(net);
    await until('the prefix', (r) => r.chosen !== null);
    const before = await waitFor('a solicitation', () => solicited() || false);
    await net.host.ip(`link set ${UPLINK} down`, `link set ${UPLINK} up`);
    await waitFor('another solicitation', () => solicited() > before);
    await until('the prefix', (r) => r.listening === 'yes' && r.chosen?.prefix === PREFIX);
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-02 a flood costs a bounded amount of work and memory, and the report says so', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    // The host's own stack would take a default route from each of the routers, one slower than the other.
    await net.host.sysctl(`net/ipv6/conf/${UPLINK}/accept_ra`, '0');
    const { until, running } = await watching(net);
    await sendRa(net.router, good);
    await until('the prefix', (r) => r.chosen !== null);
    await sendRa(net.router, {
      ...good,
      source: 'fe80::1:0',
      pref64: [{ prefix: '2001:db8:bad::/96', lifetimeSeconds: 600 }],
      count: 20_000,
      floods: true,
    });
    const flooded = await until('the flood', (r) => r.advertisements.floods > 0);
    assert.equal(flooded.chosen?.prefix, PREFIX);
    assert.ok(flooded.routers.length <= 16 && announced(flooded).length <= 32);
    const rest = await until('a word on what was refused', (r) => r.advertisements.floods > 1);
    assert.ok(rest.advertisements.accepted < 20_000, 'the kernel dropped the rest');
    assert.equal(await running.stop('SIGINT'), 0);
  });

  it('D-06 takes the resolver that radvd names', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const config = `${net.set.directory}/radvd.conf`;
    writeFileSync(
      config,
      `interface ${LAN} { AdvSendAdvert on; AdvLinkMTU 1400; prefix 2001:db8:1::/64 { }; RDNSS 2001:db8:1::1 { }; };\n`,
    );
    await net.router.sysctl('net/ipv6/conf/all/forwarding', '1');
    const radvd = await net.router.start(['radvd', '-n', '-C', config, '-p', `${net.set.directory}/radvd.pid`]);
    const report = await discovered(net);
    assert.equal(radvd.hasEnded(), false, radvd.output());
    assert.deepEqual([report.routers[0]?.resolvers, report.routers[0]?.mtuBytes], [['2001:db8:1::1'], 1400]);
    assert.deepEqual(
      report.resolvers.map((r) => [r.resolver, r.from, r.state]),
      [['2001:db8:1::1', 'ra', 'failed']],
    );
    assert.deepEqual([report.chosen, report.reason], [null, 'none']);
  });
});

describe('xlat464 discover', () => {
  it('fits 80 columns, has no colour in a pipe, and changes nothing on the host', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const router = await startRouter(net.router, { ...good, rdnss: ['2001:db8:1::1'] });
    await waitFor('the router', () => router.output().includes('answering'));
    const before = await snapshot(net.host);
    const { code, stdout, stderr } = await discover(net, []);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^up0\n {2}PREF64 {4}2001:db8:64::\/96 announced by fe80::/);
    assert.match(stdout, /chosen: the only one on offer from this source/);
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
    assert.equal(stdout.includes('\u001b'), false);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('says what to do where nobody answers', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { code, stdout } = await discover(net, ['--timeout', '0.5']);
    assert.equal(code, 1, 'no prefix was found');
    const json = await discover(net, ['--timeout', '0.5', '--json']);
    assert.deepEqual([json.code, (JSON.parse(json.stdout) as DiscoveryReport).interfaces[0]?.chosen], [1, null]);
    assert.match(stdout, /router +none answered\./);
    assert.match(stdout, /resolver +this network named no resolver/);
    assert.match(stdout, /No NAT64 prefix was found\.[\s\S]*xlat464 client\s+--prefix PREFIX/);
  });

  it('names an interface that is not there, and fails', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { code, stderr } = await discover(net, ['--interface', 'wlan9']);
    assert.equal(code, 1);
    assert.match(stderr, /^xlat464: wlan9 is not there, is down, or has no IPv6\n/);
  });

  it('without CAP_NET_RAW says so in one sentence, exit code 3 as nobody could be asked', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    const { code, stdout } = await discover(net, ['--timeout', '1'], '', WITHOUT_NET_RAW);
    assert.equal(code, 3, stdout);
    assert.match(stdout, /router advertisements cannot be heard without CAP_NET_RAW; run it as\s+root/);
  });

  it('takes a prefix for configured, and refuses one that is none with exit code 2', async (t) => {
    const net = await discoveryNet(netnsForTest(t));
    await startRouter(net.router, good);
    const report = await discovered(net, ['--prefix', '64:ff9b::/96']);
    assert.deepEqual(
      [report.chosen?.prefix, report.chosen?.source, report.reason],
      ['64:ff9b::/96', 'static', 'configured'],
    );
    const { code, stderr } = await discover(net, ['--prefix', '64:ff9b::/95']);
    assert.equal(code, 2);
    assert.match(stderr, /64:ff9b::\/95/);
  });
});
