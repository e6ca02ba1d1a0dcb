// The finer rules of how the parts hang together, each with its reason. A rule is a function from a file's path and text to what is
// wrong with it; each has a planted violation here, so a rule that no longer bites fails, too.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { idsIn, rowsInForce } from '../rfc/ledger.ts';

/** The repository: this file runs from test/unit or from dist/test/unit. */
const root = join(
  dirname(fileURLToPath(import.meta.url)).replace(/([\\/])dist([\\/]test[\\/]unit)$/, '$2'),
  '..',
  '..',
);

interface Rule {
  readonly name: string;
  readonly reason: string;
  /** What is wrong with a file, one line each. `path` counts from the repository, with slashes. */
  readonly check: (path: string, source: string) => string[];
  /** A file that breaks it. */
  readonly planted: readonly (readonly [path: string, source: string])[];
}

/** A source without comments and the insides of strings. */
function codeOf(source: string): string {
  const token = /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g;
  return source.replace(token, (found) => (found.startsWith('/') ? ' ' : "''"));
}

/** What a file imports: packages as they are named, own files as paths from the repository. */
function importsOf(path: string, source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, '');
  const found = code.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|^\s*import\s+)['"]([^'"]+)['"]/gm);
  return [...found].map(([, name = '']) => (name.startsWith('.') ? posix.join(posix.dirname(path), name) : name));
}

const isBelow = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);
const folderOf = (path: string): string => path.split('/')[1] ?? '';

/** Which folders of src a folder may import besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  contract: [],
  config: ['core', 'contract'],
  dataplane: ['core', 'contract'],
  platform: ['core', 'contract', 'dataplane'],
  control: ['contract', 'platform'],
  discovery: ['core', 'contract', 'platform'],
  client: ['core', 'contract', 'platform', 'config', 'discovery', 'dataplane'],
  gateway: ['core', 'contract', 'platform', 'config', 'discovery', 'dataplane'],
  diagnose: ['core', 'contract', 'platform', 'config', 'discovery'],
  daemon: [
    'core',
    'contract',
    'platform',
    'config',
    'discovery',
    'dataplane',
    'client',
    'gateway',
    'control',
    'diagnose',
  ],
  lab: ['contract'],
  cli: ['contract', 'control'],
};

/** Where a process may be ended at once: its start, and the second signal of an impatient user. */
const MAY_EXIT = ['src/main.ts', 'src/cli/main.ts', 'src/daemon/signals.ts', 'src/lab/netns.ts'];

/** Files that run for each packet, all of them. */
const HOT = [
  ...[
    'translate',
    'fast-path',
    'v4-to-v6',
    'v6-to-v4',
    'icmpv4-to-icmpv6',
    'icmpv6-to-icmpv4',
    'inner',
    'errors',
    'echo',
    'fragment',
  ].map((f) => `src/core/translate/${f}.ts`),
  ...['segment', 'transport', 'offload-packet', 'mtu', 'token-bucket'].map((f) => `src/core/translate/${f}.ts`),
  ...['checksum', 'ipv4', 'ipv6', 'icmp', 'icmp-extension', 'extension', 'offload', 'protocol', 'segment-checksum'].map(
    (f) => `src/core/wire/${f}.ts`,
  ),
  ...[
    'src/core/address/address-map.ts',
    'src/core/dns64/query.ts',
    'src/dataplane/coalesce.ts',
    'src/dataplane/coalesce-rules.ts',
    'src/dataplane/coalesce-merge.ts',
  ],
  ...['fast-nat64', 'packet-path-fragments', 'packet-path-refusals', 'icmp-errors', 'registers', 'probe'].map(
    (f) => `src/core/nat64/${f}.ts`,
  ),
  ...[
    'hash',
    'bib',
    'open-index',
    'session-table',
    'expiry-wheel',
    'address-table',
    'hosts',
    'held-syns',
    'port-set',
  ].map((f) => `src/core/nat64/${f}.ts`),
];

