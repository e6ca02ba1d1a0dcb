// Every rule has a test of the product, or a reason; no test names a rule that there is not. The reference translator's own
// tests do not count: they say nothing about the product.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { idsIn, rowsInForce } from '../rfc/ledger.ts';
import { loadVectors } from '../vectors/load.ts';

/** test/ among the sources: this file runs from there or from dist/test/unit. */
const testFolder = fileURLToPath(new URL('..', import.meta.url)).replace(/([\\/])dist([\\/]test[\\/])$/, '$2');

interface TestFile {
  readonly path: string;
  readonly ids: readonly string[];
  readonly isOfProduct: boolean;
}

/** Which tests run the golden packets shows in their source; the packets' rules are then theirs. */
function readTestFile(path: string): TestFile {
  const source = readFileSync(join(testFolder, path), 'utf8');
  const isLedgerOrReference = /(^|[\\/])(rfc-ledger|reference[^\\/]*)\.test\.ts$/.test(path);
  const fromVectors = source.includes('loadVectors(') ? loadVectors().map((vector) => vector.rule) : [];
  return { path, ids: [...idsIn(source), ...fromVectors], isOfProduct: !isLedgerOrReference };
}

const files = readdirSync(testFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts'))
  .map(readTestFile);

describe('the rule ledger', () => {
  const covered = new Set(files.filter((file) => file.isOfProduct).flatMap((file) => file.ids));

  for (const row of rowsInForce()) {
    test(`has a test or a reason for ${row.id}`, () => {
      assert.ok(row.rule.trim() !== '', `${row.id} has no text`);
      if (row.reason === undefined) assert.ok(covered.has(row.id), `no test carries ${row.id}: ${row.rule}`);
      else assert.ok(row.reason.trim() !== '', `${row.id} has an empty reason`);
    });
  }

  test('has each rule once', () => {
    const ids = rowsInForce().map((row) => row.id);
    assert.deepEqual(
      ids.filter((id, i) => ids.indexOf(id) !== i),
      [],
    );
  });

  test('gives no reason for a rule that a test carries', () => {
    const both = rowsInForce().filter((row) => row.reason !== undefined && covered.has(row.id));
    assert.deepEqual(both, []);
  });

  test('knows every rule that a test names', () => {
    const known = new Set(rowsInForce().map((row) => row.id));
    const strangers = files.flatMap((file) =>
      file.ids.filter((id) => !known.has(id)).map((id) => `${file.path}: ${id}`),
    );
    assert.deepEqual(strangers, []);
  });

  test('reads ids from titles, several at a time, and nothing else', () => {
    const quote = "'";
    const source = `test(${quote}T-4.5-02, A-01 both${quote}); // T-4.1-01 only told of`;
    assert.deepEqual(idsIn(source), ['T-4.5-02', 'A-01']);
  });
});
