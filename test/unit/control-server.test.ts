// The control server over real sockets: who may do what, and clients that mean no good. The daemon behind it is pretended.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import type { XlatError } from '../../src/contract/errors.ts';
import { connectTo } from '../../src/control/client.ts';
import { endpointIn, findEndpoints } from '../../src/control/endpoint.ts';
import { follow } from '../../src/control/follow.ts';
import { CONNECTION_LIMIT, openControlServer } from '../../src/control/server.ts';
import { HELLO, PretendedDaemon, raw, requestLine, SAMPLE, type Served, scratch, serve } from '../support/control.ts';
import { waitFor } from '../support/netns.ts';

const failsWith =
  (code: string, said = /./) =>
  (error: XlatError) =>
    error.code === code && said.test(error.message);

/** Whether the server still answers. */
async function isAnswering({ endpoint }: Served): Promise<boolean> {
  const connection = await connectTo(endpoint, 'read', 'test');
  const { status } = await connection.call('status', {});
  connection.close();
  return status.daemon.pid === SAMPLE.daemon.pid;
}

const open = (t: TestContext, { endpoint }: Served, access: 'read' | 'admin') =>
  connectTo(endpoint, access, 'test').then((connection) => {
    t.after(() => connection.close());
    return connection;
  });

describe('the control server', () => {
  it('greets with its name, version and what this connection may do', async (t) => {
    const { hello } = await open(t, await serve(t), 'read');
    assert.deepEqual(hello, {
      protocol: { major: 1, minor: 0 },
      version: '0.1.0',
      role: 'client',
      name: 'client-clat0',
      access: 'read',
    });
  });

  it('gives the snapshot with the events so far, and then what changes', async (t) => {
    const served = await serve(t);
    served.daemon.events.add({ timeMs: 1, level: 'info', code: 'client-ready', fields: {}, text: 'first' });
    const connection = await open(t, served, 'read');
    const change = new Promise<string | undefined>((resolve) => {
      void follow(connection, 10, ({ status, events }) => resolve(`${status.state.text} ${events.at(-1)?.text}`)).then(
        (snapshot) => {
          assert.deepEqual(
            [snapshot.status.prefix, snapshot.events.map(({ text }) => text)],
            [SAMPLE.prefix, ['first']],
          );
          served.daemon.current = { ...SAMPLE, state: { ...SAMPLE.state, text: 'changed' } };
          served.daemon.events.add({ timeMs: 2, level: 'warn', code: 'uplink-lost', fields: {}, text: 'second' });
        },
      );
    });
    assert.equal(await change, 'changed second');
  });

  it('reads no counters while nobody is subscribed', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'read');
    await connection.call('subscribe', {});
    connection.close();
    await connection.closed;
    await isAnswering(served);
    const before = served.daemon.statusReads;
    await isAnswering(served);
    assert.equal(served.daemon.statusReads, before + 1);
  });

  it('lets everyone read and only its owner change things, by the sockets’ permissions', async (t) => {
    const { endpoint } = await serve(t);
    assert.equal(statSync(endpoint.path.read).mode & 0o777, 0o666);
    assert.ok([0o600, 0o660].includes(statSync(endpoint.path.admin).mode & 0o777));
  });

  it('refuses a changing method on the reading socket, with what to do', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'read');
    for (const method of ['stop', 'reload', 'up', 'down', 'capture.start'] as const) {
      await assert.rejects(connection.call(method, {}), failsWith('NOT_PERMITTED', /root and the group xlat464/));
    }
    assert.equal(served.daemon.stops, 0);
  });

  it('stops and reloads the daemon for an administrator', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'admin');
    assert.deepEqual(await connection.call('reload', {}), { isReloaded: false, problems: ['this is for a test'] });
    await connection.call('stop', {});
    // The answer goes out before the daemon is told.
    await waitFor('the stop', () => served.daemon.stops === 1);
    await isAnswering(served);
  });

  it('switches a client for an administrator', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'admin');
    await connection.call('down', {});
    assert.equal(served.daemon.isOn, false);
    await connection.call('up', {});
    assert.equal(served.daemon.isOn, true);
  });

  it('says why when the two ends speak different protocols', async (t) => {
    const { endpoint } = await serve(t);
    const { socket, line } = await raw(t, endpoint.path.read);
    socket.write(requestLine(1, 'hello', { protocol: { major: 9, minor: 0 }, something: 'new' }));
    const { error } = (await line(1)) as { error: { message: string; data: { code: string } } };
    assert.equal(error.data.code, 'PROTOCOL_MISMATCH');
    assert.match(error.message, /speaks control protocol 1, this program 9; .*restart it/);
  });

  it('tells a program that is older than the daemon so', async (t) => {
    const path = endpointIn(scratch(t), 'x').path.read;
    const daemon = createServer((socket) => {
      const hello = { protocol: { major: 2, minor: 0 }, version: '2.0.0', role: 'r', name: 'x', access: 'read' };
      socket.on('error', () => undefined);
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result: hello })}\n`);
    }).listen(path);
    t.after(() => daemon.close());
    await once(daemon, 'listening');
    const connecting = connectTo({ name: 'x', path: { read: path, admin: path } }, 'read', 'test');
    await assert.rejects(connecting, failsWith('PROTOCOL_MISMATCH', /this program is the older one: update it/));
  });

  it('wants hello first, a known method, and parameters that fit', async (t) => {
    const { endpoint } = await serve(t);
    const { socket, line } = await raw(t, endpoint.path.read);
    const codeOf = async (count: number) => ((await line(count)).error as { code: number }).code;
    socket.write(requestLine(1, 'status'));
    assert.equal(await codeOf(1), -32600);
    socket.write(HELLO + requestLine(2, 'make.coffee') + requestLine(3, 'subscribe', { changesPerSecond: 1e9 }));
    assert.equal(await codeOf(3), -32601);
    assert.equal(await codeOf(4), -32602);
    socket.write(requestLine(4, '__proto__') + requestLine(5, 'status', { later: 1 }));
    assert.equal(await codeOf(5), -32601);
    assert.equal(await codeOf(6), -32602);
  });

  it('says goodbye to all when it ends, and removes its sockets', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'read');
    await served.server.close();
    assert.equal(await connection.closed, 'the daemon ends');
    assert.ok(!existsSync(served.endpoint.path.read) && !existsSync(served.endpoint.path.admin));
  });
});

describe('a hostile client', () => {
  const garbage: readonly (readonly [string, string | Buffer])[] = [
    ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x0a])],
    ['HTTP', 'GET / HTTP/1.1\r\n\r\n'],
    ['a batch', `[${requestLine(1, 'status').trim()}]\n`],
    ['JSON that is no request', '{"jsonrpc":"2.0","id":{},"method":"hello"}\n'],
    ['an old JSON-RPC', '{"id":1,"method":"hello"}\n'],
    ['nothing but brackets', `${'['.repeat(500_000)}\n`],
  ];
  for (const [what, bytes] of garbage) {
    it(`that sends ${what} gets one error and is shown the door`, async (t) => {
      const served = await serve(t);
      const { socket, lines, ended } = await raw(t, served.endpoint.path.read);
      socket.write(bytes);
      await ended;
      assert.equal(lines.length, 1);
      assert.match(JSON.stringify(lines[0]), /"code":-32[67]00/);
      assert.ok(await isAnswering(served));
    });
  }

  it('that sends a message without an end is cut off at the limit', async (t) => {
    const served = await serve(t);
    const { socket, lines, ended } = await raw(t, served.endpoint.path.read);
    const send = (): void => {
      while (socket.writable && socket.write(Buffer.alloc(65_536, 0x20)));
    };
    socket.on('drain', send);
    send();
    await ended;
    const closing = lines.find(({ method }) => method === 'closing') as { params: { reason: string } } | undefined;
    assert.ok(closing === undefined || closing.params.reason === 'too-large'); // cut off in the middle of writing, it may not read why
    assert.ok(await isAnswering(served));
  });

  it('that asks and never reads is dropped, and costs bounded memory', async (t) => {
    const served = await serve(t);
    const { socket, ended } = await raw(t, served.endpoint.path.read);
    socket.pause();
    const asked = HELLO + requestLine(1, 'status').repeat(20_000);
    socket.write(asked);
    // The answers would be 60 MB. What it gets in the end is what was on its way.
    assert.ok(await isAnswering(served));
    socket.resume();
    await ended;
    assert.ok(served.daemon.statusReads < 10_000, `${served.daemon.statusReads} answers were made`);
  });

  it('that subscribes and never reads is dropped, and who reads is not', async (t) => {
    const served = await serve(t);
    const hanging = await raw(t, served.endpoint.path.read);
    hanging.socket.write(HELLO + requestLine(1, 'subscribe', { changesPerSecond: 10 }));
    await hanging.line(2);
    hanging.socket.pause();
    const reading = await raw(t, served.endpoint.path.read);
    reading.socket.write(HELLO + requestLine(1, 'subscribe', { changesPerSecond: 10 }));
    const fields = { large: 'x'.repeat(8000) };
    for (let change = 1; change <= 5; change++) {
      for (let i = 0; i < 100; i++) {
        served.daemon.events.add({ timeMs: 1, level: 'info', code: 'flood', fields, text: 'flood' });
      }
      await reading.line(2 + change); // 800 kB each, in the same moment as to the one that hangs
    }
    hanging.socket.resume();
    await hanging.ended;
    assert.ok(hanging.lines.length < 2 + 5, `${hanging.lines.length} lines came`);
    assert.ok(reading.socket.writable);
  });

  it('that goes away in the middle of a message or an answer is forgotten', async (t) => {
    const served = await serve(t);
    for (let i = 0; i < 20; i++) {
      const { socket, line } = await raw(t, served.endpoint.path.read);
      socket.write(HELLO + requestLine(1, 'subscribe') + requestLine(2, 'status').slice(0, 1 + i));
      if (i % 2 === 0) await line(1);
      socket.destroy();
    }
    assert.ok(await isAnswering(served));
  });

  it('that comes by the hundred finds a limit, and administrators still get in', async (t) => {
    const served = await serve(t);
    const crowd = await Promise.all(Array.from({ length: CONNECTION_LIMIT }, () => raw(t, served.endpoint.path.read)));
    const late = await Promise.all(Array.from({ length: 300 }, () => raw(t, served.endpoint.path.read)));
    await Promise.all(late.map(({ ended }) => ended));
    const told = late.filter(({ lines }) => JSON.stringify(lines[0] ?? '').includes('too-many'));
    assert.ok(told.length > 0);
    await assert.rejects(connectTo(served.endpoint, 'read', 'test'));
    const admin = await open(t, served, 'admin');
    assert.equal((await admin.call('status', {})).status.daemon.pid, SAMPLE.daemon.pid);
    for (const { socket } of crowd) socket.destroy();
    // As soon as the server has heard of it, there is room again.
    while (!(await isAnswering(served).catch(() => false)));
  });
});

describe('a capture', () => {
  const bytes = Uint8Array.from({ length: 700_000 }, (_, i) => i * 7);

  it('arrives byte for byte, with the counts, before the answer to its stop', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'admin');
    const pieces: Buffer[] = [];
    connection.on('captured', (piece) => pieces.push(Buffer.from(piece.bytes, 'base64')));
    await connection.call('capture.start', {});
    const done = new Promise<void>((resolve) =>
      served.daemon.receiver?.append(bytes, { recorded: 5, lost: 1 }, resolve),
    );
    assert.deepEqual(await connection.call('capture.stop', {}), { recorded: 5, lost: 2 });
    await done;
    assert.deepEqual(Buffer.concat(pieces), Buffer.from(bytes));
  });

  it('ends with its connection, and gives back what it held', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'admin');
    await connection.call('capture.start', {});
    const { receiver } = served.daemon;
    connection.pause();
    const done = Promise.all(
      Array.from(
        { length: 8 },
        () => new Promise<void>((resolve) => receiver?.append(bytes, { recorded: 1, lost: 0 }, resolve)),
      ),
    );
    connection.close();
    await done;
    await isAnswering(served);
    assert.equal(served.daemon.capturesStopped, 1);
  });

  it('is one per connection', async (t) => {
    const connection = await open(t, await serve(t), 'admin');
    await assert.rejects(connection.call('capture.stop', {}), failsWith('USAGE', /captures nothing/));
    await connection.call('capture.start', {});
    await assert.rejects(connection.call('capture.start', {}), failsWith('USAGE', /captures already/));
  });

  it('that its data path ends tells so, after everything else', async (t) => {
    const served = await serve(t);
    const connection = await open(t, served, 'admin');
    let size = 0;
    connection.on('captured', (piece) => {
      size += Buffer.from(piece.bytes, 'base64').length;
    });
    const end = new Promise<object>((resolve) => connection.on('captureEnded', resolve));
    await connection.call('capture.start', {});
    served.daemon.receiver?.append(bytes, { recorded: 9, lost: 0 }, () => undefined);
    await served.daemon.receiver?.close();
    assert.deepEqual(await end, { recorded: 9, lost: 0, reason: 'data-path-ended' });
    assert.equal(size, bytes.length);
  });

  it('ends by itself after the time that was asked for', async (t) => {
    const connection = await open(t, await serve(t), 'admin');
    const end = new Promise<object>((resolve) => connection.on('captureEnded', resolve));
    await connection.call('capture.start', { durationMs: 1 });
    assert.deepEqual(await end, { recorded: 5, lost: 2, reason: 'duration' });
  });
});

describe('a socket that is there already', () => {
  it('of a killed daemon is replaced', async (t) => {
    const daemon = new PretendedDaemon();
    const endpoint = endpointIn(scratch(t), daemon.name);
    const hold = `for (const p of ${JSON.stringify(Object.values(endpoint.path))}) require('node:net').createServer().listen(p, () => console.log(p))`;
    const child = spawn(process.execPath, ['-e', hold], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    while (!existsSync(endpoint.path.read) || !existsSync(endpoint.path.admin)) await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'close');
    assert.ok(existsSync(endpoint.path.read));
    const server = await openControlServer(endpoint, daemon);
    t.after(() => server.close());
    assert.ok(await isAnswering({ daemon, endpoint, server }));
  });

  it('of a living daemon is left alone', async (t) => {
    const served = await serve(t);
    await assert.rejects(
      openControlServer(served.endpoint, new PretendedDaemon()),
      failsWith('ALREADY_RUNNING', /another daemon listens/),
    );
    assert.ok(await isAnswering(served));
  });

  it('and is no socket is left alone', async (t) => {
    const endpoint = endpointIn(scratch(t), 'x');
    writeFileSync(endpoint.path.read, 'mine');
    await assert.rejects(openControlServer(endpoint, new PretendedDaemon()), failsWith('CONTROL_FAILED'));
    assert.ok(existsSync(endpoint.path.read) && !existsSync(endpoint.path.admin));
  });

  it('cannot be made where its path is too long, and the error says what to do', async (t) => {
    const endpoint = endpointIn(`${scratch(t)}/${'d'.repeat(100)}`, 'x');
    const opening = openControlServer(endpoint, new PretendedDaemon());
    await assert.rejects(opening, (error: XlatError) => /shorter directory/.test(error.advice ?? ''));
  });
});

describe('finding daemons', () => {
  it('lists those of a directory, and none where there is none', async (t) => {
    const { endpoint } = await serve(t);
    const directory = endpoint.path.read.slice(0, -'/client-clat0.sock'.length);
    assert.deepEqual(findEndpoints([directory, `${directory}/nothing`]), [endpoint]);
  });
});
