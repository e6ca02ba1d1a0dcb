// What a host's network looks like, as text that can be compared: links, addresses, routes, rules, proxy neighbours, nft and
// the sysctls that a translator may touch. Two equal snapshots mean that nothing was left behind.

import { runAny } from './command.ts';
import type { Netns } from './netns.ts';

const QUESTIONS: readonly (readonly string[])[] = [
  ['ip', '-o', 'link', 'show'],
  ['ip', '-o', 'address', 'show'],
  ['ip', '-4', 'route', 'show', 'table', 'all'],
  ['ip', '-6', 'route', 'show', 'table', 'all'],
  ['ip', '-4', 'rule', 'show'],
  ['ip', '-6', 'rule', 'show'],
  ['ip', '-6', 'neighbour', 'show', 'proxy'],
  ['nft', 'list', 'ruleset'],
  ['sysctl', '-a', '--pattern', '^net[.]ipv[46][.](conf|neigh|ip_forward)'],
];

/** Remaining lifetimes run down by themselves and are no change. */
const withoutClock = (text: string) => text.replaceAll(/(valid_lft|preferred_lft|expires) \d+sec/g, '$1');

/**
 * Takes a snapshot of a namespace, or of the host itself.
 * @returns one text per question, with the question as its first line
 */
export async function takeSnapshot(ns?: Netns): Promise<string[]> {
  return Promise.all(
    QUESTIONS.map(async (argv) => {
      const result = ns === undefined ? await runAny(argv) : await ns.runAny(argv);
      return `${argv.join(' ')}\n${withoutClock(result.stdout)}`;
    }),
  );
}

/**
 * What changed between two snapshots.
 * @returns one line per difference: "+" for what is new, "-" for what is gone; empty when nothing changed
 */
export function compareSnapshots(before: readonly string[], after: readonly string[]): string[] {
  return before.flatMap((text, i) => {
    const old = new Set(text.split('\n'));
    const now = new Set((after[i] ?? '').split('\n'));
    const gone = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`);
    const fresh = [...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`);
    return [...gone, ...fresh];
  });
}
