// The checker: a tree against a table of fields → typed values and every finding at once. Read first: fields.ts.

import type { Field, Fields, Shape, Values } from './fields.ts';
import type { ConfigIssue, Position } from './issues.ts';
import { nearest } from './nearest.ts';
import { type Entry, type Tree, treeOf } from './tree.ts';

/** Collects findings; knows where each path stands, for the cross checks that come after. */
export class Findings {
  readonly issues: ConfigIssue[] = [];
  readonly #root: Position | null;
  readonly #places = new Map<string, { at: Position | null; text: string }>();

  /** @param root where the document begins; a finding about a key that was not given stands there */
  constructor(root: Position | null = null) {
    this.#root = root;
  }

  /** Adds a finding about a tree. */
  add(tree: Tree, path: string, problem: string, advice: string): void {
    this.issues.push({ at: tree.at, path, text: textOf(tree), problem, advice });
  }

  /** Remembers a value's place. */
  remember(path: string, tree: Tree): void {
    this.#places.set(path, { at: tree.at, text: textOf(tree) });
  }

  /** Whether the key was given (not defaulted). */
  isGiven(path: string): boolean {
    return this.#places.has(path);
  }

  /** Where a key stands, null for a default. */
  placeOf(path: string): Position | null {
    return this.#places.get(path)?.at ?? null;
  }

  /** Whether the key or something in it has a finding already; its value is a stand-in then. */
  isBad(path: string): boolean {
    return this.issues.some(
      ({ path: bad }) => bad === path || bad.startsWith(`${path}.`) || bad.startsWith(`${path}[`),
    );
  }

