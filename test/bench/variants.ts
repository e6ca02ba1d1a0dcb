// What is compared: kernel forwarding and the translators. All of them run in the router at the same time, each behind an
// address of its own, so that a run can turn from one to the next within milliseconds. An idle one takes no processor time.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Netns, type Running, waitFor } from '../support/netns.ts';
import { RECEIVER_IPV4, RECEIVER_IPV6, SENDER_IPV4, SENDER_IPV6, type Topology } from './topology.ts';

/** One way through the router. */
export interface Way {
  readonly title: string;
  /** The receiver as the sender addresses it. */
  readonly receiver: string;
  /** The sender as the receiver addresses it; null: the sender has to speak first. */
  readonly sender: string | null;
  /** Bytes of the IP header as it arrives: at the receiver, at the sender. */
  readonly headerBytes: { readonly up: number; readonly down: number };
  /** The translator's process; null where the kernel does it alone. */
  readonly process: Running | null;
}

/** One of those that `npm run bench` compares. */
export interface Variant extends Way {
  readonly id: VariantId;
  readonly sender: string;
}

export const VARIANTS = {
  kernel6: 'kernel, IPv6 forwarding',
  kernel4: 'kernel, IPv4 forwarding',
  tayga: 'tayga',
  plain: 'ours, no offload',
  ours: 'ours',
  other: 'ours, other build',
} as const;

export type VariantId = keyof typeof VARIANTS;

/** The program under test: `dist/bundle/xlat464.js` of this build. */
export const MAIN = fileURLToPath(new URL('../../bundle/xlat464.js', import.meta.url));

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** A translator's addresses: a /96 and an IPv4 /24, numbered so that several live side by side. */
const prefixOf = (n: number): string => `2001:db8:${64 + n}::`;
const senderOf = (n: number): string => `203.0.${113 + n}.2`;

/**
 * Starts the wanted variants. They end with the topology.
 * @param otherMain main.js of another build, for `other`
 */
export async function startVariants(
  topology: Topology,
  ids: readonly VariantId[],
  otherMain?: string,
): Promise<Variant[]> {
  const variants: Variant[] = [];
  for (const id of ids) variants.push(await startVariant(topology, id, otherMain));
  for (const variant of variants) await waitForAnswer(topology, variant);
  return variants;
}

/** Waits until the sender reaches the receiver. */
export async function waitForAnswer({ sender }: Topology, { title, receiver }: Way): Promise<void> {
  await waitFor(`an answer through ${title}`, async () => {
    const answer = await sender.runAny(['ping', '-n', '-c', '1', '-W', '1', receiver]);
    return answer.code === 0;
  });
}

async function startVariant(topology: Topology, id: VariantId, otherMain: string | undefined): Promise<Variant> {
  switch (id) {
    case 'kernel6':
      return kernel(id, RECEIVER_IPV6, SENDER_IPV6, IPV6_HEADER);
    case 'kernel4':
      return kernel(id, RECEIVER_IPV4, SENDER_IPV4, IPV4_HEADER);
    case 'tayga':
      return translator(id, 0, await startTayga(topology, 0));
    case 'plain':
      return translator(id, 1, await startOurs(topology.router, MAIN, writeConfig(topology, 1, false)));
    case 'ours':
      return translator(id, 2, await startOurs(topology.router, MAIN, writeConfig(topology, 2, true)));
    case 'other':
      if (otherMain === undefined) throw new Error('--other needs the path of a main.js');
      return translator(id, 3, await startOurs(topology.router, otherMain, writeConfig(topology, 3, true)));
    default:
      return id satisfies never;
  }
}

function kernel(id: VariantId, receiver: string, sender: string, header: number): Variant {
  return { id, title: VARIANTS[id], receiver, sender, headerBytes: { up: header, down: header }, process: null };
}

function translator(id: VariantId, n: number, process: Running): Variant {
  const receiver = `${prefixOf(n)}${RECEIVER_IPV4}`;
  const headerBytes = { up: IPV4_HEADER, down: IPV6_HEADER };
  return { id, title: VARIANTS[id], receiver, sender: senderOf(n), headerBytes, process };
}

/** Writes a configuration of ours. @returns its path */
export function writeConfig({ set }: Pick<Topology, 'set'>, n: number, offload: boolean): string {
  const file = path.join(set.directory, `translator-${n}.yaml`);
  const text = `role: translator
prefix: ${prefixOf(n)}/96
mappings:
  - ipv4: ${senderOf(n)}
    ipv6: ${SENDER_IPV6}
own-ipv4: 203.0.${113 + n}.254
tun:
  name: xlat${n}
  offload: ${offload}
`;
  writeFileSync(file, text);
  return file;
}

/**
 * The command line that starts ours. Node reads the certificates that NODE_EXTRA_CA_CERTS names at its start, which a
 * service would not have it do.
 */
export const ourCommand = (main: string, config: string, role: OurRole = 'translate'): string[] => [
  ...['env', '-u', 'NODE_EXTRA_CA_CERTS', '-u', 'NODE_OPTIONS'],
  ...[process.execPath, main, role, '-c', config],
];

/** The roles that are measured. */
type OurRole = 'translate' | 'gateway';

/** Starts ours and waits until it says that it is ready. */
export async function startOurs(router: Netns, main: string, config: string, role?: OurRole): Promise<Running> {
  const running = await router.start(ourCommand(main, config, role));
  await waitFor('ours to be ready', () => {
    if (running.hasEnded()) throw new Error(`ours did not start:\n${running.output()}`);
    return running.output().includes('code=ready');
  });
  return running;
}

async function startTayga({ set, router }: Topology, n: number): Promise<Running> {
  const data = path.join(set.directory, 'tayga');
  mkdirSync(data);
  const config = path.join(data, 'tayga.conf');
  const lines = [
    'tun-device tayga0',
    `ipv4-addr 203.0.${113 + n}.254`,
    'ipv6-addr 2001:db8:3::1',
    `prefix ${prefixOf(n)}/96`,
    `map ${senderOf(n)} ${SENDER_IPV6}`,
    `data-dir ${data}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const running = await router.start(['tayga', '-d', '-c', config]);
  await waitFor('the interface of tayga', async () => {
    if (running.hasEnded()) throw new Error(`tayga did not start:\n${running.output()}`);
    return (await router.runAny(['ip', 'link', 'show', 'tayga0'])).code === 0;
  });
  await router.ip(
    'link set tayga0 up',
    `route add ${prefixOf(n)}/96 dev tayga0`,
    `route add 203.0.${113 + n}.0/24 dev tayga0`,
  );
  return running;
}
