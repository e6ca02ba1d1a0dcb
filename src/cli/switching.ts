// `up` and `down`: asks a client to switch, then watches its status until it is decided what came of it.

import type { Snapshot } from '../contract/methods.ts';
import type { Status } from '../contract/status.ts';
import type { ControlConnection } from '../control/client.ts';
import { follow } from '../control/follow.ts';

/** Reasons to wait that no waiting changes: what is in the way is there to stay. */
const STEADY: ReadonlySet<string> = new Set(['native-ipv4', 'other-clat']);

/** Whether it is known what came of switching on. */
export const isUpDecided = ({ state }: Status): boolean => state.name === 'running' || STEADY.has(state.reason);

/** Whether it is off. */
export const isDown = ({ state }: Status): boolean => state.name === 'stopped';

/**
 * Switches a client.
 * @param isDecided whether the status tells what came of it
 * @returns the status by then, or when the time was up, or the last one of a daemon that ended
 * @throws XlatError as `call`
 */
export async function switchClient(
  connection: ControlConnection,
  method: 'up' | 'down',
  isDecided: (status: Status) => boolean,
  timeoutMs: number,
): Promise<Status> {
  await connection.call(method, {});
  let decided: (status: Status) => void = () => undefined;
  const result = new Promise<Status>((resolve) => {
    decided = resolve;
  });
  let latest: Status | null = null;
  const look = ({ status }: Snapshot): void => {
    latest = status;
    if (isDecided(status)) decided(status);
  };
  // A subscription after the call: its snapshot is not from before.
  const { status: first } = await follow(connection, 10, look);
  if (isDecided(latest ?? first)) return latest ?? first;
  const timer = setTimeout(() => decided(latest ?? first), timeoutMs);
  void connection.closed.then(() => decided(latest ?? first));
  try {
    return await result;
  } finally {
    clearTimeout(timer);
  }
}
