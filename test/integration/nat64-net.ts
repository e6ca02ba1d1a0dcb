// Two IPv6-only hosts, a gateway, and an IPv4-only server in namespaces; between them the NAT64 of nat64-child.ts.
//
//     a  2001:db8:a::2 ── 2001:db8:a::1 ┐
//                                       g  10.1.0.1 ── 10.1.0.2  server
//     b  2001:db8:b::2 ── 2001:db8:b::1 ┘  TUN: 2001:db8:64::/96, pool 192.0.2.1

import { fileURLToPath } from 'node:url';
import { ip6 } from '../support/addresses.ts';
import { type Netns, type NetnsSet, type Running, waitFor } from '../support/netns.ts';
import type { Nat64ChildOptions } from './nat64-child.ts';

const CHILD = fileURLToPath(new URL('./nat64-child.js', import.meta.url));
const PEERS = fileURLToPath(new URL('../../src/lab/peers/main.js', import.meta.url));

export const POOL = '192.0.2.1';
export const OPTIONS: Nat64ChildOptions = {
  prefix: '2001:db8:64::/96',
  pool: POOL,
  ownIpv4: '192.0.2.9',
  ownIpv6: '2001:db8:6464::1',
};
const SERVER = '10.1.0.2';
/** Host b's address. */
export const HOST_B = ip6('2001:db8:b::2');
/** The server and the pool as IPv6 hosts see them. */
export const SERVER6 = '2001:db8:64::a01:2';
export const POOL6 = '2001:db8:64::c000:201';

/** The hosts, and what runs in the middle. */
export interface Nat64Net {
  readonly a: Netns;
  readonly b: Netns;
  readonly g: Netns;
  readonly server: Netns;
  readonly child: Running;
}

/** Builds the network and starts everything in it. */
export async function buildNat64(set: NetnsSet, options: Nat64ChildOptions = OPTIONS): Promise<Nat64Net> {
  const [a, b, g, server] = [await set.add('a'), await set.add('b'), await set.add('g'), await set.add('server')];
  for (const [host, name] of [
    [a, 'a'],
    [b, 'b'],
  ] as const) {
    await set.connect(host, 'uplink', g, `lan-${name}`);
    await host.ip(`addr add 2001:db8:${name}::2/64 dev uplink nodad`, `route add default via 2001:db8:${name}::1`);
    await g.ip(`addr add 2001:db8:${name}::1/64 dev lan-${name} nodad`);
  }
  await set.connect(g, 'wan', server, 'uplink');
  await g.ip('addr add 10.1.0.1/24 dev wan');
  await server.ip('addr add 10.1.0.2/24 dev uplink', 'route add 192.0.2.0/24 via 10.1.0.1');
  await g.sysctl('net/ipv4/ip_forward', '1');
  await g.sysctl('net/ipv6/conf/all/forwarding', '1');
  const child = await g.start([process.execPath, CHILD, JSON.stringify(options)]);
  await said(child, 'ready');
  const peers = await server.start([process.execPath, PEERS, SERVER, SERVER]);
  await said(peers, 'ready');
  return { a, b, g, server, child };
}

/** Waits for a word from a program; its output is the error when it ends before. */
export const said = (running: Running, word: string): Promise<true> =>
  waitFor(word, () => {
    if (running.hasEnded() && !running.output().includes(word)) throw new Error(running.output());
    return running.output().includes(word);
  }) as Promise<true>;
