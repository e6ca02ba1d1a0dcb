// How the lab shows its results: a table of at most 80 columns, colours and a progress line on a terminal, or JSON.

/** How one proof came out. */
export interface ProofResult {
  readonly name: string;
  readonly title: string;
  readonly ok: boolean;
  /** What was seen, or why it failed. */
  readonly evidence: string;
  readonly seconds: number;
}

/** Where the output goes. */
export interface ReportOptions {
  readonly json: boolean;
  readonly colour: boolean;
  /** Takes finished text. */
  readonly write: (text: string) => void;
  /** Takes the text of the line that is overwritten; undefined when there is no terminal. */
  readonly overwrite: ((text: string) => void) | undefined;
}

/** A report in the making. */
export interface Report {
  /** Something that goes on now, empty for nothing; shown on a terminal only. */
  progress(text: string): void;
  /** A result that is complete. */
  add(result: ProofResult): void;
  /** Ends the report. @returns whether all proofs hold, and there was at least one */
  finish(seconds: number): boolean;
}

const NAME_WIDTH = 11;
const EVIDENCE_WIDTH = 58;

const paint = (colour: boolean, code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

/** Breaks a text at spaces into lines of at most `width` characters; a longer word is cut. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).flatMap((w) => w.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [])) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line += (line === '' ? '' : ' ') + word;
  }
  return [...lines, line];
}

/** The lines of one result, each at most 80 columns wide without the colour codes. */
export function formatResult(result: ProofResult, colour: boolean): string {
  const mark = result.ok ? paint(colour, 32, '✓') : paint(colour, 31, '✗');
  const [first = '', ...rest] = wrap(result.evidence, EVIDENCE_WIDTH);
  const time = `${result.seconds.toFixed(1)} s`.padStart(6);
  const head = `${mark} ${result.name.padEnd(NAME_WIDTH)}${first.padEnd(EVIDENCE_WIDTH)} ${paint(colour, 2, time)}\n`;
  return head + rest.map((line) => `${' '.repeat(NAME_WIDTH + 2)}${line}\n`).join('');
}

/** Starts a report. */
export function openReport(options: ReportOptions): Report {
  const results: ProofResult[] = [];
  const { json, colour, write } = options;
  let shown = '';
  const overwrite = (text: string) => {
    if (text !== shown) options.overwrite?.(text);
    shown = text;
  };
  return {
    progress: overwrite,
    add: (result) => {
      results.push(result);
      overwrite('');
      if (!json) write(formatResult(result, colour));
    },
    finish: (seconds) => {
      overwrite('');
      const held = results.filter((result) => result.ok).length;
      const ok = results.length > 0 && held === results.length;
      if (json) write(`${JSON.stringify({ ok, seconds, proofs: results }, null, 2)}\n`);
      else
        write(
          `\n${paint(colour, ok ? 32 : 31, `${held} of ${results.length} hold`)}, ${seconds.toFixed(1)} s in all\n`,
        );
      return ok;
    },
  };
}
