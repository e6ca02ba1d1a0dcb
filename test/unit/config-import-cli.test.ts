// `xlat464 config import` as it is typed: streams, exit codes, JSON.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../../test/vectors/import/', import.meta.url));

function run(args: readonly string[], input = '') {
  const options = { encoding: 'utf8', cwd: FOLDER, input } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'config', 'import', ...args], options);
  return { code: status, out: stdout, err: stderr };
}

const COMMAND = 'jool instance add --netfilter --pool6 2001:db8:64::/96\njool pool4 add --tcp 9.9.9.9 1024-65535\n';

describe('xlat464 config import', () => {
  it('writes the file to standard output and what it could not take over to standard error', () => {
    const { code, out, err } = run(['--lan', 'eth1,eth2', '--wan', 'eth0', 'jool.sh']);
    assert.equal(code, 0, err);
    assert.match(out, /^lan:\n {2}- eth1\n {2}- eth2\nwan:\n {2}- eth0\nnat64:\n/m);
    assert.match(err, /^warning: jool\.sh:20: jool stats display: adds nothing$/m);
    assert.match(err, /^3 more are left to the host or to other programs; the file lists them$/m);
  });

  it('reads standard input, by - or where no file is named', () => {
    for (const args of [['-'], []]) {
      const { code, out } = run([...args, '--lan', 'eth1'], COMMAND);
      assert.equal(code, 0);
      assert.match(out, / {2}prefix: 2001:db8:64::\/96 # standard input:1\n/);
    }
  });

  it('--strict ends with exit code 1 where a line was lost, and with 0 where none was', () => {
    const lossy = run(['--strict', '--lan', 'eth1', 'jool.sh']);
    assert.equal(lossy.code, 1);
    assert.match(lossy.out, /^role: gateway$/m);
    assert.equal(run(['--strict', '--lan', 'eth1'], COMMAND).code, 0);
    assert.equal(run(['--strict', 'vyos-commands.conf']).code, 0);
  });

  it('--json gives role, text and all notes with their places', () => {
    const { role, text, notes } = JSON.parse(run(['--json', 'tayga.conf']).out);
    assert.equal(role, 'translator');
    assert.match(text, /^role: translator$/m);
    assert.deepEqual(notes.at(-1), {
      kind: 'warning',
      at: { file: 'tayga.conf', line: 9, column: 1 },
      text: 'strict-frag-hdr on',
      reason: 'has no counterpart here',
    });
  });

  it('answers files that cannot be read or used with exit code 2 and a sentence', () => {
    const cases: readonly (readonly [args: readonly string[], input: string, said: RegExp])[] = [
      [['nix.conf'], '', /^xlat464: nix\.conf does not exist\nCheck the path/],
      [['.'], '', /^xlat464: \. is a folder\n/],
      [[], 'a\0b', /^xlat464: standard input is no text\n/],
      [[], 'hello\n', /^xlat464: standard input:1:1: is of no format that is known here; /],
      [['--from', 'cisco'], COMMAND, /^xlat464: option '--from <program>' argument 'cisco' is invalid/],
      [['jool.sh', 'tayga.conf'], '', /^xlat464: tayga\.conf:2:1: .* belongs to the role translator/],
    ];
    for (const [args, input, said] of cases) {
      const { code, out, err } = run(args, input);
      assert.deepEqual([code, out], [2, ''], err);
      assert.match(err, said);
    }
  });
});
