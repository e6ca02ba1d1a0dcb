// The product's version, as package.json has it.

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The package's root as seen from src/daemon and dist/bundle, and from dist/src/daemon. */
const ROOTS = ['../../', '../../../'] as const;

/** The version, or "unknown" where there is no package.json. */
export function productVersion(): string {
  const files = ROOTS.map((root) => fileURLToPath(new URL(`${root}package.json`, import.meta.url)));
  const found = files.find((file) => existsSync(file));
  const content: unknown = found === undefined ? null : JSON.parse(readFileSync(found, 'utf8'));
  return typeof content === 'object' && content !== null && 'version' in content ? String(content.version) : 'unknown';
}
