// What a daemon says about itself: the snapshot behind `xlat464 status`, the tray and the panel. All times are milliseconds
// since 1970 by the daemon's clock; all counters count since its data path started.

import { GATEWAY } from './gateway.ts';
import { added, flag, type Infer, integer, list, map, nullable, number, object, scalar, text, word } from './schema.ts';

const perFamily = object({ ipv4: integer(), ipv6: integer() });
const ratePerFamily = object({ ipv4: number(0), ipv6: number(0) });

/** One decision or trouble, as the log has it. */
export const EVENT = object({
  /** Counts from 1; a gap means that the reader missed some. */
  number: integer(1),
  timeMs: integer(),
  level: word('debug', 'info', 'warn', 'error'),
  /** Stable reason code, see reasons.ts. */
  code: text(64),
  fields: map(scalar()),
  text: text(),
});

/** One decision or trouble. */
export type StatusEvent = Infer<typeof EVENT>;

const VERDICT = object({
  name: text(64),
  rule: text(128),
  /** What it means, for an engineer. */
  text: text(256),
  isDrop: flag(),
  /** By the family of the packet that came in. */
  ipv4: integer(),
  ipv6: integer(),
});

/** Packets that came to one end. */
export type StatusVerdict = Infer<typeof VERDICT>;

/** Why the virtual interface did not take packets: it is down, it takes no such packet, the system has no room, or else. */
const REFUSALS = object({ linkDown: integer(), invalid: integer(), noMemory: integer(), other: integer() });

const COUNTERS = object(
  {
    /** By family of what came in, and of what went out. A super-packet counts as one packet. */
    packetsIn: perFamily,
    bytesIn: perFamily,
    packetsOut: perFamily,
    bytesOut: perFamily,
    /** Packets that the virtual interface did not take. */
    writesRefused: integer(),
    /** Packets that were merged before the write, and the super-packets that they became. */
    packetsMerged: integer(),
    superPacketsMade: integer(),
    /** Those that occurred. */
    verdicts: list(VERDICT),
  },
  { writesRefusedBy: REFUSALS },
);

/** Counters since the data path started. */
export type StatusCounters = Infer<typeof COUNTERS>;

const RATES = object({
  /** The time that they are the mean of. */
  intervalMs: number(0),
  packetsIn: ratePerFamily,
  bytesIn: ratePerFamily,
  packetsOut: ratePerFamily,
  bytesOut: ratePerFamily,
  /** Packets per second that were dropped, by family of the packet that came in. */
  drops: ratePerFamily,
});

/** Per second. */
export type StatusRates = Infer<typeof RATES>;

const DAEMON = object({
  version: text(64),
  role: word('client', 'translator', 'gateway'),
  /** Tells the daemons of one host apart; the name of its endpoint. */
  name: text(128),
  pid: integer(1),
  startedMs: integer(),
});

const PROBLEM = object({
  /** Stable reason code. */
  code: text(64),
  text: text(),
  /** What can be done about it; null: nothing is known. */
  advice: nullable(text()),
});

/** What is not as it should be, although the daemon does what it can. */
export type StatusProblem = Infer<typeof PROBLEM>;

const STATE = object(
  {
    name: word('starting', 'waiting', 'running', 'stopping', 'stopped'),
    /** Stable reason code. */
    reason: text(64),
    text: text(),
    sinceMs: integer(),
  },
  {
    /** What is not as it should be, although the daemon does what it can; left out: nothing. */
    problems: list(PROBLEM, 100),
    /** When the next attempt comes, to the second. */
    retryMs: integer(),
  },
);

const PREFIX = object(
  {
    prefix: text(64),
    /** Where it came from. */
    source: word('configuration', 'router-advertisement', 'dns'),
    /** When it ends; null: it does not by itself. */
    validUntilMs: nullable(integer()),
  },
  {
    /** Outcome of the connectivity check (rule D-08), where one was made. */
    isReachable: flag(),
  },
);

const DEVICE = object({
  name: text(64),
  ipv4MtuBytes: integer(),
  ipv6MtuBytes: integer(),
  queues: integer(),
  /** What the system takes off the data path's hands. */
  offload: object({ vnetHeader: flag(), tcpSegmentation: flag(), udpSegmentation: flag() }),
  /** Whether packets that arrive unmerged are merged before the write. */
  isCoalescing: flag(),
  /** What could not be had, and why. */
  notes: list(text()),
});

const UPLINK = object({
  name: text(64),
  kind: word('forwarding', 'redirect'),
  mtuBytes: integer(),
  /** The host's own address toward the NAT64; null: not known. */
  source: nullable(text(64)),
});

/** Prefixes on offer that are listed, and interfaces with refused ones. */
export const OFFERS_MAX = 64;

const OFFER = object({
  /** null: on all of them (configuration). */
  interface: nullable(text(64)),
  prefix: text(64),
  source: word('configuration', 'router-advertisement', 'dns'),
  /** The router's or the resolver's address, or "configuration". */
  origin: text(64),
  validUntilMs: nullable(integer()),
  /** The router's, RFC 4191; null for other sources. */
  preference: nullable(word('high', 'medium', 'low')),
  /** Whether its router is a default router; null for other sources. */
  isDefaultRouter: nullable(flag()),
  /** Whether its router was solicited and did not answer; null for other sources. */
  isSilent: nullable(flag()),
  /** Outcome of the connectivity check; null: none was made. */
  isReachable: nullable(flag()),
  /** Whether it is the choice on its interface. */
  isChosen: flag(),
});

/** A NAT64 prefix on offer. */
export type StatusOffer = Infer<typeof OFFER>;

const OFFERS = object({
  candidates: list(OFFER, OFFERS_MAX),
  /** How many prefixes of an interface were not kept, since it came up: unusable, or too many. */
  refused: list(object({ interface: text(64), prefixes: integer() }), OFFERS_MAX),
});

/** What a client has to choose from. */
export type StatusOffers = Infer<typeof OFFERS>;

/** The sections of a snapshot. A change names the sections that changed, each as a whole. */
export const STATUS_SECTIONS = {
  daemon: DAEMON,
  state: STATE,
  /** The NAT64 prefix; null: mappings alone, or none found. */
  prefix: nullable(PREFIX),
  /** What a client has to choose its prefix from; null: it is none. */
  offers: added(OFFERS),
  /** A client: its IPv4 address and the IPv6 address that carries it. A translator: its own addresses, sources of errors. */
  addresses: object({ ipv4: nullable(text(64)), ipv6: nullable(text(64)) }),
  /** Explicit address mappings, and addresses in the dynamic pool. */
  mappings: object({ explicit: integer(), poolAddresses: integer() }),
  /** The virtual interface; null: not open. */
  device: nullable(DEVICE),
  /** null: a translator, or a client without a way to the NAT64. */
  uplink: nullable(UPLINK),
  /** What only a gateway has; null: it is none. */
  gateway: added(GATEWAY),
  /** null: the data path does not run. */
  counters: nullable(COUNTERS),
  /** null: not known. They are kept while someone is subscribed. */
  rates: nullable(RATES),
} as const;

/** The shape of a snapshot, its events apart. */
export const STATUS = object(STATUS_SECTIONS);

/** What a daemon says about itself at one moment. */
export type Status = Infer<typeof STATUS>;

/** The sections that changed. */
export const STATUS_CHANGES = object({}, STATUS_SECTIONS);

/** The sections that changed. */
export type StatusChanges = Infer<typeof STATUS_CHANGES>;

/** The state's part of a snapshot. */
export type StatusState = Infer<typeof STATE>;
