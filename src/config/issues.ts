// What is wrong with a configuration: one record per finding, its text, and the error that carries them all.

import { XlatError } from '../contract/errors.ts';

/** Where something stands in a file; line and column count from 1. null: the command line or a default. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One finding. */
export interface ConfigIssue {
  readonly at: Position | null;
  /** The key's path: `tun.mtu`, `mappings[3].ipv6`; empty for the document itself. */
  readonly path: string;
  /** The offending text as it stands there, or empty. */
  readonly text: string;
  /** What is wrong with it. */
  readonly problem: string;
  /** What would be right. */
  readonly advice: string;
}

/** Longest piece of offending text that is shown. */
const SHOWN = 60;

const clip = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text);

/** What has quotes in the file needs no others. */
const quoted = (text: string): string => (/^"[^"\\\p{C}]{0,60}"$/u.test(text) ? text : JSON.stringify(clip(text)));

/** One line for a person: `file:line:column: path: "text" problem; advice`. */
export function describeIssue(issue: ConfigIssue): string {
  const where = issue.at === null ? '' : `${issue.at.file}:${issue.at.line}:${issue.at.column}: `;
  const path = issue.path === '' ? '' : `${issue.path}: `;
  const text = issue.text === '' ? '' : `${quoted(issue.text)} `;
  return `${where}${path}${text}${issue.problem}; ${issue.advice}`;
}

/** A configuration that cannot be used; carries every finding, in the order of the file. */
export class ConfigError extends XlatError {
  readonly issues: readonly ConfigIssue[];

  constructor(operation: string, issues: readonly ConfigIssue[]) {
    const sorted = [...issues].sort(byPosition);
    super('CONFIG_INVALID', operation, sorted.map(describeIssue).join('\n'));
    this.name = 'ConfigError';
    this.issues = sorted;
  }
}

function byPosition(a: ConfigIssue, b: ConfigIssue): number {
  if (a.at === null || b.at === null) return a.at === b.at ? 0 : a.at === null ? -1 : 1;
  if (a.at.file !== b.at.file) return 0;
  return a.at.line - b.at.line || a.at.column - b.at.column;
}
