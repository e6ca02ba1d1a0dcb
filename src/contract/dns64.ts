// What status, metrics and `dns query` know of the DNS64 server. Plain JSON.

/** A resolver that queries are passed on to. */
export interface Dns64ForwarderReport {
  /** `192.0.2.53:53`, `[2001:db8::53]:853`. */
  readonly address: string;
  /** The name that its certificate must have; null: plain DNS. */
  readonly tlsName: string | null;
  readonly isUp: boolean;
  /** Why it is not, or the last thing that went wrong; null: nothing ever did. */
  readonly trouble: string | null;
  readonly queries: number;
  readonly failures: number;
  /** Smoothed time to an answer in milliseconds; null before the first one. */
  readonly rttMs: number | null;
}

/** Counters since the start; each only grows. */
export interface Dns64Counters {
  readonly udpQueries: number;
  readonly tcpQueries: number;
  /** Answered without asking a resolver. */
  readonly cacheHits: number;
  readonly cacheMisses: number;
  /** Answers that have synthetic addresses, when they were made. */
  readonly synthesised: number;
  /** Answers out of the cache after their end, because no resolver answered. */
  readonly stale: number;
  /** SERVFAIL because no resolver answered, or because data was bogus. */
  readonly failed: number;
  /** Queries of clients that are not allowed, whether told so or not. */
  readonly refused: number;
  /** Not to be read as a query. */
  readonly malformed: number;
  /** Not taken because too many wait, in all or of one client. */
  readonly overload: number;
  /** TCP connections not taken, or closed early, because of a limit. */
  readonly tcpLimited: number;
  /** Answers that could not be sent. */
  readonly unsent: number;
  /** Answers of resolvers that do not belong to the question: forged, or late. */
  readonly spoofed: number;
  /** Answers of resolvers that are no DNS message. */
  readonly upstreamMalformed: number;
  readonly upstreamTimeouts: number;
  /** Own queries that came back as a client's. */
  readonly loops: number;
}

/** What the DNS64 server does and how it is. */
export interface Dns64Report {
  /** Addresses that it answers on. */
  readonly listen: readonly string[];
  readonly counters: Dns64Counters;
  readonly forwarders: readonly Dns64ForwarderReport[];
  readonly cache: {
    readonly entries: number;
    readonly bytes: number;
    readonly maxBytes: number;
    readonly evicted: number;
  };
  /** Client queries that wait for a resolver. */
  readonly outstanding: number;
  readonly tcpConnections: number;
}

/** One step on the way to an answer. */
export interface Dns64Step {
  /** Milliseconds since the start. */
  readonly atMs: number;
  readonly step:
    | 'cache'
    | 'local'
    | 'ask'
    | 'reply'
    | 'no-reply'
    | 'bogus'
    | 'excluded'
    | 'real'
    | 'need-a'
    | 'synthetic'
    | 'not-mapped'
    | 'reverse'
    | 'answer';
  /** One sentence for a person. */
  readonly text: string;
}

/** How the answer to one question comes about. */
export interface Dns64Explanation {
  readonly name: string;
  readonly type: string;
  readonly steps: readonly Dns64Step[];
  readonly rcode: string;
  readonly isSynthetic: boolean;
  /** Records of the answer section, one line each, as in a zone file. */
  readonly answer: readonly string[];
}
