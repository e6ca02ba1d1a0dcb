// One question over real sockets, of this host with itself: what is waited past, for how long, and what is believed over TCP.

import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { it, type TestContext } from 'node:test';
import dnsPacket, { type Packet } from 'dns-packet';
import { systemClock } from '../../src/discovery/clock.ts';
import { exchange } from '../../src/discovery/dns-exchange.ts';
import type { DnsReading } from '../../src/discovery/dns-message.ts';

const LOOPBACK = '127.0.0.1';
/** Datagrams that are looked at for one question. */
const LOOKED_AT = 64;

/** What a server sends for a query, message by message. */
type Answers = (query: Packet) => readonly Buffer[];

const respond = (query: Packet, changes: Partial<Packet> = {}): Buffer =>
  dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: 0x180,
    questions: query.questions ?? [],
    answers: [{ type: 'AAAA', name: 'ipv4only.arpa', ttl: 600, data: '64:ff9b::c000:aa' }],
    ...changes,
  });
const foreign = (query: Packet): Buffer => respond(query, { id: ((query.id ?? 0) + 1) & 0xffff });
const truncated = (query: Packet): Buffer => respond(query, { flags: 0x380, answers: [] });

/** A server on UDP and TCP at the same port, until the test ends. @returns the port */
async function serve(t: TestContext, overUdp: Answers, overTcp: Answers): Promise<number> {
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined); // whoever asked has gone
    socket.once('data', (bytes) => {
      for (const message of overTcp(dnsPacket.decode(bytes.subarray(2)))) {
        socket.write(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]));
      }
    });
  });
  t.after(() => tcp.close());
  await once(tcp.listen(0, LOOPBACK), 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4');
  t.after(() => udp.close());
  udp.on('message', (bytes, from: RemoteInfo) => {
    for (const answer of overUdp(dnsPacket.decode(bytes))) udp.send(answer, from.port, from.address);
  });
  udp.bind(port, LOOPBACK);
  await once(udp, 'listening');
  return port;
}

/** Asks it. */
function ask(port: number): Promise<DnsReading> {
  const context = {
    clock: systemClock,
    link: { name: 'lo', index: 1 },
    tieToLink: () => undefined, // the loopback interface needs no tie
    connectTcp: (_link: object, address: string, to: number) => connect(to, address),
    randomId: () => 0x1234,
  };
  return new Promise((resolve) => {
    exchange({ address: LOOPBACK, port, source: 'resolv.conf' }, 60_000, context, resolve);
  });
}

const none: Answers = () => [];
const times = (count: number, message: Buffer): Buffer[] => Array.from({ length: count }, () => message);

it('D-06 waits past forged answers for the real one, but not past any number of them', async (t) => {
  const few: Answers = (query) => [...times(LOOKED_AT - 1, foreign(query)), respond(query)];
  assert.equal((await ask(await serve(t, few, none))).kind, 'prefixes');
  const many: Answers = (query) => [...times(LOOKED_AT, foreign(query)), respond(query)];
  const why = 'nothing but foreign answers';
  assert.deepEqual(await ask(await serve(t, many, none)), { kind: 'failed', why });
});

it('D-06 over TCP the first message is the answer: a foreign or truncated one is a failure', async (t) => {
  const cut: Answers = (query) => [truncated(query)];
  assert.equal((await ask(await serve(t, cut, (query) => [respond(query)]))).kind, 'prefixes');
  for (const nonsense of [foreign, truncated]) {
    const port = await serve(t, cut, (query) => [nonsense(query)]);
    assert.deepEqual(await ask(port), { kind: 'failed', why: 'nonsense over TCP' });
  }
});
