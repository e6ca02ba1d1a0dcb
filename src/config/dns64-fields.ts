// The keys of a gateway's section `dns64`: what they may hold, their defaults, what they mean.

import { DEFAULT_DNS64 } from '../core/dns64/settings.ts';
import { nat64Prefix, prefix4, prefix6 } from './addresses.ts';
import { choice, field, flag, integer, list, section, type Values, wordOr } from './fields.ts';
import { anyPrefix, dnsEndpoint, domain, forwarder, size } from './gateway-scalars.ts';
import { duration, path } from './scalars.ts';

const D = DEFAULT_DNS64;

const CACHE_FIELDS = {
  memory: field(wordOr('none', 0, size), '64MiB', 'Memory for answers; none: nothing is kept.'),
  'min-ttl': field(wordOr('none', 0, duration), 'none', 'Answers are kept at least so long.'),
  'max-ttl': field(duration, '1d', 'Answers are kept at most so long.'),
  'max-negative-ttl': field(duration, '1h', 'Answers that there is nothing are kept at most so long (RFC 2308).'),
  'serve-stale': field(
    wordOr('none', 0, duration),
    'none',
    'So long after its end an answer is still given when no forwarder answers (RFC 8767).',
  ),
};

/** All keys of the section. */
export const DNS64_FIELDS = {
  listen: field(
    wordOr('auto', null, list(dnsEndpoint)),
    'auto',
    "Where queries are taken, over UDP and TCP; auto: port 53 of the LAN interfaces' addresses.",
  ),
  forwarders: field(
    wordOr('auto', null, list(forwarder)),
    'auto',
    "Recursive resolvers that queries go to, tls://ADDRESS#NAME for DNS over TLS; auto: this router's own resolvers.",
  ),
  'tls-ca': field(
    wordOr('none', null, path),
    'none',
    'A file of certificates (PEM) that forwarders over TLS may be signed with, beside the public authorities.',
  ),
  prefixes: field(
    wordOr('auto', null, list(nat64Prefix)),
    'auto',
    'Each A becomes one AAAA per prefix; auto: nat64.prefix.',
  ),
  clients: field(
    wordOr('lan', null, list(anyPrefix)),
    'lan',
    'Clients that are answered, the others are refused; lan: the networks of the LAN interfaces.',
  ),
  'exclude-aaaa': field(list(prefix6), D.excludeAaaa, 'AAAA inside these count as none (RFC 6147 §5.1.4).'),
  'exclude-a': field(list(prefix4), D.excludeA, 'A inside these get no AAAA.'),
  'only-a': field(list(prefix4), D.onlyA, 'Only A inside these get an AAAA; empty: all.'),
  'allow-non-global': field(
    wordOr('auto', null, flag),
    'auto',
    'Give AAAA inside 64:ff9b::/96 to private addresses, against RFC 6052 §3.1; auto: as nat64.allow-non-global.',
  ),
  'synthesize-always': field(
    flag,
    D.synthesizeAlways,
    'Make AAAA of A also where a name has AAAA, which are left out then.',
  ),
  'ignore-aaaa': field(
    list(domain),
    D.ignoreAaaa,
    'Names, with all below them, whose AAAA count as none; "." is all names.',
  ),
  reverse: field(
    choice(['cname', 'lookup', 'forward']),
    D.reverse,
    'PTR inside the prefixes: by CNAME, looked up, or as the forwarders answer (RFC 6147 §5.3.1).',
  ),
  cache: field(section(CACHE_FIELDS), {}, 'The cache.'),
  'max-outstanding': field(integer(1, 65_535), D.maxOutstanding, 'Queries on their way to forwarders at once.'),
  'max-outstanding-per-client': field(integer(1, 65_535), D.maxOutstandingPerClient, 'The same for one client.'),
  timeout: field(
    duration,
    `${D.timeoutMs}ms`,
    'How long a forwarder may take before the next one is asked; all of them together have 4 s.',
  ),
  'max-tcp-connections': field(integer(0, 16_384), D.maxTcpConnections, 'TCP connections of clients at once.'),
  'tcp-idle': field(duration, `${D.tcpIdleMs / 1000}s`, 'A TCP connection that is silent for so long is closed.'),
  'log-queries': field(flag, D.logQueries, 'Log each query with its client.'),
};

/** The checked keys of the section. */
export type Dns64Values = Values<typeof DNS64_FIELDS>;
