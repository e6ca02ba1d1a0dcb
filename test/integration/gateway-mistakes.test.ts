// What an operator of a gateway meets first: a configuration with a mistake in it, and a machine on which something else is in the
// way. The bundle says in at most 80 columns what is wrong and what to do, exits with the code for it, and leaves the host as it was.

import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { dirname } from 'node:path';
import { before, describe, it, type TestContext } from 'node:test';
import { compareSnapshots, takeSnapshot } from '../../src/lab/snapshot.ts';
import { netnsForTest, type Running, waitFor } from '../support/netns.ts';
import { Host, makeBundle } from './walk-net.ts';

const GATEWAY = '2001:db8:2000::1';

const GOOD = `role: gateway
lan: [eth1]
wan: [eth0]
nat64: { pool: ["192.0.2.10 61001-65535"], allow-non-global: true }
dns64: { listen: ["${GATEWAY}"], forwarders: ["192.0.2.53"] }
advertise: none
`;

/** A router with two interfaces, and a configuration. */
async function routerWith(t: TestContext, config: string): Promise<Host> {
  const set = netnsForTest(t);
  const [gateway, others] = [await set.add('gateway'), await set.add('others')];
  await set.connect(gateway, 'eth0', others, 'out0');
  await set.connect(gateway, 'eth1', others, 'lan0');
  await gateway.ip('address add 192.0.2.10/24 dev eth0', `address add ${GATEWAY}/64 dev eth1 nodad`);
  const host = new Host(gateway, set, null);
  host.write('gateway.yaml', config);
  return host;
}

const START = 'xlat464 gateway -c gateway.yaml';
const LOG_LINE = /^\d\d:\d\d:\d\d /;

/** Starts the gateway on a terminal of 80 columns. It fails: says this as its last words, and leaves the host as it was. */
async function fails(host: Host, code: number, said: readonly string[], line = START): Promise<void> {
  const before = await takeSnapshot(host.ns);
  const result = await host.run(`script --quiet --return --command 'stty cols 80; NO_COLOR=1 ${line}' /dev/null`);
  const lines = result.stdout.trimEnd().split('\r\n');
  assert.deepEqual(
    lines.filter((text) => !LOG_LINE.test(text)),
    said,
  );
  assert.equal(result.code, code);
  assert.ok(said.every((text) => text.length <= 80));
  assert.deepEqual(compareSnapshots(before, await takeSnapshot(host.ns)), []);
}

/** Runs unbound on an address's port 53. */
async function startUnbound(host: Host, address: string): Promise<Running> {
  const lines = [
    'server:',
    `interface: ${address}`,
    'do-daemonize: no',
    'use-syslog: no',
    'chroot: ""',
    'username: ""',
  ];
  host.write('unbound.conf', `${lines.join('\n')}\npidfile: "${host.folder}/unbound.pid"\n`);
  const unbound = await host.start('unbound -c unbound.conf');
  await waitFor('unbound', async () => /unbound/.test(await host.ns.run(['ss', '-Hlntp', 'sport', '=', ':53'])));
  return unbound;
}

describe('xlat464 gateway', () => {
  before(makeBundle);

  it('S-09 names the program that has port 53 of the address, and its process', async (t) => {
    const host = await routerWith(t, GOOD);
    await host.ns.start(['socat', 'TCP-LISTEN:53,bind=127.0.0.53,fork', 'OPEN:/dev/null']); // not in the way
    for (const address of [GATEWAY, '::']) {
      const unbound = await startUnbound(host, address);
      const who = `unbound (process ${unbound.child.pid})`;
      await fails(host, 1, [
        `xlat464: port 53 (TCP) of ${GATEWAY} is taken by ${who}`,
        'Stop it, or listen elsewhere.',
      ]);
      await unbound.stop();
    }
  });

  it('names the interfaces that there are when one is missing', async (t) => {
    const host = await routerWith(t, GOOD.replace('lan: [eth1]', 'lan: [eth2]'));
    await fails(host, 1, [
      'xlat464: there is no interface eth2 on this router',
      'It has eth0, eth1; name them in lan and wan.',
    ]);
  });

  it('N-03 refuses pools that overlap', async (t) => {
    const config = GOOD.replace('61001-65535"]', '61001-65535", "192.0.2.10 65000-65535"]');
    await fails(await routerWith(t, config), 2, [
      'xlat464: gateway.yaml:4:43: nat64.pool[1]: "192.0.2.10 65000-65535" overlaps',
      'nat64.pool[0]; keep each port of an address once',
    ]);
  });

  it('N-13 refuses a prefix of 95 bits', async (t) => {
    const config = GOOD.replace('nat64: {', 'nat64: { prefix: "64:ff9b::/95",');
    await fails(await routerWith(t, config), 2, [
      'xlat464: gateway.yaml:4:18: nat64.prefix: "64:ff9b::/95" has the length /95; use',
      'one of /32, /40, /48, /56, /64, /96 (RFC 6052 §2.2)',
    ]);
  });

  it('needs rights, and says how to get them', async (t) => {
    const host = await routerWith(t, GOOD);
    const said = [
      'xlat464: this user may not configure the network',
      'Run as root, or with CAP_NET_ADMIN and CAP_NET_RAW.',
    ];
    chmodSync(dirname(host.folder), 0o755);
    await fails(host, 3, said, `setpriv --reuid=65534 --regid=65534 --clear-groups ${START}`);
    await fails(host, 3, said, `setpriv --bounding-set=-all --inh-caps=-all ${START}`);
  });

  it('runs once', async (t) => {
    const host = await routerWith(t, GOOD);
    const first = await host.start(START);
    await waitFor('the first', () => first.output().includes('code=ready'));
    await fails(host, 1, [
      `xlat464: xlat464 is already running as process ${first.child.pid}, with the state directory`,
      `${host.folder}/state`,
      'Stop that one first, or set XLAT464_STATE_DIR to a directory of its own for this',
      'one.',
    ]);
    assert.equal(await first.stop('SIGINT'), 0);
  });
});
