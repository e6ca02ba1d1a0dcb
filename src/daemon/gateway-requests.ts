// What a gateway is asked over the control API: its sessions and those of the kernel, its bindings, and its DNS64's reasons.

import { formatIpv4 } from '../config/addresses.ts';
import { parseBinding } from '../config/gateway-scalars.ts';
import { XlatError } from '../contract/errors.ts';
import type { Params } from '../contract/methods.ts';
import type { GatewayRequests } from '../control/host.ts';
import type { StaticBinding } from '../core/nat64/settings.ts';
import { listBindings, listSessions } from './gateway-lists.ts';
import { insideOf, type RunningNat64 } from './gateway-nat64.ts';
import type { GatewayParts } from './gateway-parts.ts';

/** Lists that wait for each other; whoever asks for more at once is refused. */
const WAITING_MAX = 16;

/** The requests of a running gateway. */
export function gatewayRequests(parts: GatewayParts): GatewayRequests {
  const inTurn = oneListAtATime();
  return {
    sessions: (wanted) => inTurn(() => listSessions(parts, wanted)),
    bindings: (wanted) => inTurn(() => listBindings(nat64Of(parts), wanted)),
    addBinding: (ends) => addBinding(nat64Of(parts), ends),
    removeBinding: (ends) => removeBinding(nat64Of(parts), ends),
    explain: ({ name, type = 'AAAA' }) => dns64Of(parts).explain(name, type),
  };
}

/** Everyone on this host may ask for lists, and each takes time of the thread that moves packets. */
function oneListAtATime(): <T>(list: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;
  return async (list) => {
    if (waiting >= WAITING_MAX) throw new XlatError('CONTROL_FAILED', 'list sessions', 'too many lists are being made');
    waiting += 1;
    const mine = last.then(list);
    last = mine.catch(() => undefined); // who asked gets it
    try {
      return await mine;
    } finally {
      waiting -= 1;
    }
  };
}

function nat64Of({ nat64 }: GatewayParts): RunningNat64 {
  if (nat64 !== null) return nat64;
  throw new XlatError('USAGE', 'ask the NAT64', 'this gateway runs no NAT64');
}

function dns64Of({ dns64 }: GatewayParts): NonNullable<GatewayParts['dns64']> {
  if (dns64 !== null) return dns64;
  throw new XlatError('USAGE', 'ask the DNS64', 'this gateway runs no DNS64');
}

const CHANGE = 'change a binding';

/** A binding as the tables know it. @throws XlatError USAGE, CONFIG_INVALID */
function readEnds(nat64: RunningNat64, { protocol, mapped, host }: Params<'bindings.add'>): StaticBinding {
  const parsed = parseBinding(`${protocol} ${mapped} ${host}`);
  if (parsed.ok) return insideOf(parsed.value, nat64.place);
  throw new XlatError('USAGE', CHANGE, `"${protocol} ${mapped} ${host}" ${parsed.problem}`, { advice: parsed.advice });
}

async function addBinding(nat64: RunningNat64, ends: Params<'bindings.add'>): Promise<void> {
  const binding = readEnds(nat64, ends);
  if (!nat64.isServed(binding.ipv4)) {
    const message = `packets for ${formatIpv4(binding.ipv4)} do not come to the NAT64: it is no address of its pool`;
    throw new XlatError('USAGE', CHANGE, message, {
      advice: 'Choose an address of nat64.pool; "xlat464 status" shows it.',
    });
  }
  const result = await nat64.dataPlane.nat64.addBinding(binding);
  if (result === 'added') return;
  throw new XlatError('USAGE', CHANGE, `${ends.protocol} ${ends.mapped} → ${ends.host} ${REFUSED[result]}`);
}

const REFUSED = {
  exists: 'is open already',
  conflict: 'has an end that another binding of the operator has',
  full: 'finds no room: there are too many bindings',
} as const;

async function removeBinding(nat64: RunningNat64, ends: Params<'bindings.remove'>): Promise<void> {
  if (await nat64.dataPlane.nat64.removeBinding(readEnds(nat64, ends))) return;
  throw new XlatError('USAGE', CHANGE, `${ends.protocol} ${ends.mapped} → ${ends.host} is not open`);
}
