// The runner of the host's tools: what a failure to run one looks like to who asked.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { run } from '../../src/platform/linux/commands.ts';

describe('a tool that cannot be started', () => {
  it('rejects as one that fails does, so that others that run beside it are still awaited', async () => {
    // More than the system takes as arguments, which Node does not call back about, but throws.
    const promise = run('ip', ['x'.repeat(4 << 20)]);
    await assert.rejects(promise, { code: 'E2BIG' });
  });
});
