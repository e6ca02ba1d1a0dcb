// The control API's events: what a daemon sends without being asked each time. One row per event with the shape of its
// parameters. Read first: methods.ts.

import { type Infer, integer, list, object, type Schema, text, word } from './schema.ts';
import { EVENT, STATUS_CHANGES } from './status.ts';

interface EventRow<P> {
  readonly params: Schema<P>;
  readonly about: string;
}

const event = <P>(params: Schema<P>, about: string): EventRow<P> => ({ params, about });

/** Every event. */
export const EVENTS = {
  changed: event(
    object({
      /** The sections of the snapshot that are not as they were. */
      status: STATUS_CHANGES,
      /** New events, oldest first; of a flood the last hundred, and a gap in their numbers. */
      events: list(EVENT),
    }),
    'to a subscriber: what changed since the snapshot or the last of these',
  ),
  captured: event(
    object({
      /** Bytes of the pcapng file in base64; put together in order they are the file. */
      bytes: text(1_000_000),
      /** Packets recorded and lost so far. */
      recorded: integer(),
      lost: integer(),
    }),
    'to who captures: the next bytes of the file',
  ),
  captureEnded: event(
    object({ recorded: integer(), lost: integer(), reason: word('duration', 'data-path-ended') }),
    'to who captures: it ended by itself, and all of it has been sent',
  ),
  closing: event(
    object({ reason: word('slow', 'too-large', 'too-many', 'idle', 'ending'), text: text() }),
    'to everyone: why the daemon closes this connection',
  ),
} as const;

/** The name of an event. */
export type EventName = keyof typeof EVENTS;
/** What an event carries. */
export type EventParams<E extends EventName> = Infer<(typeof EVENTS)[E]['params']>;

/** Whether text names an event. */
export const isEvent = (name: string): name is EventName => Object.hasOwn(EVENTS, name);
