// What a gateway says about itself and is asked: its part of the snapshot, sessions, bindings, and how a DNS answer came about.
// Addresses are text; ports are ICMP identifiers where the protocol is icmp.

import type { Dns64Report } from './dns64.ts';
import {
  flag,
  type Infer,
  integer,
  list,
  nullable,
  number,
  object,
  oneOf,
  parameters,
  type Schema,
  text,
  word,
} from './schema.ts';

/** Sessions or bindings in one answer. */
export const LIST_LIMIT = 1000;

const END = object({
  address: text(64),
  /** Port or identifier; null: the protocol has none. */
  port: nullable(integer(0, 65_535)),
});

/** One end of a session. */
export type SessionEnd = Infer<typeof END>;

const SESSION = object({
  /** Which translation it is: our NAT64, or the kernel's NAT66, NPTv6 or NAT44. */
  kind: word('nat64', 'nat66', 'nat44'),
  protocol: word('tcp', 'udp', 'icmp'),
  /** Of a TCP session, as the table names it; null: the protocol has none. */
  state: nullable(text(32)),
  /** The host of the LAN. */
  host: END,
  /** What the far end sees of it. */
  mapped: END,
  /** The far end, by its own address. */
  remote: END,
  /** How long it lives without a packet. */
  expiresInMs: nullable(integer()),
});

/** One translated session. */
export type Session = Infer<typeof SESSION>;

/** What {@link SESSIONS} is sorted by. */
export const SESSION_ORDERS = ['host', 'remote', 'mapped', 'expires'] as const;

/** Parameters of `sessions`. */
export const SESSIONS_WANTED = parameters(
  {},
  {
    kind: oneOf('nat64', 'nat66', 'nat44'),
    protocol: oneOf('tcp', 'udp', 'icmp'),
    /** Address or prefix of hosts of the LAN. */
    host: text(64),
    /** Address or prefix of far ends; inside the NAT64 prefix it counts as the IPv4 address that it carries. */
    remote: text(64),
    /** State of TCP sessions. */
    state: text(32),
    sort: oneOf(...SESSION_ORDERS),
    limit: integer(1, LIST_LIMIT),
  },
);

/** Result of `sessions`. */
export const SESSIONS = object({
  /** How many fit, listed or not. */
  total: integer(),
  sessions: list(SESSION, LIST_LIMIT),
  /** What could not be looked at, and why. */
  notes: list(text()),
});

const BINDING = object({
  protocol: word('tcp', 'udp', 'icmp'),
  /** Made by the operator, in the file or at run time. */
  isStatic: flag(),
  host: END,
  mapped: END,
  sessions: integer(),
});

/** One binding of the NAT64. */
export type Binding = Infer<typeof BINDING>;

/** Parameters of `bindings.list`. */
export const BINDINGS_WANTED = parameters(
  {},
  {
    protocol: oneOf('tcp', 'udp', 'icmp'),
    host: text(64),
    /** Only those of the operator. */
    staticOnly: flag(),
    limit: integer(1, LIST_LIMIT),
  },
);

/** Result of `bindings.list`. */
export const BINDINGS = object({ total: integer(), bindings: list(BINDING, LIST_LIMIT) });

/** A static binding as it is asked for: `192.0.2.10:8080` and `[2001:db8::5]:80`. */
export const BINDING_ENDS = parameters({
  protocol: oneOf('tcp', 'udp', 'icmp'),
  mapped: text(64),
  host: text(64),
});

/** Parameters of `dns.query`. */
export const DNS_QUESTION = parameters({ name: text(255) }, { type: text(16) });

/** Result of `dns.query`: how an answer comes about. */
export const DNS_EXPLANATION = object({
  name: text(1024),
  type: text(32),
  steps: list(
    object({
      /** Milliseconds since the start. */
      atMs: number(0),
      step: word(
        'cache',
        'local',
        'ask',
        'reply',
        'no-reply',
        'bogus',
        'excluded',
        'real',
        'need-a',
        'synthetic',
        'answer',
      ),
      text: text(),
    }),
  ),
  rcode: text(32),
  isSynthetic: flag(),
  /** Records of the answer section, one line each, as in a zone file. */
  answer: list(text(70_000)),
});

