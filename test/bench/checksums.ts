// Checks that what was measured was also right: transfers are compared byte by byte, and no end may have seen a wrong
// checksum. veth hides checksum errors unless checksums are made and read for real, so each is also run with that on.

import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type Netns, waitFor } from '../support/netns.ts';
import { type EndOffload, setEndOffload, type Topology } from './topology.ts';
import type { Direction } from './traffic.ts';
import type { Variant } from './variants.ts';

/** One transfer. */
export interface CheckResult {
  readonly title: string;
  readonly isIntact: boolean;
  /** Packets that an end refused for their checksum while it ran. */
  readonly badChecksums: number;
}

const TCP_BYTES = 32 * 1024 * 1024;
const TCP_PORT = 5301;
const UDP_PORT = 5302;
const UDP_PAYLOAD = 200;
const UDP_BURST = 16;
const UDP_BURSTS = 500;

const MODES: readonly (EndOffload & { readonly title: string })[] = [
  { title: 'checksums made, super-packets', segmentation: true, checksum: false },
  { title: 'checksums made, single packets', segmentation: false, checksum: false },
  { title: 'checksums left open, super-packets', segmentation: true, checksum: true },
  { title: 'checksums left open, single packets', segmentation: false, checksum: true },
];

/** Sends bursts with UDP_SEGMENT, in steps that no queue overflows; each datagram holds its number. */
const UDP_SENDER = `
import socket, sys, time
host, port, payload, burst, bursts = sys.argv[1], *map(int, sys.argv[2:])
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 103, payload)
s.connect((host, port))
for i in range(bursts):
    s.send(b''.join((i * burst + k).to_bytes(4, 'big') * (payload // 4) for k in range(burst)))
    time.sleep(0.001)
`;

/** Receives until all have come or none has for two seconds; prints how many were whole and in their place once. */
const UDP_RECEIVER = `
import socket, sys
family, port, payload, count = sys.argv[1], *map(int, sys.argv[2:])
s = socket.socket(socket.AF_INET6 if family == '6' else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
s.bind(('::' if family == '6' else '0.0.0.0', port))
s.settimeout(10)
print('listening', flush=True)
seen = set()
try:
    while len(seen) < count:
        data = s.recv(65536)
        s.settimeout(2)
        if len(data) == payload and data == data[:4] * (payload // 4): seen.add(data[:4])
except socket.timeout:
    pass
print('received', len(seen), flush=True)
`;

/** Runs all transfers in all modes, both ways. Leaves the ends as the last mode set them. */
export async function checkChecksums(topology: Topology, variants: readonly Variant[]): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const mode of MODES) {
    await setEndOffload(topology, mode);
    for (const variant of variants) {
      for (const direction of ['up', 'down'] as const) {
        for (const [protocol, transfer] of [
          ['TCP', transferTcp],
          ['UDP', transferUdp],
        ] as const) {
          const before = await badChecksums(topology);
          const isIntact = await transfer(topology, variant, direction);
          const after = await badChecksums(topology);
          const title = `${variant.title}, ${protocol} ${direction}, ${mode.title}`;
          results.push({ title, isIntact, badChecksums: after - before });
        }
      }
    }
  }
  return results;
}

/** TcpInCsumErrors, UdpInCsumErrors, Udp6InCsumErrors, IcmpInCsumErrors, … of both ends. */
async function badChecksums({ sender, receiver }: Topology): Promise<number> {
  let total = 0;
  for (const end of [sender, receiver]) {
    const text = await end.run(['nstat', '-a', '-s', '-z']);
    for (const [, count] of text.matchAll(/^\w*InCsumErrors\s+(\d+)/gm)) total += Number(count);
  }
  return total;
}

/** One file over one connection, opened by the sender; "down" lets the receiver send on it. */
async function transferTcp(topology: Topology, variant: Variant, direction: Direction): Promise<boolean> {
  const { set, sender, receiver } = topology;
  const source = path.join(set.directory, 'source');
  const target = path.join(set.directory, 'target');
  writeFileSync(source, randomBytes(TCP_BYTES));
  const listen = `TCP-LISTEN:${TCP_PORT},reuseaddr`;
  const connect = `TCP6:[${variant.receiver}]:${TCP_PORT}`;
  const take = `CREATE:${target}`;
  const give = `OPEN:${source}`;
  const server = await receiver.start(['socat', '-u', ...(direction === 'up' ? [listen, take] : [give, listen])]);
  await waitForSocket(receiver, 't', TCP_PORT);
  await sender.run(['socat', '-u', ...(direction === 'up' ? [give, connect] : [connect, take])], { timeoutMs: 60_000 });
  await waitFor('the end of the transfer', () => server.hasEnded());
  return hashOf(source) === hashOf(target);
}

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

async function transferUdp(topology: Topology, variant: Variant, direction: Direction): Promise<boolean> {
  const [from, to] = direction === 'up' ? [topology.sender, topology.receiver] : [topology.receiver, topology.sender];
  const host = direction === 'up' ? variant.receiver : variant.sender;
  const family = direction === 'up' ? '4' : '6';
  const count = UDP_BURST * UDP_BURSTS;
  const numbers = (...values: number[]) => values.map(String);
  const taking = ['python3', '-c', UDP_RECEIVER, family, ...numbers(UDP_PORT, UDP_PAYLOAD, count)];
  const server = await to.start(taking);
  await waitFor('the UDP receiver', () => server.output().includes('listening'));
  await from.run(['python3', '-c', UDP_SENDER, host, ...numbers(UDP_PORT, UDP_PAYLOAD, UDP_BURST, UDP_BURSTS)]);
  const received = await waitFor(
    'the UDP receiver to count',
    () => /received (\d+)/.exec(server.output())?.[1],
    15_000,
  );
  await server.stop();
  return Number(received) === count;
}

async function waitForSocket(end: Netns, kind: 't' | 'u', port: number): Promise<void> {
  await waitFor(
    `port ${port}`,
    async () => (await end.run(['ss', `-Hln${kind}`, 'sport', '=', `:${port}`])).trim() !== '',
  );
}
