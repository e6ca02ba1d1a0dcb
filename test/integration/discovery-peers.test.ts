// Discovery beside the programs that networks run: unbound and BIND with DNS64, for each prefix length; dnsmasq's DHCP with and without
// option 108; radvd; prefixes that flap. Read first: discovery-net.ts, client-net.ts.

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { World } from '../soak/world.ts';
import { netnsForSuite, netnsForTest, waitFor } from '../support/netns.ts';
import { type RaOrder, sendRa, startRouter } from '../support/ra-sender.ts';
import { dns64Resolver, IPV4ONLY_RECORDS, startUnbound } from '../support/unbound.ts';
import { bareNet, type ClientNet, ROUTER_LINK, startChild, UPLINK } from './client-net.ts';
import { type DiscoveryNet, discovered, discoveryNet, LAN } from './discovery-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** One prefix of each length of RFC 6052 §2.2. */
const SIX: readonly string[] = [
  '64:ff9b::/96',
  '2001:db8:0:64::/64',
  '2001:db8:0:a00::/56',
  '2001:db8:64::/48',
  '2001:db8:100::/40',
  '2001:db8::/32',
];

/** The address of the i-th server of a program. */
const UNBOUND = (i: number): string => `2001:db8:1::${i + 1}`;
const BIND = (i: number): string => `2001:db8:1::${i + 7}`;

/** Six unbounds, and one behind them that has the name's own records. */
async function startUnbounds({ set, router }: DiscoveryNet): Promise<void> {
  await startUnbound(router, set.directory, 'records', IPV4ONLY_RECORDS);
  for (const [i, prefix] of SIX.entries()) {
    await startUnbound(router, set.directory, `unbound${i}`, dns64Resolver(UNBOUND(i), prefix));
  }
}

const ZONE = `$TTL 300
@ SOA ns hostmaster 1 7200 3600 1209600 300
@ NS ns
@ A 192.0.0.170
@ A 192.0.0.171
ns A 192.0.2.53
`;

/** One BIND with a view for each prefix, told apart by the address that the question came to. */
async function startBind({ set, router }: DiscoveryNet): Promise<void> {
  const directory = `${set.directory}/bind`;
  mkdirSync(directory);
  writeFileSync(`${directory}/zone`, ZONE);
  const views = SIX.map(
    (prefix, i) => `view "v${i}" {
  match-destinations { ${BIND(i)}; };
  recursion no;
  dns64 ${prefix} { clients { any; }; };
  zone "ipv4only.arpa" { type primary; file "${directory}/zone"; };
};
`,
  );
  const addresses = SIX.map((_, i) => `${BIND(i)};`).join(' ');
  const options = `options {
  directory "${directory}";
  pid-file none;
  session-keyfile none;
  lock-file none;
  listen-on { none; };
  listen-on-v6 { ${addresses} };
  dnssec-validation no;
};
controls { };
`;
  writeFileSync(`${directory}/named.conf`, options + views.join(''));
  await router.start(['named', '-g', '-n', '1', '-c', `${directory}/named.conf`]);
}

describe('discovery by RFC 7050, of the programs that have DNS64', () => {
  const set = netnsForSuite();
  let net: DiscoveryNet;
  before(async () => {
    net = await discoveryNet(set, 2 * SIX.length);
    await startUnbounds(net);
    await startBind(net);
    await waitFor('the DNS servers', async () => {
      const sockets = await net.router.run(['ss', '-Hlun', '( sport = :53 or sport = :5300 )']);
      return new Set(sockets.match(/\[[^\]]+\]:53/g)).size >= 2 * SIX.length + 1;
    });
  });

  for (const [program, address] of [
    ['unbound', UNBOUND],
    ['BIND', BIND],
  ] as const) {
    for (const [i, prefix] of SIX.entries()) {
      it(`D-06 finds ${prefix} by the answer of ${program}`, async () => {
        const router = await startRouter(net.router, { device: LAN, rdnss: [address(i)] });
        await waitFor('the router', () => router.output().includes('answering'));
        const { chosen, resolvers } = await discovered(net);
        await router.stop();
        const found = resolvers.find((r) => r.resolver === address(i));
        assert.deepEqual([found?.state, found?.prefixes], ['prefixes', [prefix]], JSON.stringify(resolvers));
        assert.deepEqual([chosen?.prefix, chosen?.source], [prefix, 'dns']);
      });
    }
  }
});

