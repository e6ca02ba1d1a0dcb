// Other settings for a running NAT64 (rule N-12). What still fits stays: a binding goes only when the new pool does not have its
// port, or its host is no longer served. Cold: with a million bindings it takes some 300 ms, up to a second when there is to be
// room for more; packets wait meanwhile.

import { HOLDS_PORT, IS_CONFIGURED, IS_STATIC } from './bib.ts';
import { ClientRanges } from './client-ranges.ts';
import { HeldSyns } from './held-syns.ts';
import { MAPPING_MADE, MappingLog } from './mapping-log.ts';
import type { Nat64Tables } from './nat64-tables.ts';
import type { PortPool } from './port-pool.ts';
import type { Nat64Settings } from './settings.ts';
import { addStatic, nameOf, removeStatic } from './static-bindings.ts';

/** What other settings had no room for: bindings, and the sessions that went with them. */
export interface Dropped {
  readonly bindings: number;
  readonly sessions: number;
}

/**
 * Applies settings. Static bindings of the former settings that the new ones do not name are taken back; those that the operator
 * made while running stay.
 * @returns what went; not what the operator took back
 * @throws RangeError for settings that cannot be; nothing is changed then
 */
export function reconfigure(t: Nat64Tables, settings: Nat64Settings, nowMs: number): Dropped {
  const log = settings.mappingLog === 'off' ? null : (t.log ?? new MappingLog());
  const pool = t.makePool(settings, log);
  t.grow(settings);
  const before = t.settings;
  if (before.limits.heldSyns !== settings.limits.heldSyns) t.held = new HeldSyns(settings.limits.heldSyns, t.random);
  t.log = log;
  t.setTime(nowMs);
  t.set(settings);
  const dropped = moveToPool(t, pool, settings, before.mappingLog !== settings.mappingLog);
  changeStatics(t, before, settings, nowMs);
  t.startSweep();
  return dropped;
}

/** Takes the ports of all bindings in the new pool; those made by hand need not lie in it. A new kind of log begins with all. */
function moveToPool(t: Nat64Tables, pool: PortPool, settings: Nat64Settings, isNewLog: boolean): Dropped {
  const { bib, hosts } = t;
  const clients = new ClientRanges(settings.clients);
  let [bindings, sessions] = [0, 0];
  t.pool = pool;
  for (let host = 1; host <= hosts.table.top; host++) if (hosts.isUsed(host)) hosts.leavePool(host);
  for (let binding = 1; binding <= bib.top; binding++) {
    if (!bib.isAlive(binding)) continue;
    bib.setFlags(binding, HOLDS_PORT, false);
    const host = bib.host(binding);
    const isByHand = bib.flags(binding, IS_STATIC | IS_CONFIGURED) !== 0;
    const stays =
      isByHand || clients.has(hosts.word(host, 0), hosts.word(host, 1), hosts.word(host, 2), hosts.word(host, 3));
    if (stays && pool.reserve(bib.protocol(binding), bib.ipv4(binding), bib.port4(binding), host))
      bib.setFlags(binding, HOLDS_PORT, true);
    else if (!isByHand) {
      bindings += 1;
      sessions += bib.sessions(binding);
      t.killBinding(binding);
    }
    if (isNewLog && bib.isAlive(binding)) t.logBinding(MAPPING_MADE, binding);
  }
  return { bindings, sessions };
}

function changeStatics(t: Nat64Tables, before: Nat64Settings, after: Nat64Settings, nowMs: number): void {
  const kept = new Set(after.staticBindings.map(nameOf));
  for (const old of before.staticBindings) if (!kept.has(nameOf(old))) removeStatic(t, old, IS_CONFIGURED, nowMs);
  for (const binding of after.staticBindings) addStatic(t, binding, IS_CONFIGURED, nowMs);
}
