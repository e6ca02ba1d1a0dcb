// Field shapes of texts that are not addresses of the translation: durations, interface names, paths, and the
// addresses and routes that a TUN gets.

import type { Prefix4, Prefix6 } from '../core/translate/settings.ts';
import { parseIpv4, parseIpv6, parsePrefix4, parsePrefix6 } from './addresses.ts';
import { bad, good, type ShapeOf, type TextResult, text } from './fields.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

function parseDuration(input: string): TextResult<number> {
  const [, digits, unit] = /^(\d{1,9})\s?(ms|s|min|h|d)$/.exec(input) ?? [];
  const perUnit = UNIT_MS[unit ?? ''];
  if (digits === undefined || perUnit === undefined) {
    return bad('is not a duration', 'write a number and ms, s, min, h or d, such as 30s or 2h');
  }
  const ms = Number(digits) * perUnit;
  return ms > 0 ? good(ms) : bad('is no time at all', 'write a duration above zero');
}

/** A duration in milliseconds, above zero. */
export const duration: ShapeOf<number> = text('a duration', '2h', String.raw`^\d{1,9} ?(ms|s|min|h|d)$`, parseDuration);

/** Whole seconds of a duration, rounded up. */
export const secondsOf = (ms: number): number => Math.ceil(ms / 1000);

/** Longest interface name: IFNAMSIZ − 1. */
const MAX_NAME = 15;

function parseInterfaceName(input: string): TextResult<string> {
  if (input.length > MAX_NAME) return bad(`is longer than ${MAX_NAME} characters`, 'shorten it');
  const isName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(input) && !['all', 'default', 'lo'].includes(input);
  return isName ? good(input) : bad('is not an interface name', 'use letters, digits, "-", "_" and ".", such as xlat0');
}

/** A network interface's name. */
export const interfaceName: ShapeOf<string> = text(
  'an interface name',
  'xlat0',
  '^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$',
  parseInterfaceName,
);

const parsePath = (input: string): TextResult<string> =>
  input === '' || input.includes('\0') ? bad('is not a path', 'write the path of a file') : good(input);

/** A file's path; a relative one counts from the configuration file's folder. */
export const path: ShapeOf<string> = text('a path', 'mappings.txt', '.', parsePath);

/** A TCP or UDP port of an IPv4 address. */
export interface Ipv4Endpoint {
  /** As an unsigned number. */
  readonly ipv4: number;
  readonly port: number;
}

function parseIpv4Endpoint(input: string): TextResult<Ipv4Endpoint> {
  const [, host = '', digits = ''] = /^([^:]*):(\d{1,5})$/.exec(input) ?? [];
  const port = Number(digits);
  if (digits === '' || port < 1 || port > 65_535) {
    return bad('has no port', 'write an IPv4 address, ":" and a port from 1 to 65535');
  }
  const address = parseIpv4(host);
  return address.ok ? good({ ipv4: address.value, port }) : address;
}

/** An IPv4 address and a port. */
export const ipv4Endpoint: ShapeOf<Ipv4Endpoint> = text(
  'an IPv4 address with a port',
  '192.0.2.1:443',
  String.raw`^[0-9.]+:\d{1,5}$`,
  parseIpv4Endpoint,
);

/** An address with its prefix length for an interface. */
export type InterfaceAddress =
  | { readonly family: 4; readonly address: number; readonly length: number }
  | { readonly family: 6; readonly address: Uint8Array; readonly length: number };

function parseInterfaceAddress(input: string): TextResult<InterfaceAddress> {
  const [address = '', digits, ...rest] = input.split('/');
  const isIpv6 = address.includes(':');
  const full = isIpv6 ? 128 : 32;
  const length = digits === undefined ? full : /^\d{1,3}$/.test(digits) ? Number(digits) : -1;
  if (rest.length > 0 || length < 0 || length > full) {
    return bad('has no valid prefix length', `write a number from 0 to ${full} after the slash`);
  }
  if (isIpv6) {
    const parsed = parseIpv6(address);
    return parsed.ok ? good({ family: 6, address: parsed.value, length }) : parsed;
  }
  const parsed = parseIpv4(address);
  return parsed.ok ? good({ family: 4, address: parsed.value, length }) : parsed;
}

/** An interface address such as 192.0.2.1/24. */
export const interfaceAddress: ShapeOf<InterfaceAddress> = text(
  'an address with its prefix length',
  '192.0.2.1/24',
  String.raw`^[0-9A-Fa-f:.]+(/\d{1,3})?$`,
  parseInterfaceAddress,
);

/** The destination of a route, or `auto`: everything that the translator serves. */
export type RouteEntry =
  | { readonly kind: 'auto' }
  | { readonly kind: 'ipv4'; readonly prefix: Prefix4 }
  | { readonly kind: 'ipv6'; readonly prefix: Prefix6 };

function parseRoute(input: string): TextResult<RouteEntry> {
  if (input === 'auto') return good({ kind: 'auto' });
  if (input.includes(':')) {
    const parsed = parsePrefix6(input);
    return parsed.ok ? good({ kind: 'ipv6', prefix: parsed.value }) : parsed;
  }
  if (!/^[\d./]+$/.test(input))
    return bad('is neither a prefix nor "auto"', 'write auto, or a prefix of either family');
  const parsed = parsePrefix4(input);
  return parsed.ok ? good({ kind: 'ipv4', prefix: parsed.value }) : parsed;
}

/** A route's destination. */
export const route: ShapeOf<RouteEntry> = text(
  'a prefix or "auto"',
  'auto',
  String.raw`^(auto|[0-9A-Fa-f:.]+(/\d{1,3})?)$`,
  parseRoute,
);
