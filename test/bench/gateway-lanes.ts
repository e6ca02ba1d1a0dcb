// What the gateway's bench compares: our NAT64 in each kind of pool, our stateless translator, the kernel's NAT44 and forwarding,
// tayga. Each has a lane: a network like all others (topology.ts), so that no one's nftables or connection tracking meets
// another's packets. An idle lane takes no processor time.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { openTopology, RECEIVER_IPV4, type Topology } from './topology.ts';
import { startReceivers } from './traffic.ts';
import { MAIN, startOurs, startVariants, type VariantId, type Way, waitForAnswer } from './variants.ts';

/** One of those that are compared, and its network. */
export interface Lane extends Way {
  readonly id: LaneId;
  readonly topology: Topology;
}

export const LANES = {
  kernel6: 'kernel, IPv6 forwarding',
  nat44: 'kernel, NAT44',
  tayga: 'tayga',
  stateless: 'ours, stateless',
  routed: 'ours, NAT64',
  shared: 'ours, NAT64, shared address',
  masquerade: 'ours, NAT64, masquerade',
} as const;

export type LaneId = keyof typeof LANES;

/** The NAT64's own prefix here: nothing of it is in 64:ff9b::/96, whose IPv4 addresses must be global. */
const PREFIX = '2001:db8:64::';
/** A pool with ports for more than eight million sessions, routed to the router by everybody's default route. */
export const ROUTED_POOL = '203.0.112.0/25';

const MASQUERADE = `table ip bench {
  chain out { type nat hook postrouting priority srcnat; oifname "d0" masquerade; }
}
`;

/** The pools, as `nat64.pool` names them. */
const POOLS = { routed: `[${ROUTED_POOL}]`, shared: 'shared', masquerade: 'masquerade' } as const;

/** Opens lanes, one after the other. They end with `close()` of their sets, or with this process. */
export async function openLanes(ids: readonly LaneId[]): Promise<Lane[]> {
  const lanes: Lane[] = [];
  for (const id of ids) lanes.push(await openLane(id));
  return lanes;
}

async function openLane(id: LaneId): Promise<Lane> {
  const topology = await openTopology(`-${id}`);
  try {
    await startReceivers(topology);
    const way = await startWay(id, topology);
    await waitForAnswer(topology, way);
    return { ...way, id, title: LANES[id], topology };
  } catch (error) {
    topology.set.close();
    throw error;
  }
}

function startWay(id: LaneId, topology: Topology): Promise<Way> {
  switch (id) {
    case 'kernel6':
    case 'tayga':
      return variant(topology, id);
    case 'stateless':
      return variant(topology, 'ours');
    case 'nat44':
      return startNat44(topology);
    case 'routed':
    case 'shared':
    case 'masquerade':
      return startGateway(topology, POOLS[id], '');
    default:
      return id satisfies never;
  }
}

async function variant(topology: Topology, id: VariantId): Promise<Way> {
  const [way] = await startVariants(topology, [id]);
  if (way === undefined) throw new Error(`${id} did not start`);
  return way;
}

async function startNat44(topology: Topology): Promise<Way> {
  await topology.router.run(['nft', '-f', '-'], { input: MASQUERADE });
  return { ...(await variant(topology, 'kernel4')), sender: null };
}

/**
 * Starts the gateway as an operator does, with NAT64 alone.
 * @param pool value of `nat64.pool`
 * @param more further keys of `nat64`, one a line
 */
export async function startGateway(topology: Topology, pool: string, more: string): Promise<Way> {
  const file = path.join(topology.set.directory, 'gateway.yaml');
  writeFileSync(
    file,
    `role: gateway
lan: [s0]
wan: [d0]
dns64: none
advertise: none
nat64:
  prefix: ${PREFIX}/96
  pool: ${pool}
${more}`,
  );
  return {
    title: 'the gateway',
    receiver: `${PREFIX}${RECEIVER_IPV4}`,
    sender: null,
    headerBytes: { up: 20, down: 40 },
    process: await startOurs(topology.router, MAIN, file, 'gateway'),
  };
}
