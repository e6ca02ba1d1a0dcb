// Switching offloads on, best first. Each step down loses one thing; what was lost is said in a sentence for status.
// Read: TUNSETOFFLOAD in drivers/net/tun.c (set_offload), which answers EINVAL to a bit that it does not know.

import { endianness } from 'node:os';
import type { TunCapabilities } from '../../dataplane/tun-queue.ts';
import type { LinuxShim } from '../native.ts';
import { TUN_F_CSUM, TUN_F_TSO_ECN, TUN_F_TSO4, TUN_F_TSO6, TUN_F_USO4, TUN_F_USO6 } from './tun-constants.ts';

const TSO = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
const USO = TUN_F_USO4 | TUN_F_USO6;

/** Sets of offloads, best first; `without` says what is lost against the row above. */
const LADDER = [
  { bits: TSO | TUN_F_TSO_ECN | USO, without: null },
  {
    bits: TSO | TUN_F_TSO_ECN,
    without: 'no UDP super-packets: this kernel has no USO for TUN (Linux 6.2 and later have it)',
  },
  { bits: TSO, without: 'TCP super-packets with ECN marks come one by one: this kernel has no TSO_ECN for TUN' },
  { bits: TUN_F_CSUM, without: 'no TCP super-packets: this kernel refuses TSO for TUN' },
  { bits: 0, without: 'no checksum offload: this kernel refuses it for TUN' },
] as const;

/** What came of it. */
export interface Offload {
  readonly capabilities: TunCapabilities;
  /** One sentence for each thing that this kernel does not do. */
  readonly notes: readonly string[];
}

/** Without an offload header nothing is offloaded. */
export const NO_OFFLOAD: TunCapabilities = { vnetHeader: false, tcpSegmentation: false, udpSegmentation: false };

/** Why an offload header cannot be used here, or null if it can. */
export function whyNoVnetHeader(features: number, vnetFlag: number): string | null {
  if ((features & vnetFlag) === 0) return 'no offloads: this kernel has no IFF_VNET_HDR for TUN';
  if (endianness() !== 'LE') return 'no offloads: the offload header is read as little-endian, and this machine is not';
  return null;
}

/**
 * Switches on the best set of offloads that the kernel takes, on a queue opened with IFF_VNET_HDR.
 * @throws the shim's Error for anything but EINVAL
 */
export function negotiateOffload(shim: Pick<LinuxShim, 'tunSetOffload'>, fd: number): Offload {
  const notes: string[] = [];
  for (const { bits, without } of LADDER) {
    if (without !== null) notes.push(without);
    if (!isTaken(shim, fd, bits)) continue;
    const tcpSegmentation = (bits & TSO) === TSO;
    return { capabilities: { vnetHeader: true, tcpSegmentation, udpSegmentation: (bits & USO) === USO }, notes };
  }
  // Even "no offload at all" is refused by kernels without TUNSETOFFLOAD; the header works without it.
  return { capabilities: { vnetHeader: true, tcpSegmentation: false, udpSegmentation: false }, notes };
}

function isTaken(shim: Pick<LinuxShim, 'tunSetOffload'>, fd: number, bits: number): boolean {
  try {
    shim.tunSetOffload(fd, bits);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return false;
    throw error;
  }
}
