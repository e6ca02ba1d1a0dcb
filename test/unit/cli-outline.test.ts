// What is made of the command line's definitions: help, completion, the manual page. Each names every command and option, the shells
// and the page readers take them, and every example in a help is one that the program understands.

import assert from 'node:assert/strict';
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Actions } from '../../src/cli/actions.ts';
import { bashCompletion } from '../../src/cli/completion/bash.ts';
import { fishCompletion } from '../../src/cli/completion/fish.ts';
import { zshCompletion } from '../../src/cli/completion/zsh.ts';
import { manualPage } from '../../src/cli/manual-page.ts';
import { type CommandOutline, outlineOf, withAllBelow } from '../../src/cli/outline.ts';
import { makeProgram, run } from '../../src/cli/program.ts';
import type { Terminal } from '../../src/cli/terminal.ts';
import { CLIENT_FIELDS } from '../../src/config/client.ts';
import { DHCP4_SNIPPET_FIELDS } from '../../src/config/dhcp4-snippet.ts';
import { optionsOf } from '../../src/config/options.ts';

const directory = mkdtempSync(join(tmpdir(), 'x464-outline-'));
after(() => rmSync(directory, { recursive: true }));

const NOBODY_READS: Terminal = {
  out: () => undefined,
  err: () => undefined,
  outColour: false,
  errColour: false,
  errColumns: null,
};

/** Actions that only note that they were reached: what is under test is the way there. */
function reachedBy(note: () => void): Actions {
  const known = {
    version: () => '0.0.0',
    clientKeys: async () => optionsOf(CLIENT_FIELDS),
    dhcp4Keys: async () => optionsOf(DHCP4_SNIPPET_FIELDS),
  };
  const reached = async (): Promise<never> => {
    note();
    throw new Error('reached');
  };
  const any: object = new Proxy(reached, { get: () => any });
  const actions = new Proxy(known, { get: (target, key) => Reflect.get(target, key) ?? any });
  return actions as unknown as Actions;
}

let program: CommandOutline;
let all: readonly CommandOutline[];

before(async () => {
  const context = { actions: reachedBy(() => undefined), terminal: NOBODY_READS, finish: () => undefined };
  program = outlineOf(await makeProgram(context));
  all = withAllBelow(program);
});

/** Every long option of every command, with the command's name. */
const options = (): [command: string, long: string][] =>
  all.flatMap(({ path, options: of }) =>
    of.flatMap(({ long }) => (long === null ? [] : [[path, long] as [string, string]])),
  );

describe('the help', () => {
  it('has an example, and no line is wider than 80 columns', () => {
    for (const { path, remarks } of all) assert.match(remarks, /^Examples?:\n {2}/, path);
    const wide = all.flatMap(({ path, remarks }) =>
      remarks.split('\n').flatMap((line) => (line.length > 80 ? [`${path}: ${line}`] : [])),
    );
    assert.deepEqual(wide, []);
  });

  it('shows examples that the program understands', async () => {
    process.env.XLAT464_STATE_DIR = directory;
    const examples = all.flatMap(({ remarks }) => [...remarks.matchAll(/^ {2}(?:sudo )?xlat464 (.*)$/gm)]);
    assert.ok(examples.length > 30, `${examples.length}`);
    for (const [line, rest = ''] of examples) {
      const [words = ''] = rest.split(/\s{2,}| [|>&]/);
      const said: string[] = [];
      const terminal: Terminal = { ...NOBODY_READS, err: (text) => said.push(text) };
      const code = await run(
        words.split(' '),
        reachedBy(() => undefined),
        terminal,
      );
      assert.notEqual(code, 2, `${line}: ${said.join('')}`);
    }
  });
});

const ok = ({ status, stdout, stderr }: SpawnSyncReturns<string>): string => {
  assert.deepEqual([status, stderr], [0, '']);
  return stdout;
};

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

