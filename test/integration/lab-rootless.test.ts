// The lab without root: in a user namespace, as a user with no rights at all, and nothing left when it is killed.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../support/netns.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/**
 * As nobody, with a /dev/net/tun that everybody may open (as Debian has it) and the clone where nobody can read it. All of that
 * in a mount namespace of its own.
 */
const AS_NOBODY = `mount -t tmpfs tmpfs /dev/net && mknod -m 666 /dev/net/tun c 10 200 &&
touch /dev/net/node && mount --bind "$0" /dev/net/node && mount --bind "$1" /mnt && shift && cd / &&
exec setpriv --reuid 65534 --regid 65534 --clear-groups /dev/net/node "$@"`;

/** Starts a lab as nobody, or as the user that runs the tests when that is not root. */
function startLab(options: object): ChildProcess {
  const isRoot = process.geteuid?.() === 0;
  const lab = `${isRoot ? '/mnt/' : ROOT}dist/src/lab/lab.js`;
  const script = `const { runLab } = await import(process.argv[1]); process.exitCode = await runLab(${JSON.stringify(options)});`;
  const argv = ['--input-type=module', '-e', script, lab];
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  if (!isRoot) return spawn(process.execPath, argv, { stdio: [...stdio] });
  return spawn('unshare', ['-m', 'sh', '-c', AS_NOBODY, process.execPath, ROOT, ...argv], { stdio: [...stdio] });
}

function collect(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

/** Pids of all living processes whose ancestors include `pid`. */
function descendants(pid: number): number[] {
  const parentOf = (name: string): number => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return state === 'Z' ? 0 : Number(parent);
    } catch {
      return 0; // ended between the listing and the reading
    }
  };
  const names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const children = names.filter((name) => parentOf(name) === pid).map(Number);
  return [...children, ...children.flatMap(descendants)];
}

const isAlive = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

const isReadable = (statSync(ROOT).mode & 0o005) === 0o005;
const skip = process.geteuid?.() === 0 && !isReadable ? 'the clone may be read by its owner only' : false;

describe('the lab without root', { skip }, () => {
  it('runs in a user namespace', async () => {
    const child = startLab({ only: ['before', 'ping', 'http', 'stop'] });
    const output = collect(child);
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, output());
    assert.match(output(), /4 of 4 hold/);
  });

  it('takes everything with it when it is killed', async () => {
    const client = ['sh', '-c', 'ip route add default dev lan0 && exec tail -f /dev/null'];
    const child = startLab({ only: ['before'], keep: true, clientCommand: client });
    const output = collect(child);
    await waitFor('the lab', () => output().includes('stays up'));
    const family = descendants(child.pid ?? 0);
    assert.ok(family.length > 3);
    child.kill('SIGKILL');
    await waitFor('the end of all its processes', () => !family.some(isAlive));
  });
});