/** Files that run for each packet but for the functions and methods named here, which run when a translator or a pump is made. */
const HOT_BUT: Readonly<Record<string, readonly string[]>> = {
  'src/core/dns64/cache.ts': ['constructor'],
  'src/core/dns64/packed-answer.ts': ['alignedBytes', 'packAnswer', 'unpackAnswer'],
  'src/core/translate/translator.ts': ['constructor'],
  'src/core/translate/icmp-sources.ts': ['constructor'],
  'src/core/address/pair-cache.ts': ['makePairCache', 'makePair'],
  'src/core/address/prefix-table.ts': ['constructor'],
  'src/core/address/rfc6052.ts': ['isEmbeddingPrefix', 'makeEmbeddingPrefix', 'embedAddress'],
  'src/core/address/eam.ts': ['constructor'],
  'src/core/address/dynamic-pool.ts': ['constructor', 'poolSize', 'addressesOf', 'leases', 'restore'],
  'src/core/address/special.ts': ['prefix4', 'isWellKnownPrefix'],
  'src/core/nat64/packet-path.ts': ['constructor'],
  'src/core/nat64/client-ranges.ts': ['constructor', 'wordsAndMasks', 'maskOf'],
  'src/core/nat64/fragments.ts': ['hold'],
  'src/core/nat64/nat64-state.ts': ['constructor'],
  'src/core/nat64/nat64-tables.ts': ['constructor'],
  'src/core/nat64/port-pool.ts': ['constructor', 'mostServing', 'addressesOf', 'placesOf'],
  'src/core/nat64/port-blocks.ts': ['constructor'],
  'src/core/nat64/mapping-log.ts': ['take', 'record'],
  'src/dataplane/pump.ts': ['constructor'],
};

/** A source without the function, method or arrow function of this name; it ends where its brackets and its statement do. */
function without(source: string, name: string): string {
  const start = source.search(new RegExp(`(?<![.\\w])${name}(?= ?[=(])`));
  if (start < 0) return `${name} is not in this file: ...`;
  let depth = 0;
  for (let at = start; at < source.length; at++) {
    const char = source.charAt(at);
    if ('([{'.includes(char)) depth++;
    else if (')]}'.includes(char)) depth--;
    const isEnd = depth === 0 && (char === ';' || (char === '}' && !/^\s*[)>|]/.test(source.slice(at + 1))));
    if (isEnd) return source.slice(0, start) + source.slice(at + 1);
  }
  return source;
}

/** What of a file runs for each packet, or null. */
function hotPartOf(path: string, source: string): string | null {
  if (HOT.includes(path)) return source;
  const cold = HOT_BUT[path];
  return cold === undefined ? null : cold.reduce(without, codeOf(source));
}

const matches = (source: string, pattern: RegExp): string[] =>
  [...codeOf(source).matchAll(pattern)].map(([found]) => found.trim());

