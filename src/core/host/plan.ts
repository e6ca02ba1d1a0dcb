// What has to be done to get from what we have done so far to what is wanted now. Pure; the platform carries it out.
//
//     wanted  ∧ in effect, not by us   → nothing, and nothing to undo later
//     wanted  ∧ applied ∧ in effect    → nothing
//     wanted  ∧ applied ∧ not in effect → made again (it is in the journal already)
//     wanted  ∧ not in effect          → journalled, made
//     applied ∧ no longer wanted       → undone, or replaced in one step by what is wanted in its place

import type { Change, SysctlChange } from './change.ts';
import { changeKey, currentValue, isPresent, isSamePlace, sysctlPath } from './change.ts';
import type { HostConfig, HostFacts, LinkFacts } from './host-config.ts';
import { FIREWALL_TABLE_KEY, findLink, GATEWAY_TABLE_KEY } from './host-config.ts';
import { wantedChanges } from './wanted.ts';

/** A change to make. */
export interface Making {
  readonly change: Change;
  /** Whether it was made before and stands in the journal. */
  readonly isApplied: boolean;
  /** Applied changes whose place it takes, in one step of the system: they need not be undone, and are settled after it. */
  readonly replaces: readonly Change[];
}

/** The difference between applied and wanted. */
export interface Plan {
  /** Applied changes to undo first, in the order to undo them in: the last applied one first. */
  readonly undo: readonly Change[];
  /** Changes to make, in order. */
  readonly make: readonly Making[];
  /** What stands in the way, one sentence each; with any, nothing may be done. */
  readonly conflicts: readonly string[];
}

/** The host as it would be without our settings: those that still have our value count with the value before. */
function withoutOurs(applied: readonly Change[], facts: HostFacts): HostFacts {
  const sysctls = new Map(facts.sysctls);
  for (const change of applied) {
    if (change.kind !== 'sysctl' || currentValue(change, facts) !== change.value) continue;
    const name = change.link === null ? '' : (findLink(facts, change.link)?.name ?? '');
    sysctls.set(sysctlPath(change, name), change.was);
  }
  const before = (link: LinkFacts): LinkFacts => {
    const mtu = applied.find((c) => c.kind === 'mtu' && c.link.index === link.index && c.value === link.mtuBytes);
    return mtu?.kind === 'mtu' ? { ...link, mtuBytes: mtu.was } : link;
  };
  return { ...facts, sysctls, links: facts.links.map(before) };
}

/**
 * Whether what an applied change made can be replaced in place. A route only where it is alone with its metric: the kernel replaces the
 * first of them, whosever it is.
 */
function isReplaceable(change: Change, facts: HostFacts): boolean {
  if (change.kind !== 'route') return true;
  const { family, destination, metric } = change;
  const alike = facts.routes.filter((r) => r.family === family && r.destination === destination && r.metric === metric);
  return alike.length === 1 && isPresent(change, facts);
}

/** Plans the way to a client's configuration, as {@link planWish}. null: nothing is wanted, all is undone. */
export const planHost = (applied: readonly Change[], config: HostConfig | null, facts: HostFacts): Plan =>
  planWish(applied, config === null ? null : (before) => wantedChanges(config, before), facts);

/** Whether undoing what stands in its place makes it. */
const isAsBefore = (change: Change): boolean => change.kind === 'mtu' && change.value === change.was;

/** What is wanted, given the host as it was before us, in order; null: nothing. */
type Wish = ((before: HostFacts) => readonly Change[]) | null;

/**
 * Plans the way to what is wanted.
 * @param applied what we have changed so far, in the order it was done
 * @param facts the host as it is
 */
export function planWish(applied: readonly Change[], wish: Wish, facts: HostFacts): Plan {
  const wanted = wish === null ? [] : wish(withoutOurs(applied, facts));
  const wantedKeys = new Set(wanted.map(changeKey));
  const appliedKeys = new Set(applied.map(changeKey));
  const obsolete = applied.filter((c) => !wantedKeys.has(changeKey(c)));
  const replacedBy = (change: Change): Change[] =>
    isAsBefore(change) ? [] : obsolete.filter((c) => isSamePlace(c, change) && isReplaceable(c, facts));
  const making = wanted.map((change) => ({
    change,
    isApplied: appliedKeys.has(changeKey(change)),
    replaces: replacedBy(change),
  }));
  const replaced = new Set(making.flatMap((m) => m.replaces));
  const undo = obsolete.filter((c) => !replaced.has(c)).reverse();
  const make = making.filter(
    // That the table is there does not say what is in it; it is replaced, in one transaction.
    ({ change, replaces }) => change.kind === 'table' || replaces.length > 0 || !isPresent(change, facts),
  );
  return { undo, make, conflicts: conflictsOf(wanted, appliedKeys, facts) };
}

const TABLES = { firewall: FIREWALL_TABLE_KEY, table: GATEWAY_TABLE_KEY } as const;

/** A firewall table must be ours: there is no telling what one of the same name does. */
function conflictsOf(wanted: readonly Change[], appliedKeys: ReadonlySet<string>, facts: HostFacts): string[] {
  const isOurs = (kind: string): boolean => [...appliedKeys].some((key) => key.includes(`"kind":"${kind}"`));
  const taken = wanted.flatMap(({ kind }) =>
    (kind === 'firewall' || kind === 'table') && !isOurs(kind) ? [TABLES[kind]] : [],
  );
  return taken
    .filter((table) => facts.firewallTables.has(table))
    .map((table) => `there is already a firewall table "${table}" that this program did not make`);
}

/** How a change is to be undone, given the host as it is. */
type UndoStep =
  /** Nothing to do: it was never made, or it is gone. */
  | { readonly step: 'gone' }
  /** Someone else has changed it since; it is left as it is. */
  | { readonly step: 'left'; readonly now: string }
  /** To be undone through this interface name (the present one; "" for a setting of the whole host). */
  | { readonly step: 'undo'; readonly name: string };

/** Whether the settings that the kernel had overwritten with this one have their own values again; those that are gone count. */
const areOthersBack = ({ alsoWas = [] }: SysctlChange, { sysctls }: HostFacts): boolean =>
  alsoWas.every(([path, value]) => (sysctls.get(path) ?? value) === value);

/**
 * Decides how to undo a change.
 * @param ours all that is to be undone: what one of those made is nobody else's doing
 */
export function planUndo(change: Change, facts: HostFacts, ours: readonly Change[] = []): UndoStep {
  const link = change.link === null ? undefined : findLink(facts, change.link);
  if (change.kind === 'sysctl') {
    const now = currentValue(change, facts);
    if (now === undefined) return { step: 'gone' };
    if (now === change.was && areOthersBack(change, facts)) return { step: 'gone' };
    // Also when it is back and the others are not: an undo that a crash cut short goes on where it was.
    if (now === change.was) return { step: 'undo', name: link?.name ?? '' };
    return now === change.value ? { step: 'undo', name: link?.name ?? '' } : { step: 'left', now };
  }
  if (!isPresent(change, facts)) {
    const isOurs = ours.some((c) => isSamePlace(c, change) && isPresent(c, facts));
    const elsewhere = change.kind === 'mtu' && link !== undefined && link.mtuBytes !== change.was && !isOurs;
    return elsewhere ? { step: 'left', now: String(link.mtuBytes) } : { step: 'gone' };
  }
  return { step: 'undo', name: link?.name ?? '' };
}
