// Option 108 on Linux: whoever runs the DHCP client of an interface is told. Read first: ../option108.ts.

import type { DhcpProgram, DhcpProgramName } from '../option108.ts';
import { networkManager } from './network-manager.ts';
import { makeNetworkd } from './networkd.ts';

const PROGRAMS: Readonly<Record<DhcpProgramName, DhcpProgram>> = {
  NetworkManager: networkManager,
  'systemd-networkd': makeNetworkd(),
};

/** NetworkManager and systemd-networkd; both may run, for different interfaces. */
export const linuxOption108: DhcpProgram = {
  links: async () => (await Promise.all(Object.values(PROGRAMS).map((program) => program.links()))).flat(),
  set: (link, choice) => PROGRAMS[link.program].set(link, choice),
};