const RULES: readonly Rule[] = [
  {
    name: 'folders import one way',
    reason:
      'core ← dataplane, discovery ← client, gateway ← daemon: a part can be read, tested and replaced without those above it',
    check: (path, source) => {
      const from = folderOf(path);
      if (!path.startsWith('src/') || path.split('/').length === 2) return [];
      const allowed = MAY_IMPORT[from];
      if (allowed === undefined) return [`src/${from} has no row in MAY_IMPORT`];
      const own = importsOf(path, source).filter((name) => name.startsWith('src/'));
      return own.filter((name) => folderOf(name) !== from && !allowed.includes(folderOf(name)));
    },
    planted: [
      ['src/core/wire/x.ts', "import { Pump } from '../../dataplane/pump.ts';"],
      ['src/contract/x.ts', "export type { Prefix6 } from '../core/translate/settings.ts';"],
      ['src/dataplane/x.ts', "const { run } = await import('../daemon/translate.ts');"],
      ['src/cli/x.ts', "import { loadConfig } from '../config/load.ts';"],
      ['src/cli/commands/x.ts', "import { serve } from '../../daemon/role.ts';"],
      ['src/nonsense/x.ts', ''],
    ],
  },
  {
    name: 'core and contract import no package',
    reason:
      'core is pure and contract a leaf: both also run in a browser, in a worker, on every system, without anything installed',
    check: (path, source) =>
      isBelow(path, 'src/core') || isBelow(path, 'src/contract')
        ? importsOf(path, source).filter((name) => !name.startsWith('src/'))
        : [],
    planted: [
      ['src/core/wire/x.ts', "import { readFileSync } from 'node:fs';"],
      ['src/core/address/x.ts', "import ipaddr from 'ipaddr.js';"],
      ['src/contract/x.ts', "import { z } from 'zod';"],
    ],
  },
  {
    name: 'core knows no clock, randomness, process or timer',
    reason: 'values and bytes in, values and bytes out: what happens can be repeated from the arguments alone',
    check: (path, source) => {
      const word =
        /\b(Date|Math\.random|performance|process|Buffer|setTimeout|setInterval|setImmediate|queueMicrotask|crypto|console|globalThis|fetch)\b(?!['":])/g;
      return isBelow(path, 'src/core') ? matches(source, word) : [];
    },
    planted: [
      'Date.now()',
      'Math.random()',
      'performance.now()',
      'process.env',
      'Buffer.alloc(1)',
      'setTimeout(f, 1)',
      'console.log(1)',
    ].map((code) => ['src/core/wire/x.ts', `const x = ${code};`] as const),
  },
  {
    name: 'wire formats know nothing above them, addresses no translation',
    reason: 'a packet format is the same whoever reads it; settings.ts is plain types and values',
    check: (path, source) => {
      const own = importsOf(path, source).filter(
        (name) => name.startsWith('src/core/') && name !== 'src/core/translate/settings.ts',
      );
      if (isBelow(path, 'src/core/wire')) return own.filter((name) => !isBelow(name, 'src/core/wire'));
      if (!isBelow(path, 'src/core/address')) return [];
      return own.filter((name) => !isBelow(name, 'src/core/wire') && !isBelow(name, 'src/core/address'));
    },
    planted: [
      ['src/core/wire/x.ts', "import { embedWord1 } from '../address/rfc6052.ts';"],
      ['src/core/address/x.ts', "import type { Translator } from '../translate/translator.ts';"],
    ],
  },
  {
    name: 'of control, the CLI imports the client alone',
    reason: 'the CLI is unprivileged and speaks to the daemon through its API, like the app',
    check: (path, source) =>
      isBelow(path, 'src/cli')
        ? importsOf(path, source).filter(
            (name) => isBelow(name, 'src/control') && !/\/(client|endpoint|follow)\.ts$/.test(name),
          )
        : [],
    planted: [['src/cli/x.ts', "import { serve } from '../control/server.ts';"]],
  },
  {
    name: 'process.platform is read in src/platform/select.ts only',
    reason: 'everything else asks for capabilities, not for the name of a system',
    check: (path, source) =>
      path === 'src/platform/select.ts' || !path.startsWith('src/')
        ? []
        : matches(source, /\bprocess\.platform\b|\bos\.platform\(/g),
    planted: [['src/client/x.ts', "if (process.platform === 'linux') start();"]],
  },
  {
    name: 'a concrete system is named inside src/platform only',
    reason: 'a second system is added beside the first without touching anything else',
    check: (path, source) =>
      path.startsWith('src/') && !isBelow(path, 'src/platform')
        ? importsOf(path, source).filter((name) => /^src\/platform\/(linux|darwin|windows)\//.test(name))
        : [],
    planted: [['src/client/x.ts', "import { linuxPlatform } from '../platform/linux/linux-platform.ts';"]],
  },
  {
    name: 'process.exit stands in main and where a signal ends the process',
    reason: 'everywhere else it would skip the clean-up that restores the host',
    check: (path, source) =>
      path.startsWith('src/') && !MAY_EXIT.includes(path) ? matches(source, /\bprocess\.exit\(/g) : [],
    planted: [['src/daemon/x.ts', 'process.exit(1);']],
  },
  {
    name: 'the packet path makes no views, copies, closures or spreads',
    reason:
      'subarray().set() costs 90–130 ns, Buffer.readUInt 105–130, an object per packet a collection per second; an offset costs 1',
    check: (path, source) => {
      const slow =
        /\.subarray\(|\.slice\(|\bBuffer\b|\.read(?:U?Int|Float|Double)\w*\(|\.{3}|\btry\b|\.(?:map|filter|reduce|forEach)\(/g;
      const hot = hotPartOf(path, source);
      return hot === null ? [] : matches(hot, slow);
    },
    planted: [
      ...['s.bytes.subarray(1)', 'b.slice(1)', 'b.readUInt16BE(0)', '[...list]', 'list.map(f)'].map(
        (code) => ['src/core/translate/v4-to-v6.ts', `const x = ${code};`] as const,
      ),
      ['src/dataplane/pump.ts', 'class P { constructor() { all(); } move() { list.map(f); } }'],
      ['src/core/address/eam.ts', 'a.map(f); class M { constructor() { all(); } find() { return 1; } }'],
      ['src/core/translate/translator.ts', 'class T { find() { return 1; } }'],
    ],
  },
  {
    name: 'no file is longer than 500 lines without a reason',
    reason: 'one idea a file; the reason stands behind “// long:”',
    check: (path, source) => {
      const lines = source.split('\n').length - 1;
      return /\.(ts|mjs|c|h)$/.test(path) && lines > 500 && !/^\s*\/\/ long: \S/m.test(source)
        ? [`${lines} lines`]
        : [];
    },
    planted: [['src/core/wire/x.ts', 'x\n'.repeat(501)]],
  },
  {
    name: 'tests name rules that there are',
    reason: 'a misspelt id looks like a covered rule',
    check: (path, source) => {
      const known = new Set(rowsInForce().map((row) => row.id));
      return path.endsWith('.test.ts') ? idsIn(source).filter((id) => !known.has(id)) : [];
    },
    planted: [['test/unit/x.test.ts', `test(${"'"}T-4.1-99 nothing${"'"})`]],
  },
  {
    name: 'nothing tests with sleeps or wall clocks in the packet engine',
    reason: 'the clock is passed in, so a test that waits tests the machine',
    check: (path, source) =>
      /^test\/(unit|property)\/(translate|address|wire|checksum|offload)[^/]*\.ts$/.test(path)
        ? matches(source, /\bsetTimeout\b|\bDate\b|\bperformance\b/g)
        : [],
    planted: [['test/unit/translate-x.test.ts', 'await new Promise((r) => setTimeout(r, 5));']],
  },
];

const EXCLUDED = /(^|\/)(node_modules|dist|build\/release|out|release)(\/|$)/;

const files = ['src', 'test', 'native-shims', 'build', 'app']
  .flatMap((folder) => listBelow(folder))
  .map((path) => [path, readFileSync(join(root, path), 'utf8')] as const);

function listBelow(folder: string): string[] {
  try {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    const paths = names.map((name) => `${folder}/${name.split(sep).join('/')}`);
    return paths.filter((path) => /\.(ts|tsx|mjs|c|h)$/.test(path) && !EXCLUDED.test(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // app/ comes later
    throw error;
  }
}

describe('the architecture', () => {
  test('is looked at as a whole', () => {
    assert.ok(files.length > 150, `${files.length} files`);
    for (const path of HOT)
      assert.ok(
        files.some(([name]) => name === path),
        `${path} is in the list of hot files, but there is none`,
      );
  });

  for (const { name, reason, check } of RULES) {
    test(`${name} (${reason})`, () => {
      const found = files.flatMap(([path, source]) => check(path, source).map((what) => `${path}: ${what}`));
      assert.deepEqual(found, []);
    });
  }

  for (const { name, check, planted } of RULES) {
    test(`a planted violation is found: ${name}`, () => {
      assert.ok(planted.length > 0);
      for (const [path, source] of planted) assert.notDeepEqual(check(path, source), [], source.slice(0, 80));
    });
  }

  test('what stands in comments and strings is no violation', () => {
    const source = "// Date.now()\n/* process.exit(1) */ const x = 'performance.now()';";
    for (const { check } of RULES) assert.deepEqual(check('src/core/wire/x.ts', source), []);
  });
});
