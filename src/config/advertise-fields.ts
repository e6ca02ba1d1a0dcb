// The keys of a gateway's section `advertise`: what router advertisements say, for all LAN interfaces and for single ones.

import { DEFAULT_ADVERTISE, DEFAULT_PREFIX_LIFETIMES } from '../core/advertise/settings.ts';
import { ipv6, nat64Prefix, prefix6 } from './addresses.ts';
import {
  choice,
  type Field,
  type Fields,
  field,
  flag,
  integer,
  list,
  required,
  type ShapeOf,
  section,
  type Values,
  wordOr,
} from './fields.ts';
import { domain } from './gateway-scalars.ts';
import { duration, interfaceName } from './scalars.ts';

const D = DEFAULT_ADVERTISE;
const forEver: ShapeOf<number> = wordOr('infinite', Number.POSITIVE_INFINITY, duration);
const text = (seconds: number): string => (seconds % 60 === 0 ? `${seconds / 60}min` : `${seconds}s`);

const PREFIX_FIELDS = {
  prefix: required(prefix6, 'The prefix, a /64 if hosts are to take addresses from it.'),
  'on-link': field(flag, true, 'Hosts with addresses inside it are on this link.'),
  autonomous: field(flag, true, 'Hosts may take addresses from it (SLAAC).'),
  valid: field(forEver, text(DEFAULT_PREFIX_LIFETIMES.validSeconds), 'Valid lifetime.'),
  preferred: field(
    forEver,
    text(DEFAULT_PREFIX_LIFETIMES.preferredSeconds),
    'Preferred lifetime, at most the valid one.',
  ),
};

const PREF64_FIELDS = {
  prefix: required(nat64Prefix, 'A NAT64 prefix.'),
  lifetime: field(wordOr('auto', null, duration), 'auto', 'auto: three times max-interval (RFC 8781 §4.1).'),
};

/** What may be said on each interface. */
const MESSAGE_FIELDS = {
  prefixes: field(
    wordOr('auto', 'auto' as const, list(section(PREFIX_FIELDS))),
    'auto',
    "Prefixes of the LAN; auto: those of the interface's own addresses.",
  ),
  pref64: field(
    wordOr('auto', 'auto' as const, list(section(PREF64_FIELDS))),
    'auto',
    'NAT64 prefixes that hosts are told of (RFC 8781); auto: nat64.prefix.',
  ),
  dns: field(
    wordOr('auto', 'auto' as const, list(wordOr('self', 'self' as const, ipv6))),
    'auto',
    "Resolvers, self for the interface's own address (RFC 8106); auto: self where DNS64 runs.",
  ),
  search: field(list(domain), D.dnsSearch, 'Search domains.'),
  mtu: field(wordOr('none', null, integer(1280, 65_535)), 'none', 'MTU of the link in bytes; none: not told.'),
  'router-lifetime': field(
    wordOr('none', 0, duration),
    text(D.routerLifetimeSeconds),
    'How long this is a default router; none: it is not one.',
  ),
  preference: field(choice(['high', 'medium', 'low']), D.preference, 'Beside other routers (RFC 4191).'),
  'hop-limit': field(integer(0, 255), D.hopLimit, 'Hop limit that hosts use; 0: not told.'),
  managed: field(flag, D.isManaged, 'Addresses come by DHCPv6 (M flag).'),
  'other-configuration': field(flag, D.hasOtherConfiguration, 'Other settings come by DHCPv6 (O flag).'),
  'min-interval': field(
    wordOr('auto', null, duration),
    'auto',
    'Least time between two advertisements, at least 3 s; auto: a third of max-interval (RFC 4861 §6.2.1).',
  ),
  'max-interval': field(duration, text(D.maxIntervalSeconds), 'Most time between two advertisements, 4 s to 30 min.'),
};

/** Stands for a key that an interface does not have a value of its own for. */
export const INHERIT = Symbol('inherit');

type Inheriting<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? Field<T | typeof INHERIT> : never;
};

/** The same keys, each with the word that leaves it to the section. */
const inheriting = <F extends Fields>(fields: F): Inheriting<F> =>
  Object.fromEntries(
    Object.entries(fields).map(([key, { shape }]) => [
      key,
      field(wordOr('inherit', INHERIT, shape), 'inherit', `As advertise.${key}, on this interface.`),
    ]),
  ) as Inheriting<F>; // key by key; the type says the same once

const INTERFACE_FIELDS = {
  name: required(interfaceName, 'One of the LAN interfaces.'),
  enabled: field(flag, true, 'Send advertisements there.'),
  ...inheriting(MESSAGE_FIELDS),
};

/** All keys of the section. */
export const ADVERTISE_FIELDS = {
  ...MESSAGE_FIELDS,
  interfaces: field(list(section(INTERFACE_FIELDS)), [], 'What is different on single interfaces.'),
};

/** The checked keys of what is said on an interface. */
export type MessageValues = Values<typeof MESSAGE_FIELDS>;
/** The checked keys of a single interface. */
export type InterfaceValues = Values<typeof INTERFACE_FIELDS>;
/** The checked keys of the section. */
export type AdvertiseValues = Values<typeof ADVERTISE_FIELDS>;
/** Names of {@link MESSAGE_FIELDS}. */
export const MESSAGE_KEYS = Object.keys(MESSAGE_FIELDS) as (keyof MessageValues)[];
