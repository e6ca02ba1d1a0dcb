// A draft as YAML with comments: where each value comes from, and above them what did not find a place.

import type { Plain } from '../fields.ts';
import type { Position } from '../issues.ts';
import type { Draft, DraftValue, ImportedRole, Note } from './draft.ts';
import { shortened } from './source.ts';

/** A section that is being put together from paths. */
interface Section {
  readonly inside: Map<string, Section | DraftValue>;
}

/** Keys that a file or a section begins with, in this order; the others follow as they came. */
const FIRST = [
  'lan',
  'wan',
  'prefix',
  'pool',
  'mappings',
  'nat64',
  'dns64',
  'advertise',
  'listen',
  'forwarders',
  'prefixes',
];

/** The file. @param names of the files that it was made from */
export function yamlText(draft: Draft, role: ImportedRole, names: readonly string[]): string {
  const writer = new Writer(draft, names);
  const lines = [
    `# Configuration of xlat464, role ${role}, imported from ${names.map(shortened).join(', ')}.`,
    '# Check it with: xlat464 config check FILE. Behind a value stands the line that it comes from.',
    ...writer.listOf('Lost or changed; look at each of them:', 'warning'),
    ...writer.listOf('Left to the host, or to the program that these lines were for:', 'host'),
    '',
    `role: ${role}`,
    ...writer.sectionLines(sectionsOf(draft), '', ''),
  ];
  return `${lines.join('\n')}\n`;
}

function sectionsOf(draft: Draft): Section {
  const root: Section = { inside: new Map() };
  for (const [path, value] of draft.entries()) {
    const keys = path.split('.');
    const last = keys.pop() as string; // a split text has a part
    let section = root;
    for (const key of keys) {
      const known = section.inside.get(key);
      const next = known !== undefined && 'inside' in known ? known : { inside: new Map() };
      section.inside.set(key, next);
      section = next;
    }
    section.inside.set(last, value);
  }
  return root;
}

const rank = (key: string): number => (FIRST.includes(key) ? FIRST.indexOf(key) : FIRST.length);

class Writer {
  readonly #draft: Draft;
  /** Whether the last parts of the files' paths tell them apart. */
  readonly #areShort: boolean;

  constructor(draft: Draft, names: readonly string[]) {
    this.#draft = draft;
    this.#areShort = new Set(names.map(lastPart)).size === names.length;
  }

  /** What of a kind was found, as comments. */
  listOf(title: string, kind: Note['kind']): string[] {
    const ofKind = this.#draft.notes.filter((note) => note.kind === kind);
    return ofKind.length === 0 ? [] : ['#', `# ${title}`, ...ofKind.map((note) => `#   ${this.#describe(note)}`)];
  }

  #describe({ at, text, reason }: Note): string {
    return `${at === null ? '' : `${this.#place(at)}: `}${text === '' ? '' : `"${text}" `}${reason}`;
  }

  #place({ file, line }: Position): string {
    return `${shortened(this.#areShort ? lastPart(file) : file)}:${line}`;
  }

  sectionLines(section: Section, path: string, indent: string): string[] {
    const entries = [...section.inside].sort(([a], [b]) => rank(a) - rank(b));
    return entries.flatMap(([key, value]) => {
      const inner = path === '' ? key : `${path}.${key}`;
      const remark = this.#draft.remarks.get(inner);
      const above = remark === undefined ? [] : [`${indent}# ${remark}`];
      if ('inside' in value) return [...above, `${indent}${key}:`, ...this.sectionLines(value, inner, `${indent}  `)];
      return [...above, ...this.#valueLines(key, value, indent)];
    });
  }

  #valueLines(key: string, { value, places, isList }: DraftValue, indent: string): string[] {
    if (!isList) return this.#withPlace(plainLines(key, value, indent), places[0]);
    const items = (value as readonly Plain[]).map((item, i) =>
      this.#withPlace(itemLines(item, `${indent}  `), places[i]),
    );
    return [`${indent}${key}:`, ...items.flat()];
  }

  #withPlace(lines: string[], place: Position | null | undefined): string[] {
    if (place == null) return lines;
    const [first = '', ...rest] = lines;
    return [`${first} # ${this.#place(place)}`, ...rest];
  }
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function plainLines(key: string, value: Plain, indent: string): string[] {
  if (isItems(value)) return [`${indent}${key}:`, ...value.flatMap((item) => itemLines(item, `${indent}  `))];
  if (value !== null && typeof value === 'object') {
    const inside = Object.entries(value).flatMap(([name, inner]) => plainLines(name, inner, `${indent}  `));
    return [`${indent}${key}:`, ...inside];
  }
  return [`${indent}${key}: ${scalar(value)}`];
}

function itemLines(item: Plain, indent: string): string[] {
  if (item === null || typeof item !== 'object' || isItems(item)) return [`${indent}- ${scalar(item)}`];
  const lines = Object.entries(item).flatMap(([key, value]) => plainLines(key, value, `${indent}  `));
  return lines.map((line, i) => (i === 0 ? `${indent}- ${line.trimStart()}` : line));
}

const isItems = (value: Plain): value is readonly Plain[] => Array.isArray(value);

/** Text that YAML reads as itself, unless it looks like a number or a word of its own; all other text is quoted. */
const BARE = /^[\w:.](?:[\w./,[\]-]|:(?=\S)|#|(?<!:) (?=[\w[]))*$/;
const OTHERWISE = /:$|^[-+.\d]+(?:e[-+\d]+)?$|^0[xo]|^(?:true|false|null|yes|no|on|off)$/i;

function scalar(value: Plain): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  return BARE.test(value) && (!OTHERWISE.test(value) || /^\d+\.\d+\.[\d.]+$/.test(value))
    ? value
    : JSON.stringify(value);
}