/** How a DNS answer came about. */
export type DnsExplanation = Infer<typeof DNS_EXPLANATION>;

const perProtocol = object({ tcp: integer(), udp: integer(), icmp: integer() });

const POOL = object({
  kind: word('masquerade', 'routed', 'shared'),
  /** As the outside sees it: `192.0.2.10 tcp 1024-65535`. */
  ranges: list(text(128)),
  /** What the pool cannot have on this host, one sentence each. */
  warnings: list(text()),
});

const NAT64 = object({
  pool: POOL,
  sessions: integer(),
  /** The most that there may be. */
  sessionLimit: integer(),
  openedSessions: integer(),
  bindings: perProtocol,
  madeBindings: integer(),
  staticBindings: integer(),
  /** Ports of the pool, and those of them that nobody has. */
  ports: perProtocol,
  freePorts: perProtocol,
  /** IPv6 addresses, and networks of them, that have sessions. */
  hosts: integer(),
  networks: integer(),
  heldSyns: integer(),
  /** Packets that opened no session because of a limit. */
  refused: object({
    portsExhausted: integer(),
    sessionLimit: integer(),
    hostLimit: integer(),
    networkLimit: integer(),
    rateLimit: integer(),
    synLimit: integer(),
  }),
  /** Fragments that wait for their first one, and those that waited in vain. */
  fragmentsHeld: integer(),
  fragmentsLost: integer(),
  /** Bytes of the tables. */
  memoryBytes: integer(),
  /** Records of the mapping log that were lost because nobody took them in time. */
  logRecordsLost: integer(),
});

const DNS64: Schema<Dns64Report> = object({
  listen: list(text(128)),
  counters: object({
    udpQueries: integer(),
    tcpQueries: integer(),
    cacheHits: integer(),
    cacheMisses: integer(),
    synthesised: integer(),
    stale: integer(),
    failed: integer(),
    refused: integer(),
    malformed: integer(),
    overload: integer(),
    tcpLimited: integer(),
    unsent: integer(),
    spoofed: integer(),
    upstreamMalformed: integer(),
    upstreamTimeouts: integer(),
    loops: integer(),
  }),
  forwarders: list(
    object({
      address: text(128),
      tlsName: nullable(text(255)),
      isUp: flag(),
      trouble: nullable(text()),
      queries: integer(),
      failures: integer(),
      rttMs: nullable(number(0)),
    }),
  ),
  cache: object({ entries: integer(), bytes: integer(), maxBytes: integer(), evicted: integer() }),
  outstanding: integer(),
  tcpConnections: integer(),
});

const ADVERTISING = object({
  link: text(64),
  state: word('down', 'checking', 'advertising', 'yielding'),
  /** What keeps it from all being well; null: nothing. */
  trouble: nullable(text()),
  sent: integer(),
  solicitations: integer(),
  prefixes: list(text(64)),
  pref64: list(text(64)),
  dnsServers: list(text(64)),
  /** Other routers that advertise something else. */
  others: list(object({ router: text(64), differs: list(text()) })),
});

const DHCP4 = object({
  link: text(64),
  range: text(64),
  state: word('running', 'waiting', 'stopped'),
  leases: integer(),
  /** How often its program ended by itself. */
  failures: integer(),
  trouble: nullable(text()),
});

const RULE = object({ rule: text(128), packets: integer(), bytes: integer() });

/** The gateway's part of the snapshot; null: that part is off. */
export const GATEWAY = object({
  lan: list(text(64)),
  wan: list(text(64)),
  nat64: nullable(NAT64),
  dns64: nullable(DNS64),
  advertise: list(ADVERTISING),
  dhcp4: nullable(DHCP4),
  /** The kernel's rules that are ours, with what they have seen. */
  rules: list(RULE),
});

/** The gateway's part of the snapshot. */
export type GatewayStatus = Infer<typeof GATEWAY>;
