// The control API's methods: one row per method with who may call it, its parameters and its result. Server, client, CLI,
// tray and tests derive their types and their checks from this table. Read next: events.ts, docs/control-api.md.

import {
  BINDING_ENDS,
  BINDINGS,
  BINDINGS_WANTED,
  DNS_EXPLANATION,
  DNS_QUESTION,
  SESSIONS,
  SESSIONS_WANTED,
} from './gateway.ts';
import { EVENTS_KEPT } from './limits.ts';
import { flag, type Infer, integer, list, object, oneOf, parameters, type Schema, text, word } from './schema.ts';
import { EVENT, STATUS } from './status.ts';

/** The protocol's version. Minor: something was added. Major: something else was changed, and the two cannot talk. */
export const PROTOCOL = { major: 1, minor: 0 } as const;

/** Who may call: `read` everyone on this host, `admin` root and the group xlat464. */
export type Access = 'read' | 'admin';

interface Method<P, R> {
  readonly access: Access;
  readonly params: Schema<P>;
  readonly result: Schema<R>;
  readonly about: string;
}

const method = <P, R>(access: Access, params: Schema<P>, result: Schema<R>, about: string): Method<P, R> => ({
  access,
  params,
  result,
  about,
});

const VERSION = object({ major: integer(), minor: integer() });
const NOTHING = object({});

const SNAPSHOT = object({
  status: STATUS,
  /** The last ones, oldest first. */
  events: list(EVENT, EVENTS_KEPT),
});

const CAPTURED = object({
  /** Packets in the capture, and packets that were lost because the reader was too slow. */
  recorded: integer(),
  lost: integer(),
});

/** Every method. `hello` comes first on each connection. */
export const METHODS = {
  hello: method(
    'read',
    // Not strict: it must be readable by a daemon of any version.
    object({ protocol: VERSION }, { program: text(128) }),
    object({ protocol: VERSION, version: text(64), role: text(64), name: text(128), access: word('read', 'admin') }),
    'says who is there and which protocol it speaks; the first call on each connection',
  ),
  status: method('read', parameters({}), SNAPSHOT, 'the snapshot'),
  subscribe: method(
    'read',
    parameters({}, { changesPerSecond: integer(1, 10) }),
    SNAPSHOT,
    'the snapshot, then `changed` events until the connection ends',
  ),
  'capture.start': method(
    'admin',
    parameters(
      {},
      {
        /** Bytes kept of each packet. */
        snaplenBytes: integer(1, 65_575),
        /** Only this family. */
        family: oneOf(4, 6),
        /** Only packets that were dropped. */
        dropsOnly: flag(),
        /** Only packets from or to one of these, in either family. */
        addresses: list(text(64), 64),
        /** It ends by itself after so long. */
        durationMs: integer(1, 86_400_000),
      },
    ),
    NOTHING,
    'both sides of the translation as pcapng, in `captured` events; ends with the connection at the latest',
  ),
  'capture.stop': method(
    'admin',
    parameters({}),
    CAPTURED,
    'ends the capture of this connection; all of it has been sent',
  ),
  reload: method(
    'admin',
    parameters({}),
    object(
      {
        isReloaded: flag(),
        /** Why not, one sentence each. */
        problems: list(text()),
      },
      {
        /** What it cost, one sentence each. */
        notes: list(text()),
      },
    ),
    'reads configuration and mappings again, as SIGHUP does',
  ),
  up: method('admin', parameters({}), NOTHING, 'switches a client on; what comes of it is in the status'),
  down: method(
    'admin',
    parameters({}),
    NOTHING,
    'switches a client off: everything on the host is put back, and the daemon goes on',
  ),
  sessions: method('read', SESSIONS_WANTED, SESSIONS, 'of a gateway: the translated sessions, some of them or all'),
  'bindings.list': method('read', BINDINGS_WANTED, BINDINGS, 'of a gateway: the bindings of its NAT64'),
  'bindings.add': method('admin', BINDING_ENDS, NOTHING, 'of a gateway: opens a port from outside, until it ends'),
  'bindings.remove': method('admin', BINDING_ENDS, NOTHING, 'of a gateway: closes a port that was opened'),
  'dns.query': method(
    'read',
    DNS_QUESTION,
    DNS_EXPLANATION,
    'of a gateway: asks its DNS64 and says how the answer came about',
  ),
  stop: method('admin', parameters({}), NOTHING, 'ends the daemon; everything on the host is put back'),
} as const;

/** The name of a method. */
export type MethodName = keyof typeof METHODS;
/** The parameters of a method. */
export type Params<M extends MethodName> = Infer<(typeof METHODS)[M]['params']>;
/** The result of a method. */
export type Result<M extends MethodName> = Infer<(typeof METHODS)[M]['result']>;

/** Snapshot and events. */
export type Snapshot = Infer<typeof SNAPSHOT>;
/** What a capture recorded and lost. */
export type Captured = Infer<typeof CAPTURED>;

/** Whether text names a method. */
export const isMethod = (name: string): name is MethodName => Object.hasOwn(METHODS, name);

/**
 * Why two ends cannot talk, as one sentence; null when they can.
 * @param daemon the daemon's protocol and product version
 * @param program the other end's protocol
 */
export function protocolMismatch(
  daemon: { readonly protocol: { readonly major: number }; readonly version: string },
  program: { readonly major: number },
): string | null {
  const { major } = daemon.protocol;
  if (major === program.major) return null;
  const old =
    major < program.major
      ? 'the running daemon is the older one: restart it'
      : 'this program is the older one: update it';
  return `the daemon (${daemon.version}) speaks control protocol ${major}, this program ${program.major}; ${old}`;
}
