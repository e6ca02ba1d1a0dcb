// Loads the native addon. Owns where it is looked for and what is said when it is missing. Its surface is
// native-shims/native.d.ts, imported by the name that package.json's "imports" gives it: a relative path would point beside
// dist in the emitted declarations. Each thread that needs the addon loads it itself; Node shares the code, not the state.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { LinuxShim } from '#native-shims';
import { XlatError } from '../contract/errors.ts';

export type { Handle, Icmp6Message, LinuxShim, Watch } from '#native-shims';

const OPERATION = 'load the native addon';

/** The package's root as seen from src/platform and dist/bundle, and from dist/src/platform. */
const ROOTS = ['../../', '../../../'] as const;

/**
 * Loads the Linux addon that was built for this processor. Repeated calls return the same object.
 * @throws XlatError ADDON_MISSING when it was not built or does not fit this system
 */
export function loadLinuxShim(): LinuxShim {
  const file = `native-shims/build/linux-${process.arch}/xlat464.node`;
  const found = ROOTS.map((root) => fileURLToPath(new URL(root + file, import.meta.url))).find(existsSync);
  if (found === undefined) {
    throw new XlatError('ADDON_MISSING', OPERATION, `the native addon (${file}) has not been built`, {
      advice: 'Run `npm install` in the package; it needs a C compiler (Debian: gcc, libc6-dev).',
    });
  }
  return load(found);
}

function load(file: string): LinuxShim {
  try {
    return createRequire(import.meta.url)(file) as LinuxShim;
  } catch (cause) {
    throw new XlatError('ADDON_MISSING', OPERATION, `the native addon ${file} does not load on this system`, {
      advice: 'Build it again here: `node build/native.mjs --force`.',
      cause,
    });
  }
}
