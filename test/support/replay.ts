// Tools of the system that answer as they did when they really ran: programs of their names, first on the path, that say what was
// recorded and note how they were called.

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** One recorded run. */
export interface Recorded {
  readonly tool: string;
  /** Its arguments, joined by blanks. */
  readonly args: string;
  readonly out?: string;
  readonly err?: string;
  readonly code?: number;
}

/** What the tools were called with so far, a line each. */
export type Calls = () => readonly string[];

const text = (value = ''): string => `'${value.replaceAll("'", "'\\''")}'`;

function script(tool: string, runs: readonly Recorded[], log: string): string {
  const cases = runs.map(
    ({ args, out, err, code = 0 }) =>
      `  ${text(args)}) printf %s ${text(out)}; printf %s ${text(err)} >&2; exit ${code};;`,
  );
  return [
    '#!/bin/sh',
    `printf '%s\\n' "${tool} $*" >> ${text(log)}`,
    'case "$*" in',
    ...cases,
    `  *) echo "${tool}: nothing was recorded for: $*" >&2; exit 99;;`,
    'esac',
    '',
  ].join('\n');
}

/** Replays runs of tools until the test ends. */
export function replay(t: TestContext, runs: readonly Recorded[]): Calls {
  const directory = mkdtempSync(join(tmpdir(), 'x464-replay-'));
  const log = join(directory, 'calls');
  writeFileSync(log, '');
  for (const tool of new Set(runs.map((run) => run.tool))) {
    const file = join(directory, tool);
    writeFileSync(
      file,
      script(
        tool,
        runs.filter((run) => run.tool === tool),
        log,
      ),
    );
    chmodSync(file, 0o755);
  }
  const { PATH: path = '' } = process.env;
  process.env.PATH = `${directory}:${path}`;
  t.after(() => {
    process.env.PATH = path;
    rmSync(directory, { recursive: true });
  });
  return () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
}
