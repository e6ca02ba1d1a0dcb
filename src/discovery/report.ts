// The state of discovery as the plain data of contract/discovery.ts.

import type {
  ChosenPrefix,
  DiscoveryReport,
  InterfaceReport,
  ResolverReport,
  RouterReport,
} from '../contract/discovery.ts';
import type { Candidate } from '../core/pref64/candidate.ts';
import { CHOICE_REASONS, type Choice } from '../core/pref64/choose.ts';
import type { Discovery } from './discovery.ts';
import type { LinkDiscovery } from './link-discovery.ts';
import type { ResolverProbe } from './resolver-probe.ts';
import type { Router } from './routers.ts';
import { textPrefix } from './text.ts';

const PREFERENCES: Readonly<Record<number, RouterReport['preference']>> = { 1: 'high', 0: 'medium', [-1]: 'low' };

/** Whole seconds until a deadline; null for one that never comes. */
function secondsLeft(untilMs: number, nowMs: number): number | null {
  return untilMs === Number.POSITIVE_INFINITY ? null : Math.max(0, Math.ceil((untilMs - nowMs) / 1000));
}

function routerReport(
  router: Router,
  isSilent: boolean,
  candidates: readonly Candidate[],
  nowMs: number,
): RouterReport {
  const own = candidates.filter((c) => c.source === 'ra' && c.origin === router.address && c.validUntilMs > nowMs);
  return {
    router: router.address,
    preference: PREFERENCES[router.preference] ?? 'medium',
    routerLifetimeSeconds: router.lifetimeSeconds,
    isSilent,
    heardSecondsAgo: Math.floor((nowMs - router.heardAtMs) / 1000),
    pref64: own.map((c) => ({ prefix: textPrefix(c.prefix), secondsLeft: secondsLeft(c.validUntilMs, nowMs) ?? 0 })),
    resolvers: [...router.resolvers].filter(([, until]) => until > nowMs).map(([address]) => address),
    mtuBytes: router.mtuBytes,
  };
}

function resolverReport({ resolver, state, isIdle }: ResolverProbe, nowMs: number): ResolverReport {
  const isStopped = isIdle && state.state === 'asking';
  return {
    resolver: resolver.port === 53 ? resolver.address : `[${resolver.address}]:${resolver.port}`,
    from: resolver.source,
    state: isStopped ? 'not-asked' : state.state,
    prefixes: state.state === 'prefixes' ? state.prefixes.map(textPrefix) : [],
    secondsLeft: state.state === 'prefixes' ? secondsLeft(state.validUntilMs, nowMs) : null,
    why: 'why' in state ? state.why : null,
  };
}

function chosenReport({ candidate }: Choice, nowMs: number): ChosenPrefix | null {
  if (candidate === null) return null;
  const { prefix, source, origin, validUntilMs, isReachable } = candidate;
  return {
    prefix: textPrefix(prefix),
    source,
    origin,
    secondsLeft: secondsLeft(validUntilMs, nowMs),
    isReachable,
  };
}

function interfaceReport(link: LinkDiscovery, discovery: Discovery, nowMs: number): InterfaceReport {
  const { name } = link.link;
  const candidates = discovery.candidates(name);
  const choice = discovery.choice(name);
  const { 'hop-limit': hopLimit, ...counts } = link.counts;
  return {
    name,
    listening: link.listening.state,
    trouble: link.listening.state === 'yes' ? link.trouble : link.listening.cause.message,
    solicitationsSent: link.solicitationsSent,
    advertisements: { ...counts, hopLimit },
    routers: link.routers.all.map((router) => routerReport(router, link.isSilent(router), candidates, nowMs)),
    resolvers: link.probes.map((probe) => resolverReport(probe, nowMs)),
    resolversLeftOut: link.resolversLeftOut,
    chosen: chosenReport(choice, nowMs),
    reason: choice.reason,
    why: CHOICE_REASONS[choice.reason],
  };
}

/** Everything that discovery knows now. */
export function discoveryReport(discovery: Discovery): DiscoveryReport {
  const nowMs = discovery.clock.now();
  return {
    configured: discovery.configured === null ? null : textPrefix(discovery.configured),
    interfaces: discovery.links.map((link) => interfaceReport(link, discovery, nowMs)),
  };
}