  /** Adds a finding of a cross check about the key at `path`, given or not. One whose value was bad gets no second one. */
  addAt(path: string, problem: string, advice: string): void {
    if (this.isBad(path)) return;
    const known = this.#places.get(path);
    this.issues.push({ at: known?.at ?? this.#root, path, text: known?.text ?? '', problem, advice });
  }
}

const textOf = (tree: Tree): string => (tree.kind === 'scalar' ? tree.text : '');

/**
 * Checks a map against fields and fills in defaults.
 * @returns the values, a default standing in for each bad one; undefined when a key without a default is missing or bad
 */
export function checkFields<F extends Fields>(
  fields: F,
  tree: Tree,
  path: string,
  findings: Findings,
): Values<F> | undefined {
  const values: Record<string, unknown> = {};
  const given = tree.kind === 'map' ? tree.entries : [];
  if (tree.kind !== 'map' && !(tree.kind === 'scalar' && tree.value === null)) {
    findings.add(tree, path, 'is not a section', `write keys under it, as in "${Object.keys(fields)[0]}: …"`);
  }
  refuseUnknown(fields, given, path, findings);
  for (const [key, field] of Object.entries(fields)) {
    const entry = given.find((candidate) => candidate.key === key);
    values[key] = checkField(field, entry?.value, tree.at, join(path, key), findings);
  }
  const isWhole = Object.keys(fields).every((key) => values[key] !== undefined);
  // The table made the record key by key; the type says the same once.
  return isWhole ? (values as Values<F>) : undefined;
}

function checkField(
  field: Field,
  given: Tree | undefined,
  at: Position | null,
  path: string,
  findings: Findings,
): unknown {
  let value: unknown;
  if (given !== undefined) {
    findings.remember(path, given);
    value = checkShape(field.shape, given, path, findings);
  } else if (field.byDefault === undefined) {
    const advice = `add it: ${field.description}`;
    findings.issues.push({ at, path, text: '', problem: 'is missing', advice });
  }
  if (value !== undefined || field.byDefault === undefined) return value;
  return checkShape(field.shape, treeOf(field.byDefault), path, findings);
}

const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function refuseUnknown(fields: Fields, given: readonly Entry[], path: string, findings: Findings): void {
  const known = Object.keys(fields);
  for (const { key, at } of given) {
    if (Object.hasOwn(fields, key)) continue;
    const guess = nearest(key, known);
    const advice = guess === null ? `known here: ${known.join(', ')}` : `did you mean "${guess}"?`;
    findings.issues.push({ at, path: join(path, key), text: key, problem: 'is not a known key', advice });
  }
}

function checkShape(shape: Shape, tree: Tree, path: string, findings: Findings): unknown {
  switch (shape.kind) {
    case 'flag':
      if (tree.kind === 'scalar' && typeof tree.value === 'boolean') return tree.value;
      return refuse(shape, tree, path, findings);
    case 'integer':
      return checkInteger(shape, tree, path, findings);
    case 'choice':
      return checkChoice(shape, tree, path, findings);
    case 'text':
      return checkText(shape, tree, path, findings);
    case 'word':
      return checkWord(shape, tree, path, findings);
    case 'list':
      return checkList(shape, tree, path, findings);
    case 'section':
      return checkFields(shape.fields, tree, path, findings);
    default:
      return shape satisfies never;
  }
}

type Of<K extends Shape['kind']> = Extract<Shape, { kind: K }>;

function checkInteger(shape: Of<'integer'>, tree: Tree, path: string, findings: Findings): unknown {
  if (tree.kind === 'scalar' && typeof tree.value === 'number' && Number.isInteger(tree.value)) {
    if (tree.value >= shape.min && tree.value <= shape.max) return tree.value;
    findings.add(tree, path, 'is out of range', `write ${expected(shape)}`);
    return undefined;
  }
  return refuse(shape, tree, path, findings);
}

function checkChoice(shape: Of<'choice'>, tree: Tree, path: string, findings: Findings): unknown {
  const word = tree.kind === 'scalar' ? String(tree.value) : '';
  if (shape.values.includes(word)) return word;
  const guess = nearest(word, shape.values);
  if (guess === null) return refuse(shape, tree, path, findings);
  findings.add(tree, path, `is not ${expected(shape)}`, `did you mean "${guess}"?`);
  return undefined;
}

function checkText(shape: Of<'text'>, tree: Tree, path: string, findings: Findings): unknown {
  if (tree.kind !== 'scalar' || tree.value === null) return refuse(shape, tree, path, findings);
  // As it is written: `1e3` or `0x10` stays what the user typed, a quoted text loses its quotes.
  const result = shape.parse(typeof tree.value === 'string' ? tree.value : tree.text);
  if (result.ok) return result.value;
  findings.add(tree, path, result.problem, result.advice);
  return undefined;
}

function checkWord(shape: Of<'word'>, tree: Tree, path: string, findings: Findings): unknown {
  if (tree.kind === 'scalar' && tree.value === shape.word) return shape.value;
  // A word may stand beside another word: what stands behind the last one decides how a text is refused.
  const isStranger = tree.kind === 'scalar' && typeof tree.value === 'string' && !isWordOf(shape.otherwise, tree.value);
  const simple = isStranger && behindWords(shape).kind !== 'text';
  return simple ? refuse(shape, tree, path, findings) : checkShape(shape.otherwise, tree, path, findings);
}

const isWordOf = (shape: Shape, word: string): boolean =>
  (shape.kind === 'choice' && shape.values.includes(word)) ||
  (shape.kind === 'word' && (shape.word === word || isWordOf(shape.otherwise, word)));

const behindWords = (shape: Shape): Shape => (shape.kind === 'word' ? behindWords(shape.otherwise) : shape);

function checkList(shape: Of<'list'>, tree: Tree, path: string, findings: Findings): unknown {
  if (tree.kind !== 'list') return refuse(shape, tree, path, findings);
  const items = tree.items.map((item, i) => {
    const itemPath = `${path}[${i}]`;
    findings.remember(itemPath, item);
    return checkShape(shape.item, item, itemPath, findings);
  });
  return items.includes(undefined) ? undefined : items;
}

function refuse(shape: Shape, tree: Tree, path: string, findings: Findings): undefined {
  const isEmpty = tree.kind === 'scalar' && tree.value === null;
  const advice = hint(shape);
  // What it takes is said once.
  const wrong = advice === expected(shape) ? 'is not valid' : `is not ${expected(shape)}`;
  findings.add(tree, path, isEmpty ? 'has no value' : wrong, `write ${advice}`);
  return undefined;
}

/** What a shape takes, for a person. */
export function expected(shape: Shape): string {
  switch (shape.kind) {
    case 'flag':
      return 'true or false';
    case 'integer':
      return `a whole number from ${shape.min} to ${shape.max}`;
    case 'choice':
      return shape.values.length === 1 ? `"${shape.values[0]}"` : `one of ${shape.values.join(', ')}`;
    case 'text':
      return shape.what;
    case 'word':
      return `"${shape.word}" or ${expected(shape.otherwise)}`;
    case 'list':
      return shape.item.kind === 'section' ? 'a list of sections' : `a list, each item ${expected(shape.item)}`;
    case 'section':
      return `a section with ${Object.keys(shape.fields).join(', ')}`;
    default:
      return shape satisfies never;
  }
}

function hint(shape: Shape): string {
  if (shape.kind === 'text') return `${shape.what} such as ${shape.example}`;
  if (shape.kind === 'list') return shape.item.kind === 'text' ? `a list, as in [${shape.item.example}]` : 'a list';
  return expected(shape);
}
