// VyOS configurations as statements: `set` commands (show configuration commands) and the curly form of config.boot. Both say the
// same: a path of words. https://docs.vyos.io/en/latest/cli.html

import type { Draft } from './draft.ts';
import { placeOfLine, type Source, type Statement, splitWords } from './source.ts';

/** Commands of a session that change nothing in the configuration. */
const SESSION = new Set(['configure', 'commit', 'save', 'exit', 'edit', 'top', 'run', 'show', 'compare']);

/** Deepest nesting of config.boot; VyOS itself stays below 20. */
const MAX_DEPTH = 64;

/** Reads either form. What cannot be read becomes an issue of the draft. Never throws. */
export function readVyos(source: Source, draft: Draft): Statement[] {
  return /^[ \t]*[\w-][^\n]*\{[ \t]*$/m.test(source.text) ? readCurly(source, draft) : readCommands(source, draft);
}

function readCommands({ name, text }: Source, draft: Draft): Statement[] {
  const statements: Statement[] = [];
  for (const [i, raw] of text.split('\n').entries()) {
    // A prompt, as in a session that was copied: vyos@router# set …
    const line = raw.replace(/^\s*[\w.-]+@[\w.-]+[#$]\s*/, '').trim();
    if (line === '' || line.startsWith('#') || /^\[edit[^\]]*\]$/.test(line)) continue;
    const at = placeOfLine(name, i, raw);
    const words = splitWords(line);
    if (words === null) {
      draft.broken({ words: [], at, text: line }, 'has a quote that is not closed', 'close it');
      continue;
    }
    const [command = '', ...rest] = words;
    const statement = { words: rest, at, text: line };
    if (command === 'set') statements.push(statement);
    else if (!SESSION.has(command)) draft.warn({ ...statement, words }, 'is not a "set" command');
  }
  return statements;
}

interface Level {
  readonly words: readonly string[];
  readonly line: Statement;
  isEmpty: boolean;
}

function readCurly({ name, text }: Source, draft: Draft): Statement[] {
  const statements: Statement[] = [];
  const levels: Level[] = [];
  for (const [i, raw] of withoutBlockComments(text).split('\n').entries()) {
    const line = raw.trim();
    // VyOS ends its file with comments that name the versions of its parts.
    if (line === '' || line.startsWith('//')) continue;
    const at = placeOfLine(name, i, raw);
    const outer = levels.at(-1);
    if (line === '}') {
      if (levels.pop()?.isEmpty) statements.push({ ...(outer as Level).line, words: (outer as Level).words });
      if (outer === undefined) draft.broken({ words: [], at, text: line }, 'closes nothing', 'remove it');
      continue;
    }
    const opens = line.endsWith('{');
    const words = splitWords(opens ? line.slice(0, -1) : line);
    const path = [...(outer?.words ?? []), ...(words ?? [])];
    const statement = { words: path, at, text: path.join(' ') };
    if (words === null || levels.length > MAX_DEPTH) {
      const problem = words === null ? 'has a quote that is not closed' : 'is nested too deeply';
      draft.broken({ ...statement, text: line }, problem, 'look at the lines around it');
      if (words !== null) return statements;
      continue;
    }
    if (outer !== undefined) outer.isEmpty = false;
    if (opens) levels.push({ words: path, line: statement, isEmpty: true });
    else statements.push(statement);
  }
  for (const { line } of levels) draft.broken(line, 'is opened and never closed', 'add "}"');
  return statements;
}

/** Block comments become blanks; lines keep their numbers. One that is not closed goes to the end. */
function withoutBlockComments(text: string): string {
  const parts: string[] = [];
  let at = 0;
  for (let start = text.indexOf('/*'); start >= 0; start = text.indexOf('/*', at)) {
    const end = text.indexOf('*/', start + 2);
    parts.push(text.slice(at, start), text.slice(start, end < 0 ? text.length : end + 2).replace(/[^\n]/g, ' '));
    at = end < 0 ? text.length : end + 2;
  }
  return parts.join('') + text.slice(at);
}
