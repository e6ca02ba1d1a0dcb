// The section `advertise`: checked keys → what each LAN interface's router advertisements say.

import type { AdvertisedPrefix, AdvertiseSettings } from '../core/advertise/settings.ts';
import type { Prefix6 } from '../core/translate/settings.ts';
import { formatPrefix6, isMartianIpv6, MARTIANS_IPV6 } from './addresses.ts';
import {
  type AdvertiseValues,
  INHERIT,
  type InterfaceValues,
  MESSAGE_KEYS,
  type MessageValues,
} from './advertise-fields.ts';
import type { Findings } from './check.ts';
import { secondsOf } from './scalars.ts';

/** What `auto` stands for in this section. */
export interface AdvertisedParts {
  /** The gateway's NAT64 prefixes. */
  readonly prefixes: readonly Prefix6[];
  /** Whether it is a resolver. */
  readonly hasDns: boolean;
}

const SECTION = 'advertise';
/** RFC 4861 §6.2.1. */
const LEAST_MAX_INTERVAL_S = 4;
const MOST_MAX_INTERVAL_S = 1800;
const LEAST_MIN_INTERVAL_S = 3;
const MOST_ROUTER_LIFETIME_S = 65_535;
/** RFC 8781 §4: 13 bits in units of 8 s. */
const MOST_PREF64_LIFETIME_S = 65_528;
/** All ones in a lifetime of 32 bits is infinity, RFC 4861 §4.6.2. */
const INFINITE_S = 0xffffffff;
/** RFC 4861 §6.2.1: from which max-interval on the least one is a third of it. */
const SHORT_INTERVAL_S = 9;

/** The keys of one interface with what it inherits, and where each was written. */
interface Said {
  readonly values: MessageValues;
  readonly pathOf: (key: keyof MessageValues) => string;
}

/** Checks the section against the LAN interfaces. */
export function checkAdvertise(v: AdvertiseValues, lan: readonly string[], findings: Findings): void {
  checkMessage({ values: v, pathOf: (key) => `${SECTION}.${key}` }, findings);
  v.interfaces.forEach((one, i) => {
    const path = `${SECTION}.interfaces[${i}]`;
    if (!lan.includes(one.name)) findings.addAt(`${path}.name`, 'is not one of lan', `write one of ${lan.join(', ')}`);
    if (v.interfaces.findIndex(({ name }) => name === one.name) < i) {
      findings.addAt(`${path}.name`, 'has a section already', 'keep one of them');
    }
    const pathOf = (key: keyof MessageValues): string =>
      one[key] === INHERIT ? `${SECTION}.${key}` : `${path}.${key}`;
    checkMessage({ values: withInherited(v, one), pathOf }, findings);
  });
}

const withInherited = (v: AdvertiseValues, one: InterfaceValues | undefined): MessageValues =>
  Object.fromEntries(
    MESSAGE_KEYS.map((key) => [key, one === undefined || one[key] === INHERIT ? v[key] : one[key]]),
  ) as unknown as MessageValues; // the keys are those of MessageValues

function checkMessage(said: Said, findings: Findings): void {
  checkIntervals(said, findings);
  checkPrefixes(said, findings);
  const { pref64 } = said.values;
  if (pref64 === 'auto') return;
  pref64.forEach(({ lifetime }, i) => {
    if (lifetime === null || secondsOf(lifetime) <= MOST_PREF64_LIFETIME_S) return;
    const path = `${said.pathOf('pref64')}[${i}].lifetime`;
    findings.addAt(path, 'is more than a router can say', `write at most ${MOST_PREF64_LIFETIME_S}s (RFC 8781 §4)`);
  });
}

