// The program as a user runs it: exit codes, what goes to which stream, help, and errors as text and as JSON.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'x464-cli-'));
after(() => rmSync(folder, { recursive: true }));

interface Run {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function xlat464(...args: string[]): Run {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', cwd: folder });
  return { code: status, out: stdout, err: stderr };
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const GOOD = 'role: translator\nprefix: 64:ff9b::/96\nown-ipv4: 192.0.2.1\nown-ipv6: 64:ff9b::c000:201\n';

describe('xlat464', () => {
  it('ends quietly when its reader goes away', () => {
    const command = `"${process.execPath}" "${PROGRAM}" config schema | head -c 1`;
    const { stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', cwd: folder });
    assert.equal(stdout, '{');
    assert.equal(stderr, '');
  });

  it('prints its version', () => {
    const { code, out, err } = xlat464('--version');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^xlat464 \d+\.\d+\.\d+\n$/);
  });

  it('prints help with examples and exit codes, for itself and for each command', () => {
    const { code, out } = xlat464('--help');
    assert.equal(code, 0);
    assert.match(out, /Examples:\n {2}sudo xlat464 client/);
    assert.match(out, /Exit codes: 0 done/);
    for (const command of [
      'client',
      'translate',
      'lab',
      'config',
      'cleanup',
      'gateway',
      'sessions',
      'bindings',
      'dns',
    ]) {
      const help = xlat464(command, '--help');
      assert.equal(help.code, 0, command);
      assert.match(help.out, /Examples?:\n/, command);
    }
  });

  const misuse: readonly (readonly [what: string, args: readonly string[], said: RegExp])[] = [
    ['no command', [], /^xlat464: no command given\n/],
    ['help on no command', ['help', 'foo'], /^xlat464: unknown command 'foo'\nRun "xlat464 --help"/],
    ['a gateway without a file', ['gateway'], /^xlat464: required option '-c, --config <file>' not specified/],
    ['a protocol that is none', ['bindings', 'add', 'sctp', 'a', 'b'], /^xlat464: "sctp" is not a protocol/],
    ['a list without end', ['sessions', '--limit', '1001'], /^xlat464: option '--limit <n>' argument '1001'/],
    ['an unknown command', ['transalte'], /^xlat464: unknown command 'transalte'.*translate/],
    ['an unknown option', ['cleanup', '--conf'], /^xlat464: unknown option '--conf'/],
    ['a missing option', ['translate'], /^xlat464: required option '-c, --config <file>' not specified/],
    ['a missing argument', ['config', 'check'], /^xlat464: missing required argument 'file'/],
    ['an argument too many', ['cleanup', 'now'], /^xlat464: too many arguments/],
    [
      'a log level that is none',
      ['translate', '-c', 'x', '--log-level', 'loud'],
      /^xlat464: option '--log-level <level>'/,
    ],
    [
      'a part of the log that is none',
      ['translate', '-c', 'x', '--verbose', 'host,dns'],
      /^xlat464: .*"dns"; the parts are lifecycle, host, datapath, control\.\nRun "xlat464 translate --help"/,
    ],
    ['a file and an option', ['client', '-c', 'x', '--mtu', '1400'], /^xlat464: --mtu and -c are given together/],
    [
      'a client with a bad prefix',
      ['client', '--prefix', '64:ff9b::/95'],
      /^xlat464: --prefix: "64:ff9b::\/95" has the/,
    ],
    ['a proof that does not exist', ['lab', '--only', 'magic'], /^xlat464: no proof is called magic/],
    ['a file that does not exist', ['config', 'check', 'nix.yaml'], /^xlat464: nix.yaml does not exist\n/],
    ['a folder for a file', ['config', 'check', '.'], /^xlat464: \. is a folder\n/],
  ];
  for (const [what, args, said] of misuse) {
    it(`answers ${what} with exit code 2 and a sentence, without a stack`, () => {
      const { code, out, err } = xlat464(...args);
      assert.equal(code, 2, err);
      assert.equal(out, '');
      assert.match(err, said);
      assert.ok(err.split('\n').length <= 3 && !err.includes('    at '), err);
    });
  }
});

describe('xlat464 config', () => {
  it('check accepts a good file and names its role', () => {
    const { code, out, err } = xlat464('config', 'check', file('good.yaml', GOOD));
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /good\.yaml: good \(role translator\)\n$/);
  });

  it('check names every error of a bad file with its place, on standard error, and exits with 2', () => {
    file('bad.yaml', 'role: translator\nprefix: 64:ff9b::/95\ntun:\n  queus: 1\n');
    const { code, out, err } = xlat464('config', 'check', 'bad.yaml');
    assert.deepEqual([code, out], [2, '']);
    assert.match(err, /^xlat464: bad\.yaml:2:9: prefix: .*\nxlat464: bad\.yaml:4:3: tun\.queus: .*"queues"\?\n$/);
  });

  it('check --json gives the error as an object with code, operation, message, advice and places', () => {
    file('bad.yaml', 'role: translator\nprefix: 64:ff9b::/95\n');
    const { code, out, err } = xlat464('config', 'check', 'bad.yaml', '--json');
    assert.deepEqual([code, err], [2, '']);
    const { error } = JSON.parse(out);
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.equal(error.operation, 'read the configuration');
    assert.deepEqual(error.issues[0].at, { file: 'bad.yaml', line: 2, column: 9 });
    assert.ok('advice' in error && error.message.includes('/95'));
  });

  it('schema prints a JSON Schema', () => {
    const { code, out } = xlat464('config', 'schema');
    assert.equal(code, 0);
    assert.equal(JSON.parse(out).$schema, 'https://json-schema.org/draft/2020-12/schema');
  });

  it('init prints files that check accepts', () => {
    for (const role of ['translator', 'client', 'gateway']) {
      const { code, out } = xlat464('config', 'init', '--role', role);
      assert.equal(code, 0);
      assert.equal(xlat464('config', 'check', file(`${role}.yaml`, out)).code, 0, role);
    }
  });

  it('writes no colour where there is no terminal', () => {
    assert.ok(!xlat464('config', 'check', 'nix.yaml').err.includes('\u001b'));
  });
});

describe('xlat464 translate', () => {
  it('refuses the file of another role and says which command it is for', () => {
    const { code, err } = xlat464('translate', '-c', file('client.yaml', 'role: client\nprefix: 64:ff9b::/96\n'));
    assert.equal(code, 2);
    assert.match(err, /configures the role client, not translator\nRun xlat464 client -c /);
  });
});
