// pump.ts on a queue in memory: what becomes of packets that the device does not take.

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { it } from 'node:test';
import { DEFAULT_SETTINGS } from '../../src/core/translate/settings.ts';
import { Translator } from '../../src/core/translate/translator.ts';
import { countersOf, makeCounterMemory, readCounters } from '../../src/dataplane/counters.ts';
import { Pump } from '../../src/dataplane/pump.ts';
import { MemoryTun } from '../support/memory-tun.ts';
import { ipv4, udp } from '../support/packets.ts';

/** Everything goes through the prefix, both addresses. */
const SETTINGS = {
  ...DEFAULT_SETTINGS,
  prefix: { address: Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0x64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), length: 96 },
  allowBothEmbedded: true,
};

it('packets that the device refuses are counted by its reason', () => {
  const { EIO, EINVAL, ENOBUFS, ENOMEM, EPERM } = constants.errno;
  const tun = new MemoryTun();
  const memory = makeCounterMemory(1);
  const pump = new Pump(tun, new Translator(SETTINGS, 1), countersOf(memory, 0), false);
  const answers = [EIO, 0, EINVAL, ENOBUFS, ENOMEM, EPERM, 0];
  for (const _ of answers) tun.deliver(ipv4({ payload: udp() }));
  const left = [...answers];
  tun.refuse = () => left.shift() ?? 0;
  pump.step(0);
  const { writesRefused, writesRefusedBy } = readCounters(memory);
  assert.equal(tun.written.length, 2);
  assert.equal(writesRefused, 5);
  assert.deepEqual(writesRefusedBy, { linkDown: 1, invalid: 1, noMemory: 2, other: 1 });
});
