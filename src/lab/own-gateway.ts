// The far side of the lab by our own program: the gateway with NAT64 and DNS64, and a second one on the router, which only sends
// router advertisements. The client has nothing configured: address, resolver and PREF64 come from them.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { type Running, waitFor } from './command.ts';
import type { Netns, NetnsSet } from './netns.ts';
import { isolated, PROGRAM } from './program.ts';
import { ADDRESS, DEVICE, type Topology } from './topology.ts';

/** What the NAT64 and DNS64 need to be told in this network; a router with the usual two interfaces needs less. */
export const GATEWAY_FILE = `role: gateway
lan: [${DEVICE.nat64Down}]
wan: [${DEVICE.nat64Up}]
nat64:
  prefix: ${ADDRESS.pref64}
dns64:
  listen: ["[${ADDRESS.nat64}]:53"]
  forwarders: [${ADDRESS.dns}]
  clients: ["2001:db8::/32"]
advertise: none
`;

/** The router between advertises what the gateway serves. */
export const ROUTER_FILE = `role: gateway
lan: [${DEVICE.routerLan}]
wan: [${DEVICE.routerUp}]
nat64: none
dns64: none
advertise:
  pref64: [{ prefix: "${ADDRESS.pref64}" }]
  dns: ["${ADDRESS.nat64}"]
`;

/**
 * Starts both and waits until they are ready.
 * @throws XlatError LAB_FAILED with the program's own last words
 */
export async function startOwnGateway(set: NetnsSet, { nat64, router, client }: Topology): Promise<Running> {
  const [gateway] = await Promise.all([start(set, nat64, GATEWAY_FILE), start(set, router, ROUTER_FILE)]);
  await waitFor('an address by router advertisement', async () => {
    const addresses = await client.run([
      'ip',
      '-6',
      'addr',
      'show',
      'dev',
      DEVICE.client,
      'scope',
      'global',
      '-tentative',
    ]);
    return addresses.includes('inet6 ');
  });
  return gateway;
}

async function start(set: NetnsSet, ns: Netns, text: string): Promise<Running> {
  const argv = isolated(set, ns.name, [...PROGRAM, 'gateway', '-c', '/var/lib/gateway.yaml', '--json']);
  writeFileSync(path.join(set.directory, ns.name, 'lib/gateway.yaml'), text);
  const running = await ns.start(argv);
  await waitFor(`the gateway in ${ns.name}`, () => {
    if (running.hasEnded()) throw new XlatError('LAB_FAILED', 'start the gateway', running.output());
    return running.output().includes('"code":"ready"');
  });
  return running;
}
