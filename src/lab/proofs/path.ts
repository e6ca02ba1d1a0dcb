// Proofs about the path: every hop answers traceroute and mtr, and a narrow IPv6 link makes no black hole.

import { describeEnd } from '../command.ts';
import type { Lab } from '../environment.ts';
import type { Netns } from '../netns.ts';
import { ADDRESS, DEVICE } from '../topology.ts';
import { failed, type Proof } from './proof.ts';
import { download, upload } from './transfer.ts';

/** The last hops, which have IPv4 addresses of their own. The IPv6 routers before them appear as 192.0.0.8 (RFC 7600 §4.8). */
const LAST_HOPS = [ADDRESS.isp, ADDRESS.exchange, ADDRESS.server];

/** Checks the hops of a trace, "*" or "???" for one that stays silent. @returns the evidence */
function checkHops(hops: readonly string[]): string {
  const text = hops.join(' ');
  if (hops.some((hop) => !/^[\d.]+$/.test(hop))) throw failed(`a hop stays silent: ${text}`);
  if (hops.slice(-3).join() !== LAST_HOPS.join()) throw failed(`unexpected hops: ${text}`);
  if (hops.length < 5) throw failed(`the IPv6 routers are missing: ${text}`);
  return `${hops.length} hops, all answer, … ${hops.slice(-3).join(' ')}`;
}

export const traceroute: Proof = {
  name: 'traceroute',
  title: 'traceroute, each hop visible',
  phase: 'running',
  run: async (lab) => {
    const output = await lab.net.client.run(['traceroute', '-n', '-q', '1', '-w', '2', '-m', '15', ADDRESS.server]);
    const hops = [...output.matchAll(/^\s*\d+\s+(\S+)/gm)].map((match) => match[1] ?? '*');
    return checkHops(hops);
  },
};

/** Hops of `mtr --raw`: lines "h <index> <address>"; an index without such a line is a silent hop. */
function rawHops(output: string): string[] {
  const hops: string[] = [];
  for (const match of output.matchAll(/^([xh]) (\d+) (\S+)/gm)) {
    const index = Number(match[2]);
    hops[index] = match[1] === 'h' ? (match[3] ?? '???') : (hops[index] ?? '???');
  }
  const last = hops.indexOf(ADDRESS.server);
  return last < 0 ? hops : hops.slice(0, last + 1);
}

export const mtr: Proof = {
  name: 'mtr',
  title: 'mtr, each hop visible',
  phase: 'running',
  run: async (lab) => {
    const output = await lab.net.client.run(['mtr', '-n', '--raw', '-c', '2', '-i', '0.3', '-G', '1', ADDRESS.server]);
    return checkHops(rawHops(output));
  },
};

const NARROW = 1280;
const LARGE = 10_000_000;

async function setMiddleMtu(lab: Lab, mtu: number): Promise<void> {
  await lab.net.router.ip(`link set ${DEVICE.routerUp} mtu ${mtu}`);
  await lab.net.nat64.ip(`link set ${DEVICE.nat64Down} mtu ${mtu}`);
}

/** Path MTUs that the hosts have learned would hide what the next proof wants to see. */
async function forgetPathMtu(...namespaces: readonly Netns[]): Promise<void> {
  const flush = (ns: Netns) => ['-4', '-6'].map((family) => ns.run(['ip', family, 'route', 'flush', 'cache']));
  await Promise.all(namespaces.flatMap(flush));
}

async function expectTooBig(lab: Lab): Promise<string> {
  const argv = ['ping', '-n', '-c', '2', '-i', '0.2', '-W', '1', '-M', 'do', '-s', '1400', ADDRESS.server];
  const result = await lab.net.client.runAny(argv);
  const mtu = /mtu\s*=\s*(\d+)/i.exec(result.stdout + result.stderr)?.[1];
  if (mtu !== String(NARROW - 20)) throw failed(`1428 bytes with DF over ${NARROW}: ${describeEnd(result)}`);
  return mtu;
}

export const pathMtu: Proof = {
  name: 'pmtud',
  title: 'path MTU over a 1280-byte link',
  phase: 'running',
  run: async (lab, progress) => {
    await setMiddleMtu(lab, NARROW);
    try {
      const up = await upload(lab, LARGE, progress);
      await forgetPathMtu(lab.net.client);
      const down = await download(lab, LARGE, progress);
      await forgetPathMtu(lab.net.client);
      const mtu = await expectTooBig(lab);
      return `MTU ${mtu} learned; up ${up.split(', ')[2]}, down ${down.split(', ')[2]}`;
    } finally {
      await setMiddleMtu(lab, 1500);
      await forgetPathMtu(lab.net.client, lab.net.server, lab.net.nat64);
    }
  },
};
