// Runs one translator, tayga or ours, in a namespace of its own and has the injector feed it. Both attach to a TUN interface
// made here, so that both see the same device: MTU, queue, and a kernel that says nothing on it.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { NETWORK } from './differential-network.ts';
import { type Netns, type NetnsSet, type Running, waitFor } from './netns.ts';
import { hex, toHex } from './packets.ts';

const DEVICE = 'xdiff0';
const INJECTOR = fileURLToPath(new URL('./injector.js', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const TIME_LIMIT_MS = 60_000;

/** A translator under test: writes its configuration into `directory` and gives the command that runs it. */
export type Translator = (directory: string) => readonly string[];

/** Debian's tayga, in the foreground. */
export const tayga: Translator = (directory) => {
  const config = path.join(directory, 'tayga.conf');
  const lines = [
    `tun-device ${DEVICE}`,
    `ipv4-addr ${NETWORK.ownIpv4}`,
    `ipv6-addr ${NETWORK.ownIpv6}`,
    `prefix ${NETWORK.prefix}`,
    ...NETWORK.mappings.map(([ipv4, ipv6]) => `map ${ipv4} ${ipv6}`),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  return ['tayga', '--nodetach', '-c', config];
};

/** `xlat464 translate`. It does not merge segments, so that each output belongs to one input; its limits are out of reach. */
export const ours: Translator = (directory) => {
  const config = path.join(directory, 'translator.yaml');
  const lines = [
    'role: translator',
    `prefix: ${NETWORK.prefix}`,
    'mappings:',
    ...NETWORK.mappings.map(([ipv4, ipv6]) => `  - { ipv4: ${ipv4}, ipv6: "${ipv6}" }`),
    `own-ipv4: ${NETWORK.ownIpv4}`,
    `own-ipv6: ${NETWORK.ownIpv6}`,
    `ipv4-mtu: ${NETWORK.ipv4Mtu}`,
    `ipv6-mtu: ${NETWORK.ipv6Mtu}`,
    'errors-per-second: 1000000',
    `tun: { name: ${DEVICE}, attach: true, coalesce: false }`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  return [process.execPath, PROGRAM, 'translate', '-c', config];
};

/** Neither autoconfiguration nor the default queueing discipline, which would reorder flows, gets at the interface. */
async function makeInterface(ns: Netns): Promise<void> {
  await ns.run(['ip', 'tuntap', 'add', 'dev', DEVICE, 'mode', 'tun']);
  await ns.sysctl(`net/ipv6/conf/${DEVICE}/disable_ipv6`, '1');
  await ns.ip(`link set ${DEVICE} mtu ${NETWORK.ipv6Mtu} txqueuelen 1000`);
  await ns.run(['tc', 'qdisc', 'replace', 'dev', DEVICE, 'root', 'pfifo', 'limit', '1000']);
  await ns.ip(`link set ${DEVICE} up`);
}

/** A TUN interface has a carrier as soon as a program is attached to it. */
async function untilAttached(ns: Netns, program: Running): Promise<void> {
  await waitFor('the translator on its interface', async () => {
    if (program.hasEnded()) throw new Error(`the translator ended: ${program.output()}`);
    return (await ns.run(['ip', 'link', 'show', DEVICE])).includes('LOWER_UP');
  });
}

/**
 * Feeds `packets` to a translator.
 * @param name of the namespace
 * @returns for each packet, what the translator wrote because of it
 */
export async function translateAll(
  set: NetnsSet,
  name: string,
  translator: Translator,
  packets: readonly Uint8Array[],
): Promise<Uint8Array[][]> {
  const ns = await set.add(name);
  await makeInterface(ns);
  const program = await ns.start(translator(set.directory));
  await untilAttached(ns, program);
  const input = packets.map((packet) => `${toHex(packet)}\n`).join('');
  const result = await ns.runAny([process.execPath, INJECTOR, DEVICE], { input, timeoutMs: TIME_LIMIT_MS });
  if (result.code !== 0) throw new Error(`the injector failed: ${result.stderr}\n${name}: ${program.output()}`);
  await program.stop();
  const lines = result.stdout.trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as string[]).map((text) => hex(text)));
}
