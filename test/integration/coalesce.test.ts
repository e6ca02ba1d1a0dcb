// Coalescing against the real kernel: super-packets written into a TUN arrive as exactly the packets that went in.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { INTERLEAVED, KERNEL_CASES } from '../support/coalesce-cases.ts';
import type { KernelResult } from '../support/coalesce-kernel.ts';
import { canonical, expected, type PacketSpec } from '../support/coalesce-packets.ts';
import { netnsForTest } from '../support/netns.ts';

const PROGRAM = fileURLToPath(new URL('../support/coalesce-kernel.js', import.meta.url));

/** A packet after one hop. */
const forwarded = (spec: PacketSpec): string => expected({ ...spec, hopLimit: spec.hopLimit - 1 });
const fromHex = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));

const skip = process.getuid?.() === 0 ? false : 'network namespaces need root';

test('T-O-01 the kernel cuts super-packets up into the packets that came in', { skip, timeout: 120_000 }, async (t) => {
  const ns = await netnsForTest(t).add('coalesce');
  const results = JSON.parse(await ns.run([process.execPath, PROGRAM])) as Record<string, KernelResult>;
  for (const [name, specs] of Object.entries(KERNEL_CASES)) {
    await t.test(name, () => {
      const { writes, refused, arrived } = results[name];
      assert.deepEqual(refused, []);
      assert.equal(writes, 1);
      assert.deepEqual(
        arrived.map((hex) => canonical(fromHex(hex))),
        specs.map(forwarded),
      );
    });
  }
  await t.test('four interleaved flows', () => {
    const { writes, refused, arrived } = results.interleaved;
    assert.deepEqual(refused, []);
    assert.equal(writes, 4);
    const flow = (f: number): string[] => INTERLEAVED.filter((_, i) => i % 4 === f).map(forwarded);
    assert.deepEqual(
      arrived.map((hex) => canonical(fromHex(hex))),
      [0, 1, 2, 3].flatMap(flow),
    );
  });
});
