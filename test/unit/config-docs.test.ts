// The documentation says what the program does: examples are good, the reference has every key.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { referenceTable } from '../../src/config/example.ts';
import { loadConfig } from '../../src/config/load.ts';

const DOCS = fileURLToPath(new URL('../../../docs/', import.meta.url));

describe('the documentation', () => {
  it('has only examples that are good configurations', () => {
    const files = readdirSync(`${DOCS}examples`).filter((name) => name.endsWith('.yaml'));
    assert.ok(files.length > 0);
    for (const name of files) loadConfig(`${DOCS}examples/${name}`);
  });

  it('has the reference of all keys as the program knows them', () => {
    const text = readFileSync(`${DOCS}configuration.md`, 'utf8');
    for (const role of ['translator', 'client', 'gateway'] as const) {
      assert.ok(text.includes(referenceTable(role)), `docs/configuration.md: the table of ${role} is out of date`);
    }
  });
});
