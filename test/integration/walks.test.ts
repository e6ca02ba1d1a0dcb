// The walks of docs/ as their readers take them: every command as written, in the network of its figure, and what is claimed there.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { a, aaaa, zone } from '../support/dns-records.ts';
import { startUpstream } from '../support/dns-upstream.ts';
import { type Netns, netnsForSuite, type Running, waitFor } from '../support/netns.ts';
import { isAsShown, type Step, type Walk } from '../support/walk.ts';
import { callersOf, startWeb } from '../support/web.ts';
import { Host, makeBundle, readWalk, type Taken, Walker } from './walk-net.ts';

/** One test for each command of a walk that was taken. */
function everyCommand({ steps }: Walk, taken: () => readonly Taken[]): void {
  for (const [i, step] of steps.entries()) {
    it(`does on the ${step.machine} as it says: ${step.command}`, () => {
      const result = taken()[i];
      const { code, stdout, stderr } = result;
      const all = `${stdout}${stderr}`;
      assert.equal(endOf(step, code), step.mode, all);
      assert.ok(isAsShown(step.shown, stdout), `shown:\n${step.shown}\nis:\n${all}`);
    });
  }
}

/** How a command ended, in the words of a step. */
function endOf({ mode }: Step, code: number | null): Step['mode'] {
  if (mode === 'background' && code === null) return 'background';
  return code === 0 ? 'succeeds' : 'fails';
}

interface Outside {
  readonly ns: Netns;
  readonly web: Running;
}

/** Both sessions' ends, as `sessions --json` has them. */
interface Listed {
  readonly kind: string;
  readonly protocol: string;
  readonly host: { readonly address: string };
  readonly mapped: { readonly address: string; readonly port: number };
  readonly remote: { readonly address: string; readonly port: number };
}

const sessionsOf = async (gateway: Host, options = ''): Promise<readonly Listed[]> =>
  (await gateway.json(`xlat464 sessions --json ${options}`)).sessions;

