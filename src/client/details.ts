// What `--verbose` shows of the client: each step of its lifecycle, and what discovery hears. Discovery is read after its events, of
// which there are few, whatever the network sends; so a flood of advertisements makes no flood of lines.

import type { Log, LogFields, Step } from '../contract/reasons.ts';
import { textPrefix6 } from '../core/address/text.ts';
import type { Effect } from '../core/lifecycle/effect.ts';
import type { ClatEvent } from '../core/lifecycle/event.ts';
import { type Lifecycle, reasonOf } from '../core/lifecycle/state.ts';
import type { Discovery, DiscoveryEvent } from '../discovery/discovery.ts';
import type { LinkDiscovery } from '../discovery/link-discovery.ts';
import type { ResolverProbe } from '../discovery/resolver-probe.ts';
import type { Router } from '../discovery/routers.ts';

/** Where a detail goes. */
export type Detail = (step: Step, fields: LogFields, text: string) => void;

const eventText = (event: ClatEvent): string => {
  if ('ticket' in event) return `${event.event} #${event.ticket}`;
  if (event.event === 'prefixes') return `prefixes, ${event.candidates.length} on offer`;
  return event.event;
};

function effectText(effect: Effect): string {
  if ('ticket' in effect) return `${effect.effect} #${effect.ticket}`;
  if (effect.effect === 'report') return `report ${effect.reason}`;
  if (effect.effect === 'set-timer') return effect.atMs === null ? 'no timer' : 'set-timer';
  return effect.effect;
}

/** One step of the lifecycle: what happened, the state after it, what is done now. Tickets tie an effect to its result. */
export function detailStep(log: Log, event: ClatEvent, { state }: Lifecycle, effects: readonly Effect[]): void {
  const reason = reasonOf(state);
  const done = effects.map(effectText).join(', ');
  const text = `${eventText(event)} → ${state.state}${done === '' ? '' : `: ${done}`}`;
  log.debug('lifecycle-step', { event: event.event, state: state.state, reason }, text);
}

/** One thing that is known; `key`: what of it is news when it changes. */
interface Known {
  readonly key: string;
  readonly step: Step;
  readonly fields: LogFields;
  readonly text: string;
}

/** Makes what says how discovery's knowledge changed, to be called after its events. */
export function detailDiscovery(detail: Detail): (discovery: Discovery, event: DiscoveryEvent) => void {
  let said = new Map<string, string>();
  return (discovery, event) => {
    if (event.kind === 'checked') sayChecked(event, detail);
    const now = new Map<string, string>();
    for (const link of discovery.links) {
      for (const [name, known] of knownOf(discovery, link)) {
        now.set(name, known.key);
        if (said.get(name) !== known.key) detail(known.step, known.fields, known.text);
      }
    }
    for (const name of said.keys()) if (!now.has(name)) sayGone(name, detail);
    said = now;
  };
}

function knownOf(discovery: Discovery, link: LinkDiscovery): [name: string, Known][] {
  const { name } = link.link;
  return [
    [name, linkText(link)],
    ...link.routers.all.map((r): [string, Known] => [`${name} ${r.address}`, routerText(discovery, name, r)]),
    ...link.probes.map((p): [string, Known] => [`${name} resolver ${p.resolver.address}`, probeText(name, p)]),
  ];
}

function linkText({ link, listening }: LinkDiscovery): Known {
  const fields = { interface: link.name, listening: listening.state };
  const how = listening.state === 'yes' ? 'routers are heard' : 'routers are not heard';
  return { key: listening.state, step: 'link-watched', fields, text: `${link.name} is watched; ${how}` };
}

function routerText(discovery: Discovery, interfaceName: string, router: Router): Known {
  const nowMs = discovery.clock.now();
  const { address, preference, lifetimeSeconds, mtuBytes } = router;
  const resolvers = [...router.resolvers.keys()].join(', ');
  const offers = discovery.candidates(interfaceName).filter((c) => c.source === 'ra' && c.origin === address);
  const prefixes = offers.map(({ prefix }) => textPrefix6(prefix));
  const left = offers.map((c) => `${textPrefix6(c.prefix)} for ${Math.round((c.validUntilMs - nowMs) / 1000)} s`);
  const pref64 = prefixes.join(', ');
  const fields = { interface: interfaceName, router: address, preference, lifetimeSeconds, pref64, resolvers };
  const rest = `resolvers ${resolvers || 'none'}, MTU ${mtuBytes ?? 'not said'}`;
  const text = `router ${address} on ${interfaceName}: PREF64 ${left.join(', ') || 'none'}, lifetime ${lifetimeSeconds} s, ${rest}`;
  return { key: JSON.stringify([fields, mtuBytes]), step: 'router-heard', fields, text };
}

function probeText(interfaceName: string, { resolver, state }: ResolverProbe): Known {
  const { address } = resolver;
  const prefixes = state.state === 'prefixes' ? state.prefixes.map(textPrefix6).join(', ') : '';
  const why = 'why' in state ? state.why : '';
  const fields = { interface: interfaceName, resolver: address, outcome: state.state, prefixes, why };
  const outcome = prefixes || (why === '' ? state.state : `${state.state}, ${why}`);
  const text = `ipv4only.arpa from ${address} on ${interfaceName}: ${outcome}`;
  return { key: JSON.stringify(fields), step: 'resolver-answered', fields, text };
}

function sayChecked(
  { interfaceName, prefix, isReachable }: DiscoveryEvent & { kind: 'checked' },
  detail: Detail,
): void {
  const text = `connectivity through ${textPrefix6(prefix)} on ${interfaceName}: ${isReachable ? 'yes' : 'no'}`;
  detail('prefix-checked', { interface: interfaceName, prefix: textPrefix6(prefix), isReachable }, text);
}

/** A link that went down, a router that was forgotten for another, a resolver that nobody names any more. */
function sayGone(name: string, detail: Detail): void {
  const [interfaceName = '', ...what] = name.split(' ');
  detail('link-watched', { interface: interfaceName }, `${what.join(' ') || interfaceName} is not looked at any more`);
}
