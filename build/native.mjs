// Builds the native addon for this machine: `node build/native.mjs [--force]`. npm runs it at install. It downloads nothing:
// the Node-API headers come with the npm package node-api-headers. $CC and $CFLAGS are obeyed.
//
// What was built, from what and how, stands as a hash beside the addon; the same hash again means there is nothing to do.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const shims = join(root, 'native-shims');
const out = join(shims, 'build', `linux-${process.arch}`);
const addon = join(out, 'xlat464.node');
const stamp = join(out, 'xlat464.hash');

const compiler = process.env.CC || 'cc';
const flags = [
  '-std=gnu11',
  '-O2',
  '-fPIC',
  '-shared',
  '-pthread',
  '-fvisibility=hidden',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-DNAPI_VERSION=8',
  ...(process.env.CFLAGS || '').split(' ').filter((flag) => flag !== ''),
];

/** Ends with one sentence on stderr. */
function fail(sentence) {
  console.error(`native addon: ${sentence}`);
  process.exit(1);
}

/** C sources and headers of the Linux shim, in a fixed order. */
function sourceFiles() {
  return ['common', 'linux'].flatMap((folder) =>
    readdirSync(join(shims, folder))
      .filter((name) => /\.[ch]$/.test(name))
      .sort()
      .map((name) => join(shims, folder, name)),
  );
}

/** Hash of all that the addon depends on. */
function fingerprint(files) {
  const hash = createHash('sha256').update(JSON.stringify([compiler, flags, process.arch]));
  for (const file of files) hash.update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function isCurrent(hash) {
  return existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8').trim() === hash;
}

/** The folder of node_api.h, wherever npm has put the package. */
function headerFolder() {
  const here = join(root, 'node_modules', 'node-api-headers', 'include');
  if (existsSync(join(here, 'node_api.h'))) return here;
  try {
    const entry = createRequire(import.meta.url).resolve('node-api-headers/package.json');
    return join(dirname(entry), 'include');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return fail('the npm package node-api-headers is missing; run `npm install` with its development dependencies.');
  }
}

/** Runs the compiler into a file of its own, so that nobody ever loads half an addon. */
function compile(files, headers) {
  const half = join(out, `.xlat464.${process.pid}`);
  const sources = files.filter((file) => file.endsWith('.c'));
  const result = spawnSync(compiler, [...flags, `-I${headers}`, '-o', half, ...sources], { encoding: 'utf8' });
  if (result.status === 0) return half;
  rmSync(half, { force: true });
  if (result.error?.code === 'ENOENT')
    return fail(`there is no C compiler "${compiler}"; install Debian's gcc and libc6-dev.`);
  if (result.error) throw result.error;
  const missing = /fatal error: (\S+): No such file/.exec(result.stderr);
  if (missing) return fail(`the header ${missing[1]} is missing; install Debian's libc6-dev and linux-libc-dev.`);
  return fail(`${compiler} failed:\n${result.stderr}`);
}

function build() {
  const files = sourceFiles();
  const hash = fingerprint(files);
  if (!process.argv.includes('--force') && isCurrent(hash)) return;
  const headers = headerFolder();
  mkdirSync(out, { recursive: true });
  const half = compile(files, headers);
  rmSync(stamp, { force: true });
  renameSync(half, addon);
  writeFileSync(stamp, `${hash}\n`);
  console.log(`native addon: built ${addon}`);
}

if (process.platform === 'linux') build();
else console.log(`native addon: nothing is built on ${process.platform} yet.`);
