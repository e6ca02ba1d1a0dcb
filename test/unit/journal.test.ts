// platform/journal.ts and platform/state-dir.ts: what is on disk, and what any crash leaves of it (rule D-16).

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import type { Change } from '../../src/core/host/change.ts';
import { Journal, parseJournal, readJournal, removeJournal } from '../../src/platform/journal.ts';
import { readSecret, takeStateDir } from '../../src/platform/state-dir.ts';

const IDENTITY = { boot: 'b', namespace: 'net:[1]' };
const LINK = { name: 'up0', index: 2 };
const up: Change = { kind: 'up', link: LINK };
const proxy: Change = { kind: 'proxy', link: LINK, address: '2001:db8::1' };
const sysctl: Change = { kind: 'sysctl', path: 'net/ipv6/conf/*/accept_ra', link: LINK, value: '2', was: '1' };

function directory(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'xlat464-journal-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

describe('the journal', () => {
  it('D-16 holds what was added and not settled, oldest first, as another process reads it', (t) => {
    const dir = directory(t);
    const journal = new Journal(dir, IDENTITY);
    for (const change of [sysctl, up, proxy]) journal.add(change);
    journal.settle(up);
    const content = readJournal(dir);
    assert.deepEqual(
      content?.entries.map((e) => e.change),
      [sysctl, proxy],
    );
    assert.deepEqual(content?.identity, IDENTITY);
    assert.deepEqual(content?.unreadable, []);
    journal.close();
  });

  it('D-16 is gone after the last change is settled, and comes back with the next', (t) => {
    const dir = directory(t);
    const journal = new Journal(dir, IDENTITY);
    journal.add(up);
    journal.settle(up);
    assert.equal(existsSync(join(dir, 'journal')), false);
    journal.add(proxy);
    assert.deepEqual(
      readJournal(dir)?.entries.map((e) => e.change),
      [proxy],
    );
    journal.close();
  });

  it('D-16 nothing is written before the first change, and no journal reads as null', (t) => {
    const dir = directory(t);
    new Journal(dir, IDENTITY).close();
    assert.equal(readJournal(dir), null);
    assert.equal(readJournal(join(dir, 'missing')), null);
    removeJournal(dir);
  });

  it('D-16 cut at every byte it names exactly the changes whose lines are complete', (t) => {
    const dir = directory(t);
    const journal = new Journal(dir, IDENTITY);
    for (const change of [sysctl, up, proxy]) journal.add(change);
    journal.settle(proxy);
    journal.close();
    const text = readFileSync(join(dir, 'journal'), 'utf8');
    for (let length = 0; length <= text.length; length++) {
      const lines = text.slice(0, length).split('\n').length - 1;
      const content = parseJournal(text.slice(0, length));
      const expected: Change[] | undefined = [[], [], [sysctl], [sysctl, up], [sysctl, up, proxy], [sysctl, up]][lines];
      assert.deepEqual(content?.entries.map((e) => e.change) ?? [], expected, `${length} bytes`);
      assert.equal(content === null, lines === 0);
      assert.deepEqual(content?.unreadable ?? [], []);
    }
  });

  it('a complete line that makes no sense is named, and the others count', () => {
    const header = '{"journal":1,"boot":"b","namespace":"net:[1]"}';
    const lines = [
      header,
      'garbage',
      '{"id":1,"change":{"kind":"other"}}',
      '[]',
      '{"id":2,"change":{"kind":"up","link":null}}',
      '',
    ];
    const content = parseJournal(lines.join('\n'));
    assert.deepEqual(content?.unreadable, ['garbage', '{"id":1,"change":{"kind":"other"}}', '[]']);
    assert.equal(content?.entries.length, 1);
  });

  it('a journal that is there already is not overwritten', (t) => {
    const dir = directory(t);
    writeFileSync(join(dir, 'journal'), '');
    assert.throws(() => new Journal(dir, IDENTITY).add(up), { code: 'EEXIST' });
  });
});

describe('the state directory', () => {
  it('is taken by one at a time, and free again after close', (t) => {
    const dir = directory(t);
    const first = takeStateDir(dir);
    assert.throws(
      () => takeStateDir(dir),
      (e) => e instanceof XlatError && e.code === 'ALREADY_RUNNING',
    );
    first.close();
    takeStateDir(dir).close();
  });

  it('is free when the mark is of a process that is gone, or of another with the same number', (t) => {
    const dir = directory(t);
    writeFileSync(join(dir, 'instance-4194304-1'), ''); // beyond the largest process number
    writeFileSync(join(dir, 'instance-1-999999999999'), ''); // process 1, started at another time
    takeStateDir(dir).close();
    assert.equal(existsSync(join(dir, 'instance-1-999999999999')), false);
  });

  it('keeps one secret of 32 bytes, readable by its owner alone', (t) => {
    const dir = directory(t);
    const secret = readSecret(dir);
    assert.equal(secret.length, 32);
    assert.deepEqual(readSecret(dir), secret);
    writeFileSync(join(dir, 'secret'), 'short');
    assert.equal(readSecret(dir).length, 32);
  });
});
