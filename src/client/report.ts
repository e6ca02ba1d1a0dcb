// The lifecycle in words: its reports as log lines, its state as the client's owner sees it.

import { formatIpv4, formatIpv6, formatPrefix6 } from '../config/addresses.ts';
import type { Log, LogFields } from '../contract/reasons.ts';
import type { Report } from '../core/lifecycle/effect.ts';
import type { Attachment, Lifecycle } from '../core/lifecycle/state.ts';
import { reasonOf } from '../core/lifecycle/state.ts';
import type { Way } from '../core/lifecycle/way.ts';
import type { Ipv4Side } from './carrier.ts';
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

function readyWords({ way, clat: bytes }: Attachment, uplinkKind: string, side: Ipv4Side | null): Words {
  const uplink = way.uplink.link.name;
  const clat = formatIpv6(bytes);
  const ipv4 = side === null ? '' : formatIpv4(side.ipv4);
  const tun = side?.tun.name ?? '';
  const fields = { uplink, uplinkKind, clat, ipv4, tun, mtu: side?.ipv4MtuBytes ?? 0 };
  return { fields, text: `${ipv4} on ${tun} ⇄ ${clat} on ${uplink}` };
}

function wordsOf({ reason, why, way, clat }: Report, life: Lifecycle, side: Ipv4Side | null): Words {
  if (reason === 'client-ready' && way !== null && clat !== null) {
    return readyWords({ way, clat }, life.ledger.kind, side);
  }
  if (clat !== null && reason === 'address-duplicate') return addressWords(clat, way, (text) => `${text} is taken`);
  if (clat !== null) return addressWords(clat, way, (text) => `another node claims ${text}`);
  if (way !== null && reason.startsWith('prefix-')) return prefixWords(way);
  if (way !== null && reason.startsWith('uplink-')) return uplinkWords(way);
  return { fields: way === null ? {} : { uplink: way.uplink.link.name }, text: why };
}

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

function runningState({ way, clat }: Attachment, life: Lifecycle, side: Ipv4Side): ClientState {
  const { source, origin, validUntilMs, isReachable } = candidateNow(way, life);
  return {
    state: 'running',
    uplink: way.uplink.link.name,
    source: way.uplink.source,
    uplinkKind: life.ledger.kind,
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
      return reason === 'client-starting' ? { state: 'starting' } : { state: 'stopped', reason, why: state.why };
    case 'waiting':
    case 'detaching':
      return { state: 'waiting', reason, why: state.why };
    case 'claiming':
      return { state: 'waiting', reason, why: `probing an address on ${state.way.uplink.link.name}` };
    case 'attaching':
      return { state: 'waiting', reason, why: `setting up the way through ${state.way.uplink.link.name}` };
    case 'doubting':
    case 'backoff':
      return { state: 'waiting', reason, why: state.failure.message };
    case 'stopping':
      return state.next === 'idle'
        ? { state: 'stopping' }
        : { state: 'waiting', reason, why: 'putting everything back' };
    default:
      return state satisfies never;
  }
}
