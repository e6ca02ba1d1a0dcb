// What importers read: files as text, and statements, the lines or commands of a foreign configuration with their place.

import { printable } from '../../contract/printable.ts';
import type { Position } from '../issues.ts';

/** A file to import; `name` is what messages call it. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** One line, command or leaf of a foreign configuration. */
export interface Statement {
  readonly words: readonly string[];
  readonly at: Position;
  /** As it is shown to a person. */
  readonly text: string;
}

/** A value and the statement that gave it. */
export interface Given {
  readonly value: string;
  readonly from: Statement;
}

/** The place of a line's first character that is not blank. `index` counts from 0. */
export const placeOfLine = (file: string, index: number, line: string): Position => ({
  file,
  line: index + 1,
  column: line.length - line.trimStart().length + 1,
});

const WORD = /"((?:\\.|[^"\\])*)"|'([^']*)'|[^\s"']+/g;

/** Splits a command line into words as a shell does with quotes, without expansion. null: a quote is not closed. Never throws. */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  let end = 0;
  for (const match of line.matchAll(WORD)) {
    const gap = line.slice(end, match.index);
    if (gap.trim() !== '') return null;
    const part = match[1]?.replace(/\\(.)/g, '$1') ?? match[2] ?? match[0];
    // Pieces without a blank between them are one word: --pool6="64:ff9b::/96".
    if (gap === '' && words.length > 0) words[words.length - 1] += part;
    else words.push(part);
    end = match.index + match[0].length;
  }
  return line.slice(end).trim() === '' ? words : null;
}

/** Longest piece of foreign text that is shown. */
const SHOWN = 120;

/** Text for a comment or a terminal that foreign text may be part of: printable, on one line. */
export const oneLine = (text: string): string => printable(text.replaceAll(/\s/g, ' '));

/** Foreign text as {@link oneLine}, and not too long. */
export function shortened(text: string): string {
  const clean = oneLine(text);
  return clean.length > SHOWN ? `${clean.slice(0, SHOWN)}…` : clean;
}

/** A line of the same length in which nothing inside quotes means anything. */
const masked = (line: string): string => line.replace(/"[^"]*"|'[^']*'/g, (quoted) => 'x'.repeat(quoted.length));

/** A line without its comment: `#` and what follows, at the start or behind a blank, outside quotes. */
export function withoutComment(line: string): string {
  const at = masked(line).search(/(?:^|\s)#/);
  return at < 0 ? line : line.slice(0, at);
}

/** The commands of a shell's line: `;` and `&&` outside quotes stand between them. */
export function splitCommands(line: string): string[] {
  const commands: string[] = [];
  let start = 0;
  for (const { index, 0: between } of masked(line).matchAll(/;|&&/g)) {
    commands.push(line.slice(start, index).trim());
    start = index + between.length;
  }
  return [...commands, line.slice(start).trim()];
}

/** Handles a statement that fits a pattern. `args`: the words at its stars. */
type Handler<S> = (state: S, args: readonly string[], from: Statement) => void;

/** Words of statements, `*` for any one word, `**` at the end for all that follow; and what to do with them. */
export type Pattern<S> = readonly [words: string, handle: Handler<S>];

/** Hands the statement to the first pattern that fits. @returns whether there was one */
export function dispatch<S>(patterns: readonly Pattern<S>[], state: S, from: Statement): boolean {
  for (const [pattern, handle] of patterns) {
    const args = match(pattern.split(' '), from.words);
    if (args === null) continue;
    handle(state, args, from);
    return true;
  }
  return false;
}

function match(pattern: readonly string[], words: readonly string[]): string[] | null {
  const args: string[] = [];
  for (const [i, wanted] of pattern.entries()) {
    if (wanted === '**') return [...args, ...words.slice(i)];
    const word = words[i];
    if (word === undefined || (wanted !== '*' && wanted !== word)) return null;
    if (wanted === '*') args.push(word);
  }
  return pattern.length === words.length ? args : null;
}
