// Bundles what tsc has checked into the program that users start: `node build/bundle.mjs`. Owns dist/bundle and dist/man:
//
//     xlat464.js         the program, one file: ready after half the processor time of the 100 modules of dist/src
//     packet-worker.js   the thread of one queue, which loads nothing else
//     peers/             the servers that `xlat464 lab` starts on the far side
//     LICENSES.txt       the licences of the packages inside
//     man/xlat464.1      the manual page, which the program itself prints
//
// CommonJS, because Node then starts without its ESM loader, in each thread (6 ms each); a package.json beside it says so.
// A module inside is still run only when its import() is reached. The native addon stays outside: platform/native.ts finds
// it from here as from dist/src. Names are kept, so that a stack trace can be read without the source maps.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'dist', 'bundle');
/** Where it is made, so that there is never half a bundle in its place. */
const half = join(root, 'dist', `bundle.${process.pid}`);

const ENTRIES = {
  xlat464: 'src/main.ts',
  'packet-worker': 'src/daemon/packet-worker.ts',
  'peers/main': 'src/lab/peers/main.ts',
  'peers/raw-answer': 'src/lab/peers/raw-answer.ts',
};

const bundle = () =>
  build({
    absWorkingDir: root,
    entryPoints: ENTRIES,
    outdir: half,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none', // whole licences in LICENSES.txt
    sourcemap: true,
    metafile: true,
    logLevel: 'warning',
    banner: { js: 'const bundleUrl=require("node:url").pathToFileURL(__filename).href;' },
    define: { 'import.meta.url': 'bundleUrl' },
  });

/** The folders of the packages that the inputs belong to, in the order of their names. */
function packageFolders(inputs) {
  const folders = inputs.map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].sort();
}

/** One package's name, version and licence text. Each package has one, or must not be in the bundle. */
function licence(folder) {
  const path = join(root, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (files.length === 0 && license !== 'MIT') throw new Error(`${name} has no licence file`);
  const texts = files.sort().map((file) => readFileSync(join(path, file), 'utf8').trim());
  return [`${name} ${version} (${license})`, ...texts].join('\n\n');
}

/** After the bundle is in its place. */
function writeManualPage() {
  const page = execFileSync(process.execPath, [join(out, 'xlat464.js'), 'man']);
  mkdirSync(join(root, 'dist', 'man'), { recursive: true });
  writeFileSync(join(root, 'dist', 'man', 'xlat464.1'), page);
}

process.on('exit', () => rmSync(half, { recursive: true, force: true }));
const { metafile } = await bundle();
const licences = packageFolders(Object.keys(metafile.inputs)).map(licence);
writeFileSync(join(half, 'LICENSES.txt'), `${licences.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`);
writeFileSync(join(half, 'package.json'), '{ "type": "commonjs" }\n');
rmSync(out, { recursive: true, force: true });
renameSync(half, out);
writeManualPage();
