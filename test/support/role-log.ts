// The JSON log lines of a role that runs (`--json`), by their stable codes.

import { type Running, waitFor } from './netns.ts';

/** Log lines with a code so far. */
export const lines = (running: Running, code: string): string[] =>
  running
    .output()
    .split('\n')
    .filter((line) => line.includes(`"code":"${code}"`));

/** Waits for the n-th line with a code. Throws with all that was written when the role ended without it. */
export const said = (running: Running, code: string, n = 1): Promise<string> =>
  waitFor(`${code} from the program`, () => {
    if (running.hasEnded() && lines(running, code).length < n) throw new Error(running.output());
    return lines(running, code)[n - 1];
  });
