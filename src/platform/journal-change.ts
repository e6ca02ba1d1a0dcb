// Reads a change back from the journal's JSON. Each field is checked: undoing writes files and runs commands as root, so a
// journal that somebody else wrote, or a fault damaged, must not decide where and what.

import { isIP, isIPv6 } from 'node:net';
import type { Change } from '../core/host/change.ts';
import type { LinkRef } from '../core/host/host-config.ts';
import { IPV4_FORWARDING, RESERVED_PORTS } from '../core/host/host-config.ts';

type Fields = Readonly<Record<string, unknown>>;

export const isRecord = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** An interface's name as the kernel allows it: netdevice.h, dev_valid_name(). */
const isLinkName = (name: unknown): name is string =>
  typeof name === 'string' && /^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..' && !name.startsWith('-');

const isLink = (value: unknown): value is LinkRef =>
  isRecord(value) && isLinkName(value.name) && isCount(value.index) && value.index > 0;

/** The settings that a change may be about, below /proc/sys. */
const SETTING = /^net\/ipv[46]\/(conf|neigh)\/([^/]+)\/[a-z0-9_]+$/;
const HOST_PATHS: readonly unknown[] = [IPV4_FORWARDING, RESERVED_PORTS];

const isSettingPath = (path: unknown): path is string => {
  if (HOST_PATHS.includes(path)) return true;
  const name = typeof path === 'string' ? SETTING.exec(path)?.[2] : undefined;
  return name !== undefined && (name === '*' || isLinkName(name));
};

/** A number; of ports, a list of ranges. */
const isSettingValue = (value: unknown, path: unknown): boolean =>
  typeof value === 'string' && (path === RESERVED_PORTS ? /^[\d,-]{0,4096}$/ : /^-?\d{1,10}$/).test(value);

const isEarlierValue = (pair: unknown): boolean =>
  Array.isArray(pair) && pair.length === 2 && isSettingPath(pair[0]) && isSettingValue(pair[1], pair[0]);

function isPrefix(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const [address = '', length, ...rest] = value.split('/');
  const bits = [0, 0, 0, 0, 32, 0, 128][isIP(address)] ?? 0;
  const fits = length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
  return bits > 0 && fits && rest.length === 0;
}

const isSysctl = ({ path, link, value, was, alsoWas = [] }: Fields): boolean =>
  isSettingPath(path) &&
  (link === null ? !path.includes('*') : isLink(link)) &&
  isSettingValue(value, path) &&
  isSettingValue(was, path) &&
  Array.isArray(alsoWas) &&
  alsoWas.every(isEarlierValue);

const isRoute = ({ family, link, destination, metric, mtuBytes, isMtuLocked, source }: Fields): boolean =>
  (family === 4 || family === 6) &&
  isLink(link) &&
  (destination === 'default' || isPrefix(destination)) &&
  isCount(metric) &&
  isCount(mtuBytes) &&
  typeof isMtuLocked === 'boolean' &&
  (source === null || (typeof source === 'string' && isIP(source) !== 0));

const VALID: { readonly [K in Change['kind']]: (fields: Fields) => boolean } = {
  sysctl: isSysctl,
  mtu: ({ link, value, was }) => isLink(link) && isCount(value) && isCount(was),
  up: ({ link }) => isLink(link),
  address: ({ link, address }) => isLink(link) && isPrefix(address),
  route: isRoute,
  proxy: ({ link, address }) => isLink(link) && typeof address === 'string' && isIPv6(address),
  firewall: ({ link }) => isLink(link),
  table: ({ link, ruleset }) => link === null && typeof ruleset === 'string',
};

/** The change that a value is; null when it is none. Never throws. */
export function changeOf(value: unknown): Change | null {
  if (!isRecord(value) || typeof value.kind !== 'string' || !Object.hasOwn(VALID, value.kind)) return null;
  return VALID[value.kind as Change['kind']](value) ? (value as unknown as Change) : null;
}
