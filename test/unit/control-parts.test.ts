// The control server's parts without a socket: framing, the event log, the sampler, a subscription.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { XlatError } from '../../src/contract/errors.ts';
import type { EventParams } from '../../src/contract/events.ts';
import type { Status } from '../../src/contract/status.ts';
import { connectTo } from '../../src/control/client.ts';
import { controlDirectories, endpointIn, endpointName } from '../../src/control/endpoint.ts';
import { EventLog } from '../../src/control/event-log.ts';
import { Feed } from '../../src/control/feed.ts';
import { FRAME_LIMIT, FrameTooLarge, LineReader } from '../../src/control/frames.ts';
import { Sampler } from '../../src/control/sampler.ts';
import { SAMPLE, StillClock } from '../support/control.ts';

describe('a daemon that hangs', () => {
  it('is named after ten seconds, with what to do about it', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'x464-'));
    const path = join(directory, 'socket');
    // It has taken the question, so the clock of its answer runs.
    const server = createServer((socket) => socket.once('data', () => t.mock.timers.tick(10_000)));
    await once(server.listen(path), 'listening');
    t.after(() => {
      server.close();
      rmSync(directory, { recursive: true });
    });
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const connecting = connectTo({ name: 'client-clat0', path: { read: path, admin: path } }, 'read', 'test');
    await assert.rejects(connecting, (error: XlatError) => {
      assert.equal(error.message, 'client-clat0 does not answer');
      assert.match(error.advice ?? '', /kill -9 .* cleanup/);
      return true;
    });
  });
});

describe('framing', () => {
  const message = Buffer.from('{"a":"ä€"}\n\n  \n{"b":2}\n');

  it('gives the same lines wherever the stream is cut', () => {
    for (let cut = 0; cut <= message.length; cut++) {
      const reader = new LineReader();
      const lines = [message.subarray(0, cut), message.subarray(cut)].flatMap((part) => [...reader.push(part)]);
      assert.deepEqual(lines, ['{"a":"ä€"}', '{"b":2}']);
    }
  });

  it('gives them byte by byte as well', () => {
    const reader = new LineReader();
    const lines = [...message].flatMap((byte) => [...reader.push(Buffer.of(byte))]);
    assert.deepEqual(lines, ['{"a":"ä€"}', '{"b":2}']);
  });

  it('takes a message as long as the limit and none that is longer, however it comes', () => {
    const longest = Buffer.alloc(FRAME_LIMIT, 0x20);
    longest[0] = 0x31;
    const reader = new LineReader();
    assert.equal([...reader.push(Buffer.concat([longest, Buffer.from('\n')]))].length, 1);
    assert.throws(() => [...new LineReader().push(Buffer.concat([longest, Buffer.from('1\n')]))], FrameTooLarge);
    const piecewise = new LineReader();
    assert.throws(() => {
      for (let i = 0; i <= FRAME_LIMIT; i += 1024) for (const _ of piecewise.push(Buffer.alloc(1024, 0x31)));
    }, FrameTooLarge);
  });
});

describe('an endpoint', () => {
  it('is named by role and interface, in characters that every file system takes', () => {
    assert.equal(endpointName('client', 'clat0'), 'client-clat0');
    assert.equal(endpointName('translator', '../x y'), 'translator-.._x_y');
  });

  it('is two sockets in a directory, or two named pipes', () => {
    assert.deepEqual(endpointIn('/run/xlat464', 'client-clat0', false).path, {
      read: '/run/xlat464/client-clat0.sock',
      admin: '/run/xlat464/client-clat0.admin',
    });
    assert.equal(endpointIn('C:\\x', 'client-clat0', true).path.read, '\\\\.\\pipe\\xlat464-client-clat0.sock');
  });

  it('is looked for in the chosen directory alone, or the system’s and the user’s own', () => {
    const at = (env: Record<string, string>, uid: number) => controlDirectories({ env, uid });
    assert.deepEqual(at({ XLAT464_STATE_DIR: '/x' }, 1000), ['/x']);
    assert.deepEqual(at({}, 0), ['/run/xlat464']);
    assert.deepEqual(at({ XDG_RUNTIME_DIR: '/run/user/1000' }, 1000), ['/run/xlat464', '/run/user/1000/xlat464-1000']);
  });

  it('is not looked for where another user could answer', (t) => {
    const runtime = mkdtempSync(join(tmpdir(), 'x464-endpoint-'));
    t.after(() => rmSync(runtime, { recursive: true }));
    const uid = process.getuid?.() || 1000;
    const own = join(runtime, `xlat464-${uid}`);
    const look = () => controlDirectories({ env: { XDG_RUNTIME_DIR: runtime }, uid });
    mkdirSync(own, { mode: 0o700 });
    chownSync(own, uid, -1);
    assert.deepEqual(look(), ['/run/xlat464', own]);
    chmodSync(own, 0o770);
    assert.throws(look, { code: 'NOT_PERMITTED' });
    rmSync(own, { recursive: true });
    symlinkSync(runtime, own);
    assert.throws(look, { code: 'NOT_PERMITTED' });
  });
});

