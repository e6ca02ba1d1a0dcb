// Jool's configuration files (`jool file handle`, /etc/jool/*.conf): JSON with the sections global, pool4 and bib (NAT64) or eamt
// (SIIT). https://nicmx.github.io/Jool/en/config-atomic.html

import type { Tree } from '../tree.ts';
import { parseYaml } from '../yaml-document.ts';
import type { Draft } from './draft.ts';
import { addBinding, addEam, finishJool, JOOL_PORTS, type JoolState, newJoolState } from './jool.ts';
import type { Source, Statement } from './source.ts';
import type { Protocol } from './values.ts';

/** Sections that only one of the two has. */
const NAT64_ONLY = ['pool4', 'bib'];
const SIIT_ONLY = ['eamt', 'denylist4', 'blacklist4'];
const SIIT_GLOBALS = ['rfc6791v4-prefix', 'rfc6791v6-prefix', 'amend-udp-checksum-zero', 'eam-hairpin-mode'];

type Entries = ReadonlyMap<string, Tree>;

/** Reads a file. JSON is YAML, so the reader of our own files gives the tree with its places. */
export function importJoolJson({ name, text }: Source, draft: Draft): void {
  const { tree, issues } = parseYaml(text, name);
  draft.issues.push(...issues.map((issue) => ({ ...issue, problem: issue.problem.replace('YAML', 'JSON') })));
  if (tree === null) return;
  const sections = entriesOf(tree);
  const isSiit = SIIT_ONLY.some((key) => sections.has(key)) || hasAny(sections.get('global'), SIIT_GLOBALS);
  const isNat64 = NAT64_ONLY.some((key) => sections.has(key));
  draft.claim(isSiit && !isNat64 ? 'translator' : 'gateway', statementOf('global', tree));
  const state = newJoolState();
  for (const [key, value] of sections) importSection(key, value, state, draft);
  finishJool(state, draft);
}

function hasAny(tree: Tree | undefined, keys: readonly string[]): boolean {
  if (tree === undefined) return false;
  const entries = entriesOf(tree);
  return keys.some((key) => entries.has(key));
}

/** A map's entries but for Jool's comments. */
const entriesOf = (tree: Tree): Entries =>
  new Map(
    tree.kind === 'map'
      ? tree.entries.filter(({ key }) => key !== 'comment').map(({ key, value }) => [key, value] as const)
      : [],
  );

const itemsOf = (tree: Tree): readonly Tree[] => (tree.kind === 'list' ? tree.items : []);

function statementOf(key: string, tree: Tree): Statement {
  const shown = textOf(tree);
  const at = tree.at ?? { file: '', line: 1, column: 1 };
  return { words: [key, ...(shown === '' ? [] : [shown])], at, text: `${key}: ${shown}`.trim() };
}

function textOf(tree: Tree): string {
  if (tree.kind === 'scalar') return String(tree.value);
  if (tree.kind === 'list') return tree.items.map(textOf).join(', ');
  return tree.entries.map(({ key, value }) => `${key} ${textOf(value)}`).join(', ');
}

function importSection(key: string, tree: Tree, state: JoolState, draft: Draft): void {
  const from = statementOf(key, tree);
  switch (key) {
    case 'instance':
    case 'framework':
      return; // names of what runs there; here a file is one translator
    case 'global':
      for (const [name, value] of entriesOf(tree)) {
        state.globals.set(name, { value: textOf(value), from: statementOf(name, value) });
      }
      return;
    case 'pool4':
      for (const item of itemsOf(tree)) addPool4(item, state, draft);
      return;
    case 'bib':
      for (const item of itemsOf(tree)) addBib(item, draft);
      return;
    case 'eamt':
      for (const item of itemsOf(tree)) {
        const [ipv6 = '', ipv4 = ''] = fieldsOf(item, ['ipv6 prefix', 'ipv4 prefix'], draft);
        addEam(draft, [ipv4, ipv6], false, statementOf('eamt', item));
      }
      return;
    case 'denylist4':
    case 'blacklist4':
      if (itemsOf(tree).length > 0) {
        draft.warn(from, 'addresses cannot be kept from translation; route them elsewhere');
      }
      return;
    default:
      draft.warn(from, 'is not a section of Jool that is known here');
  }
}

/** The texts of an object's fields; other fields of it are warned about. */
function fieldsOf(tree: Tree, names: readonly string[], draft: Draft): (string | undefined)[] {
  const entries = entriesOf(tree);
  for (const [key, value] of entries) {
    if (!names.includes(key)) draft.warn(statementOf(key, value), 'has no counterpart here');
  }
  return names.map((name) => {
    const value = entries.get(name);
    return value === undefined ? undefined : textOf(value);
  });
}

function protocolOf(text: string | undefined, from: Statement, draft: Draft): Protocol {
  const name = (text ?? '').toLowerCase();
  if (name === 'tcp' || name === 'udp' || name === 'icmp') return name;
  draft.broken(from, `has ${JSON.stringify(text ?? '')} for a protocol`, 'write TCP, UDP or ICMP');
  return 'tcp';
}

function addPool4(item: Tree, state: JoolState, draft: Draft): void {
  const from = statementOf('pool4', item);
  const [protocol, prefix = '', ports, mark] = fieldsOf(item, ['protocol', 'prefix', 'port range', 'mark'], draft);
  if (mark !== undefined && mark !== '0') {
    draft.warn(from, 'the pool of a packet cannot be chosen by its mark: this part serves all');
  }
  state.pool.push({ prefix, ports: ports ?? JOOL_PORTS, protocols: [protocolOf(protocol, from, draft)], from });
}

function addBib(item: Tree, draft: Draft): void {
  const from = statementOf('bib', item);
  const [protocol, ipv6 = '', ipv4 = ''] = fieldsOf(item, ['protocol', 'ipv6 address', 'ipv4 address'], draft);
  addBinding(draft, protocolOf(protocol, from, draft), [ipv6, ipv4], from);
}
