// NAT64 in the data plane: what the main thread can ask of the worker, figures in shared memory, and time that passes in the packet loop.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { Nat64Settings, StaticBinding } from '../../src/core/nat64/settings.ts';
import { countersOf, makeCounterMemory, readCounters } from '../../src/dataplane/counters.ts';
import { type DataPlane, type DataPlaneOptions, startDataPlane } from '../../src/dataplane/dataplane.ts';
import { Pump } from '../../src/dataplane/pump.ts';
import { makeRandomWords } from '../../src/dataplane/random-words.ts';
import { makeTranslator, replaceTranslator } from '../../src/dataplane/worker-translator.ts';
import { waitFor } from '../../src/lab/command.ts';
import { ip4, ip6 } from '../support/addresses.ts';
import { MemoryTun } from '../support/memory-tun.ts';
import { HOST_A, HOST_B, NAT64, poolOf, SERVER6, seen, TRANSLATOR } from '../support/nat64.ts';
import { fragmentHeader, ipv6, raw, tcp, udp } from '../support/packets.ts';
import type { TunWorkerData } from '../support/tun-worker.ts';

const PROGRAM = new URL('../support/tun-worker.js', import.meta.url);
const CAPABILITIES = { vnetHeader: false, tcpSegmentation: false, udpSegmentation: false };
const QUEUE = { fd: -1, wakeFd: -1, capabilities: CAPABILITIES };

const BINDING: StaticBinding = { protocol: 'tcp', ipv6: ip6(HOST_B), port6: 80, ipv4: ip4('192.0.2.1'), port4: 8080 };

/** A data plane on a queue without an operating system, which ends with the test. */
async function start(t: TestContext, change: Partial<DataPlaneOptions> = {}): Promise<DataPlane> {
  const threads: Worker[] = [];
  const gone = new Int32Array(new SharedArrayBuffer(4));
  const plane = await startDataPlane({
    queues: [QUEUE],
    wake: () => undefined, // it looks up every millisecond
    startThread: (init, name) => {
      const workerData: TunWorkerData = { init, gone };
      const thread = new Worker(PROGRAM, { workerData, name });
      threads.push(thread);
      return thread;
    },
    settings: TRANSLATOR,
    nat64: NAT64,
    coalesce: false,
    ...change,
  });
  t.after(async () => {
    await plane.stop();
    await Promise.all(threads.map((thread) => thread.terminate()));
  });
  return plane;
}

const ALL = { filter: {}, limit: 100, cursor: 0 };

describe('a data plane with NAT64', () => {
  test('N-09 makes, lists and removes static bindings while packets go on', async (t) => {
    const plane = await start(t);
    assert.equal(await plane.nat64.addBinding(BINDING), 'added');
    assert.equal(await plane.nat64.addBinding(BINDING), 'exists');
    const { bindings, next } = await plane.nat64.bindings(ALL);
    assert.deepEqual(bindings, [{ ...BINDING, origin: 'static', sessions: 0 }]);
    assert.equal(next, 0);
    assert.equal(plane.counters().nat64?.staticBindings, 1);
    assert.deepEqual((await plane.nat64.sessions(ALL)).sessions, []);
    assert.equal(await plane.nat64.removeBinding(BINDING), true);
    assert.equal(await plane.nat64.removeBinding(BINDING), false);
    assert.equal(plane.counters().nat64?.staticBindings, 0);
  });

  test('N-12 keeps its bindings over new settings and, saved, over a restart', async (t) => {
    const plane = await start(t);
    await plane.nat64.addBinding(BINDING);
    await plane.reconfigure({ ...TRANSLATOR, ipv4Mtu: 1400 }, { ...NAT64, filtering: 'address-dependent' });
    assert.equal((await plane.nat64.bindings(ALL)).bindings.length, 1);
    const saved = await plane.nat64.save();
    const next = await start(t, { savedBindings: saved });
    assert.deepEqual(next.restored, { restored: 1, refused: 0 });
    assert.equal((await next.nat64.bindings(ALL)).bindings.length, 1);
    const damaged = await start(t, { savedBindings: saved.map((byte) => byte ^ 0x55) });
    assert.equal(damaged.restored?.restored, 0);
  });

  test('N-11 hands the mapping log over', async (t) => {
    const plane = await start(t, { nat64: { ...NAT64, mappingLog: 'mapping' } });
    await plane.nat64.addBinding(BINDING);
    const [record, ...others] = await plane.nat64.takeLog();
    assert.deepEqual([record?.kind, record?.protocol, record?.firstPort], ['mapping-made', 'tcp', 8080]);
    assert.ok(Math.abs((record?.timeMs ?? 0) - Date.now()) < 3_600_000, 'wall-clock time');
    assert.deepEqual([others, await plane.nat64.takeLog()], [[], []]);
  });

  test('N-09, N-11 pages are of 200 at most and the log comes in pieces, whatever is asked for', async (t) => {
    const count = 620;
    const staticBindings = Array.from({ length: count }, (_, i) => ({ ...BINDING, port6: 1000 + i, port4: 2000 + i }));
    const plane = await start(t, { nat64: { ...NAT64, mappingLog: 'mapping', staticBindings } });
    const sizes: number[] = [];
    const ports = new Set<number>();
    let cursor = 0;
    do {
      const page = await plane.nat64.bindings({ filter: {}, limit: 100_000, cursor });
      for (const { port4 } of page.bindings) ports.add(port4);
      sizes.push(page.bindings.length);
      cursor = page.next;
    } while (cursor !== 0);
    assert.deepEqual([sizes, ports.size], [[200, 200, 200, 20], count]);
    const one = { ...ALL, filter: { ipv6: ip6(HOST_B), port4: 2500 } };
    assert.deepEqual(
      (await plane.nat64.bindings(one)).bindings.map(({ port6 }) => port6),
      [1500],
    );
    assert.deepEqual((await plane.nat64.bindings({ ...ALL, filter: { ipv6: ip6(HOST_A) } })).bindings, []);
    const records = await plane.nat64.takeLog();
    assert.deepEqual([records.length, records[619]?.firstPort, await plane.nat64.takeLog()], [count, 2619, []]);
  });

  test('N-12 begins and ends by a new configuration', async (t) => {
    const plane = await start(t, { nat64: undefined });
    assert.equal(plane.counters().nat64, null);
    await assert.rejects(plane.nat64.bindings(ALL), { code: 'USAGE', message: 'no NAT64 runs here' });
    await plane.reconfigure(TRANSLATOR, NAT64);
    assert.equal(plane.counters().nat64?.sessions, 0);
    await plane.reconfigure(TRANSLATOR);
    assert.equal(plane.counters().nat64, null);
    await assert.rejects(plane.nat64.save(), { code: 'USAGE' });
  });

  test('N-01 refuses several queues: the two directions of a session would not meet', async (t) => {
    await assert.rejects(start(t, { queues: [QUEUE, QUEUE] }), {
      code: 'CONFIG_INVALID',
      message: /one queue, not with 2/,
    });
    const plane = await start(t, { queues: [QUEUE, QUEUE], nat64: undefined });
    await assert.rejects(plane.reconfigure(TRANSLATOR, NAT64), { code: 'CONFIG_INVALID' });
  });
});

