// The network of the DNS64 tests: a client and a gateway on one link, and resolvers on addresses of a second one. dig is the client.

import assert from 'node:assert/strict';
import { startUpstream, type Zone } from '../support/dns-upstream.ts';
import { type Dns64Text, startDns64Child } from '../support/dns64-child.ts';
import { type CommandResult, type Netns, type NetnsSet, waitFor } from '../support/netns.ts';

export const GATEWAY = '2001:db8:1::1';
export const GATEWAY4 = '10.1.0.1';
export const CLIENT = '2001:db8:1::100';
export const CLIENT4 = '10.1.0.100';
/** Addresses of resolvers. */
export const RESOLVER = '2001:db8:2::53';
export const RESOLVER_B = '2001:db8:2::54';
export const RESOLVER4 = '10.2.0.53';
export const LAN = 'lan0';
export const UPLINK = 'up0';

/** The three ends. */
export interface Dns64Net {
  readonly set: NetnsSet;
  readonly client: Netns;
  readonly gateway: Netns;
  readonly resolver: Netns;
}

/** Makes the network. Nothing runs in it yet. */
export async function dns64Net(set: NetnsSet): Promise<Dns64Net> {
  const [client, gateway, resolver] = [await set.add('client'), await set.add('gateway'), await set.add('resolver')];
  await set.connect(client, UPLINK, gateway, LAN);
  await set.connect(gateway, UPLINK, resolver, LAN);
  await client.ip(`addr add ${CLIENT}/64 dev ${UPLINK} nodad`, `addr add ${CLIENT4}/24 dev ${UPLINK}`);
  await client.ip(
    `addr add 2001:db8:1::101/64 dev ${UPLINK} nodad`,
    `addr add 2001:db8:1:2::100/64 dev ${UPLINK} nodad`,
  );
  await gateway.ip(`addr add ${GATEWAY}/64 dev ${LAN} nodad`, `addr add ${GATEWAY4}/24 dev ${LAN}`);
  await gateway.ip(`addr add 2001:db8:1::2/64 dev ${LAN} nodad`, `route add 2001:db8:1:2::/64 dev ${LAN}`);
  await gateway.ip(`addr add 2001:db8:2::1/64 dev ${UPLINK} nodad`, `addr add 10.2.0.1/24 dev ${UPLINK}`);
  await resolver.ip(`addr add ${RESOLVER}/64 dev ${LAN} nodad`, `addr add ${RESOLVER_B}/64 dev ${LAN} nodad`);
  await resolver.ip(`addr add ${RESOLVER4}/24 dev ${LAN}`);
  return { set, client, gateway, resolver };
}

/** The link-local address of a device. */
export async function linkLocal(ns: Netns, device: string): Promise<string> {
  return waitFor(`a link-local address of ${device}`, async () => {
    const text = await ns.run(['ip', '-6', 'address', 'show', 'dev', device, 'scope', 'link', '-tentative']);
    return /inet6 (fe80[^/]*)/.exec(text)?.[1];
  });
}

/** What dig says, taken apart. */
export interface Dug {
  readonly status: string;
  /** `qr rd ra`. */
  readonly flags: readonly string[];
  /** The answer section, one record a line, blanks made one. */
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  /** The question as it came back. */
  readonly question: string;
  readonly text: string;
}

const section = (text: string, name: string): string[] => {
  const found = new RegExp(`;; ${name} SECTION:\\n([\\s\\S]*?)(?:\\n\\n|$)`).exec(text)?.[1] ?? '';
  return found
    .split('\n')
    .map((line) => line.replace(/\s+/g, ' ').trim())
    .filter(Boolean);
};

function takeApart({ stdout, stderr }: CommandResult): Dug {
  const text = stdout + stderr;
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? `none: ${text}`,
    flags: (/;; flags: ([^;]*);/.exec(text)?.[1] ?? '').split(' '),
    answer: section(text, 'ANSWER'),
    authority: section(text, 'AUTHORITY'),
    question: section(text, 'QUESTION')[0] ?? '',
    text,
  };
}

/** Asks the gateway, or `@server` if that is among the words. */
export async function dig(net: Dns64Net, ...words: readonly string[]): Promise<Dug> {
  const server = words.some((word) => word.startsWith('@')) ? [] : [`@${GATEWAY}`];
  return takeApart(await net.client.runAny(['dig', '+tries=1', '+time=8', ...server, ...words]));
}

/** The data of records of a type. */
export const dataOf = (records: readonly string[], type: string): string[] =>
  records.flatMap((record) => new RegExp(` IN ${type} (.*)$`).exec(record)?.[1] ?? []);

/** A gateway with one resolver that answers as it is told, both running. */
export async function dns64WithResolver(set: NetnsSet, zone: Zone, settings: Dns64Text = {}) {
  const net = await dns64Net(set);
  const upstream = await startUpstream(net.resolver, RESOLVER, zone);
  const dns64 = await startDns64Child(net.gateway, set.directory, { ...SETTINGS, ...settings });
  assert.match(dns64.running.output(), /ready\n/);
  return { net, upstream, dns64 };
}

/** Listens on the gateway's LAN address, asks one resolver, has one prefix. */
export const SETTINGS: Dns64Text = {
  listen: [{ address: GATEWAY, port: 53 }],
  forwarders: [{ address: RESOLVER, port: 53, tlsName: null }],
  prefixes: ['2001:db8:64::/96'],
};
