// Field shapes of texts that only a gateway has: parts of the IPv4 pool, bindings, name servers, ranges, names, sizes.

import type { DnsEndpoint, Forwarder } from '../core/dns64/settings.ts';
import type { Nat64Protocol, StaticBinding } from '../core/nat64/settings.ts';
import type { Prefix4, Prefix6 } from '../core/translate/settings.ts';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6, parsePrefix4, parsePrefix6 } from './addresses.ts';
import { bad, good, type ShapeOf, type TextResult, text } from './fields.ts';

/** All protocols that have a BIB. */
const PROTOCOLS: readonly Nat64Protocol[] = ['tcp', 'udp', 'icmp'];

/** Part of the pool as it is written. */
export interface PoolEntry {
  /** First address, unsigned. */
  readonly address: number;
  readonly addresses: number;
  readonly protocols: readonly Nat64Protocol[];
  /** Both inclusive; null: what fits the way that the address is used. */
  readonly ports: { readonly first: number; readonly last: number } | null;
}

const PORT = String.raw`\d{1,5}`;
const DOTTED = String.raw`\d{1,3}(?:\.\d{1,3}){3}`;

/** A port or identifier, 0–65535; null: it is none. */
const portOf = (digits: string): number | null =>
  /^\d{1,5}$/.test(digits) && Number(digits) <= 0xffff ? Number(digits) : null;

function parsePoolEntry(input: string): TextResult<PoolEntry> {
  const [address = '', ...rest] = input.trim().split(/\s+/);
  const range = parsePrefix4(address);
  if (!range.ok) return range;
  const [protocols, ports] = /^[a-z]/i.test(rest[0] ?? '') ? rest : [undefined, ...rest];
  if (rest.length > (protocols === undefined ? 1 : 2)) return bad('has too many parts', POOL_ADVICE);
  const named = protocolsOf(protocols);
  if (named === null)
    return bad(`names "${protocols}" as protocols`, 'write a list of tcp, udp and icmp without blanks');
  const between = ports === undefined ? null : parsePorts(ports);
  if (between !== null && !between.ok) return between;
  return good({
    address: range.value.address,
    addresses: 2 ** (32 - range.value.length),
    protocols: named,
    ports: between?.value ?? null,
  });
}

const POOL_ADVICE =
  'write an address or a prefix, the protocols if not all, and the ports: 192.0.2.10 tcp,udp 1024-65535';

function protocolsOf(list: string | undefined): readonly Nat64Protocol[] | null {
  if (list === undefined) return PROTOCOLS;
  const words = new Set(list.toLowerCase().split(','));
  const named = PROTOCOLS.filter((protocol) => words.delete(protocol));
  return words.size === 0 ? named : null;
}

function parsePorts(input: string): TextResult<{ readonly first: number; readonly last: number }> {
  const [from = '', to = from, ...more] = input.split('-');
  const [first, last] = [portOf(from), portOf(to)];
  if (first === null || last === null || more.length > 0) {
    return bad(`has "${input}" for its ports`, 'write two numbers from 0 to 65535, as in 1024-65535');
  }
  return first <= last ? good({ first, last }) : bad('ends its ports before they begin', `write ${last}-${first}`);
}

/** Part of the IPv4 pool. */
export const poolEntry: ShapeOf<PoolEntry> = text(
  'part of the pool',
  '192.0.2.10 tcp,udp 1024-65535',
  String.raw`^\s*${DOTTED}(/\d{1,2})?(\s+[A-Za-z,]+)?(\s+${PORT}(-${PORT})?)?\s*$`,
  parsePoolEntry,
);

/** `192.0.2.10:8080`, `[2001:db8::5]:80`. */
function splitPort(input: string): { readonly address: string; readonly port: number } | null {
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(input) ?? [];
  const [address, port] = [bracketed ?? plain, portOf(digits)];
  return address === undefined || port === null ? null : { address, port };
}

const BINDING_ADVICE = 'write a protocol, the IPv4 end and the IPv6 end: tcp 192.0.2.10:8080 [2001:db8::5]:80';

