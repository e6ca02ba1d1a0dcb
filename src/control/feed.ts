// One subscription: the snapshot, then what changed, at most so often per second. What changes faster is seen as it is at the
// end of the interval, so a flood costs the reader and the daemon the same as a trickle.

import type { EventParams } from '../contract/events.ts';
import type { Snapshot } from '../contract/methods.ts';
import { STATUS_SECTIONS, type Status, type StatusChanges } from '../contract/status.ts';
import type { Clock } from './clock.ts';
import type { EventLog } from './event-log.ts';

/** What a subscription reads, and where it sends. */
export interface FeedOptions {
  readonly read: () => Status;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly changesPerSecond: number;
  readonly send: (changes: EventParams<'changed'>) => void;
}

type Section = keyof typeof STATUS_SECTIONS;
const SECTIONS = Object.keys(STATUS_SECTIONS) as Section[];

/** A subscription from its snapshot to `close`. */
export class Feed {
  readonly #options: FeedOptions;
  readonly #intervalMs: number;
  /** What the reader has, section by section, as JSON. */
  readonly #sent = new Map<Section, string>();
  #eventsSent = 0;
  #nextMs = 0;
  #cancel: (() => void) | null = null;
  #isOpen = true;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#intervalMs = 1000 / options.changesPerSecond;
  }

  /** The snapshot; changes count from here. */
  snapshot(): Snapshot {
    const { read, events } = this.#options;
    const status = read();
    this.#changesOf(status);
    const last = events.after(0);
    this.#eventsSent = events.count;
    return { status, events: last };
  }

  /** Something may have changed: looks, now or when the interval is over. */
  wake(): void {
    if (!this.#isOpen || this.#cancel !== null) return;
    const waitMs = Math.max(0, this.#nextMs - this.#options.clock.nowMs());
    this.#cancel = this.#options.clock.after(waitMs, () => this.#send());
  }

  /** Nothing is sent after it. */
  close(): void {
    this.#isOpen = false;
    this.#cancel?.();
  }

  #send(): void {
    this.#cancel = null;
    const { read, events, clock, send } = this.#options;
    const status = this.#changesOf(read());
    const news = events.after(this.#eventsSent);
    if (Object.keys(status).length === 0 && news.length === 0) return;
    this.#eventsSent = events.count;
    this.#nextMs = clock.nowMs() + this.#intervalMs;
    send({ status, events: news });
  }

  /** The sections that the reader has not, taken for sent. */
  #changesOf(status: Status): StatusChanges {
    const changed: [Section, unknown][] = [];
    for (const section of SECTIONS) {
      const json = JSON.stringify(status[section]);
      if (this.#sent.get(section) === json) continue;
      this.#sent.set(section, json);
      changed.push([section, status[section]]);
    }
    return Object.fromEntries(changed) as StatusChanges;
  }
}
