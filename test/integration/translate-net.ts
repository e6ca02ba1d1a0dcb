// An IPv4 host, a translator's host and an IPv6 host in namespaces, and the real program in the middle.
//
//     v4  10.1.0.2 ── 10.1.0.1  t  2001:db8:1::1 ── 2001:db8:1::2 (and ::3)  v6

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Netns, NetnsSet, Running } from '../support/netns.ts';
import { said } from '../support/role-log.ts';

export const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** The IPv4 host's address as the IPv6 side sees it. */
export const V4_SEEN_BY_V6 = '2001:db8:46::a01:2';

/** Keys that every configuration here has. */
export const BASE = `role: translator
prefix: 2001:db8:46::/96
own-ipv4: 192.0.2.254
own-ipv6: 2001:db8:46::c000:2fe
`;

/** The three hosts. */
export interface TranslateNet {
  readonly set: NetnsSet;
  readonly v4: Netns;
  readonly t: Netns;
  readonly v6: Netns;
}

/** Builds the network; the translator is not running. */
export async function buildNet(set: NetnsSet): Promise<TranslateNet> {
  const [v4, t, v6] = [await set.add('v4'), await set.add('t'), await set.add('v6')];
  await set.connect(v4, 'uplink', t, 'left');
  await set.connect(t, 'right', v6, 'uplink');
  await v4.ip('addr add 10.1.0.2/24 dev uplink', 'route add default via 10.1.0.1');
  await t.ip('addr add 10.1.0.1/24 dev left', 'addr add 2001:db8:1::1/64 dev right nodad');
  await v6.ip(
    'addr add 2001:db8:1::2/64 dev uplink nodad',
    'addr add 2001:db8:1::3/64 dev uplink nodad',
    'route add default via 2001:db8:1::1',
  );
  await t.sysctl('net/ipv4/ip_forward', '1');
  await t.sysctl('net/ipv6/conf/all/forwarding', '1');
  return { set, v4, t, v6 };
}

/** Writes a file into the set's directory. @returns its path */
export function write(net: TranslateNet, name: string, content: string): string {
  const file = `${net.set.directory}/${name}`;
  writeFileSync(file, content);
  return file;
}

/** Starts `xlat464 translate` and waits until it says that it is ready. */
export async function startTranslator(net: TranslateNet, file: string, ...options: string[]): Promise<Running> {
  const running = await net.t.start([process.execPath, PROGRAM, 'translate', '-c', file, '--json', ...options]);
  await said(running, 'ready');
  return running;
}

/** Whether a ping gets its answer. */
export const answers = async (from: Netns, to: string, ...options: string[]): Promise<boolean> =>
  (await from.runAny(['ping', '-n', '-c', '1', '-W', '1', ...options, to])).code === 0;
