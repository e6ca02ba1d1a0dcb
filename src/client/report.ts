// The lifecycle in words: its reports as log lines, its state as the client's owner sees it.

import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { Log, LogFields } from '../contract/reasons.ts';
import type { Report } from '../core/lifecycle/effect.ts';
import type { Attachment, Lifecycle } from '../core/lifecycle/state.ts';
import { attachmentOf, reasonOf } from '../core/lifecycle/state.ts';
import type { Way } from '../core/lifecycle/way.ts';
import type { Ipv4Side } from './carrier.ts';
import { DUPLICATE_ADVICE } from './choose.ts';
import { problemsOf } from './problems.ts';
import type { ClientState } from './running-client.ts';

interface Words {
  readonly fields: LogFields;
  readonly text: string;
}

function uplinkWords({ uplink, isTied }: Way): Words {
  const { link, source, mtuBytes } = uplink;
  const how = isTied ? ', against the default route' : '';
  return {
    fields: { uplink: link.name, source, mtu: mtuBytes },
    text: `${link.name}, from ${source}, MTU ${mtuBytes}${how}`,
  };
}

const SOURCES = { static: 'the configuration', ra: 'the router', dns: 'the resolver' } as const;

function prefixWords({ candidate }: Way): Words {
  const { source, origin, interfaceName } = candidate;
  const prefix = formatPrefix6(candidate.prefix);
  const on = interfaceName === null ? '' : ` on ${interfaceName}`;
  const from = source === 'static' ? SOURCES.static : `${SOURCES[source]} ${origin}`;
  return { fields: { prefix, source, origin, interface: interfaceName }, text: `${prefix}, from ${from}${on}` };
}

function addressWords(clat: Uint8Array, way: Way | null, words: (address: string) => string): Words {
  const address = formatIpv6(clat);
  return { fields: { address, ...(way === null ? {} : { uplink: way.uplink.link.name }) }, text: words(address) };
}

function readyWords({ way, clat: bytes, kind: uplinkKind }: Attachment, side: Ipv4Side | null): Words {
  const uplink = way.uplink.link.name;
  const clat = formatIpv6(bytes);
  const ipv4 = side === null ? '' : formatIpv4(side.ipv4);
  const tun = side?.tun.name ?? '';
  const fields = { uplink, uplinkKind, clat, ipv4, tun, mtu: side?.ipv4MtuBytes ?? 0 };
  return { fields, text: `${ipv4} on ${tun} ⇄ ${clat} on ${uplink}` };
}

function wordsOf({ reason, why, way, clat }: Report, life: Lifecycle, side: Ipv4Side | null): Words {
  const attached = attachmentOf(life.state);
  if (reason === 'client-ready' && attached !== null) return readyWords(attached, side);
  const about = clat === null ? undefined : ADDRESS_WORDS[reason];
  if (clat !== null && about !== undefined) return addressWords(clat, way, about);
  if (way !== null && reason.startsWith('prefix-')) return prefixWords(way);
  if (way !== null && reason.startsWith('uplink-')) return uplinkWords(way);
  return { fields: way === null ? {} : { uplink: way.uplink.link.name }, text: why };
}

const ADVICE = `${DUPLICATE_ADVICE.charAt(0).toUpperCase()}${DUPLICATE_ADVICE.slice(1)}`;

/** What is said of an address. */
const ADDRESS_WORDS: Partial<Record<Report['reason'], (address: string) => string>> = {
  'address-duplicate': (address) => `${address} is taken`,
  'address-conflict': (address) => `another node goes on claiming ${address}; looking for another one`,
  'address-contested': (address) => `another node claims ${address}; it is kept and defended. ${ADVICE}`,
  'address-uncontested': (address) => `nobody claims ${address} any more`,
};

/** Writes a report of the lifecycle. */
export function writeReport(log: Log, report: Report, life: Lifecycle, side: Ipv4Side | null): void {
  const { fields, text } = wordsOf(report, life, side);
  log[report.level](report.reason, fields, text);
}

/** Writes the outcome of a connectivity check (rule D-08). */
export function writeCheck(log: Log, fields: LogFields & { readonly prefix: string }, isReachable: boolean): void {
  if (isReachable) log.info('prefix-reachable', fields, `the connectivity check through ${fields.prefix} succeeded`);
  else log.warn('prefix-unreachable', fields, `nothing comes back through ${fields.prefix}`);
}

function runningState({ way, clat, kind }: Attachment, life: Lifecycle, side: Ipv4Side): ClientState {
  const { source, origin, validUntilMs, isReachable } = candidateNow(way, life);
  return {
    state: 'running',
    problems: problemsOf(life),
    uplink: way.uplink.link.name,
    source: way.uplink.source,
    uplinkKind: kind,
    clat: formatIpv6(clat),
    ipv4: formatIpv4(side.ipv4),
    tun: side.tun.name,
    ipv4MtuBytes: side.ipv4MtuBytes,
    prefix: { prefix: formatPrefix6(way.candidate.prefix), source, origin, validUntilMs, isReachable },
  };
}

/** The way's prefix as it is on offer now: with the lifetime of its last renewal. */
const candidateNow = ({ candidate }: Way, { world }: Lifecycle): Way['candidate'] =>
  world.candidates.find(
    (c) =>
      c.source === candidate.source &&
      c.origin === candidate.origin &&
      c.interfaceName === candidate.interfaceName &&
      formatPrefix6(c.prefix) === formatPrefix6(candidate.prefix),
  ) ?? candidate;

const waitingState = (life: Lifecycle, why: string, retryAtMs: number | null = null): ClientState => ({
  state: 'waiting',
  reason: reasonOf(life.state),
  why,
  problems: problemsOf(life),
  retryAtMs,
});

/** What the client is doing. */
export function clientState(life: Lifecycle, side: Ipv4Side | null): ClientState {
  const { state } = life;
  const reason = reasonOf(state);
  switch (state.state) {
    case 'running':
      return side === null ? { state: 'starting' } : runningState(state, life, side);
    case 'moving':
      return side === null ? { state: 'starting' } : runningState(state.from, life, side);
    case 'idle':
      if (reason === 'client-starting') return { state: 'starting' };
      return { state: 'stopped', reason, why: state.why, problems: problemsOf(life) };
    case 'waiting':
    case 'detaching':
      return waitingState(life, state.why);
    case 'claiming':
      return waitingState(life, `probing an address on ${state.way.uplink.link.name}`);
    case 'attaching':
      if (state.isChange && side !== null) return runningState(state, life, side);
      return waitingState(life, `setting up the way through ${state.way.uplink.link.name}`);
    case 'doubting':
      return waitingState(life, state.failure.message);
    case 'backoff':
      return waitingState(life, state.failure.message, state.untilMs);
    case 'stopping':
      return state.next === 'idle' ? { state: 'stopping' } : waitingState(life, 'putting everything back');
    default:
      return state satisfies never;
  }
}
