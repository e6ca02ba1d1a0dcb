// A DNS server that answers AAAA ipv4only.arpa wrongly, or rightly after all, in a way that its address is told at the start:
// `node dns-liar.js '{"2001:db8:1::1": "nxdomain", …}'`. Each address is served on UDP and TCP port 53.

import { createSocket, type RemoteInfo } from 'node:dgram';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import dnsPacket, { type Answer, type Packet } from 'dns-packet';
import { type Netns, type Running, waitFor } from './netns.ts';

/** What a server does. */
export type Lie =
  | 'good'
  | 'nxdomain'
  | 'empty'
  | 'servfail'
  | 'hijack'
  /** Wrong ID, wrong question, garbage and another source port; then the right answer. */
  | 'spoofed'
  /** The same without the right answer. */
  | 'only-spoofed'
  /** Truncated over UDP, right over TCP. */
  | 'truncated'
  /** Truncated over UDP, garbage over TCP. */
  | 'truncated-garbage'
  /** A hundred AAAA, the right two among them, over TCP. */
  | 'huge'
  | 'silent';

/** Servers by address. */
export type Lies = Readonly<Record<string, Lie>>;

const PORT = 53;
const PREFIX = '2001:db8:64::';
const EVIL = '2001:db8:bad::';

const aaaa = (data: string): Answer => ({ type: 'AAAA', name: 'ipv4only.arpa', ttl: 600, data });
const synthesised = (prefix: string): Answer[] => [aaaa(`${prefix}c000:aa`), aaaa(`${prefix}c000:ab`)];
const filler = Array.from({ length: 60 }, (_, i) => aaaa(`2001:db8:f::${i.toString(16)}`));

function respond(query: Packet, changes: Partial<Packet>): Buffer {
  const { id = 0, questions = [] } = query;
  return dnsPacket.encode({ type: 'response', id, flags: 0x180, questions, answers: synthesised(PREFIX), ...changes });
}

/** The forged answers: none of them is to be believed. */
const forgeries = (query: Packet): Buffer[] => [
  respond(query, { id: ((query.id ?? 0) + 1) & 0xffff, answers: synthesised(EVIL) }),
  respond(query, { questions: [{ type: 'AAAA', name: 'example.org' }], answers: synthesised(EVIL) }),
  respond(query, { type: 'query', answers: synthesised(EVIL) }),
  Buffer.from('garbage'),
  Buffer.alloc(0),
];

/** Datagrams of an answer, in their order. */
function udpAnswers(query: Packet, lie: Lie): Buffer[] {
  switch (lie) {
    case 'good':
      return [respond(query, {})];
    case 'nxdomain':
      return [respond(query, { flags: 0x183, answers: [] })];
    case 'empty':
      return [respond(query, { answers: [] })];
    case 'servfail':
      return [respond(query, { flags: 0x182, answers: [] })];
    case 'hijack':
      return [respond(query, { answers: [aaaa(`${EVIL}1`)] })];
    case 'spoofed':
      return [...forgeries(query), respond(query, {})];
    case 'only-spoofed':
      return forgeries(query);
    case 'truncated':
    case 'truncated-garbage':
    case 'huge':
      return [respond(query, { flags: 0x380, answers: synthesised(EVIL) })];
    case 'silent':
      return [];
  }
}

function tcpAnswer(query: Packet, lie: Lie): Buffer {
  if (lie === 'truncated-garbage') return Buffer.from('garbage');
  return respond(query, { answers: lie === 'huge' ? [...filler, ...synthesised(PREFIX)] : synthesised(PREFIX) });
}

function serve(address: string, lie: Lie): void {
  const udp = createSocket('udp6');
  const stranger = createSocket('udp6');
  udp.on('message', (bytes, from: RemoteInfo) => {
    const query = dnsPacket.decode(bytes);
    if (lie === 'spoofed' || lie === 'only-spoofed') {
      stranger.send(respond(query, { answers: synthesised(EVIL) }), from.port, from.address);
    }
    for (const answer of udpAnswers(query, lie)) udp.send(answer, from.port, from.address);
  });
  udp.bind(PORT, address);
  const tcp = createServer((socket) => {
    socket.on('error', () => undefined); // whoever asked has gone
    socket.once('data', (bytes) => {
      const message = tcpAnswer(dnsPacket.decode(bytes.subarray(2)), lie);
      socket.end(Buffer.concat([Buffer.of(message.length >> 8, message.length & 0xff), message]));
    });
  });
  tcp.listen(PORT, address);
}

const PROGRAM = fileURLToPath(import.meta.url);

/** Starts the servers in a namespace, whose addresses are there already, and waits until they listen. */
export async function startLiars(ns: Netns, lies: Lies): Promise<Running> {
  const running = await ns.start([process.execPath, PROGRAM, JSON.stringify(lies)]);
  await waitFor('the DNS servers', async () => {
    if (running.hasEnded()) throw new Error(running.output());
    const sockets = await ns.run(['ss', '-Hlntu', 'sport', '=', `:${PORT}`]);
    return sockets.split('\n').filter(Boolean).length >= Object.keys(lies).length * 2;
  });
  return running;
}

if (process.argv[1] === PROGRAM) {
  for (const [address, lie] of Object.entries(JSON.parse(process.argv[2] ?? '{}') as Lies)) serve(address, lie);
}
