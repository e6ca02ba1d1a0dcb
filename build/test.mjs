// Runs the compiled tests: `node build/test.mjs [unit|integration|all] [filter]`. Each file is a process of its own; everything
// but test/integration in parallel, test/integration one file at a time. The last line is "N passed, N failed".
//
// `filter` is part of a file's path or, where no path holds it, a pattern for test names. With CI=true a skipped test counts
// as failed, because there everything that a test needs is installed.
//
// This file is also the node:test reporter of those processes (the default export): one JSON line per result.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

const self = fileURLToPath(import.meta.url);
const root = join(dirname(self), '..');
const compiled = join(root, 'dist', 'test');

/** A file that takes longer hangs; it is ended and counts as failed. */
const LIMIT_MS = { unit: 300_000, integration: 600_000 };

/** node:test's own closing diagnostics; all others tell of errors outside of a test. */
const TALLY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

/** The reporter: writes what the runner below needs of each result. */
export default async function* report(source) {
  for await (const { type, data } of source) {
    if (type === 'test:diagnostic' && !TALLY.test(data.message)) yield `${JSON.stringify({ note: data.message })}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const { name, details, skip, todo } = data;
    const { error } = details;
    yield `${JSON.stringify({
      name,
      ok: type === 'test:pass',
      isSuite: details.type === 'suite',
      skip: skip ?? todo,
      failure: error?.failureType,
      error:
        error === undefined ? undefined : inspect(error.cause ?? error).replaceAll(/\n +at .*node:internal.*/g, ''),
    })}\n`;
  }
}

function* filesBelow(directory) {
  if (!existsSync(directory)) return;
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** A source that was removed or renamed leaves its old output, which would run for ever. */
function removeStale() {
  for (const file of filesBelow(compiled)) {
    const source = join(root, 'test', relative(compiled, file)).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    if (source.endsWith('.ts') && !existsSync(source)) rmSync(file);
  }
}

/** The test files of a kind, as paths below dist/test. */
function testFiles(kind) {
  const all = [...filesBelow(compiled)]
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => relative(compiled, file));
  const isIntegration = (file) => file.split(sep)[0] === 'integration';
  return all.filter((file) => isIntegration(file) === (kind === 'integration')).sort();
}

const children = new Set();

/** Runs one file. @returns its results, what it printed, and why the process failed as a whole, if it did */
function runFile(file, kind, namePattern) {
  const scratch = mkdtempSync(join(tmpdir(), 'xlat464-test-'));
  const events = join(scratch, 'events');
  const argv = ['--enable-source-maps', `--test-reporter=${self}`, `--test-reporter-destination=${events}`];
  if (namePattern !== undefined) argv.push(`--test-name-pattern=${namePattern}`);
  const child = spawn(process.execPath, [...argv, join(compiled, file)], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.add(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const limit = setTimeout(() => child.kill('SIGTERM'), LIMIT_MS[kind]);
  const hardLimit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS[kind] + 10_000);
  return new Promise((resolve) => {
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      clearTimeout(hardLimit);
      children.delete(child);
      const lines = existsSync(events) ? readFileSync(events, 'utf8').split('\n').filter(Boolean) : [];
      rmSync(scratch, { recursive: true, force: true });
      const all = lines.map((line) => JSON.parse(line));
      const notes = all.filter(({ note }) => note !== undefined).map(({ note }) => `${note}\n`);
      const results = all.filter(({ note }) => note === undefined);
      resolve({ file, output: output + notes.join(''), code, signal, results });
    });
  });
}

/** Runs `task` over `items`, at most `width` at once. */
async function inParallel(items, width, task) {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const totals = { passed: 0, failed: 0, skipped: [] };

const indent = (text) => text.trimEnd().replaceAll(/^/gm, '    ');

function fail(title, details) {
  totals.failed++;
  console.log(`✗ ${title}\n${indent(details)}\n`);
}

const isFilteredOut = ({ skip }) => typeof skip === 'string' && skip.includes('does not match pattern');

/** Counts one file's results and prints what failed. Results come innermost first; a suite is no test of its own. */
function countFile({ file, output, code, signal, results }, namePattern) {
  const tests = results.filter((result) => !isFilteredOut(result));
  let failures = 0;
  for (const result of tests) {
    const title = `${file} › ${result.name}`;
    if (!result.ok && result.skip === undefined) {
      if (result.failure !== 'subtestsFailed') {
        failures++;
        fail(title, result.error ?? 'failed');
      }
    } else if (result.isSuite) continue;
    else if (result.skip !== undefined)
      totals.skipped.push(`${title}${result.skip === true ? '' : `: ${result.skip}`}`);
    else totals.passed++;
  }
  if (signal !== null) fail(file, `ended by ${signal}\n${output}`);
  else if (code !== 0 && failures === 0) fail(file, `ended with code ${code}\n${output}`);
  else if (tests.length === 0 && namePattern === undefined) fail(file, `no test ran\n${output}`);
  else if (failures > 0 && output !== '') console.log(`  output of ${file}:\n${indent(output)}\n`);
}

async function runKind(kind, filter) {
  const files = testFiles(kind);
  const byPath = filter === undefined ? files : files.filter((file) => file.includes(filter));
  const namePattern = byPath.length === 0 ? filter : undefined;
  const width = kind === 'integration' ? 1 : availableParallelism();
  await inParallel(byPath.length === 0 ? files : byPath, width, async (file) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${file}`.slice(0, 80));
    const result = await runFile(file, kind, namePattern);
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    countFile(result, namePattern);
  });
}

function printSkipped() {
  if (totals.skipped.length === 0) return;
  console.log(`skipped:\n${totals.skipped.map((title) => `  - ${title}`).join('\n')}\n`);
  if (process.env.CI === 'true') totals.failed += totals.skipped.length;
}

async function main(kind = 'all', filter = undefined) {
  const kinds = kind === 'all' ? ['unit', 'integration'] : [kind];
  if (!['unit', 'integration', 'all'].includes(kind)) {
    console.error('usage: node build/test.mjs [unit|integration|all] [filter]');
    process.exit(2);
  }
  process.on('exit', () => {
    for (const child of children) child.kill('SIGTERM');
  });
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])
    process.on(signal, () => process.exit(code));
  removeStale();
  for (const each of kinds) await runKind(each, filter);
  if (totals.passed + totals.failed + totals.skipped.length === 0) fail('no test', 'no test was found');
  printSkipped();
  console.log(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed === 0 ? 0 : 1;
}

if (process.argv[1] === self) await main(...process.argv.slice(2));
