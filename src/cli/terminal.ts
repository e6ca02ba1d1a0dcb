// Where output goes and whether it may be coloured; and the one place where text from elsewhere (interfaces, names in DNS, words of
// other programs) loses what would steer a terminal.

import { printable, printableJson } from '../contract/printable.ts';

/** What the command line writes to; the process' own streams, or a test's. */
export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly outColour: boolean;
  readonly errColour: boolean;
  /** How wide the terminal is on which errors are read; null: something else reads them, and lines stay whole. */
  readonly errColumns: number | null;
}

/** Of a terminal that does not say. */
const COLUMNS = 80;

/** Colour only on a terminal, and not where NO_COLOR (no-color.org) asks for none. */
const wantsColour = (isTerminal: boolean | undefined, env: NodeJS.ProcessEnv): boolean =>
  isTerminal === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';

/** The process' own terminal. */
export function processTerminal(): Terminal {
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    outColour: wantsColour(process.stdout.isTTY, process.env),
    errColour: wantsColour(process.stderr.isTTY, process.env),
    errColumns: process.stderr.isTTY ? process.stderr.columns || COLUMNS : null,
  };
}

type Colour = 0 | 1 | 31 | 32 | 33;

const sgr = (code: Colour): string => `\u001b[${code}m`;

/** Wraps text in an SGR colour where wanted. */
export const paint = (text: string, code: Exclude<Colour, 0>, colour: boolean): string =>
  colour ? `${sgr(code)}${text}${sgr(0)}` : text;

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences of `paint`, and what stands between them.
const KEPT = /(\u001b\[(?:0|1|31|32|33)m|\t)/;

/**
 * A line or several as a terminal may get them: line ends, tabs and the colours of `paint` stay. A colour that came from
 * elsewhere ends with its line.
 */
const harmless = (text: string, colour: boolean): string =>
  text
    .split('\n')
    .map((line) => harmlessLine(line, colour))
    .join('\n');

/** As {@link harmless}; it stays one line. */
export function harmlessLine(line: string, colour: boolean): string {
  let open = '';
  const pieces = line.split(KEPT).map((piece, i) => {
    if (i % 2 === 0 || (piece !== '\t' && !colour)) return printable(piece);
    if (piece !== '\t') open = piece === sgr(0) ? '' : sgr(0);
    return piece;
  });
  return pieces.join('') + open;
}

/** A terminal that everything for people passes through {@link harmless}. */
export const guarded = (terminal: Terminal): Terminal => ({
  ...terminal,
  out: (text) => terminal.out(harmless(text, terminal.outColour)),
  err: (text) => terminal.err(harmless(text, terminal.errColour)),
});

/** Writes lines. None of them can become two. */
export function printLines({ out, outColour }: Terminal, lines: readonly string[]): void {
  for (const line of lines) out(`${harmlessLine(line, outColour)}\n`);
}

/** A value as JSON that steers no terminal either. */
export const jsonText = (value: unknown): string => printableJson(JSON.stringify(value));
