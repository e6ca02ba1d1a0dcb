// platform/journal.ts and platform/state-dir.ts: what is on disk, and what any crash, full disk or forger leaves of it (D-16).

import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { XlatError } from '../../src/contract/errors.ts';
import type { Change } from '../../src/core/host/change.ts';
import { Journal, parseJournal, readJournal, removeJournal } from '../../src/platform/journal.ts';
import { changeOf } from '../../src/platform/journal-change.ts';
import { defaultStateDir, readSecret, takeStateDir } from '../../src/platform/state-dir.ts';
import type { WriteSome } from '../../src/platform/write-all.ts';

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

/** A disk that has `free` bytes left: it writes what fits, and then ENOSPC. */
function fullDisk(): { free: number; write: WriteSome } {
  const disk = {
    free: 0,
    write: (fd: number, bytes: Uint8Array, at: number, length: number): number => {
      if (disk.free === 0) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      const written = writeSync(fd, bytes, at, Math.min(length, disk.free));
      disk.free -= written;
      return written;
    },
  };
  return disk;
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
      '{"id":2,"change":{"kind":"up","link":{"name":"up0","index":2}}}',
      '',
    ];
    const content = parseJournal(lines.join('\n'));
    assert.deepEqual(content?.unreadable, ['garbage', '{"id":1,"change":{"kind":"other"}}', '[]']);
    assert.equal(content?.entries.length, 1);
  });

  it('without a readable first line it names no host, and its changes all the same', () => {
    const content = parseJournal(`{"journal":1,"bo\n${JSON.stringify({ id: 1, change: up })}\n`);
    assert.deepEqual(content?.identity, null);
    assert.deepEqual(content?.entries, [{ id: 1, change: up }]);
    assert.deepEqual(content?.unreadable, ['{"journal":1,"bo']);
  });

  it('every change that a client makes is read back as it was written', () => {
    const changes: Change[] = [
      {
        ...sysctl,
        path: 'net/ipv6/conf/all/forwarding',
        link: null,
        alsoWas: [['net/ipv6/conf/eth0.7/forwarding', '1']],
      },
      { kind: 'mtu', link: LINK, value: 1480, was: 1500 },
      { kind: 'address', link: LINK, address: '192.0.0.1/32' },
      { kind: 'firewall', link: LINK },
      ...[null, '192.0.0.1'].map((source): Change => {
        const route = { family: 4, destination: 'default', metric: 2048, mtuBytes: 1480, isMtuLocked: false } as const;
        return { kind: 'route', link: LINK, source, ...route };
      }),
      ...[sysctl, up, proxy, { ...sysctl, path: 'net/ipv6/conf/*/disable_ipv6', link: LINK }],
    ];
    for (const change of changes) assert.deepEqual(changeOf(JSON.parse(JSON.stringify(change))), change);
  });

  it('a change with a field that no client would have written is unreadable', () => {
    const route = { kind: 'route', family: 6, link: LINK, destination: '2001:db8::/32', metric: 1, mtuBytes: 1500 };
    const wrong: object[] = [
      { ...sysctl, path: '../../etc/passwd' },
      { ...sysctl, path: 'net/ipv6/conf/../forwarding' },
      { ...sysctl, path: 'kernel/core_pattern', link: null },
      { ...sysctl, was: '|/tmp/x' },
      { ...sysctl, alsoWas: [['kernel/core_pattern', '1']] },
      { ...sysctl, link: null },
      { ...up, link: { name: '-batch', index: 2 } },
      { ...up, link: { name: 'a/b', index: 2 } },
      { ...up, link: { name: 'up0' } },
      { ...proxy, address: '192.0.2.1' },
      { kind: 'address', link: LINK, address: '192.0.2.1/33' },
      { kind: 'mtu', link: LINK, value: '1480', was: 1500 },
      { ...route, isMtuLocked: true, source: '-x' },
      { ...route, isMtuLocked: true, source: null, destination: 'all' },
    ];
    for (const change of wrong) assert.equal(changeOf(change), null, JSON.stringify(change));
  });

  it('D-16 a write that writes a part only is gone on with', (t) => {
    const dir = directory(t);
    const journal = new Journal(dir, IDENTITY, (fd, bytes, at, length) =>
      writeSync(fd, bytes, at, Math.min(length, 7)),
    );
    for (const change of [sysctl, up]) journal.add(change);
    journal.close();
    assert.deepEqual(
      readJournal(dir)?.entries.map((e) => e.change),
      [sysctl, up],
    );
  });

  it('D-16 on a full disk a change is refused, and what follows once there is room is readable', (t) => {
    const dir = directory(t);
    const disk = fullDisk();
    const journal = new Journal(dir, IDENTITY, disk.write);
    disk.free = 20;
    assert.throws(() => journal.add(sysctl), { code: 'ENOSPC' });
    assert.equal(existsSync(join(dir, 'journal')), false, 'no journal without its first line');
    disk.free = 1000;
    journal.add(sysctl);
    disk.free = 20;
    assert.throws(() => journal.add(up), { code: 'ENOSPC' });
    disk.free = 1000;
    journal.add(proxy);
    journal.close();
    const content = readJournal(dir);
    assert.deepEqual(
      content?.entries.map((e) => e.change),
      [sysctl, proxy],
    );
    assert.deepEqual(content?.unreadable, []);
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

  it('by default is made for its owner alone, and one that another user could have made is refused', (t) => {
    const runtime = directory(t);
    const user = (process.getuid?.() ?? 0) || 65_534;
    const dir = join(runtime, `xlat464-${user}`);
    const use = (): string => defaultStateDir(user, runtime);
    const refused = { code: 'NOT_PERMITTED', message: `${dir} may be somebody else's` };
    mkdirSync(dir, { mode: 0o700 });
    chownSync(dir, user, user);
    assert.equal(use(), dir);
    chmodSync(dir, 0o770);
    assert.throws(use, refused);
    rmSync(dir, { recursive: true });
    symlinkSync(runtime, dir);
    assert.throws(use, refused);
    rmSync(dir);
    writeFileSync(dir, '');
    assert.throws(use, { code: 'NOT_PERMITTED' });
    rmSync(dir);
    if (process.getuid?.() === 0)
      assert.throws(use, refused); // made, and by root
    else assert.equal(statSync(use()).mode & 0o777, 0o700);
    assert.equal(defaultStateDir(0, runtime), '/run/xlat464');
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