function checkIntervals({ values: v, pathOf }: Said, findings: Findings): void {
  const most = secondsOf(v['max-interval']);
  if (most < LEAST_MAX_INTERVAL_S || most > MOST_MAX_INTERVAL_S) {
    findings.addAt(pathOf('max-interval'), 'is out of range', 'write 4s to 30min (RFC 4861 §6.2.1)');
    return;
  }
  const least = minIntervalOf(v);
  if (least < LEAST_MIN_INTERVAL_S || least > 0.75 * most) {
    const advice = `write 3s to ${Math.floor(0.75 * most)}s, three quarters of max-interval (RFC 4861 §6.2.1)`;
    findings.addAt(pathOf('min-interval'), 'is out of range', advice);
  }
  const lifetime = secondsOf(v['router-lifetime']);
  if (lifetime !== 0 && (lifetime < most || lifetime > MOST_ROUTER_LIFETIME_S)) {
    const advice = `write none, or ${most}s (max-interval) to ${MOST_ROUTER_LIFETIME_S}s`;
    findings.addAt(pathOf('router-lifetime'), 'is out of range', advice);
  }
}

function checkPrefixes({ values: { prefixes }, pathOf }: Said, findings: Findings): void {
  if (prefixes === 'auto') return;
  prefixes.forEach(({ prefix, valid, preferred }, i) => {
    const path = `${pathOf('prefixes')}[${i}]`;
    if (isMartianIpv6(prefix.address)) findings.addAt(`${path}.prefix`, `is one of ${MARTIANS_IPV6}`, 'choose another');
    if (preferred > valid) findings.addAt(`${path}.preferred`, 'is longer than valid', 'write at most the valid one');
  });
}

const minIntervalOf = (v: MessageValues): number => {
  if (v['min-interval'] !== null) return secondsOf(v['min-interval']);
  const most = secondsOf(v['max-interval']);
  return Math.max(LEAST_MIN_INTERVAL_S, Math.floor(most * (most < SHORT_INTERVAL_S ? 0.75 : 1 / 3)));
};

/** What is said on each LAN interface. */
export function advertiseSettings(
  v: AdvertiseValues,
  lan: readonly string[],
  parts: AdvertisedParts,
): AdvertiseSettings[] {
  return lan.flatMap((link) => {
    const one = v.interfaces.find(({ name }) => name === link);
    return one?.enabled === false ? [] : [settingsOf(link, withInherited(v, one), parts)];
  });
}

function settingsOf(link: string, v: MessageValues, parts: AdvertisedParts): AdvertiseSettings {
  return {
    link,
    prefixes: v.prefixes === 'auto' ? 'auto' : v.prefixes.map(prefixOf),
    pref64: pref64Of(v, parts),
    dnsServers: v.dns === 'auto' ? (parts.hasDns ? ['self'] : []) : v.dns,
    dnsSearch: v.search,
    mtuBytes: v.mtu,
    routerLifetimeSeconds: secondsOf(v['router-lifetime']),
    preference: v.preference,
    hopLimit: v['hop-limit'],
    isManaged: v.managed,
    hasOtherConfiguration: v['other-configuration'],
    minIntervalSeconds: minIntervalOf(v),
    maxIntervalSeconds: secondsOf(v['max-interval']),
  };
}

function pref64Of({ pref64 }: MessageValues, { prefixes }: AdvertisedParts): AdvertiseSettings['pref64'] {
  if (pref64 === 'auto') return prefixes.map((prefix) => ({ prefix, lifetimeSeconds: null }));
  return pref64.map(({ prefix, lifetime }) => ({
    prefix,
    lifetimeSeconds: lifetime === null ? null : secondsOf(lifetime),
  }));
}

type PrefixValues = Exclude<MessageValues['prefixes'], 'auto'>[number];

const prefixOf = (v: PrefixValues): AdvertisedPrefix => ({
  prefix: v.prefix,
  isOnLink: v['on-link'],
  isAutonomous: v.autonomous,
  validSeconds: Math.min(secondsOf(v.valid), INFINITE_S),
  preferredSeconds: Math.min(secondsOf(v.preferred), INFINITE_S),
});

/** What about it works but will surprise. */
export function advertiseWarnings(all: readonly AdvertiseSettings[]): string[] {
  return all.flatMap(({ link, prefixes }) => {
    if (prefixes === 'auto') return [];
    const odd = prefixes.filter(({ prefix, isAutonomous }) => isAutonomous && prefix.length !== 64);
    return odd.map(
      ({ prefix }) =>
        `${formatPrefix6(prefix)} on ${link} is no /64: hosts take no addresses from it (RFC 4862 §5.5.3)`,
    );
  });
}
