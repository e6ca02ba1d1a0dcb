// Address translation that others have set up on this host. Beside a shared address it needs the operator's eye: answers to ports of
// the pool go to the NAT64 before connection tracking could say that they belong to somebody else.

import { GATEWAY_TABLE } from '../host/host-config.ts';

type NftObject = Readonly<Record<string, unknown>>;

const asObject = (value: unknown): NftObject =>
  typeof value === 'object' && value !== null ? (value as NftObject) : {};

/** What changes an address or lets one port in, as nft's JSON names it; rules of iptables-nft stand in `xt`. */
const STATEMENTS: readonly string[] = ['masquerade', 'snat', 'dnat', 'redirect'];
const TARGETS: readonly unknown[] = ['MASQUERADE', 'SNAT', 'DNAT', 'REDIRECT'];

function translates(rule: NftObject): boolean {
  const expr = Array.isArray(rule.expr) ? rule.expr.map(asObject) : [];
  return expr.some((e) => STATEMENTS.some((name) => name in e) || TARGETS.includes(asObject(e.xt).name));
}

/**
 * Finds the chains with rules that translate IPv4 addresses, without our own.
 * @param ruleset the answer of `nft -j list ruleset`, parsed; of any shape
 * @returns "ip nat POSTROUTING", none twice. Never throws
 */
export function findForeignNat(ruleset: unknown): string[] {
  const list = asObject(ruleset).nftables;
  const rules = (Array.isArray(list) ? list : []).map((o) => asObject(asObject(o).rule));
  const foreign = rules.filter(
    (r) => (r.family === 'ip' || r.family === 'inet') && r.table !== GATEWAY_TABLE && translates(r),
  );
  return [...new Set(foreign.map((r) => `${String(r.family)} ${String(r.table)} ${String(r.chain)}`))];
}
