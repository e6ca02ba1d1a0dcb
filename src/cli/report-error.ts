// How a failure reaches the user: one or two lines, or one JSON object; and which exit code it leads to.

import { EXIT, XlatError } from '../contract/errors.ts';
import { wrapWhole } from './screens/format.ts';
import { jsonText, paint, type Terminal } from './terminal.ts';

/**
 * Writes a failure: `xlat464: message` and the advice on standard error, or with `json` one object on standard output.
 * A bug is shown with its stack.
 * @returns the exit code
 */
export function reportError(error: unknown, terminal: Terminal, json: boolean): number {
  if (!(error instanceof XlatError)) return reportBug(error, terminal);
  const { code, operation, message, advice } = error;
  if (json) {
    const issues = 'issues' in error ? { issues: error.issues } : {};
    terminal.out(`${jsonText({ error: { code, operation, message, advice: advice ?? null, ...issues } })}\n`);
    return error.exitCode;
  }
  const name = paint('xlat464:', 31, terminal.errColour);
  for (const line of message.split('\n')) say(`xlat464: ${line}`, (text) => text.replace('xlat464:', name), terminal);
  if (advice !== undefined) say(advice, (text) => text, terminal);
  return error.exitCode;
}

function say(text: string, painted: (line: string) => string, { err, errColumns }: Terminal): void {
  const lines = errColumns === null ? [text] : wrapWhole(text, errColumns);
  for (const [i, line] of lines.entries()) err(`${i === 0 ? painted(line) : line}\n`);
}

function reportBug(error: unknown, terminal: Terminal): number {
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.err(`${paint('xlat464:', 31, terminal.errColour)} this is a bug, please report it: ${stack}\n`);
  return EXIT.failed;
}
