// A client that loses what it was started with: its terminal's window is closed, the disk of its log is full. It puts the host back and
// ends in good order, or goes on; it never dies of a line that cannot be written.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { netnsForTest, waitFor } from '../support/netns.ts';
import { type ClientNet, snapshot, staticNet } from './client-net.ts';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));

const program = (net: ClientNet, ...more: string[]): string[] => {
  const environment = ['env', `XLAT464_STATE_DIR=${net.stateDir}`, ...more];
  return [...environment, process.execPath, PROGRAM];
};
const CLIENT = ['client', '--prefix', '64:ff9b::/96'];

/**
 * Runs a command on a terminal of its own, whose window is closed when "ready in" stands in it. "job": the command is a job of a shell,
 * so that the kernel tells it nothing of that, and has SIGHUP just before. The last line is how the command ended.
 */
const TERMINAL = `
import os, pty, re, signal, sys
shell = ['sh', '-c', 'trap "" HUP; "$@" & echo JOB $!.; wait $!', 'sh'] if sys.argv[1] == 'job' else []
pid, master = pty.fork()
argv = shell + sys.argv[2:]
if pid == 0: os.execvp(argv[0], argv)
seen = b''
def until(words):
    global seen
    while words not in seen: seen += os.read(master, 4096)
until(b'ready in')
if shell:
    os.kill(int(re.search(rb'JOB (\\d+)\\.', seen).group(1)), signal.SIGHUP)
    until(b'client-unchanged')
os.close(master)
status = os.waitpid(pid, 0)[1]
print('ENDED', os.waitstatus_to_exitcode(status), flush=True)
`;

describe('a client whose terminal is closed', () => {
  for (const kind of ['alone', 'job']) {
    const how = kind === 'job' ? 'the job of a shell, told of it too early, ' : '';
    it(`D-16 ${how}puts everything back and ends with 0`, async (t) => {
      const net = await staticNet(netnsForTest(t));
      const before = await snapshot(net.host);
      const terminal = await net.host.start(['/usr/bin/python3', '-c', TERMINAL, kind, ...program(net), ...CLIENT]);
      await waitFor('the end of the client', () => terminal.hasEnded());
      assert.equal(terminal.output().trim().split('\n').at(-1), 'ENDED 0');
      assert.deepEqual(await snapshot(net.host), before);
    });
  }
});

describe('a log that cannot be written', () => {
  it('D-16 ends no client: it starts, translates, stops, and the host is as it was', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const before = await snapshot(net.host);
    const full = ['sh', '-c', 'exec "$@" >/dev/full 2>&1', 'sh'];
    const client = await net.host.start([...full, ...program(net), ...CLIENT]);
    await waitFor('IPv4', async () => {
      assert.ok(!client.hasEnded());
      return (await net.host.run(['ip', '-4', 'route', 'show', 'default'])).includes('clat0');
    });
    assert.equal(await client.stop(), 0);
    assert.deepEqual(await snapshot(net.host), before);
  });

  it('ends any other command with 1 and one sentence', async (t) => {
    const net = await staticNet(netnsForTest(t));
    const { code, stderr } = await net.host.runAny([
      ...['sh', '-c', 'exec "$@" >/dev/full', 'sh'],
      ...[...program(net), 'config', 'schema'],
    ]);
    assert.deepEqual(
      [code, stderr],
      [1, 'xlat464: the output could not be written: ENOSPC: no space left on device, write\n'],
    );
  });
});