/** A round of solicitations, or some thirty programs that start one after the other; a second on an idle machine. */
const READY_AGAIN_MS = 30_000;

const NAT64 = { prefix: '64:ff9b::/96', lifetimeSeconds: 600 };
/** A Prefix Information option for 2001:db8:1::/64. */
const PIO = `0304 40c0 00001c20 00000708 00000000 20010db8 0001 ${'0000'.repeat(5)}`;

/** A host and a router that has said nothing yet. */
async function quietNet(t: Parameters<typeof netnsForTest>[0]): Promise<ClientNet> {
  const net = await bareNet(netnsForTest(t));
  await net.router.sysctl('net/ipv6/conf/all/forwarding', '1');
  await net.router.ip(`addr add 2001:db8:1::1/64 dev ${ROUTER_LINK} nodad`);
  for (const [ns, device] of [
    [net.host, UPLINK],
    [net.router, ROUTER_LINK],
  ] as const) {
    await waitFor(`a link-local address of ${device}`, async () =>
      /inet6 fe80/.test(await ns.run(['ip', '-6', 'address', 'show', 'dev', device, '-tentative'])),
    );
  }
  return net;
}

describe('the client beside radvd', () => {
  it('D-03, D-04 goes on while radvd comes and goes, and while the prefix flaps, and ends up with it', async (t) => {
    const net = await quietNet(t);
    const child = await startChild(net, { discovers: true });
    await child.said('prefix-waiting');
    const file = `${net.set.directory}/radvd.conf`;
    writeFileSync(
      file,
      `interface ${ROUTER_LINK} { AdvSendAdvert on; AdvDefaultPreference high; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; prefix 2001:db8:1::/64 {}; };\n`,
    );
    const argv = ['radvd', '-n', '-C', file, '-p', `${net.set.directory}/radvd.pid`, '-m', 'stderr'];
    await sendRa(net.router, { device: ROUTER_LINK, rawOptions: [PIO], pref64: [NAT64] });
    await child.said('client-ready');
    const count = (reason: string): number => child.lines().filter((l) => l.reason === reason).length;
    for (let i = 0; i < 3; i++) {
      // Counted anew each time: one loss may be told twice, as the reason for it changes.
      const [lost, ready] = [count('uplink-lost'), count('client-ready')];
      // It says goodbye with a router lifetime of 0, so the default route goes, and comes with the next one.
      const radvd = await net.router.start(argv);
      await waitFor('its default route', async () =>
        (await net.host.run(['ip', '-6', 'route', 'show', 'default'])).includes('pref high'),
      );
      await radvd.stop();
      await waitFor('the client to lose its way', () => count('uplink-lost') > lost).catch(async (cause) => {
        const routes = await net.host.run(['ip', '-6', 'route']);
        throw new Error(`not lost: ${radvd.output()}${routes}${child.running.output()}`, { cause });
      });
      // Again and again, as a router does: one that meets the last of radvd's goodbyes changes nothing for long.
      const isReady = async (): Promise<boolean> => {
        await sendRa(net.router, { device: ROUTER_LINK, rawOptions: [PIO], pref64: [NAT64] });
        return count('client-ready') > ready;
      };
      await waitFor('the client to be ready again', isReady, READY_AGAIN_MS).catch((cause) => {
        throw new Error(`not ready again: ${child.running.output()}`, { cause });
      });
    }
    for (let i = 0; i < 20; i++) {
      const lifetimeSeconds = i % 2 === 0 ? 0 : 600;
      const pref64 = [{ ...NAT64, lifetimeSeconds }];
      await sendRa(net.router, { device: ROUTER_LINK, rawOptions: [PIO], pref64 });
    }
    await waitFor('the translated route', async () =>
      (await net.host.run(['ip', '-4', 'route', 'show', 'default'])).includes('clat0'),
    );
    assert.equal(child.lines().filter((l) => l.reason === 'ipv4-chosen').length, 1, 'the IPv4 side stayed throughout');
    assert.equal(await child.running.stop(), 0, child.running.output());
  });
});

