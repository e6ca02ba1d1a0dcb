// The same few thousand packets through Debian's tayga and through `xlat464 translate`, each in a namespace of its own. What
// comes out is compared byte for byte; each difference is explained by one row of test/support/differential-explanations.ts,
// and docs/differential-tayga.md shows these rows.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { before, describe, it } from 'node:test';
import { allCases } from '../support/differential-cases.ts';
import { compare, type Difference, describe as describePacket, type Output } from '../support/differential-compare.ts';
import { EXPLANATIONS, explanationTable } from '../support/differential-explanations.ts';
import { ours, tayga, translateAll } from '../support/differential-run.ts';
import { netnsForSuite } from '../support/netns.ts';

const DOCUMENT = new URL('../../../docs/differential-tayga.md', import.meta.url);
/** Of the unexplained differences, so many are shown. */
const SHOWN = 10;

const cases = allCases();
const packets = cases.map(({ packet }) => packet);

/** Names of the rows that explain a difference. */
const rowsFor = (difference: Difference): string[] =>
  EXPLANATIONS.filter(({ matches }) => matches(difference)).map(({ name }) => name);

/** One difference with all packets, as text. */
function explainFailure({ difference, index }: Found, outputs: Record<'ours' | 'tayga', readonly Output[]>): string {
  const { field, case: each } = difference;
  const rows = rowsFor(difference).map((name) => `“${name}”`);
  const show = (output: Output) => output.map(describePacket).join('\n') || '    # nothing';
  return [
    `${each.name}: ${field} is ${difference.ours} here and ${difference.tayga} there`,
    rows.length === 0 ? '  explained by no row' : `  explained by ${rows.length} rows: ${rows.join(', ')}`,
    `  packet\n${describePacket(each.packet)}`,
    `  ours\n${show(outputs.ours[index])}`,
    `  tayga\n${show(outputs.tayga[index])}`,
  ].join('\n');
}

interface Found {
  readonly index: number;
  readonly difference: Difference;
}

/** How many packets show each row's difference. */
function countRows(found: readonly Found[]): Map<string, number> {
  const seen = new Map<string, Set<number>>();
  for (const { index, difference } of found) {
    for (const name of rowsFor(difference)) seen.set(name, (seen.get(name) ?? new Set()).add(index));
  }
  return new Map([...seen].map(([name, indices]) => [name, indices.size]));
}

describe('tayga and xlat464 on the same packets', () => {
  const set = netnsForSuite();
  const outputs: Record<'ours' | 'tayga', Uint8Array[][]> = { ours: [], tayga: [] };
  let found: Found[] = [];

  before(async () => {
    outputs.tayga = await translateAll(set, 'tayga', tayga, packets);
    outputs.ours = await translateAll(set, 'ours', ours, packets);
    found = cases.flatMap((each, index) =>
      compare(each, outputs.ours[index], outputs.tayga[index]).map((difference) => ({ index, difference })),
    );
  });

  it('three thousand packets and more go through both, and most come out of both', () => {
    assert.ok(cases.length >= 3000, `${cases.length} packets`);
    for (const output of [outputs.ours, outputs.tayga]) {
      assert.equal(output.length, cases.length);
      assert.ok(output.filter((written) => written.length > 0).length > cases.length / 2);
    }
  });

  it('each difference is explained by one row, which names the RFC section', () => {
    const unexplained = found.filter(({ difference }) => rowsFor(difference).length !== 1);
    const texts = unexplained.slice(0, SHOWN).map((each) => explainFailure(each, outputs));
    assert.equal(unexplained.length, 0, `${unexplained.length} differences\n\n${texts.join('\n\n')}`);
  });

  it('each row explains a packet', () => {
    const counts = countRows(found);
    assert.deepEqual(
      EXPLANATIONS.filter(({ name }) => !counts.has(name)).map(({ name }) => name),
      [],
    );
  });

  it('the document shows the table and the number of packets', () => {
    const table = explanationTable(countRows(found));
    const differing = new Set(found.map(({ index }) => index)).size;
    const summary = `${cases.length} packets, of which ${differing} differ`;
    const text = readFileSync(DOCUMENT, 'utf8');
    assert.ok(text.includes(summary) && text.includes(table), `the document should say: ${summary}\n\n${table}`);
  });
});