/** A static binding. Echo identifiers stand where the ports do: `icmp 192.0.2.10:7 [2001:db8::5]:7`. */
export function parseBinding(input: string): TextResult<StaticBinding> {
  const [name = '', outside = '', inside = '', ...more] = input.trim().split(/\s+/);
  const protocol = PROTOCOLS.find((known) => known === name.toLowerCase());
  if (protocol === undefined || more.length > 0) return bad('is no binding', BINDING_ADVICE);
  const [end4, end6] = [splitPort(outside), splitPort(inside)];
  if (end4 === null || end6 === null) return bad('has an end without address and port', BINDING_ADVICE);
  const ipv4 = parseIpv4(end4.address);
  if (!ipv4.ok) return bad(`has "${end4.address}", which ${ipv4.problem}`, BINDING_ADVICE);
  const ipv6 = parseIpv6(end6.address);
  if (!ipv6.ok) return bad(`has "${end6.address}", which ${ipv6.problem}`, BINDING_ADVICE);
  return good({ protocol, ipv4: ipv4.value, port4: end4.port, ipv6: ipv6.value, port6: end6.port });
}

/** A binding as {@link parseBinding} reads it. */
export const formatBinding = ({ protocol, ipv4, port4, ipv6, port6 }: StaticBinding): string =>
  `${protocol} ${formatIpv4(ipv4)}:${port4} [${formatIpv6(ipv6)}]:${port6}`;

/** A static binding. */
export const staticBinding: ShapeOf<StaticBinding> = text(
  'a binding',
  'tcp 192.0.2.10:8080 [2001:db8::5]:80',
  String.raw`^\s*(tcp|udp|icmp|TCP|UDP|ICMP)\s+${DOTTED}:${PORT}\s+\[[0-9A-Fa-f:.]+\]:${PORT}\s*$`,
  parseBinding,
);

const ENDPOINT = String.raw`(\[[0-9A-Fa-f:.]+(%[^\s\]]+)?\](:${PORT})?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(%\S+)?|${DOTTED}(:${PORT})?)`;

/** An address of either family, an IPv6 link-local one with its zone, as RFC 5952 text. */
function parseHost(input: string): TextResult<string> {
  const [address = '', zone, ...more] = input.split('%');
  if (!address.includes(':')) {
    const ipv4 = parseIpv4(input);
    return ipv4.ok ? good(formatIpv4(ipv4.value)) : ipv4;
  }
  const ipv6 = parseIpv6(address);
  if (!ipv6.ok) return ipv6;
  const isLinkLocal = ipv6.value[0] === 0xfe && ((ipv6.value[1] ?? 0) & 0xc0) === 0x80;
  if (isLinkLocal && (zone === undefined || zone === '' || more.length > 0)) {
    return bad('is link-local and has no zone', 'add the interface, as in fe80::1%eth1');
  }
  if (!isLinkLocal && zone !== undefined) return bad('has a zone and is not link-local', `write ${address}`);
  return good(zone === undefined ? formatIpv6(ipv6.value) : `${formatIpv6(ipv6.value)}%${zone}`);
}

function parseEndpoint(input: string, defaultPort: number): TextResult<DnsEndpoint> {
  const isBareIpv6 = !input.startsWith('[') && input.split(':').length > 2;
  const split = isBareIpv6 ? null : splitPort(input);
  const host = parseHost(split?.address ?? input.replace(/^\[(.*)\]$/, '$1'));
  if (!host.ok) return host;
  const port = split?.port ?? defaultPort;
  return port === 0 ? bad('has port 0', 'write a port from 1 to 65535') : good({ address: host.value, port });
}

const endpointShape = (defaultPort: number, example: string): ShapeOf<DnsEndpoint> =>
  text('an address, with a port if need be', example, `^${ENDPOINT}$`, (input) => parseEndpoint(input, defaultPort));

/** Where a name server listens; the port is 53 if there is none. */
export const dnsEndpoint: ShapeOf<DnsEndpoint> = endpointShape(53, '[2001:db8::1]:53');