/** A client's address and default route by router advertisement. */
const hasRoute = async (client: Netns): Promise<boolean> =>
  /^default via fe80/m.test(await client.run(['ip', '-6', 'route'])) &&
  /inet6/.test(await client.run(['ip', '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'global', '-tentative']));

describe('the walk of a VyOS router', () => {
  const set = netnsForSuite();
  const walk = readWalk('walk-vyos.md');
  let walker: Walker;
  let outside: Outside;
  let taken: readonly Taken[] = [];

  before(async () => {
    makeBundle();
    const [gateway, client, ns] = [await set.add('gateway'), await set.add('client'), await set.add('outside')];
    await set.connect(gateway, 'eth0', ns, 'out0');
    await set.connect(gateway, 'eth1', client, 'eth0');
    outside = await outsideOfVyos(ns, set.directory);
    walker = new Walker(new Host(gateway, set, null), new Host(client, set, '2001:db8:2000::1'));
    walker.gateway.write('gateway.yaml', walk.config);
    await listenOn(gateway, 22, 8022);
    taken = await walker.take(walk.steps, () => waitFor('the client to have a route', () => hasRoute(client)));
  });

  everyCommand(walk, () => taken);

  it('R-01 the client has address, resolver and PREF64 from the router advertisement alone', async () => {
    const { interfaces } = await walker.client.json('xlat464 discover --json');
    const [{ chosen, routers }] = interfaces as never as [
      { chosen: { prefix: string; source: string }; routers: { resolvers: string[] }[] },
    ];
    assert.deepEqual([chosen.prefix, chosen.source], ['64:ff9b::/96', 'ra']);
    assert.deepEqual(routers[0].resolvers, ['2001:db8:2000::1']);
  });

  it('O-02, N-03 the outside sees the address of eth0, by IPv6 and by IPv4', async () => {
    const text = await walker.gateway.ns.run(['ip', '-6', 'address', 'show', 'dev', 'eth0', 'scope', 'global']);
    const own = /inet6 ([0-9a-f:]+)\//.exec(text)?.[1];
    assert.equal(await walker.client.succeed('curl -sS http://v6.example/'), `hello ${own} from 2001:db8:ffff::80\n`);
    assert.equal(await walker.client.succeed('curl -sS http://v4.example/'), 'hello 192.0.2.10 from 198.51.100.80\n');
    const callers = callersOf(outside.web);
    assert.deepEqual(new Set(callers.map(({ address }) => address)), new Set([own, '192.0.2.10']));
    assert.ok(callers.every(({ port }) => port >= 1024));
  });

  it('N-03 services of the router are reached on its address, at a low port and at one of the pool', async () => {
    for (const port of [22, 8022]) {
      assert.equal(await outside.ns.run(['socat', '-T5', 'STDIO', `TCP4:192.0.2.10:${port}`]), `router ${port}\n`);
    }
    await reachesOutside(walker.gateway.ns, '198.51.100.80');
    assert.match(walker.log('gateway'), /listen on ports of the pool, which stay theirs: TCP 8022/);
    assert.match(walker.log('gateway'), /ports 59976-60999 of the pool stay with this router/);
  });

  it('O-02, N-01 lists the sessions of both kinds', async () => {
    await walker.client.succeed('curl -sS http://v4.example/ http://v6.example/ http://198.51.100.80/');
    const listed = await sessionsOf(walker.gateway, '--proto tcp');
    const ends = (kind: string): Set<string> =>
      new Set(listed.filter((s) => s.kind === kind).map(({ remote }) => `${remote.address} ${remote.port}`));
    assert.deepEqual(ends('nat64'), new Set(['198.51.100.80 80']));
    assert.deepEqual(ends('nat66'), new Set(['2001:db8:ffff::80 80']));
    // By name from the host's own address, by literal from the one that our client has for IPv4.
    const hosts = new Set(listed.filter(({ kind }) => kind === 'nat64').map(({ host }) => host.address));
    assert.equal(hosts.size, 2);
  });

  it('D-16 the client ends with Ctrl-C, and its host is as before', async () => {
    assert.deepEqual(await walker.interrupt('client'), { code: 0, left: [] });
  });

  it('R-02, O-02 the gateway ends with Ctrl-C, its host is as before, and it is no router any more', async () => {
    assert.deepEqual(await walker.interrupt('gateway'), { code: 0, left: [] });
    await waitFor('the end of the route', async () => !(await hasRoute(walker.client.ns)));
  });
});

/** Programs of the router that answer with their port. */
async function listenOn(ns: Netns, ...ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    await ns.start(['socat', `TCP-LISTEN:${port},reuseaddr,fork`, `SYSTEM:echo router ${port}`]);
  }
  await waitFor('the services', async () => {
    const listening = await ns.run(['ss', '-Hlnt']);
    return ports.every((port) => listening.includes(`:${port} `));
  });
}

/** The router's own connections, and its own pings, also with an identifier of the pool. */
async function reachesOutside(router: Netns, server: string): Promise<void> {
  await router.run(['curl', '-sS', `http://${server}/`]);
  for (const identifier of ['1', '62000']) {
    await router.run(['ping', '-n', '-c', '1', '-W', '5', '-e', identifier, server]);
  }
}

/** What the figure has on the right. No route leads back to the LAN. */
async function outsideOfVyos(ns: Netns, directory: string): Promise<Outside> {
  await ns.ip(
    'address add 192.0.2.1/24 dev out0',
    'address add 192.0.2.53/24 dev out0',
    'address add 198.51.100.80/32 dev lo',
    'address add 2001:db8:0:1::1/64 dev out0 nodad',
    'address add 2001:db8:ffff::80/128 dev lo',
  );
  await ns.sysctl('net/ipv6/conf/all/forwarding', '1');
  await advertise(ns, directory);
  const names = {
    'A v4.example': { answers: [a('v4.example', '198.51.100.80')] },
    'AAAA v6.example': { answers: [aaaa('v6.example', '2001:db8:ffff::80')] },
  };
  await startUpstream(ns, '192.0.2.53', zone(names));
  return { ns, web: await startWeb(ns, '198.51.100.80', '2001:db8:ffff::80') };
}

/** The gateway's way to an IPv6 address of its own on eth0. */
async function advertise(ns: Netns, directory: string): Promise<void> {
  const file = `${directory}/radvd.conf`;
  const prefix = 'prefix 2001:db8:0:1::/64 {};';
  writeFileSync(file, `interface out0 { AdvSendAdvert on; MinRtrAdvInterval 3; MaxRtrAdvInterval 4; ${prefix} };\n`);
  await ns.start(['radvd', '--nodaemon', '--config', file, '--pidfile', `${directory}/radvd.pid`]);
}

describe('the walk in place of Jool and Unbound', () => {
  const set = netnsForSuite();
  const walk = readWalk('walk-jool-unbound.md');
  let walker: Walker;
  let outside: Outside;
  let taken: readonly Taken[] = [];

  before(async () => {
    makeBundle();
    const [gateway, client, ns] = [
      await set.add('jool-gateway'),
      await set.add('jool-client'),
      await set.add('server'),
    ];
    await set.connect(gateway, 'eth0', ns, 'out0');
    await set.connect(gateway, 'eth1', client, 'eth0');
    outside = await serverOfJool(ns);
    walker = new Walker(new Host(gateway, set, null), new Host(client, set, '2001:db8:1::1'));
    walker.gateway.write('gateway.yaml', walk.config);
    taken = await walker.take(walk.steps, async () => undefined);
  });

  everyCommand(walk, () => taken);

  it('N-03, N-13 the server sees the ports of the pool, by TCP, UDP and ICMP', async () => {
    const { client, gateway } = walker;
    await client.succeed("curl -sS -g 'http://[64:ff9b::192.168.0.254]/'");
    await client.succeed('dig +short @64:ff9b::192.168.0.254 v4.example A');
    await client.succeed('ping -c 1 64:ff9b::192.168.0.254');
    const callers = callersOf(outside.web).filter(({ address }) => address !== '192.168.0.254');
    assert.ok(callers.length >= 4);
    assert.ok(callers.every(({ address, port }) => address === '192.168.0.10' && port >= 61_001));
    const listed = await sessionsOf(gateway);
    assert.deepEqual(new Set(listed.map(({ protocol }) => protocol)), new Set(['tcp', 'udp', 'icmp']));
    for (const { mapped } of listed) {
      assert.equal(mapped.address, '192.168.0.10');
      assert.ok(mapped.port >= 61_001, `${mapped.port}`);
    }
  });

  it('S-02, S-09 synthesises for names that have AAAA, or does not, and sessions live through the change', async () => {
    const { client, gateway } = walker;
    const dual = 'dig +short @2001:db8:1::1 dual.example AAAA';
    assert.equal(await client.succeed(dual), '64:ff9b::c0a8:fe\n');
    const before = await sessionsOf(gateway);
    await gateway.succeed('sed -i "s/synthesize-always: true/synthesize-always: false/" gateway.yaml');
    await gateway.succeed('xlat464 reload');
    assert.equal(await client.succeed(dual), '2001:db8:80::80\n');
    assert.equal(await client.succeed('dig +short @2001:db8:1::1 v4.example AAAA'), '64:ff9b::c0a8:fe\n');
    const ends = (listed: readonly Listed[]): Set<string> => new Set(listed.map(({ mapped }) => `${mapped.port}`));
    const after = ends(await sessionsOf(gateway));
    assert.ok([...ends(before)].every((port) => after.has(port)));
  });

  it('N-03 the router itself reaches the IPv4 side as before, and its ports below the pool stay its own', async () => {
    const { ns } = walker.gateway;
    await reachesOutside(ns, '192.168.0.254');
    await listenOn(ns, 61_000);
    assert.equal(await outside.ns.run(['socat', '-T5', 'STDIO', 'TCP4:192.168.0.10:61000']), 'router 61000\n');
  });

  it('R-03 advertises nothing', async () => {
    assert.equal(await walker.client.ns.run(['ip', '-6', 'route', 'show', 'default']), '');
  });

  for (const machine of ['client', 'gateway'] as const) {
    it(`O-02 the ${machine} ends with Ctrl-C, and its host is as before`, async () => {
      assert.deepEqual(await walker.interrupt(machine), { code: 0, left: [] });
    });
  }
});

/** The IPv4 side: a web server that is the resolver, too. */
async function serverOfJool(ns: Netns): Promise<Outside> {
  await ns.ip('address add 192.168.0.254/24 dev out0');
  const names = {
    'A v4.example': { answers: [a('v4.example', '192.168.0.254')] },
    'A dual.example': { answers: [a('dual.example', '192.168.0.254')] },
    'AAAA dual.example': { answers: [aaaa('dual.example', '2001:db8:80::80')] },
  };
  await startUpstream(ns, '192.168.0.254', zone(names));
  return { ns, web: await startWeb(ns, '192.168.0.254') };
}
