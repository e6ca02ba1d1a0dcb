// A look at the network: the host's state and the ways to the prefixes, as the lifecycle wants to see them.

import type { HostFacts } from '../core/host/host-config.ts';
import type { NetworkView } from '../core/lifecycle/event.ts';
import { linkTrouble, nativeIpv4, otherClat } from '../core/lifecycle/host-view.ts';
import type { Target, WayAnswer } from '../core/lifecycle/way.ts';
import type { HostControl, Platform } from '../platform/platform.ts';

/** What a look needs. */
interface LookContext {
  readonly platform: Platform;
  readonly host: HostControl;
  /** The client's own interface. */
  readonly tunName: string;
  /** The only interface to use, or null. */
  readonly uplinkName: string | null;
}

/** What a look found. */
export interface Look {
  readonly view: NetworkView;
  readonly facts: HostFacts;
}

/** Looks at the host. @throws XlatError TOOL_MISSING; CommandError when a tool fails */
export async function lookAtNetwork(context: LookContext, targets: readonly Target[]): Promise<Look> {
  const { host, tunName, uplinkName } = context;
  const [facts, ...answers] = await Promise.all([host.facts(), ...targets.map((target) => ask(context, target))]);
  const native = nativeIpv4(facts, tunName, uplinkName);
  return {
    view: {
      nativeIpv4: native,
      otherClat: otherClat(facts, tunName),
      linkTrouble: linkTrouble(facts, tunName, uplinkName),
      answers,
    },
    facts,
  };
}

async function ask({ platform, uplinkName }: LookContext, target: Target): Promise<WayAnswer> {
  // The prefix's own first address: any inside it shows the way there.
  const destination = target.candidate.prefix.address;
  const free = await platform.findUplink(destination, uplinkName);
  const { interfaceName } = target;
  if (interfaceName === null || free.uplink?.link.name === interfaceName) return { target, free, tied: null };
  return { target, free, tied: await platform.findUplink(destination, interfaceName) };
}
