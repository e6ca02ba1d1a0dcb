// The tree that the checker reads: values and keys that know their place. Made from YAML text (yaml-document.ts) or from
// plain values (defaults, command-line options), so that there is one checker for all of them.

import type { Plain } from './fields.ts';
import type { Position } from './issues.ts';

/** A key of a map with its place. */
export interface Entry {
  readonly key: string;
  readonly at: Position | null;
  readonly value: Tree;
}

/** A value with its place; `text` is how it is written. */
export type Tree =
  | { readonly kind: 'map'; readonly at: Position | null; readonly entries: readonly Entry[] }
  | { readonly kind: 'list'; readonly at: Position | null; readonly items: readonly Tree[] }
  | {
      readonly kind: 'scalar';
      readonly at: Position | null;
      readonly text: string;
      readonly value: null | boolean | number | string;
    };

/** Turns a plain value into a tree without places. Never throws. */
export function treeOf(plain: Plain): Tree {
  if (plain === null || typeof plain !== 'object') {
    return { kind: 'scalar', at: null, text: String(plain), value: plain };
  }
  if (isPlainList(plain)) return { kind: 'list', at: null, items: plain.map(treeOf) };
  const entries = Object.entries(plain).map(([key, value]) => ({ key, at: null, value: treeOf(value) }));
  return { kind: 'map', at: null, entries };
}

const isPlainList = (plain: Plain): plain is readonly Plain[] => Array.isArray(plain);
