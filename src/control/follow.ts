// A daemon's snapshot that stays up to date: the subscription as its reader wants it.

import type { EventParams } from '../contract/events.ts';
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
  // They may come in one piece with the snapshot, before whoever waits for that goes on.
  const early: EventParams<'changed'>[] = [];
  connection.on('changed', (changes) => {
    if (latest === null) {
      early.push(changes);
      return;
    }
    latest = applied(latest, changes);
    changed(latest, changes.events);
  });
  const snapshot = await connection.call('subscribe', { changesPerSecond });
  latest = early.reduce(applied, snapshot);
  return latest;
}

const applied = (snapshot: Snapshot, { status, events }: EventParams<'changed'>): Snapshot => ({
  status: { ...snapshot.status, ...status },
  events: [...snapshot.events, ...events].slice(-EVENTS_KEPT),
});