describe('completion', () => {
  const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };
  for (const [shell, script] of Object.entries(scripts)) {
    it(`for ${shell} names every command and option`, () => {
      const text = script(program);
      for (const { path, name } of all) assert.ok(text.includes(name), path);
      for (const [path, long] of options()) {
        assert.ok(text.includes(shell === 'fish' ? `-l ${long.slice(2)}` : long), `${path} ${long}`);
      }
    });
  }

  /** What bash offers for the last of the words. */
  function offered(...words: string[]): string[] {
    const script = file('completion.bash', bashCompletion(program));
    const ask = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xlat464; printf "%s\\n" "\${COMPREPLY[@]}"`;
    const argv = ['-c', `source '${script}'; ${ask}`, 'bash', 'xlat464', ...words];
    return ok(spawnSync('bash', argv, { encoding: 'utf8', cwd: directory }))
      .split('\n')
      .filter(Boolean);
  }

  it('for bash runs: commands, options, words, files with blanks, and nothing for a free value', () => {
    file('a b.yaml', '');
    assert.deepEqual(offered('con'), ['config']);
    assert.deepEqual(offered('config', 'ch'), ['check']);
    assert.deepEqual(offered('client', '--uplink-mode', ''), ['auto', 'redirect', 'forwarding']);
    assert.deepEqual(offered('client', '--clat-ipv4', ''), []);
    assert.deepEqual(offered('translate', '-c', 'a'), ['a b.yaml']);
    assert.deepEqual(offered('config', 'check', 'a'), ['a b.yaml']);
    assert.deepEqual(offered('service', 'status', '--r'), ['--role']);
    assert.deepEqual(offered('service', 'install', '--role', 't'), ['translate']);
    assert.deepEqual(offered('option108', 'o'), ['on', 'off']);
    assert.ok(offered('client', '--uplink', '').includes('lo'));
    assert.ok(offered('').includes('client') && offered('').includes('--version'));
  });

  it('for bash is taken by bash -n, that for zsh by zsh -n, that for fish by fish --no-execute', () => {
    ok(spawnSync('bash', ['-n', file('check.bash', bashCompletion(program))], { encoding: 'utf8' }));
    ok(spawnSync('zsh', ['-n', file('_xlat464', zshCompletion(program))], { encoding: 'utf8' }));
    ok(spawnSync('fish', ['--no-execute', file('check.fish', fishCompletion(program))], { encoding: 'utf8' }));
  });

  it('for fish runs', () => {
    const script = file('completion.fish', fishCompletion(program));
    const fish = (line: string): string[] => {
      const argv = ['--no-config', '-c', `source '${script}'; complete -C '${line}'`];
      const words = ok(
        spawnSync('fish', argv, { encoding: 'utf8', cwd: directory, env: { ...process.env, HOME: directory } }),
      );
      return words
        .split('\n')
        .map((word) => word.split('\t')[0] ?? '')
        .filter(Boolean);
    };
    assert.deepEqual(fish('xlat464 con'), ['config']);
    assert.deepEqual(fish('xlat464 client --uplink-mode r'), ['redirect']);
    assert.deepEqual(fish('xlat464 service status --'), ['--help', '--json', '--role']);
    assert.deepEqual(fish('xlat464 option108 o'), ['off', 'on']);
  });

  it('for zsh defines its functions', () => {
    const script = file('_xlat464', zshCompletion(program));
    const ask = `autoload -U compinit; compinit -D -d '${directory}/zcompdump'; source '${script}'; whence -w _xlat464_service_install; print $_comps[xlat464]`;
    const said = ok(spawnSync('zsh', ['-f', '-c', ask], { encoding: 'utf8' }));
    assert.equal(said, '_xlat464_service_install: function\n_xlat464\n');
  });
});

describe('the manual page', () => {
  it('names every command and option, and the version', () => {
    const text = manualPage(program, '1.2.3');
    assert.ok(text.includes('"xlat464 1.2.3"'));
    for (const { path } of all) assert.ok(text.includes(`xlat464 ${path}`.trim()), path);
    for (const [path, long] of options()) assert.ok(text.includes(long.replaceAll('-', '\\-')), `${path} ${long}`);
  });

  it('is what man and mandoc take without a word', () => {
    const page = file('xlat464.1', manualPage(program, '1.2.3'));
    ok(spawnSync('groff', ['-man', '-ww', '-z', '-Kutf8', page], { encoding: 'utf8' }));
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', page], { encoding: 'utf8' });
    // It has no date, for it is made anew from each version.
    assert.deepEqual(
      stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date')),
      [],
    );
  });

  it('shows an example of a help as it stands', () => {
    const page = file('shown.1', manualPage(program, '1.2.3'));
    const shown = ok(spawnSync('mandoc', ['-T', 'ascii', '-O', 'width=100', page], { encoding: 'utf8' }));
    const plain = shown.replaceAll(/.[\b]/g, ''); // overstrikes for bold
    assert.match(plain, /^ +xlat464 status --json \| jq \.status\.counters$/m);
    assert.match(plain, /^ +sudo xlat464 service install --role translate -c \/etc\/xlat464\/siit\.yaml$/m);
  });
});
