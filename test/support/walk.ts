// Reads the walks of docs/: the configuration and the commands of a document, and whether an output is the one that it shows. Pure.
//
//     ```yaml                          the configuration, once
//     ```console gateway               lines `$ command`, each followed by its output, if the document shows it
//     ```console client background     runs on; the walk goes on when it is ready
//     ```console client fails          ends with an error
//
// In an output `…` stands for any text of a line, or alone on its line for any lines. How many blanks there are does not matter.

/** The machines that a reader has in front of him. */
export type Machine = 'gateway' | 'client';

/** A command of a walk. */
export interface Step {
  readonly machine: Machine;
  readonly mode: 'succeeds' | 'background' | 'fails';
  /** As it stands behind `$ `. */
  readonly command: string;
  /** What the document shows as its output; empty: nothing is said about it. */
  readonly shown: string;
}

/** What there is to do in a document. */
export interface Walk {
  readonly config: string;
  readonly steps: readonly Step[];
}

const MACHINES: readonly string[] = ['gateway', 'client'] satisfies Machine[];
const MODES: readonly string[] = ['background', 'fails'] satisfies Step['mode'][];

/** A fenced block of a document. */
interface Block {
  /** What stands behind the opening fence. */
  readonly info: string;
  readonly text: string;
}

/** All fenced blocks of a document, in its order. */
export const blocksOf = (markdown: string): Block[] =>
  [...markdown.matchAll(/^```([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, info = '', text = '']) => ({ info, text }));

/**
 * Reads a walk.
 * @throws Error when the document has not one configuration, or a console block that cannot be understood
 */
export function parseWalk(markdown: string): Walk {
  const blocks = blocksOf(markdown);
  const [config, ...more] = blocks.filter(({ info }) => info === 'yaml');
  if (config === undefined || more.length > 0) throw new Error('a walk has one yaml block');
  return { config: config.text, steps: blocks.filter(({ info }) => /^console\b/.test(info)).flatMap(stepsOf) };
}

function stepsOf({ info, text }: Block): Step[] {
  const [, machine = '', mode, ...rest] = info.split(' ');
  const isKnown = MACHINES.includes(machine) && (mode === undefined || MODES.includes(mode)) && rest.length === 0;
  const [before, ...commands] = text.split(/^\$ /m);
  if (!isKnown || before !== '' || commands.length === 0) throw new Error(`not a block of a walk: ${info}\n${text}`);
  return commands.map((lines) => {
    const end = lines.indexOf('\n');
    const [command, shown] = [lines.slice(0, end), lines.slice(end + 1)];
    return { machine, mode: mode ?? 'succeeds', command, shown } as Step;
  });
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

const oneBlank = (text: string): string[] => text.split('\n').map((line) => line.trim().replaceAll(/\s+/g, ' '));

/** Whether an output is the one that a document shows. One that it does not show is any. */
export function isAsShown(shown: string, output: string): boolean {
  if (shown === '') return true;
  const lines = oneBlank(shown.trimEnd()).map((line) =>
    line === '…' ? '(?:.*\n)*' : `${line.split('…').map(literal).join('.*')}\n`,
  );
  return new RegExp(`^${lines.join('')}$`).test(`${oneBlank(output.trimEnd()).join('\n')}\n`);
}
