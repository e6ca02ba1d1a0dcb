// The data path's life in the log: when it takes packets, by which settings, with what help of the kernel. Nothing for a packet.

import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import type { TunDevice } from '../platform/select.ts';
import { describeOffload } from './describe.ts';
import type { DaemonLog } from './log.ts';

/** What the workers translate by, as far as a person wants to compare it. */
function fieldsOf(settings: TranslatorSettings) {
  const { prefix, ownIpv4, ownIpv6, ipv4Mtu, ipv6Mtu, mappings } = settings;
  return {
    prefix: prefix === null ? 'none' : formatPrefix6(prefix),
    ipv4: ownIpv4 === 0 ? 'none' : formatIpv4(ownIpv4),
    ipv6: ownIpv6 === null ? 'none' : formatIpv6(ownIpv6),
    ipv4Mtu,
    ipv6Mtu,
    mappings: mappings.length,
  };
}

/** Packets are taken; what was wanted of the kernel and is not had has a line each. */
export function sayStarted(log: DaemonLog, device: TunDevice, coalesce: boolean, settings: TranslatorSettings): void {
  const [offload, queues] = [describeOffload(device.capabilities), device.queues.length];
  const fields = { interface: device.name, queues, offload, merging: coalesce, ...fieldsOf(settings) };
  log.debug('datapath-started', fields, `${device.name} is read, queues ${queues}, offload ${offload}`);
  for (const note of device.notes) log.debug('datapath-started', { interface: device.name }, note);
}

/** The workers have gone over to other settings. */
export const sayChanged = (log: DaemonLog, device: TunDevice, settings: TranslatorSettings): void =>
  log.debug('datapath-changed', fieldsOf(settings), `${device.name} is translated by other settings`);

/** No packet is taken any more. */
export const sayEnded = (log: DaemonLog, device: TunDevice): void =>
  log.debug('datapath-ended', { interface: device.name }, `${device.name} is not read any more`);