const event = (text: string) => ({ timeMs: 1, level: 'info', code: 'test', fields: {}, text });

describe('the event log', () => {
  it('numbers events, keeps the last hundred and cuts long texts', () => {
    const log = new EventLog();
    for (let i = 1; i <= 150; i++) log.add(event('x'.repeat(5000)));
    const kept = log.after(0);
    assert.deepEqual([kept.length, kept[0]?.number, kept.at(-1)?.number, kept[0]?.text.length], [100, 51, 150, 1000]);
    assert.deepEqual(
      log.after(148).map(({ number }) => number),
      [149, 150],
    );
  });
});

describe('the sampler', () => {
  it('sleeps until it is started, and after it is stopped', () => {
    const clock = new StillClock();
    let reads = 0;
    const read = () => {
      reads += 1;
      return SAMPLE.counters;
    };
    const sampler = new Sampler(clock, read, () => undefined);
    clock.advance(10_000);
    assert.deepEqual([reads, clock.pending], [0, 0]);
    sampler.start();
    clock.advance(250);
    assert.equal(reads, 2);
    assert.equal(sampler.rates?.packetsIn.ipv4, 0);
    clock.advance(3000);
    assert.equal(reads, 5);
    sampler.stop();
    clock.advance(10_000);
    assert.deepEqual([reads, clock.pending, sampler.rates], [5, 0, null]);
  });

  it('has no rates without a data path', () => {
    const clock = new StillClock();
    const sampler = new Sampler(
      clock,
      () => null,
      () => undefined,
    );
    sampler.start();
    clock.advance(5000);
    assert.equal(sampler.rates, null);
  });
});

describe('a subscription', () => {
  interface Subject {
    readonly clock: StillClock;
    readonly events: EventLog;
    readonly feed: Feed;
    readonly sent: EventParams<'changed'>[];
    status: Status;
  }

  function subject(changesPerSecond: number): Subject {
    const clock = new StillClock();
    const events = new EventLog();
    const sent: EventParams<'changed'>[] = [];
    const send = (changes: EventParams<'changed'>): void => void sent.push(changes);
    const feed = new Feed({ read: () => made.status, events, clock, changesPerSecond, send });
    const made: Subject = { clock, events, feed, sent, status: SAMPLE };
    return made;
  }

  const state = (text: string) => ({ ...SAMPLE.state, text });

  it('begins with the whole snapshot and goes on with the sections that changed', () => {
    const made = subject(10);
    made.events.add(event('before'));
    const snapshot = made.feed.snapshot();
    assert.deepEqual(snapshot.status, SAMPLE);
    assert.equal(snapshot.events.length, 1);
    made.status = { ...SAMPLE, state: state('other') };
    made.events.add(event('after'));
    made.feed.wake();
    made.clock.advance(0);
    assert.deepEqual(made.sent, [{ status: { state: state('other') }, events: [{ ...event('after'), number: 2 }] }]);
  });

  it('says nothing where nothing changed', () => {
    const made = subject(10);
    made.feed.snapshot();
    made.feed.wake();
    made.clock.advance(5000);
    assert.deepEqual(made.sent, []);
  });

  it('tells at most so many changes a second, and the last of them always', () => {
    const made = subject(2);
    made.feed.snapshot();
    for (let i = 1; i <= 1000; i++) {
      made.status = { ...SAMPLE, state: state(`${i}`) };
      made.events.add(event(`${i}`));
      made.feed.wake();
      made.clock.advance(10);
    }
    made.clock.advance(1000);
    assert.ok(made.sent.length <= 22 && made.sent.length >= 18, `${made.sent.length} in ten seconds`);
    assert.equal(made.sent.at(-1)?.status.state?.text, '1000');
    const numbers = made.sent.flatMap(({ events }) => events.map(({ number }) => number));
    assert.deepEqual(
      numbers,
      Array.from({ length: 1000 }, (_, i) => i + 1),
    );
  });

  it('shows a flood by a gap in the numbers', () => {
    const made = subject(1);
    made.feed.snapshot();
    for (let i = 0; i < 500; i++) made.events.add(event('flood'));
    made.feed.wake();
    made.clock.advance(0);
    assert.deepEqual([made.sent[0]?.events.length, made.sent[0]?.events[0]?.number], [100, 401]);
  });

  it('is silent after its end', () => {
    const made = subject(10);
    made.feed.snapshot();
    made.status = { ...SAMPLE, state: state('other') };
    made.feed.wake();
    made.feed.close();
    made.feed.wake();
    made.clock.advance(5000);
    assert.deepEqual([made.sent, made.clock.pending], [[], 0]);
  });
});
