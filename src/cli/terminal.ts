// Where output goes and whether it may be coloured.

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

/** Wraps text in an SGR colour where wanted. */
export const paint = (text: string, code: 1 | 31 | 32 | 33, colour: boolean): string =>
  colour ? `\u001b[${code}m${text}\u001b[0m` : text;
