// The configuration that an import is about to become: values by the path of our own keys, each with the place that it came
// from, and everything that had no place in it. One draft takes the statements of all files.

import type { Plain } from '../fields.ts';
import type { ConfigIssue, Position } from '../issues.ts';
import { oneLine, type Statement, shortened } from './source.ts';

/** A role that an import can lead to. */
export type ImportedRole = 'gateway' | 'translator';

/** Something of the input that the configuration does not hold. */
export interface Note {
  /** `warning`: it is lost, or stands for something that the operator must look at. `host`: it is not ours to do. */
  readonly kind: 'warning' | 'host';
  readonly at: Position | null;
  /** The statement, without secrets; empty when the note is about no single one. */
  readonly text: string;
  readonly reason: string;
}

/** A key with its value, or a list with its items. */
export interface DraftValue {
  readonly value: Plain;
  /** One place; for a list one per item. null: no file says so. */
  readonly places: readonly (Position | null)[];
  readonly isList: boolean;
}

const SECRET = /password|secret|psk|passphrase|private-key|^key$|community|token/i;

/** A statement for a person; what follows a word that announces a secret is hidden. */
function shown({ words, text }: Statement): string {
  const at = words.findIndex((word) => SECRET.test(word));
  return shortened(at < 0 || at === words.length - 1 ? text : `${words.slice(0, at + 1).join(' ')} …`);
}

/** Collects what the importers find. */
export class Draft {
  readonly notes: Note[] = [];
  readonly issues: ConfigIssue[] = [];
  /** Comments by path. */
  readonly remarks = new Map<string, string>();
  readonly #values = new Map<string, DraftValue>();
  readonly #sections = new Set<string>();
  /** Items of each list as text, so that a long list is not searched for each new one. */
  readonly #seen = new Map<string, Set<string>>();
  #role: { readonly name: ImportedRole; readonly at: Position | null } | null = null;

  /** The role that the files so far lead to, null before the first says so. */
  get role(): ImportedRole | null {
    return this.#role?.name ?? null;
  }

  /** Says which role a statement belongs to; statements of two roles are an issue. */
  claim(role: ImportedRole, from: Statement): void {
    if (this.#role === null) this.#role = { name: role, at: from.at };
    if (this.#role.name === role) return;
    const problem = `belongs to the role ${role}, what stands before it to the role ${this.#role.name}`;
    this.broken(from, problem, 'import them one after the other, into two files');
  }

  /** Sets a key. A second, different value is a warning, and the first one stays. */
  set(path: string, value: Plain, from: Statement | null): void {
    const before = this.#values.get(path);
    if (before === undefined) {
      this.#values.set(path, { value, places: [from?.at ?? null], isList: false });
    } else if (from !== null && JSON.stringify(before.value) !== JSON.stringify(value)) {
      const first = before.places[0];
      const where = first == null ? '' : ` (${first.file}:${first.line})`;
      this.warn(from, `there is one ${path} only, and ${String(before.value)} came first${where}`);
    }
  }

  /** Adds an item to the list at a key; one that is in it already is not added again. */
  add(path: string, item: Plain, from: Statement | null): void {
    const seen = this.#seen.get(path) ?? new Set<string>();
    const key = JSON.stringify(item);
    if (seen.has(key)) return;
    this.#seen.set(path, seen.add(key));
    const known = this.#values.get(path);
    const list = known?.isList ? known : { value: [], places: [], isList: true };
    (list.value as Plain[]).push(item);
    (list.places as (Position | null)[]).push(from?.at ?? null);
    this.#values.set(path, list);
  }

  /** Puts a list in place of what the files said; nothing says where it comes from. */
  replace(path: string, items: readonly Plain[]): void {
    this.#values.set(path, { value: [...items], places: items.map(() => null), isList: true });
  }

  /** Says in the file why a key is as it is, above it. */
  remark(path: string, text: string): void {
    this.remarks.set(path, text);
  }

  has(path: string): boolean {
    return this.#values.has(path);
  }

  /** Says that the files have this section, perhaps without a key that is not as it is by default. */
  markSection(section: string): void {
    this.#sections.add(section);
  }

  /** Whether the section was marked, or there is a key of it. */
  hasSection(section: string): boolean {
    if (this.#sections.has(section)) return true;
    return [...this.#values.keys()].some((path) => path === section || path.startsWith(`${section}.`));
  }

  /** All keys in the order in which they came. */
  entries(): ReadonlyMap<string, DraftValue> {
    return this.#values;
  }

  /** Where the value at the path of a finding came from: the key itself, an item, or the section around it. */
  placeOf(path: string): Position | null {
    const [, key = '', index] = /^([^[]*)(?:\[(\d+)\])?/.exec(path) ?? [];
    const found = this.#values.get(key);
    if (found !== undefined) return found.places[Number(index ?? 0)] ?? null;
    const parent = key.slice(0, Math.max(key.lastIndexOf('.'), 0));
    return parent === '' ? null : this.placeOf(parent);
  }

  /** A statement that the configuration cannot hold. */
  warn(from: Statement | null, reason: string): void {
    const text = from === null ? '' : shown(from);
    this.notes.push({ kind: 'warning', at: from?.at ?? null, text, reason: oneLine(reason) });
  }

  /** A statement that is not a matter of this program. */
  leave(from: Statement, reason: string): void {
    this.notes.push({ kind: 'host', at: from.at, text: shown(from), reason: oneLine(reason) });
  }

  /** Brings the notes into the order of the files and their lines; those without a place stand last. */
  sortNotes(files: readonly string[]): void {
    const rank = ({ at }: Note): number => (at === null ? files.length : files.indexOf(at.file));
    this.notes.sort((a, b) => rank(a) - rank(b) || (a.at?.line ?? 0) - (b.at?.line ?? 0));
  }

  /** A statement that cannot be right. */
  broken(from: Statement, problem: string, advice: string): void {
    this.issues.push({ at: from.at, path: '', text: shown(from), problem, advice });
  }
}
