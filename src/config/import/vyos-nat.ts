// VyOS: the rules of nat64, nat66 and nat. A rule is written when all of it could be read; otherwise all of it is listed.

import type { Draft } from './draft.ts';
import type { Given, Pattern, Statement } from './source.ts';
import { addPool, type PoolPart, type Protocol } from './values.ts';

/** A rule of nat64, nat66 or nat as far as it is read: its values by name. */
interface Rule {
  readonly number: string;
  readonly values: Map<string, Given>;
  readonly statements: Statement[];
  /** What it says that is not read: conditions, without which it would be another rule. */
  isStrange: boolean;
}

interface Pool {
  readonly values: Map<string, Given>;
  readonly protocols: Protocol[];
}

/** The rules of one configuration. */
export interface NatState {
  readonly draft: Draft;
  readonly rules: Map<string, Rule>;
  /** By rule and number. */
  readonly pools: Map<string, Map<string, Pool>>;
}

/** Without a rule. */
export const newNatState = (draft: Draft): NatState => ({ draft, rules: new Map(), pools: new Map() });

function ruleOf({ rules }: NatState, kind: string, number: string, from: Statement): Rule {
  const key = `${kind} ${number}`;
  const rule: Rule = rules.get(key) ?? { number: key, values: new Map(), statements: [], isStrange: false };
  rules.set(key, rule);
  rule.statements.push(from);
  return rule;
}

/** A pattern of a rule's value: `name` is what it is called in {@link Rule.values}. */
const ruleValue = (kind: string, words: string, name: string): Pattern<NatState> => [
  `${kind} rule * ${words}`,
  (state, [number = '', value = ''], from) => {
    ruleOf(state, kind, number, from).values.set(name, { value, from });
  },
];

function poolOf({ pools }: NatState, rule: string, number: string): Pool {
  const ofRule = pools.get(rule) ?? new Map<string, Pool>();
  const pool: Pool = ofRule.get(number) ?? { values: new Map(), protocols: [] };
  pools.set(rule, ofRule.set(number, pool));
  return pool;
}

const poolValue = (words: string, name: string): Pattern<NatState> => [
  `nat64 source rule * translation pool * ${words}`,
  (state, [rule = '', number = '', value = ''], from) => {
    ruleOf(state, 'nat64 source', rule, from);
    poolOf(state, rule, number).values.set(name, { value, from });
  },
];

const PROTOCOL_WORDS: readonly string[] = ['tcp', 'udp', 'icmp'];

/** Everything else of a rule. */
const strange = (kind: string): Pattern<NatState> => [
  `${kind} rule * **`,
  (state, [number = ''], from) => {
    ruleOf(state, kind, number, from).isStrange = true;
  },
];

const NAT64: readonly Pattern<NatState>[] = [
  ruleValue('nat64 source', 'source prefix *', 'prefix'),
  ruleValue('nat64 source', 'disable', 'disable'),
  ruleValue('nat64 source', 'description *', 'description'),
  poolValue('address *', 'address'),
  poolValue('port *', 'port'),
  poolValue('disable', 'disable'),
  poolValue('description *', 'description'),
  [
    'nat64 source rule * translation pool * protocol *',
    (state, [rule = '', number = '', protocol = ''], from) => {
      ruleOf(state, 'nat64 source', rule, from);
      if (PROTOCOL_WORDS.includes(protocol)) poolOf(state, rule, number).protocols.push(protocol as Protocol);
      else state.draft.broken(from, `has "${protocol}" for a protocol`, 'write tcp, udp or icmp');
    },
  ],
  strange('nat64 source'),
];

/** Rules of the kernel's NAT. `outbound-interface name eth0` is VyOS 1.4, `outbound-interface eth0` what came before. */
const NAT: readonly Pattern<NatState>[] = [
  ...['nat66 source', 'nat66 destination', 'nat source'].flatMap((kind) => [
    ruleValue(kind, 'outbound-interface name *', 'out'),
    ruleValue(kind, 'outbound-interface *', 'out'),
    ruleValue(kind, 'inbound-interface name *', 'in'),
    ruleValue(kind, 'inbound-interface *', 'in'),
    ruleValue(kind, 'source prefix *', 'source'),
    ruleValue(kind, 'source address *', 'source'),
    ruleValue(kind, 'destination prefix *', 'destination'),
    ruleValue(kind, 'destination address *', 'destination'),
    ruleValue(kind, 'translation address *', 'translation'),
    ruleValue(kind, 'disable', 'disable'),
    ruleValue(kind, 'description *', 'description'),
    ruleValue(kind, 'log', 'log'),
    strange(kind),
  ]),
];

