// A daemon's snapshot that stays up to date: the subscription as its reader wants it.

import { EVENTS_KEPT } from '../contract/limits.ts';
import type { Snapshot } from '../contract/methods.ts';
import type { StatusEvent } from '../contract/status.ts';
import type { ControlConnection } from './client.ts';

/**
 * Subscribes.
 * @param changed called after each change with the whole snapshot and the events that are new in it
 * @returns the snapshot as it is now
 * @throws XlatError as `call`
 */
export async function follow(
  connection: ControlConnection,
  changesPerSecond: number,
  changed: (snapshot: Snapshot, news: readonly StatusEvent[]) => void,
): Promise<Snapshot> {
  let latest: Snapshot | null = null;
  connection.on('changed', ({ status, events }) => {
    if (latest === null) return; // the snapshot comes first, always
    latest = { status: { ...latest.status, ...status }, events: [...latest.events, ...events].slice(-EVENTS_KEPT) };
    changed(latest, events);
  });
  const result = await connection.call('subscribe', { changesPerSecond });
  latest = result;
  return result;
}
