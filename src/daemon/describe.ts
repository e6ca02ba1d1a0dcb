// Texts about the data path for log lines.

import type { TunCapabilities } from '../dataplane/tun-queue.ts';

/** What the kernel takes off our hands, in a word or two. */
export function describeOffload(capabilities: TunCapabilities): string {
  if (!capabilities.vnetHeader) return 'off';
  const parts = [...(capabilities.tcpSegmentation ? ['tcp'] : []), ...(capabilities.udpSegmentation ? ['udp'] : [])];
  return parts.length === 0 ? 'checksums' : parts.join('+');
}
