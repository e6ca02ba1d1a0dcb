// YAML text → tree. Refuses what the product does not take from YAML: duplicate keys, aliases. Apart from tree.ts because the
// yaml package takes 30 ms to load, and a client without a file does not need it.

import { isAlias, isMap, isScalar, isSeq, Lexer, LineCounter, type Node, type Pair, Parser, parseDocument } from 'yaml';
import type { ConfigIssue, Position } from './issues.ts';
import type { Entry, Tree } from './tree.ts';

/** Levels of lists and sections in each other. The configuration has 5; the reader calls itself for each. */
const DEPTH_MAX = 64;

/** Where text goes deeper than that; -1: nowhere. This pass, unlike those that follow, keeps a stack of its own. */
function tooDeepAt(text: string): number {
  const parser = new Parser();
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const _ of parser.next(lexeme));
    if (parser.stack.length > DEPTH_MAX) return offset;
    offset = parser.offset;
  }
  return -1;
}

/** Reads YAML 1.2. Syntax errors, anchors and duplicate keys become issues; the tree then is null. Never throws. */
export function parseYaml(text: string, file: string): { readonly tree: Tree | null; readonly issues: ConfigIssue[] } {
  const deepAt = tooDeepAt(text);
  if (deepAt >= 0) {
    const line = text.slice(0, deepAt).split('\n').length;
    const at = { file, line, column: deepAt - text.lastIndexOf('\n', deepAt - 1) };
    const problem = 'is not a configuration: too many lists or sections in each other';
    return {
      tree: null,
      issues: [{ at, path: '', text: '', problem, advice: 'check the brackets and the indentation' }],
    };
  }
  const lines = new LineCounter();
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const place = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const issues: ConfigIssue[] = doc.errors.map((error) => ({
    at: place(error.pos[0]),
    path: '',
    text: (text.slice(error.pos[0], error.pos[1]).split('\n')[0] ?? '').trim(),
    problem: `is not YAML: ${error.message}`,
    advice: 'mind the indentation, and quote text that holds a colon',
  }));
  if (issues.length > 0) return { tree: null, issues };
  const builder = new TreeBuilder(text, place, issues);
  const tree: Tree =
    doc.contents === null ? { kind: 'map', at: place(0), entries: [] } : builder.build(doc.contents, '');
  return { tree, issues };
}

/** Walks the YAML nodes; collects issues about what the product does not take from YAML. */
class TreeBuilder {
  readonly #text: string;
  readonly #place: (offset: number) => Position;
  readonly #issues: ConfigIssue[];

  constructor(text: string, place: (offset: number) => Position, issues: ConfigIssue[]) {
    this.#text = text;
    this.#place = place;
    this.#issues = issues;
  }

  build(node: Node | null, path: string): Tree {
    const [start, end] = node?.range ?? [0, 0];
    const at = this.#place(start);
    if (isMap(node)) return { kind: 'map', at, entries: this.#entries(node.items, path) };
    if (isSeq(node)) {
      const items = node.items.map((item, i) => this.build(item as Node, `${path}[${i}]`));
      return { kind: 'list', at, items };
    }
    const text = this.#text.slice(start, end).trim();
    if (isAlias(node)) {
      this.#issue(at, path, text, 'is a YAML alias, which is not read here', 'write the value out');
    }
    const value = isScalar(node) ? node.value : null;
    if (isSimple(value)) return { kind: 'scalar', at, text, value };
    return { kind: 'scalar', at, text, value: text };
  }

  #entries(pairs: readonly Pair[], path: string): Entry[] {
    const seen = new Map<string, Position>();
    const entries: Entry[] = [];
    for (const pair of pairs) {
      const keyNode = pair.key as Node | null;
      const [start, end] = keyNode?.range ?? [0, 0];
      const at = this.#place(start);
      const key = isScalar(keyNode) ? String(keyNode.value) : this.#text.slice(start, end);
      const keyPath = path === '' ? key : `${path}.${key}`;
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, at);
        const value = pair.value as Node | null;
        entries.push({ key, at, value: value?.range ? this.build(value, keyPath) : nothingAt(at) });
      } else {
        this.#issue(at, keyPath, key, `is given twice, first in line ${first.line}`, 'keep one of them');
      }
    }
    return entries;
  }

  #issue(at: Position, path: string, text: string, problem: string, advice: string): void {
    this.#issues.push({ at, path, text, problem, advice });
  }
}

const nothingAt = (at: Position): Tree => ({ kind: 'scalar', at, text: '', value: null });

const isSimple = (value: unknown): value is null | boolean | number | string =>
  value === null || ['boolean', 'number', 'string'].includes(typeof value);
