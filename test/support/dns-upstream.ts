// A resolver for tests that answers as it was told at the start, encoded by dns-packet: `node dns-upstream.js ADDRESS ZONE…`. It writes
// one line for each query that it gets, so that tests can count them: `udp AAAA web.example do=0 cd=0`.

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import dnsPacket, { type Answer, type DecodedPacket } from 'dns-packet';
import { type Netns, type Running, waitFor } from './netns.ts';

/** What there is for one question, keyed by `TYPE name`. */
export interface Entry {
  readonly answers?: readonly Answer[];
  readonly authorities?: readonly Answer[];
  readonly rcode?: number;
  /** Sets AD. */
  readonly isAuthentic?: boolean;
  /** SERVFAIL unless CD=1, as a validator answers for bogus data. */
  readonly isBogus?: boolean;
  readonly isSilent?: boolean;
  /** Sends answers with another ID, another question, another address, and garbage before the right one. */
  readonly isForged?: boolean;
  /** Answers over UDP with wrong IDs alone, this many. */
  readonly guesses?: number;
  /** TC over UDP. */
  readonly isTruncated?: boolean;
  readonly delayMs?: number;
}

/** A zone; a name that it does not have is NXDOMAIN, a type that the name does not have is no data. */
export interface Zone {
  /** TTL of the SOA record and its MINIMUM; null: negative answers have no SOA. */
  readonly soa: readonly [ttl: number, minimum: number] | null;
  readonly entries: Readonly<Record<string, Entry>>;
  /** TLS on the stream side: files of key and certificate. */
  readonly tls?: { readonly key: string; readonly certificate: string };
  /** FORMERR for queries with OPT. */
  readonly isWithoutEdns?: boolean;
}

const NXDOMAIN = 3;
const SERVFAIL = 2;

const soaOf = (zone: Zone): Answer[] => {
  if (zone.soa === null) return [];
  const [ttl, minimum] = zone.soa;
  const numbers = { serial: 1, refresh: 3600, retry: 600, expire: 86400, minimum };
  return [{ type: 'SOA', name: 'example', ttl, data: { mname: 'ns.example', rname: 'root.example', ...numbers } }];
};

interface Asked {
  readonly name: string;
  readonly type: string;
  readonly isUnchecked: boolean;
  readonly isDnssecOk: boolean;
  readonly hasEdns: boolean;
}

function read(query: DecodedPacket): Asked {
  const [question] = query.questions ?? [];
  const opt = query.additionals?.find((record) => record.type === 'OPT');
  return {
    name: question?.name ?? '',
    type: String(question?.type),
    isUnchecked: query.flag_cd,
    isDnssecOk: opt?.type === 'OPT' && opt.flag_do,
    hasEdns: opt !== undefined,
  };
}

function entryOf(zone: Zone, { name, type, isUnchecked, hasEdns }: Asked): Entry {
  if (zone.isWithoutEdns === true && hasEdns) return { rcode: 1 };
  const lower = name.toLowerCase();
  const known = Object.keys(zone.entries).filter((key) => key.split(' ')[1]?.toLowerCase() === lower);
  const found = zone.entries[known.find((key) => key.startsWith(`${type} `) || key.startsWith('* ')) ?? ''];
  if (found === undefined) return { rcode: known.length === 0 ? NXDOMAIN : 0, authorities: soaOf(zone) };
  if (found.isBogus === true && !isUnchecked) return { rcode: SERVFAIL };
  const isData = found.answers?.some((record) => record.type === type) === true;
  return isData || found.authorities !== undefined ? found : { ...found, authorities: soaOf(zone) };
}

function encode(
  query: DecodedPacket,
  entry: Entry,
  changes: Partial<Parameters<typeof dnsPacket.encode>[0]> = {},
): Buffer {
  const flags = dnsPacket.RECURSION_AVAILABLE | (entry.rcode ?? 0) | (entry.isAuthentic === true ? 0x20 : 0);
  return dnsPacket.encode({
    type: 'response',
    id: query.id ?? 0,
    flags: flags | ((query.flags ?? 0) & 0x110),
    questions: query.questions ?? [],
    answers: [...(entry.answers ?? [])],
    authorities: [...(entry.authorities ?? [])],
    ...changes,
  });
}

