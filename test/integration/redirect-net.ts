// What the tests of the redirect uplink share: a whole network with the real program on it, and frames made by hand.

import type { TestContext } from 'node:test';
import type { Status } from '../../src/contract/status.ts';
import { buildLab, clientCommand, type Lab, startClient } from '../../src/lab/environment.ts';
import { isolated, PROGRAM } from '../../src/lab/program.ts';
import { ADDRESS, DEVICE } from '../../src/lab/topology.ts';
import { type Netns, waitFor } from '../support/netns.ts';

export { ADDRESS, DEVICE } from '../../src/lab/topology.ts';

/** Drops the privilege to load programs, as a container or an old kernel would refuse it. */
export const WITHOUT_BPF: readonly string[] = ['setpriv', '--bounding-set=-bpf,-perfmon,-sys_admin', '--'];

/** A lab with a client on it. */
export interface RedirectLab {
  readonly lab: Lab;
  readonly host: Netns;
  /** The field of a log line, once there are `count` lines with that reason code. */
  said(code: string, count?: number): Promise<Readonly<Record<string, unknown>>>;
}

/**
 * Builds the lab and starts the real client in it, redirecting.
 * @param prepare changes the client's network before that
 * @param wrapper command that the client is started by
 */
export async function redirectLab(
  t: TestContext,
  { mode = 'redirect', wrapper = [] as readonly string[], prepare = async (_host: Netns, _router: Netns) => {} } = {},
): Promise<RedirectLab> {
  const lab = await buildLab('interop', [...wrapper, ...clientCommand('interop'), '--uplink-mode', mode, '--json']);
  t.after(() => lab.set.close());
  await prepare(lab.net.client, lab.net.router);
  await startClient(lab);
  const lines = (code: string) => {
    const complete = (lab.client?.output() ?? '').split('\n').slice(0, -1);
    return complete.map((l) => JSON.parse(l) as Record<string, unknown>).filter((l) => l.code === code);
  };
  const said = (code: string, count = 1) =>
    waitFor(`"${code}" (${count}) from the client`, () => lines(code).length >= count && lines(code).at(-1));
  await said('client-ready');
  return { lab, host: lab.net.client, said };
}

/** What the client says about itself. */
export async function statusOf({ lab, host }: RedirectLab): Promise<Status> {
  const argv = isolated(lab.set, 'client', [...PROGRAM, 'status', '--json']);
  return (JSON.parse(await host.run(argv)) as { status: Status }).status;
}

/** Pings the server by its IPv4 address; throws when an answer is missing. */
export const ping = (host: Netns, ...options: string[]): Promise<string> =>
  host.run(['ping', '-n', '-c', '3', '-i', '0.1', '-W', '2', ...options, ADDRESS.server]);

/** Runs lines of Python in a namespace with scapy at hand. */
export const scapy = (ns: Netns, code: string): Promise<string> =>
  ns.run(['/usr/bin/python3', '-c', `from scapy.all import *\nconf.verb = 0\n${code}`]);

/** The link-layer address of a device. */
export async function linkAddress(ns: Netns, device: string): Promise<string> {
  const [link] = JSON.parse(await ns.run(['ip', '-j', 'link', 'show', 'dev', device])) as { address: string }[];
  return link?.address ?? '';
}

/** Packets and bytes that a device has sent (tx) and received (rx). */
export async function counted(ns: Netns, device: string) {
  const [link] = JSON.parse(await ns.run(['ip', '-j', '-s', 'link', 'show', 'dev', device])) as {
    stats64: Record<'rx' | 'tx', { bytes: number; packets: number }>;
  }[];
  if (link === undefined) throw new Error(`no ${device}`);
  return link.stats64;
}

/** The client's uplink in the lab. */
export const LAB_UPLINK = DEVICE.client;