describe('the packet loop', () => {
  const open = (nat64: Nat64Settings) => {
    const memory = makeCounterMemory(1);
    const tun = new MemoryTun(CAPABILITIES);
    const translator = makeTranslator({ settings: TRANSLATOR, nat64, workers: 1 }, 0, []);
    return { tun, pump: new Pump(tun, translator, countersOf(memory, 0), false), counters: () => readCounters(memory) };
  };
  const from = (payload: ReturnType<typeof udp>) => ipv6({ src: HOST_A, dst: SERVER6, payload });
  const none = { tcpEstablishedMs: 0, tcpTransitoryMs: 0, udpMs: 0, icmpMs: 0, fragmentMs: 0, tcpIncomingSynMs: 0 };

  test('N-04 lets time pass: sessions end and fragments are given up, each counted', async () => {
    const { tun, pump, counters } = open({ ...NAT64, timers: none });
    tun.deliver(from(udp({ srcPort: 4000 })));
    tun.deliver(
      ipv6({ src: HOST_A, dst: SERVER6, extensions: [fragmentHeader(8, true)], payload: raw(17, new Uint8Array(8)) }),
    );
    assert.equal(pump.step(0), 2);
    assert.equal(counters().verdicts['fragment-wait']?.ipv6, 1);
    // Sessions end on the next whole second.
    await waitFor('the end of the session', () => {
      pump.expire(true);
      return counters().nat64?.sessions === 0;
    });
    const { nat64, verdicts } = counters();
    assert.deepEqual([nat64?.sessions, nat64?.openedSessions, nat64?.fragments.held], [0, 1, 0]);
    assert.equal(verdicts['fragment-timeout']?.ipv6, 1);
  });

  test('N-10 publishes what there is', () => {
    const { tun, pump, counters } = open({ ...NAT64, pool: poolOf('192.0.2.1', 5000, 5001) });
    for (const srcPort of [4000, 4002, 4004]) tun.deliver(from(udp({ srcPort })));
    tun.deliver(from(tcp({ srcPort: 4000, flags: 2 })));
    pump.step(0);
    pump.expire(true);
    const { nat64 } = counters();
    assert.deepEqual(nat64?.bindings, { tcp: 1, udp: 2, icmp: 0 });
    assert.deepEqual(nat64?.freePorts, { tcp: 1, udp: 0, icmp: 2 });
    assert.deepEqual([nat64?.sessions, nat64?.hosts, nat64?.refused.portsExhausted], [3, 1, 1]);
    assert.ok((nat64?.memoryBytes ?? 0) > 0);
    const ports = tun.written.filter(({ packet }) => packet[0] === 0x45).map(({ packet }) => seen(packet).srcPort);
    assert.deepEqual(
      ports.map((port) => port === 5000 || port === 5001),
      [true, true, true],
    );
  });

  test('N-12, T-E-02 a new translator goes on with the sessions and the fragments of the one before', () => {
    const share = { settings: TRANSLATOR, nat64: NAT64, workers: 1 };
    const before = makeTranslator(share, 0, []);
    const after = replaceTranslator(before, { ...share, nat64: { ...NAT64, whenFull: 'drop' } });
    assert.ok(before.nat64 !== null && after.nat64 !== null);
    assert.equal(after.nat64.state, before.nat64.state);
    assert.equal(after.nat64.fragments, before.nat64.fragments);
    assert.equal(after.nat64.settings.whenFull, 'drop');
    assert.equal(replaceTranslator(after, { settings: TRANSLATOR, workers: 1 }).nat64, null);
  });
});

test('N-03 random words are 32 bits and do not come again', () => {
  const next = makeRandomWords();
  const words = Array.from({ length: 5000 }, next);
  assert.ok(new Set(words).size > 4990);
  assert.ok(words.some((word) => word > 0x7fff_ffff) && words.every((word) => Number.isInteger(word) && word >= 0));
});
