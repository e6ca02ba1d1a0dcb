// The firewall table of the client, and what to look for in the firewall of others. nftables' JSON form, libnftables-json(5).

import { FIREWALL_TABLE } from './host-config.ts';

/** One object of nftables' JSON. */
type NftObject = Readonly<Record<string, unknown>>;

/** The chain's name. */
export const CHAIN = 'inbound';

/**
 * The commands that make the table: new IPv4 connections that come in through `device` are dropped, answers and related ICMP
 * errors pass. One transaction.
 */
export function inboundDropTable(device: string): NftObject {
  const place = { family: 'ip', table: FIREWALL_TABLE };
  const chain = { ...place, name: CHAIN, type: 'filter', hook: 'input', prio: 0, policy: 'accept' };
  const expr = [
    { match: { op: '==', left: { meta: { key: 'iifname' } }, right: device } },
    { match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } },
    { counter: { packets: 0, bytes: 0 } },
    { drop: null },
  ];
  return {
    nftables: [
      { create: { table: { family: 'ip', name: FIREWALL_TABLE } } },
      { add: { chain } },
      { add: { rule: { ...place, chain: CHAIN, expr, comment: 'xlat464: no new connections from the network' } } },
    ],
  };
}

/** The command that removes the table. */
export const removeTable = (): NftObject => ({
  nftables: [{ delete: { table: { family: 'ip', name: FIREWALL_TABLE } } }],
});

/** A chain that drops forwarded IPv6. */
export interface ForwardDrop {
  /** The chain, as its own tool names it: "ip6 filter FORWARD". */
  readonly chain: string;
  /** The commands that let the translated packets through. */
  readonly advice: string;
}

const asObject = (value: unknown): NftObject =>
  typeof value === 'object' && value !== null ? (value as NftObject) : {};

/** Whether a rule drops or rejects whatever reaches it. */
function isDropAll(rule: NftObject): boolean {
  const expr = Array.isArray(rule.expr) ? rule.expr.map(asObject) : [];
  const acts = expr.filter((e) => !('counter' in e) && !('log' in e));
  return acts.length === 1 && ('drop' in acts[0] || 'reject' in acts[0]);
}

/** Whether a rule accepts everything that comes in, or goes out, through `device`. */
function isAcceptFor(rule: NftObject, device: string): boolean {
  const expr = Array.isArray(rule.expr) ? rule.expr.map(asObject) : [];
  return expr.some((e) => 'accept' in e) && JSON.stringify(expr).includes(JSON.stringify(device));
}

/**
 * Finds the forward chains that drop by policy or by a last rule and have no accept rule for our interface. Rules in between
 * are not followed: this is a warning, not a proof.
 * @param ruleset the answer of `nft -j list ruleset`, parsed; of any shape
 */
export function findForwardDrops(ruleset: unknown, device: string): ForwardDrop[] {
  const list = asObject(ruleset).nftables;
  const objects = Array.isArray(list) ? list.map(asObject) : [];
  const rules = objects.map((o) => asObject(o.rule));
  return objects
    .map((o) => asObject(o.chain))
    .filter((c) => c.hook === 'forward' && (c.family === 'ip6' || c.family === 'inet'))
    .filter((c) => {
      const own = rules.filter((r) => r.family === c.family && r.table === c.table && r.chain === c.name);
      const last = own.at(-1);
      const drops = c.policy === 'drop' || (last !== undefined && isDropAll(last));
      return drops && !own.some((r) => isAcceptFor(r, device));
    })
    .map((c) => forwardDrop(String(c.family), String(c.table), String(c.name), device));
}

function forwardDrop(family: string, table: string, name: string, device: string): ForwardDrop {
  const chain = `${family} ${table} ${name}`;
  const insert = (key: string): string => `nft insert rule ${chain} ${key} "${device}" accept`;
  return { chain, advice: `${insert('iifname')} && ${insert('oifname')}` };
}

/**
 * The same for the older ip6tables, which nftables does not show.
 * @param rules the answer of `ip6tables-legacy -S FORWARD`
 */
export function findLegacyForwardDrop(rules: string, device: string): ForwardDrop[] {
  const lines = rules.split('\n');
  const drops = lines.includes('-P FORWARD DROP') || lines.some((l) => /^-A FORWARD -j (DROP|REJECT)/.test(l));
  const isLetThrough = lines.some((l) => l.includes(device) && l.endsWith('-j ACCEPT'));
  if (!drops || isLetThrough) return [];
  const insert = (key: string): string => `ip6tables-legacy -I FORWARD ${key} ${device} -j ACCEPT`;
  return [{ chain: 'ip6tables-legacy FORWARD', advice: `${insert('-i')} && ${insert('-o')}` }];
}
