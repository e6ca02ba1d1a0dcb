// NAT64 between real hosts: IPv6-only clients, an IPv4-only server, the kernel's own stacks at both ends (nat64-net.ts).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { pattern, patternHash } from '../../src/lab/peers/pattern.ts';
import { type Netns, netnsForTest, waitFor } from '../support/netns.ts';
import { buildNat64, HOST_B, type Nat64Net, OPTIONS, POOL, POOL6, SERVER6 } from './nat64-net.ts';
import { answers } from './translate-net.ts';

const BYTES = 20 * 1024 * 1024;
const TRANSFER = { timeoutMs: 60_000 };

/** The hash of what a host downloads. */
async function downloaded(from: Netns): Promise<string> {
  const hash = createHash('sha256');
  const argv = ['curl', '-sSgf', `http://[${SERVER6}]/bytes/${BYTES}`];
  await from.run(argv, { ...TRANSFER, onOutput: (chunk) => hash.update(chunk) });
  return hash.digest('hex');
}

/** The hash of what the server got. */
async function uploaded(from: Netns): Promise<unknown> {
  const argv = ['curl', '-sSgf', '-T', '-', `http://[${SERVER6}]/up`];
  const receipt = await from.run(argv, { ...TRANSFER, input: blocks() });
  return JSON.parse(receipt).sha256;
}

async function* blocks(): AsyncGenerator<Uint8Array> {
  yield* pattern(BYTES);
}

/** How often a host's stacks found a wrong checksum. */
async function checksumErrors(net: Nat64Net): Promise<number> {
  const texts = await Promise.all([net.a, net.b, net.server].map((ns) => ns.run(['nstat', '-asz', '*InCsumErrors'])));
  const found = texts.join('\n').matchAll(/InCsumErrors\s+(\d+)/g);
  return [...found].reduce((sum, [, n]) => sum + Number(n), 0);
}

/** veth takes checksums for granted unless the sender computes them. */
const checkSums = (...ends: readonly (readonly [Netns, string])[]): Promise<unknown> =>
  Promise.all(ends.map(([ns, device]) => ns.run(['ethtool', '-K', device, 'tx', 'off'])));

interface SessionLine {
  readonly state: string;
  readonly ageMs: number;
}

/** The gateway's sessions now. */
async function sessionsOf({ child }: Nat64Net): Promise<readonly SessionLine[]> {
  const lines = (): string[] => child.output().match(/^\[.*\]$/gm) ?? [];
  const before = lines().length;
  child.child.kill('SIGUSR2');
  return waitFor('the sessions', () => {
    const line = lines()[before];
    return line === undefined ? undefined : (JSON.parse(line) as SessionLine[]);
  });
}

const echo = (from: Netns, to: string, text: string): Promise<string> =>
  from.run(['socat', '-t', '2', '-', to], { input: text });

