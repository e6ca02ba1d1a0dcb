// How the walks of docs/ are read: blocks, commands, and outputs as patterns.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAsShown, parseWalk } from '../support/walk.ts';

const YAML = '```yaml\nrole: gateway\n```\n';
const fenced = (info: string, text: string): string => `Text.\n\n\`\`\`${info}\n${text}\`\`\`\n`;

describe('a walk', () => {
  it('is its configuration and its commands, with the machine, how they end, and what they show', () => {
    const { config, steps } = parseWalk(
      YAML +
        fenced('console gateway', '$ one "two"\n$ three\nfour\n\n  five\n') +
        fenced('sh', '$ not this\n') +
        fenced('', '$ nor this\n') +
        fenced('console client background', '$ runs on\n') +
        fenced('console client fails', '$ no\n'),
    );
    assert.equal(config, 'role: gateway\n');
    assert.deepEqual(steps, [
      { machine: 'gateway', mode: 'succeeds', command: 'one "two"', shown: '' },
      { machine: 'gateway', mode: 'succeeds', command: 'three', shown: 'four\n\n  five\n' },
      { machine: 'client', mode: 'background', command: 'runs on', shown: '' },
      { machine: 'client', mode: 'fails', command: 'no', shown: '' },
    ]);
  });

  for (const [what, markdown] of [
    ['has no configuration', fenced('console client', '$ one\n')],
    ['has two configurations', YAML + YAML],
    ['names another machine', YAML + fenced('console server', '$ one\n')],
    ['names no machine', YAML + fenced('console', '$ one\n')],
    ['has another mode', YAML + fenced('console client slow', '$ one\n')],
    ['has words behind the mode', YAML + fenced('console client fails often', '$ one\n')],
    ['has an output without a command', YAML + fenced('console client', 'one\n$ two\n')],
    ['has an empty block', YAML + fenced('console client', '')],
  ] as const) {
    it(`is refused when it ${what}`, () => {
      assert.throws(() => parseWalk(markdown), /a walk/);
    });
  }
});

describe('an output', () => {
  const cases: readonly (readonly [what: string, shown: string, output: string, isAs: boolean])[] = [
    ['is anything where nothing is shown', '', 'one\n', true],
    ['is what is shown', 'one\n', 'one\n', true],
    ['is not more than what is shown', 'one\n', 'one\ntwo\n', false],
    ['is not less than what is shown', 'one\ntwo\n', 'one\n', false],
    ['may have other blanks', 'one two\n', '  one    two  \n', true],
    ['has no pattern but the ellipsis', '1.2.3.4 (a|b)\n', '1x2x3x4 a\n', false],
    ['may have any text for an ellipsis', 'from … to …/64\n', 'from here to 2001:db8::/64\n', true],
    ['has one line for an ellipsis in it', 'from … to\n', 'from\nhere to\n', false],
    ['may have any lines for an ellipsis alone', 'one\n…\nlast\n', 'one\ntwo\nthree\nlast\n', true],
    ['may have none for an ellipsis alone', 'one\n…\nlast\n', 'one\nlast\n', true],
    ['may begin with any lines', '…\nlast\n', 'one\ntwo\nlast\n', true],
    ['ends where it is shown to end', '…\nlast\n', 'one\nlast\nmore\n', false],
  ];
  for (const [what, shown, output, isAs] of cases) {
    it(what, () => {
      assert.equal(isAsShown(shown, output), isAs);
    });
  }
});
