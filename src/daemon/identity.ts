// Who a daemon is, for its control API and its status.

import { endpointName } from '../control/endpoint.ts';
import type { Identity } from './status-board.ts';
import { productVersion } from './version.ts';

/** The identity of this process in a role. @param tun the configured name of its virtual interface */
export const identityOf = (role: 'client' | 'translator' | 'gateway', tun: string): Identity => ({
  version: productVersion(),
  role,
  name: endpointName(role, tun),
  pid: process.pid,
  startedMs: Math.round(performance.timeOrigin),
});
