// Network namespaces for tests: the lab's own code, tied to the life of a test. A set is closed after the test or suite that
// opened it, also when that failed, and at exit or a signal at the latest.

import path from 'node:path';
import { after, type TestContext } from 'node:test';
import { type NetnsSet, openNetnsSet } from '../../src/lab/netns.ts';

export { type CommandResult, type Running, run, runAny, start, waitFor } from '../../src/lab/command.ts';
export { type Netns, type NetnsSet, removeStale } from '../../src/lab/netns.ts';

/** Opens a set. Programs started from now on keep their state in its directory, not in the machine's /run. */
export function openTestSet(): NetnsSet {
  const set = openNetnsSet();
  process.env.XLAT464_STATE_DIR = path.join(set.directory, 'state');
  return set;
}

/** Opens a set that ends with the test `t`. */
export function netnsForTest(t: TestContext): NetnsSet {
  const set = openTestSet();
  t.after(() => set.close());
  return set;
}

/** Opens a set that ends with the suite in whose body it is called, or with the file at the top level. */
export function netnsForSuite(): NetnsSet {
  const set = openTestSet();
  after(() => set.close());
  return set;
}