describe('NAT64 between hosts', () => {
  it('N-13, N-01, N-03 ping, TCP and UDP reach the server, which sees the pool’s address, and large transfers arrive whole', async (t) => {
    const net = await buildNat64(netnsForTest(t));
    await checkSums([net.a, 'uplink'], [net.server, 'uplink'], [net.g, 'wan'], [net.g, 'lan-a']);
    assert.equal(await answers(net.a, SERVER6), true);
    assert.equal(await answers(net.b, SERVER6, '-s', '1400'), true);
    assert.equal(await answers(net.a, '2001:db8:6464::1'), true);
    assert.equal(await answers(net.server, '192.0.2.9'), true);
    assert.match(await net.a.run(['curl', '-sSg', `http://[${SERVER6}]/`]), new RegExp(`^hello \\S*${POOL} from`));
    assert.equal(await echo(net.a, `UDP6:[${SERVER6}]:7`, 'as it was'), 'as it was');
    const whole = patternHash(BYTES);
    assert.equal(await downloaded(net.a), whole);
    assert.equal(await uploaded(net.b), whole);
    assert.equal(await checksumErrors(net), 0);
  });

  it('N-07, T-4.1-07 datagrams larger than the link arrive both ways', async (t) => {
    const net = await buildNat64(netnsForTest(t));
    const text = 'f'.repeat(4000);
    assert.equal(await echo(net.a, `UDP6:[${SERVER6}]:7`, text), text);
    assert.equal(await checksumErrors(net), 0);
  });

  it('N-04, T-5.2-10 traceroute shows the way to the server, and a closed port is told to the host', async (t) => {
    const net = await buildNat64(netnsForTest(t));
    const text = await net.a.run(['traceroute', '-6', '-n', '-q', '1', '-w', '2', '-m', '6', SERVER6]);
    const hops = [...text.matchAll(/^ *\d+ {2}(\S+)/gm)].map(([, hop]) => hop);
    assert.equal(hops[0], '2001:db8:a::1', text);
    assert.equal(hops.at(-1), SERVER6, text);
    assert.ok(!hops.includes('*'), text);
    const { stderr } = await net.a.runAny(['curl', '-sSg', '--max-time', '5', `http://[${SERVER6}]:81/`]);
    assert.match(stderr, /refused|Couldn't connect/);
  });

  it('N-04, T-4.2-06, T-5.2-06 path MTUs smaller than the link are found in both directions', async (t) => {
    const net = await buildNat64(netnsForTest(t));
    // Towards the server: the gateway's next hop takes 1,400 bytes, and the server does not know.
    await net.g.ip('link set wan mtu 1400');
    assert.equal(await uploaded(net.a), patternHash(BYTES));
    assert.match(await net.a.run(['ip', '-6', 'route', 'get', SERVER6]), /mtu 1420/);
    // Towards the host likewise.
    await net.g.ip('link set wan mtu 1500', 'link set lan-b mtu 1300');
    assert.equal(await downloaded(net.b), patternHash(BYTES));
    assert.match(await net.server.run(['ip', 'route', 'get', POOL]), /mtu 1280/);
  });

  it('N-05 an idle connection is probed and lives on; one whose host is gone ends', async (t) => {
    const timers = { tcpEstablishedMs: 1000, tcpTransitoryMs: 2000 };
    const net = await buildNat64(netnsForTest(t), { ...OPTIONS, timers });
    const client = await net.a.start(['socat', `TCP6:[${SERVER6}]:80`, 'PIPE']);
    await waitFor('a connection far older than its time', async () => {
      const [session] = await sessionsOf(net);
      return session?.state === 'established' && session.ageMs > 5000;
    });
    assert.equal(client.hasEnded(), false);
    await net.a.ip('link set uplink down');
    await waitFor('its end', async () => (await sessionsOf(net)).length === 0);
  });

  it('N-06, N-09 two hosts reach each other by the pool’s address: TCP, UDP, and errors', async (t) => {
    const set = netnsForTest(t);
    const binding = (protocol: 'tcp' | 'udp') =>
      ({ protocol, ipv6: [...HOST_B], port6: 8000, ipv4: 0xc0000201, port4: 8080 }) as const;
    const net = await buildNat64(set, { ...OPTIONS, staticBindings: [binding('tcp'), binding('udp')] });
    await checkSums([net.a, 'uplink'], [net.b, 'uplink'], [net.g, 'lan-a'], [net.g, 'lan-b']);
    await net.b.start(['socat', 'TCP6-LISTEN:8000,fork', 'EXEC:cat']);
    const udp = await net.b.start(['socat', 'UDP6-RECVFROM:8000,fork', 'EXEC:cat']);
    const over = (kind: string): Promise<string> => echo(net.a, `${kind}:[${POOL6}]:8080`, 'there and back');
    await waitFor('TCP between the hosts', async () => (await over('TCP6').catch(() => '')) === 'there and back');
    await waitFor('UDP between the hosts', async () => (await over('UDP6').catch(() => '')) === 'there and back');
    // From the server too: a port that is open from outside.
    assert.equal(await echo(net.server, `TCP4:${POOL}:8080`, 'from outside'), 'from outside');
    await udp.stop();
    const { stderr } = await net.a.runAny(['socat', '-t', '3', '-', `UDP6:[${POOL6}]:8080`], { input: 'nobody there' });
    assert.match(stderr, /Connection refused/);
    assert.equal(await checksumErrors(net), 0);
  });
});
