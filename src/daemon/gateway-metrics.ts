// The metrics of a gateway: its snapshot as a page. Loaded where metrics are on.

import type { DnsEndpoint } from '../core/dns64/settings.ts';
import { gatewayName } from './gateway-nat64.ts';
import type { GatewayParts } from './gateway-parts.ts';
import { gatewayFacts } from './gateway-status.ts';
import { identityOf } from './identity.ts';
import { type MetricsServer, startMetrics } from './metrics-server.ts';
import { metricsText } from './metrics-text.ts';
import { StatusBoard } from './status-board.ts';

/** Starts to answer with the metrics of these parts. @throws as {@link startMetrics} */
export function startGatewayMetrics(place: DnsEndpoint, parts: GatewayParts): Promise<MetricsServer> {
  const board = new StatusBoard(identityOf('gateway', gatewayName(parts.plan.config)), () => gatewayFacts(parts));
  return startMetrics(place, () => metricsText(board.status()));
}