describe('the client and a router that vanishes without a goodbye', () => {
  it('D-03, D-04, D-05 follows its successor while the link stays up, and does not go back', async (t) => {
    const net = await quietNet(t);
    await net.router.ip(`addr add fe80::a/64 dev ${ROUTER_LINK} nodad`, `addr add fe80::b/64 dev ${ROUTER_LINK} nodad`);
    const says = (source: string, prefix: string): RaOrder => {
      const pref64 = [{ prefix, lifetimeSeconds: 60_000 }];
      return { device: ROUTER_LINK, source, rawOptions: [PIO], pref64 };
    };
    const old = await startRouter(net.router, says('fe80::a', NAT64.prefix));
    const child = await startChild(net, { discovers: true });
    await child.said('client-ready');
    await old.stop('SIGKILL');
    await startRouter(net.router, says('fe80::b', '2001:db8:64::/96'));
    const changed = (): string[] =>
      child.lines().flatMap((l) => (l.reason === 'prefix-changed' ? [String(l.fields.prefix)] : []));
    await waitFor('the other prefix', () => changed().length > 0, READY_AGAIN_MS);
    await sendRa(net.router, says('fe80::a', NAT64.prefix));
    await net.host.ip('addr add 2001:db8:9::1/128 dev lo'); // a change that is looked at
    await waitFor('the client', async () => (await net.host.run(['ip', '-4', 'route'])).includes('default dev clat0'));
    assert.deepEqual(changed(), ['2001:db8:64::/96']);
    assert.equal(await child.running.stop(), 0, child.running.output());
  });
});

/** What a DHCP client does with its lease: this one keeps to RFC 8925 and takes no address where option 108 came along. */
const DHCP_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
[ -n "$opt108" ] && { echo "IPv6-only preferred: $opt108"; exit 0; }
ip address replace "$ip/\${mask:-24}" dev "$interface"
ip route replace default via "\${router%% *}" dev "$interface" metric 100
`;

describe('the client beside a DHCPv4 client and dnsmasq', () => {
  /** A laptop at home, whose router serves DHCP; with option 108 or without. */
  async function leased(t: Parameters<typeof netnsForTest>[0], options: readonly string[]): Promise<World> {
    const set = netnsForTest(t);
    const world = await World.build(set, PROGRAM);
    const [home] = world.places;
    await world.laptop.start();
    await home.router.start([
      ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--port=0', '--user=root', '--group=root'],
      ...['--pid-file=', `--dhcp-leasefile=${set.directory}/leases`, '--interface=lan0', '--bind-interfaces'],
      ...['--dhcp-range=10.0.0.100,10.0.0.110,1h', ...options],
    ]);
    await world.join(home);
    await waitFor('IPv4', () => world.laptop.doesPing());
    const script = `${set.directory}/lease.sh`;
    writeFileSync(script, DHCP_SCRIPT);
    chmodSync(script, 0o755);
    const argv = ['udhcpc', '-f', '-q', '-n', '-t', '5', '-T', '1', '-i', home.device, '-O', '108', '-s', script];
    const { code, stdout } = await world.laptop.ns.runAny(argv);
    assert.equal(code, 0);
    assert.equal(stdout.includes('IPv6-only preferred'), options.length > 0, stdout);
    return world;
  }

  it('D-09 steps aside when a lease comes, and comes back when it is given up', async (t) => {
    const world = await leased(t, []);
    const { laptop, places } = world;
    await waitFor('native IPv4', async () => (await laptop.status())?.state.reason === 'native-ipv4');
    await waitFor('IPv4', () => laptop.doesPing());
    await laptop.ns.ip(`addr flush dev ${places[0].device} scope global`);
    await waitFor('the translation', async () => (await laptop.status())?.state.name === 'running');
  });

  it('D-14 goes on where the server says by option 108 that IPv6 is enough', async (t) => {
    const { laptop } = await leased(t, ['--dhcp-option-force=108,0:0:7:8']);
    assert.equal((await laptop.status())?.state.name, 'running');
    assert.equal(laptop.codes.has('native-ipv4'), false);
    assert.ok(await laptop.doesPing());
  });
});
