// The rows of the table: which traffic, with which offloads at the ends.

import { ALL_ON, type EndOffload, SEGMENTATION_OFF, type Topology } from './topology.ts';
import { measureTcp, measureUdp } from './traffic.ts';
import type { Way } from './variants.ts';

/** One row. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly ends: EndOffload;
  /** Measures once, for about `seconds`. */
  readonly measure: (topology: Topology, way: Way, seconds: number) => Promise<number>;
}

const tcp = (ends: EndOffload, streams: number, direction: 'up' | 'down'): Workload => ({
  id: `tcp${streams}-${direction}${ends.segmentation ? '' : '-off'}`,
  title: `TCP ×${streams} ${direction}${ends.segmentation ? '' : ', ends without TSO/GSO/GRO'}`,
  unit: 'Gbit/s',
  ends,
  measure: (topology, variant, seconds) => measureTcp(topology, variant, direction, streams, seconds),
});

const smallUdp = (id: string, title: string, direction: 'up' | 'down'): Workload => ({
  id,
  title,
  unit: 'kpps',
  ends: SEGMENTATION_OFF,
  measure: async (topology, variant, seconds) => 1000 * (await measureUdp(topology, variant, direction, seconds, true)),
});

const burstUdp = (id: string, title: string, direction: 'up' | 'down'): Workload => ({
  id,
  title,
  unit: 'Mpps',
  ends: ALL_ON,
  measure: (topology, variant, seconds) => measureUdp(topology, variant, direction, seconds, false),
});

const inOrder = (ends: EndOffload): Workload[] => [
  tcp(ends, 1, 'up'),
  tcp(ends, 1, 'down'),
  tcp(ends, 4, 'up'),
  tcp(ends, 4, 'down'),
];

/** All rows. Rows with the same ends stand together, so that the devices are switched seldom. */
export const WORKLOADS: readonly Workload[] = [
  ...inOrder(ALL_ON),
  burstUdp('udp-burst-up', 'UDP bursts with USO, 6→4', 'up'),
  burstUdp('udp-burst-down', 'UDP bursts with USO, 4→6', 'down'),
  ...inOrder(SEGMENTATION_OFF),
  smallUdp('udp-small-up', '64-byte UDP on one core, 6→4', 'up'),
  smallUdp('udp-small-down', '64-byte UDP on one core, 4→6', 'down'),
];