/** All statements of the three. */
export const NAT_PATTERNS: readonly Pattern<NatState>[] = [...NAT64, ...NAT];

/** Writes the rules. */
export function finishNat(state: NatState): void {
  for (const rule of state.rules.values()) finishRule(rule, state);
}

function finishRule(rule: Rule, state: NatState): void {
  const { draft } = state;
  if (rule.values.has('disable')) {
    for (const statement of rule.statements) draft.warn(statement, 'its rule is disabled');
  } else if (rule.isStrange) {
    for (const statement of rule.statements)
      draft.warn(statement, 'its rule has conditions that cannot be written here');
  } else if (rule.number.startsWith('nat64 ')) finishNat64(rule, state);
  else if (rule.number.startsWith('nat66 source')) finishNat66(rule, draft);
  else if (rule.number.startsWith('nat66 destination')) finishNat66Destination(rule, state);
  else finishNat44(rule, draft);
}

function finishNat64({ number, values }: Rule, { draft, pools }: NatState): void {
  const prefix = values.get('prefix');
  if (prefix !== undefined) draft.set('nat64.prefix', prefix.value, prefix.from);
  const parts: PoolPart[] = [];
  for (const pool of pools.get(number.replace('nat64 source ', ''))?.values() ?? []) {
    const address = pool.values.get('address');
    if (address === undefined || pool.values.has('disable')) {
      const reason = address === undefined ? 'its pool has no address' : 'its pool is disabled';
      for (const { from } of pool.values.values()) draft.warn(from, reason);
    } else {
      const ports = pool.values.get('port')?.value ?? '';
      parts.push({ prefix: address.value, ports, protocols: pool.protocols, from: address.from });
    }
  }
  addPool(draft, parts);
}

function finishNat66({ values, statements }: Rule, draft: Draft): void {
  const [source, out, translation] = [values.get('source'), values.get('out'), values.get('translation')];
  if (source === undefined || out === undefined || translation === undefined || values.has('destination')) {
    for (const from of statements)
      draft.warn(from, 'nat66 takes a source prefix, an outgoing interface and masquerade');
  } else if (translation.value === 'masquerade') {
    draft.add('nat66', { source: source.value, out: out.value }, source.from);
  } else if (translation.value.includes('/')) {
    draft.add('npt', { inside: source.value, outside: translation.value, out: out.value }, source.from);
  } else {
    for (const from of statements) draft.warn(from, 'a single address cannot be chosen: write masquerade, or a prefix');
  }
}

/** The way back of a prefix translation is part of `npt`; anything else is a port forwarding, which there is none for IPv6. */
function finishNat66Destination({ values, statements }: Rule, { draft, rules }: NatState): void {
  const [outside, inside] = [values.get('destination')?.value, values.get('translation')?.value];
  const isWayBack = [...rules.values()].some(
    (rule) =>
      rule.number.startsWith('nat66 source') &&
      rule.values.get('source')?.value === inside &&
      rule.values.get('translation')?.value === outside,
  );
  if (isWayBack && outside?.includes('/')) return;
  for (const from of statements) draft.warn(from, 'is no way back of a prefix translation of "nat66 source"');
}

function finishNat44({ values, statements }: Rule, draft: Draft): void {
  const [first] = statements;
  if (values.get('translation')?.value !== 'masquerade' || values.has('destination') || first === undefined) {
    for (const from of statements) draft.warn(from, 'nat44 masquerades what comes from the LAN, and nothing else');
    return;
  }
  draft.set('nat44', true, first);
  const source = values.get('source');
  if (source !== undefined) draft.warn(source.from, 'nat44 takes all of the LAN, whatever its addresses');
}
