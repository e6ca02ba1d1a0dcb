// The files that `config init` writes, and the reference table of docs/configuration.md: both from the field tables, so
// that every key, default and description stands in one place.

import { expected } from './check.ts';
import { CLIENT_FIELDS } from './client.ts';
import type { Field, Fields, Plain, Shape } from './fields.ts';
import { GATEWAY_FIELDS } from './gateway-fields.ts';
import { TRANSLATOR_FIELDS } from './translator-fields.ts';

/** A role that has a file. */
export type FileRole = 'translator' | 'client' | 'gateway';

const TABLES: Readonly<Record<FileRole, Fields>> = {
  translator: TRANSLATOR_FIELDS,
  client: CLIENT_FIELDS,
  gateway: GATEWAY_FIELDS,
};

/** The keys without which a file is none. What a network says by itself, such as its prefix, is better not written down. */
const GIVEN: Readonly<Record<FileRole, Readonly<Record<string, string>>>> = {
  translator: { role: 'translator', prefix: '64:ff9b::/96' },
  client: { role: 'client' },
  gateway: { role: 'gateway', lan: '[eth1]' },
};

/** Width of the comments in a written file. */
const WIDTH = 100;

/** A first configuration file: the keys that must be set with a working example, all others as comments with defaults. */
export function exampleFile(role: FileRole): string {
  const head = [
    `# Configuration of xlat464, role ${role}. Check it with: xlat464 config check FILE`,
    '# A key that is commented out has the value that stands there.',
  ];
  return `${[...head, ...writeFields(TABLES[role], GIVEN[role], '')].join('\n')}\n`;
}

function writeFields(fields: Fields, given: Readonly<Record<string, string>>, indent: string): string[] {
  // Inside a section that is commented out, the section's mark serves all of it.
  const mark = indent.startsWith('#') ? indent : `${indent}# `;
  return Object.entries(fields).flatMap(([key, field]) => {
    const comment = ['', ...wrap(field.description, WIDTH - indent.length - 2).map((line) => `${indent}# ${line}`)];
    if (given[key] !== undefined) return [...comment, `${indent}${key}: ${given[key]}`];
    const inner = keysIn(field.shape);
    // What is off by default is said; its keys are in the reference.
    const isOff = typeof field.byDefault === 'string';
    if (inner !== null && !isOff) return [...comment, `${mark}${key}:`, ...writeFields(inner, {}, `${mark}  `)];
    return [...comment, `${mark}${key}: ${yamlOf(field.byDefault ?? null)}`];
  });
}

/** The keys of a section, also of one that a word may stand for; null: it is none. */
function keysIn(shape: Shape): Fields | null {
  if (shape.kind === 'section') return shape.fields;
  return shape.kind === 'word' ? keysIn(shape.otherwise) : null;
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function yamlOf(value: Plain): string {
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `[${value.map((item: Plain) => yamlOf(item)).join(', ')}]`;
  return '{}';
}

/** The reference of a role's keys as a Markdown table. */
export function referenceTable(role: FileRole): string {
  return ['| key | value | default | |', '|---|---|---|---|', ...rowsOf(TABLES[role], '')].join('\n');
}

function rowsOf(fields: Fields, path: string): string[] {
  return Object.entries(fields).flatMap(([key, field]) => rowOf(path === '' ? key : `${path}.${key}`, field));
}

function rowOf(path: string, { shape, byDefault, description }: Field): string[] {
  if (shape.kind === 'section') return rowsOf(shape.fields, path);
  const value = byDefault === undefined ? 'must be set' : `\`${yamlOf(byDefault)}\``;
  const row = (what: string): string => `| \`${path}\` | ${what} | ${value} | ${description} |`;
  const inner = keysIn(shape);
  if (inner !== null) return [row(`${wordsOf(shape)} or the keys below`), ...rowsOf(inner, path)];
  return [row(expected(shape)), ...itemRows(shape, path)];
}

/** The words that may stand for a section. */
function wordsOf(shape: Shape): string {
  if (shape.kind !== 'word') return '';
  const more = wordsOf(shape.otherwise);
  return `"${shape.word}"${more === '' ? '' : ` or ${more}`}`;
}

/** Rows of a list's items, where those are sections. */
function itemRows(shape: Shape, path: string): string[] {
  if (shape.kind === 'word') return itemRows(shape.otherwise, path);
  return shape.kind === 'list' && shape.item.kind === 'section' ? rowsOf(shape.item.fields, `${path}[]`) : [];
}
