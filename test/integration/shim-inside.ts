// Tests that need a network of their own: the file runs itself again inside a namespace. Outside it registers one test,
// which makes the namespaces, runs the file in the first and shows its output if it fails.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Netns, type NetnsSet, netnsForTest } from '../support/netns.ts';

const MARK = 'X464_SHIM_TEST_INSIDE';
const TIME_LIMIT_MS = 120_000;

/** Makes the namespaces; the tests run in the one returned. The record reaches them as environment variables. */
export type Setup = (set: NetnsSet) => Promise<{ readonly ns: Netns; readonly env?: Readonly<Record<string, string>> }>;

/** A single namespace, in which new interfaces stay silent (no IPv6). */
export const silentNamespace: Setup = async (set) => {
  const ns = await set.add('shim');
  await ns.sysctl('net/ipv6/conf/default/disable_ipv6', '1');
  return { ns };
};

/**
 * Registers `tests` when this process is already inside, else the test that gets there.
 * @param url `import.meta.url` of the test file
 */
export function inside(url: string, title: string, setup: Setup, tests: () => void): void {
  if (process.env[MARK] !== undefined) {
    tests();
    return;
  }
  test(title, async (t) => {
    const { ns, env } = await setup(netnsForTest(t));
    // Without NODE_TEST_CONTEXT the inner run reports as text and not in the runner's own protocol.
    const argv = ['env', '-u', 'NODE_TEST_CONTEXT', process.execPath, fileURLToPath(url)];
    const result = await ns.runAny(argv, { env: { ...env, [MARK]: '1' }, timeoutMs: TIME_LIMIT_MS });
    assert.equal(result.code, 0, `${result.stdout}\n${result.stderr}`);
  });
}

/** Runs `ip` in this process's namespace. @returns its output */
export function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
