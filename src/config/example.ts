// The files that `config init` writes, and the reference table of docs/configuration.md: both from the field tables, so
// that every key, default and description stands in one place.

import { expected } from './check.ts';
import { CLIENT_FIELDS } from './client.ts';
import type { Field, Fields, Plain } from './fields.ts';
import { TRANSLATOR_FIELDS } from './translator-fields.ts';

/** A role that has a file. */
export type FileRole = 'translator' | 'client';

const TABLES: Readonly<Record<FileRole, Fields>> = { translator: TRANSLATOR_FIELDS, client: CLIENT_FIELDS };

/** Width of the comments in a written file. */
const WIDTH = 100;

/** A first configuration file: the keys that must be set with a working example, all others as comments with defaults. */
export function exampleFile(role: FileRole): string {
  const given: Readonly<Record<string, string>> = { role, prefix: '64:ff9b::/96' };
  const head = [
    `# Configuration of xlat464, role ${role}. Check it with: xlat464 config check FILE`,
    '# A key that is commented out has the value that stands there.',
  ];
  return `${[...head, ...writeFields(TABLES[role], given, '')].join('\n')}\n`;
}

function writeFields(fields: Fields, given: Readonly<Record<string, string>>, indent: string): string[] {
  // Inside a section that is commented out, the section's mark serves all of it.
  const mark = indent.startsWith('#') ? indent : `${indent}# `;
  return Object.entries(fields).flatMap(([key, field]) => {
    const comment = ['', ...wrap(field.description, WIDTH - indent.length - 2).map((line) => `${indent}# ${line}`)];
    if (given[key] !== undefined) return [...comment, `${indent}${key}: ${given[key]}`];
    if (field.shape.kind === 'section') {
      return [...comment, `${mark}${key}:`, ...writeFields(field.shape.fields, {}, `${mark}  `)];
    }
    return [...comment, `${mark}${key}: ${yamlOf(field.byDefault ?? null)}`];
  });
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
  const row = `| \`${path}\` | ${expected(shape)} | ${value} | ${description} |`;
  if (shape.kind !== 'list' || shape.item.kind !== 'section') return [row];
  return [row, ...rowsOf(shape.item.fields, `${path}[]`)];
}