const EVIL: Entry = { answers: [{ type: 'AAAA', name: 'forged.example', ttl: 600, data: '2001:db8:bad::1' }] };

const forgeries = (query: DecodedPacket): Buffer[] => [
  encode(query, EVIL, { id: ((query.id ?? 0) + 1) & 0xffff }),
  encode(query, EVIL, { questions: [{ type: 'AAAA', name: 'other.example' }] }),
  encode(query, EVIL, { type: 'query' }),
  Buffer.from('garbage'),
];

function note(kind: string, asked: Asked): void {
  const bit = (truth: boolean): number => (truth ? 1 : 0);
  console.log(`${kind} ${asked.type} ${asked.name} do=${bit(asked.isDnssecOk)} cd=${bit(asked.isUnchecked)}`);
}

function serve(address: string, port: number, zone: Zone): void {
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const stranger = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  udp.on('message', (bytes, from) => {
    const query = dnsPacket.decode(bytes);
    const asked = read(query);
    note('udp', asked);
    const entry = entryOf(zone, asked);
    if (entry.isSilent === true) return;
    for (let i = 1; i <= (entry.guesses ?? 0); i++) {
      udp.send(encode(query, EVIL, { id: ((query.id ?? 0) + i) & 0xffff }), from.port, from.address);
    }
    if (entry.guesses !== undefined) return;
    if (entry.isForged === true) {
      stranger.send(encode(query, EVIL), from.port, from.address);
      for (const forged of forgeries(query)) udp.send(forged, from.port, from.address);
    }
    const reply = entry.isTruncated === true ? encode(query, {}, { flags: 0x380 }) : encode(query, entry);
    setTimeout(() => udp.send(reply, from.port, from.address), entry.delayMs ?? 0);
  });
  udp.bind(port, address);
  const { tls } = zone;
  const take = (socket: Socket): void => serveStream(socket, zone);
  const server =
    tls === undefined
      ? createServer(take)
      : createTlsServer({ key: readFileSync(tls.key), cert: readFileSync(tls.certificate) }, take);
  server.listen(port, address);
}

function serveStream(socket: Socket, zone: Zone): void {
  let kept = Buffer.alloc(0);
  socket.on('error', () => undefined); // whoever asked has gone
  socket.on('data', (chunk) => {
    kept = Buffer.concat([kept, chunk]);
    while (kept.length >= 2 && kept.length >= 2 + kept.readUInt16BE(0)) {
      const query = dnsPacket.decode(kept.subarray(2));
      kept = kept.subarray(2 + kept.readUInt16BE(0));
      const asked = read(query);
      note('tcp', asked);
      const reply = encode(query, entryOf(zone, asked));
      socket.write(Buffer.concat([Buffer.of(reply.length >> 8, reply.length & 0xff), reply]));
    }
  });
}

const PROGRAM = fileURLToPath(import.meta.url);

/** Starts one in a namespace, whose address is there already. */
export async function startUpstream(ns: Netns, address: string, zone: Zone, port = 53): Promise<Running> {
  const running = await ns.start([process.execPath, PROGRAM, address, String(port), JSON.stringify(zone)]);
  await waitFor('the upstream resolver', async () => {
    if (running.hasEnded()) throw new Error(running.output());
    const sockets = await ns.run([
      'ss',
      '-Hlntu',
      'src',
      address.includes(':') ? `[${address}]` : address,
      'sport',
      '=',
      `:${port}`,
    ]);
    return sockets.split('\n').filter(Boolean).length >= 2;
  });
  return running;
}

/** The queries that it got, in their order. */
export const queriesOf = (upstream: Running): string[] => upstream.output().split('\n').filter(Boolean);

if (process.argv[1] === PROGRAM) {
  const [, , address = '', port = '53', zone = '{}'] = process.argv;
  serve(address, Number(port), JSON.parse(zone) as Zone);
}
