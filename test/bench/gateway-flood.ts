// New UDP sessions over a real interface: a small sender on a packet socket in the sender's namespace. Each datagram comes from a
// host and port that were not there before; as the payload holds their complements, its checksum is always the same.

import { END_DEVICE, type Topology } from './topology.ts';
import { arrivedPackets } from './traffic.ts';
import type { Way } from './variants.ts';

/** Hosts that the datagrams come from; then each takes its next port. */
const HOSTS = 4096;
const FIRST_PORT = 1024;

const SENDER = `
import socket, struct, sys, time
device, mac, remote = sys.argv[1:4]
first, count, rate = map(int, sys.argv[4:7])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
s.bind((device, 0))
source = socket.inet_pton(socket.AF_INET6, '2001:db8:1::1:0')
ip = struct.pack('!IHBB', 0x60000000, 12, 17, 64) + source + socket.inet_pton(socket.AF_INET6, remote)
udp = struct.pack('!HHHH', 0, 9, 12, 0) + b'\\xff\\xff\\xff\\xff'
total = sum(struct.unpack('!16H', ip[8:40])) + 12 + 17 + sum(struct.unpack('!6H', udp))
while total >> 16: total = (total & 0xffff) + (total >> 16)
frame = bytearray(bytes.fromhex(mac.replace(':', '')) + bytes(6) + b'\\x86\\xdd' + ip + udp)
struct.pack_into('!H', frame, 60, ~total & 0xffff or 0xffff)
host, port, check, send = struct.Struct('!H'), struct.Struct('!H'), struct.Struct('!HH'), s.send
start = time.monotonic()
for i in range(first, first + count):
    h, p = i % ${HOSTS}, ${FIRST_PORT} + i // ${HOSTS}
    host.pack_into(frame, 36, h)
    port.pack_into(frame, 54, p)
    check.pack_into(frame, 62, h ^ 0xffff, p ^ 0xffff)
    send(frame)
    if rate and i % 64 == 0:
        early = (i - first) / rate - (time.monotonic() - start)
        if early > 0: time.sleep(early)
print(time.monotonic() - start)
`;

/** What came of a flood. */
export interface Flood {
  readonly sent: number;
  /** Datagrams that arrived. */
  readonly arrived: number;
  readonly seconds: number;
}

/**
 * Opens sessions, one a datagram, from the sender's core 1.
 * @param first number of the first one: sessions differ where it differs
 * @param perSecond how fast; 0: as fast as it goes
 */
export async function openSessions(
  { sender, receiver }: Topology,
  { receiver: remote }: Way,
  { first, count, perSecond }: { readonly first: number; readonly count: number; readonly perSecond: number },
): Promise<Flood> {
  const mac = await routerMac(sender);
  const before = await arrivedPackets(receiver);
  const argv = ['python3', '-c', SENDER, END_DEVICE, mac, remote, ...[first, count, perSecond].map(String)];
  const seconds = Number(await sender.run(['taskset', '-c', '1', ...argv], { timeoutMs: 300_000 }));
  return { sent: count, arrived: (await arrivedPackets(receiver)) - before, seconds };
}

/** Link-layer address of the router, which the sender has talked to. */
async function routerMac(sender: Topology['sender']): Promise<string> {
  const text = await sender.run(['ip', '-6', 'neigh', 'show', '2001:db8:1::1', 'dev', END_DEVICE]);
  const mac = /lladdr (\S+)/.exec(text)?.[1];
  if (mac === undefined) throw new Error(`the sender has not met the router: ${text}`);
  return mac;
}