/** Where metrics are read; the port is 9464 if there is none. */
export const metricsEndpoint: ShapeOf<DnsEndpoint> = endpointShape(9464, '[::1]:9464');

const TLS_PORT = 853;

function parseForwarder(input: string): TextResult<Forwarder> {
  const [, tls, name] = /^tls:\/\/([^#]*)#?(.*)$/.exec(input) ?? [];
  const endpoint = parseEndpoint(tls ?? input, tls === undefined ? 53 : TLS_PORT);
  if (!endpoint.ok) return endpoint;
  if (tls === undefined) return good({ ...endpoint.value, tlsName: null });
  if (name === undefined || !NAME.test(name)) {
    return bad('has no name for its certificate', `add it, as in tls://${tls}#dns.example`);
  }
  return good({ ...endpoint.value, tlsName: name.toLowerCase() });
}

/** A resolver that queries go to. */
export const forwarder: ShapeOf<Forwarder> = text(
  'a resolver',
  'tls://192.0.2.53#dns.example',
  `^(${ENDPOINT}|tls://${ENDPOINT}#[A-Za-z0-9.-]+)$`,
  parseForwarder,
);

/** Names of hosts and domains: letters, digits, hyphens and underscores, RFC 1035 §2.3.4 lengths. */
const NAME = /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*$/;

function parseDomain(input: string): TextResult<string> {
  if (input === '.') return good('');
  const name = input.replace(/\.$/, '');
  return NAME.test(name) ? good(name.toLowerCase()) : bad('is not a domain name', 'write one such as example.org');
}

/** A domain, lower case, without its final dot; "." is all of them. */
export const domain: ShapeOf<string> = text('a domain name', 'example.org', '^[A-Za-z0-9_.-]{1,254}$', parseDomain);

/** A prefix of either family. */
export type AnyPrefix = Prefix4 | Prefix6;

/** A prefix of either family; a bare address is one of its full length. */
export const anyPrefix: ShapeOf<AnyPrefix> = text<AnyPrefix>(
  'a prefix of either family',
  '2001:db8:1::/48',
  String.raw`^[0-9A-Fa-f:.]+(/\d{1,3})?$`,
  (input) => (input.includes(':') ? parsePrefix6(input) : parsePrefix4(input)),
);

/** Consecutive IPv4 addresses. */
export interface Ipv4Range {
  readonly first: number;
  readonly last: number;
}

function parseIpv4Range(input: string): TextResult<Ipv4Range> {
  const [from = '', to = '', ...more] = input.split('-').map((part) => part.trim());
  if (to === '' || more.length > 0)
    return bad('is not a range', 'write its first and last address: 192.0.2.100-192.0.2.199');
  const [first, last] = [parseIpv4(from), parseIpv4(to)];
  if (!first.ok) return first;
  if (!last.ok) return last;
  if (first.value > last.value) return bad('ends before it begins', `write ${to}-${from}`);
  return good({ first: first.value, last: last.value });
}

/** A range of IPv4 addresses. */
export const ipv4Range: ShapeOf<Ipv4Range> = text(
  'a range of IPv4 addresses',
  '192.0.2.100-192.0.2.199',
  String.raw`^${DOTTED}\s*-\s*${DOTTED}$`,
  parseIpv4Range,
);

const UNIT_BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

function parseSize(input: string): TextResult<number> {
  const [, digits, unit = ''] = /^(\d{1,6}) ?(KiB|MiB|GiB)$/.exec(input) ?? [];
  const perUnit = UNIT_BYTES[unit];
  if (digits === undefined || perUnit === undefined) {
    return bad('is not a size', 'write a number and KiB, MiB or GiB, such as 64MiB');
  }
  return good(Number(digits) * perUnit);
}

/** An amount of memory in bytes. */
export const size: ShapeOf<number> = text('a size', '64MiB', '^\\d{1,6} ?(KiB|MiB|GiB)$', parseSize);
