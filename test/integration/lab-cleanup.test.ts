// What the lab leaves behind: nothing, however it ends. It runs as a process of its own here, because signals end it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { cleanUpLab } from '../../src/lab/lab.ts';
import { compareSnapshots, takeSnapshot } from '../../src/lab/snapshot.ts';
import { run, waitFor } from '../support/netns.ts';

const LAB = new URL('../../src/lab/lab.js', import.meta.url).href;

/** In the client's place: a default route, and a process that stays. What the client leaves is not the question here. */
const CLIENT = ['sh', '-c', 'ip route add default dev lan0 && exec tail -f /dev/null'];

/** Starts a lab that stays up. */
function startLab(t: TestContext, only: string): ChildProcess {
  const options = JSON.stringify({
    only: [only],
    keep: true,
    clientCommand: CLIENT,
  });
  const script = `import { runLab } from ${JSON.stringify(LAB)}; process.exitCode = await runLab(${options});`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => {
    child.kill('SIGKILL');
    cleanUpLab();
  });
  return child;
}

/** What carries the pid of a lab: namespaces and scratch directories. */
async function tracesOf(pid: number | undefined): Promise<string[]> {
  const namespaces = (await run(['ip', 'netns', 'list'])).split(/\s+/);
  return [...namespaces, ...readdirSync(tmpdir())].filter((name) => name.startsWith(`x464-${pid}-`));
}

const hasTraces = async (child: ChildProcess) => (await tracesOf(child.pid)).length > 0;

async function endWith(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(child, 'exit');
  child.kill(signal);
  const [code] = (await ended) as [number | null];
  return code;
}

const namespaceIsUp = (child: ChildProcess, name: string) => async () =>
  (await tracesOf(child.pid)).includes(`x464-${child.pid}-${name}`);

describe('the end of the lab', () => {
  for (const moment of ['client', 'server']) {
    it(`SIGINT while it builds (namespace ${moment} exists) leaves nothing`, async (t) => {
      const host = await takeSnapshot();
      const child = startLab(t, 'before');
      await waitFor('the namespace', namespaceIsUp(child, moment));
      assert.equal(await endWith(child, 'SIGINT'), 130);
      assert.deepEqual(await tracesOf(child.pid), []);
      assert.deepEqual(compareSnapshots(host, await takeSnapshot()), []);
    });
  }

  it('SIGTERM while it stays up leaves nothing', async (t) => {
    const host = await takeSnapshot();
    const child = startLab(t, 'before');
    await once(child.stderr as NodeJS.ReadableStream, 'data');
    assert.equal(await endWith(child, 'SIGTERM'), 143);
    assert.deepEqual(await tracesOf(child.pid), []);
    assert.deepEqual(compareSnapshots(host, await takeSnapshot()), []);
  });

  it('kill -9 and the clean-up leave nothing, and a running lab is left alone', async (t) => {
    const host = await takeSnapshot();
    const [killed, running] = [startLab(t, 'before'), startLab(t, 'before')];
    await Promise.all([killed, running].map((child) => waitFor('the namespace', namespaceIsUp(child, 'server'))));
    await endWith(killed, 'SIGKILL');
    assert.ok(await hasTraces(killed));
    const removed = cleanUpLab();
    assert.ok(removed.includes(`x464-${killed.pid}-client`));
    assert.deepEqual(await tracesOf(killed.pid), []);
    assert.ok(await hasTraces(running));
    await endWith(running, 'SIGINT');
    assert.deepEqual(await tracesOf(running.pid), []);
    assert.deepEqual(compareSnapshots(host, await takeSnapshot()), []);
  });
});
