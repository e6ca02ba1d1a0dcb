// daemon/lease-file.ts: all of a file or the one before.

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { readLeases, writeLeases } from '../../src/daemon/lease-file.ts';

it('a lease file is complete when writes take a part only, and the old one stays when they fail', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'xlat464-leases-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const file = join(dir, 'leases.json');
  const lease = { ipv4: 0xc0000201 | 0, ipv6: [0x20010db8, 0, 0, 1], lastUsedMs: 7 } as const;
  writeLeases(file, [lease], (fd, bytes, at, length) => writeSync(fd, bytes, at, Math.min(length, 10)));
  assert.deepEqual(readLeases(file), [lease]);
  const full = (): number => {
    throw new Error('ENOSPC');
  };
  assert.throws(() => writeLeases(file, [], full), /ENOSPC/);
  assert.deepEqual(readLeases(file), [lease]);
});

it('a file that is replaced leaves alone what a symbolic link in its way leads to', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'xlat464-leases-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const [file, victim] = [join(dir, 'leases.json'), join(dir, 'victim')];
  writeFileSync(victim, 'precious');
  symlinkSync(victim, `${file}.new`);
  writeLeases(file, []);
  assert.deepEqual([readFileSync(victim, 'utf8'), readLeases(file)], ['precious', []]);
});
