// A screen that is drawn again and again, each second and when its owner wants it, in the terminal's alternate buffer, so that what was
// there before is there again afterwards. Escape sequences: xterm's ctlseqs, “Alternate Screen Buffer” and “Cursor”.

import type { WriteStream } from 'node:tty';
import { harmlessLine } from '../terminal.ts';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Ages and lifetimes go on where nothing else does. */
const REDRAW_MS = 1000;

/** A terminal's size. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** A screen that is being shown. */
export interface LiveScreen {
  /** Draws anew, now. */
  draw(): void;
  /** Gives the terminal back as it was. A second call does nothing. */
  close(): void;
}

/** As many lines as there are rows; where that is not all of them, the last says how many are missing. */
function fitRows(lines: readonly string[], rows: number): readonly string[] {
  const shown = lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  const missing = shown.length - rows;
  return missing <= 0 ? shown : [...shown.slice(0, rows - 1), `and ${missing + 1} more lines`];
}

/**
 * Shows a screen, also after the window's size has changed.
 * @param render gives the lines for a size, as they are now; what is too much is left out and counted
 * @param colour whether they have colours
 */
export function showLive(
  terminal: WriteStream,
  render: (size: ScreenSize) => readonly string[],
  colour: boolean,
): LiveScreen {
  let isOpen = true;
  const draw = (): void => {
    if (!isOpen) return;
    const columns = terminal.columns || 80; // 0: a terminal that nobody told its size
    const rows = terminal.rows || 24;
    const lines = fitRows(render({ columns, rows }), rows);
    terminal.write(`${HOME}${lines.map((line) => harmlessLine(line, colour) + CLEAR_LINE).join('\r\n')}${CLEAR_BELOW}`);
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(redraw);
    terminal.off('resize', draw);
    process.off('exit', close);
    terminal.write(LEAVE);
  };
  const redraw = setInterval(draw, REDRAW_MS);
  terminal.write(ENTER);
  terminal.on('resize', draw);
  process.on('exit', close); // however this program ends
  draw();
  return { draw, close };
}
