// The last events of a daemon, and who wants to hear of new ones. Exists before the server does, so that a snapshot has the
// events of the start.

import { EVENTS_KEPT } from '../contract/limits.ts';
import type { StatusEvent } from '../contract/status.ts';

/** Longest text of an event: what comes from elsewhere is cut. */
const TEXT_LIMIT = 1000;

/** Keeps the last {@link EVENTS_KEPT} events. */
export class EventLog {
  #last: StatusEvent[] = [];
  #count = 0;
  readonly #listeners = new Set<() => void>();

  /** Adds an event, numbers it and tells the listeners. */
  add(event: Omit<StatusEvent, 'number'>): void {
    this.#count += 1;
    this.#last.push({ ...event, text: event.text.slice(0, TEXT_LIMIT), number: this.#count });
    if (this.#last.length > EVENTS_KEPT) this.#last.shift();
    for (const listener of this.#listeners) listener();
  }

  /** The number of the last event; 0 before the first. */
  get count(): number {
    return this.#count;
  }

  /** The events after `number`, oldest first, as far as they are kept. */
  after(number: number): readonly StatusEvent[] {
    return this.#last.filter((event) => event.number > number);
  }

  /** Calls `listener` after each new event. @returns what ends that */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
