// The gateway of this host, for the commands that only a gateway answers.

import { XlatError } from '../contract/errors.ts';
import type { Access } from '../contract/methods.ts';
import type { ControlConnection } from '../control/client.ts';
import { connectToAll } from './daemon.ts';

const OPERATION = 'find the gateway';

/**
 * Connects to the gateway that runs, or to the one of that name, and hangs up afterwards.
 * @throws XlatError DAEMON_NOT_RUNNING, DAEMON_AMBIGUOUS; as `use`
 */
export async function withGateway<T>(
  access: Access,
  name: string | undefined,
  use: (gateway: ControlConnection) => Promise<T>,
): Promise<T> {
  const connections = await connectToAll(access, name);
  try {
    return await use(theGateway(connections, name));
  } finally {
    for (const connection of connections) connection.close();
  }
}

function theGateway(connections: readonly ControlConnection[], name: string | undefined): ControlConnection {
  const gateways = connections.filter(({ hello }) => hello.role === 'gateway');
  const [first, ...others] = gateways;
  if (first === undefined) {
    const what = name === undefined ? 'no gateway is running' : `no gateway called ${name} is running`;
    const advice = 'Start one with "sudo xlat464 gateway -c FILE".';
    throw new XlatError('DAEMON_NOT_RUNNING', OPERATION, what, { advice });
  }
  if (others.length === 0) return first;
  const names = gateways.map(({ hello }) => hello.name).join(', ');
  const advice = `Choose one with --name: ${names}.`;
  throw new XlatError('DAEMON_AMBIGUOUS', OPERATION, `${gateways.length} gateways are running`, { advice });
}
