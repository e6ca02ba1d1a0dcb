// The traffic: TCP by iperf3, UDP by a small sender that hands the kernel many datagrams in one call (UDP_SEGMENT), counted
// by the other end's firewall, so that no receiving program takes a core. Owns how a rate is measured.

import { type Netns, type Running, waitFor } from '../support/netns.ts';
import type { Topology } from './topology.ts';
import type { Way } from './variants.ts';

/** From the sender to the receiver (6→4), or back (4→6). */
export type Direction = 'up' | 'down';

const IPERF_PORT = 5201;
const UDP_PORT = 9;
const UDP_HEADER = 8;
/** With IPv4 and an Ethernet header this is a frame of 64 bytes. */
const UDP_PAYLOAD = 22;
/** Datagrams that the sender hands over in one call. */
const UDP_BURST = 64;

/** Where the datagrams of a NAT's first session go; they are counted when they come back, to UDP_PORT. */
const OPENING_PORT = 10;

/** Sends bursts to argv[1], port argv[5], for argv[2] seconds; the kernel cuts them (udp(7), UDP_SEGMENT). Prints the seconds that it took. */
const UDP_SENDER = `
import socket, sys, time
host, seconds, payload, burst, port, own = sys.argv[1], float(sys.argv[2]), *map(int, sys.argv[3:7])
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_UDP, 103, payload)
s.bind(('', own))
s.connect((host, port))
data, send = b'x' * (payload * burst), s.send
start = time.monotonic()
while time.monotonic() - start < seconds:
    for _ in range(100):
        try:
            send(data)
        except (BlockingIOError, ConnectionRefusedError, OSError) as error:
            if getattr(error, 'errno', 0) not in (11, 105, 111, 113): raise
print(time.monotonic() - start)
`;

/** Prints from where the first datagram to OPENING_PORT comes. */
const OPENING_LISTENER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', ${OPENING_PORT}))
print('ready', flush=True)
print('from', *s.recvfrom(64)[1], flush=True)
`;

/** Sends one datagram from UDP_PORT to argv[1], OPENING_PORT. */
const OPENER = `
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind(('', ${UDP_PORT}))
s.sendto(b'x', (sys.argv[1], ${OPENING_PORT}))
`;

/** Starts what the other ends need: iperf3's server, and the counters for UDP. */
export async function startReceivers({ sender, receiver }: Topology): Promise<Running> {
  for (const end of [sender, receiver]) await end.run(['nft', '-f', '-'], { input: COUNTING });
  const server = await receiver.start(['iperf3', '-s', '-p', String(IPERF_PORT)]);
  await waitFor('the iperf3 server', async () => {
    const sockets = await receiver.run(['ss', '-Hltn', 'sport', '=', `:${IPERF_PORT}`]);
    return sockets.trim() !== '';
  });
  return server;
}

const COUNTING = `table inet bench {
  counter datagrams { }
  chain arriving {
    type filter hook prerouting priority raw;
    udp dport ${UDP_PORT} counter name datagrams drop
  }
}
`;

/** One TCP measurement. @returns Gbit/s of payload that arrived */
export async function measureTcp(
  topology: Topology,
  variant: Way,
  direction: Direction,
  streams: number,
  seconds: number,
): Promise<number> {
  const argv = ['iperf3', '-c', variant.receiver, '-p', String(IPERF_PORT), '-C', 'cubic', '-J', '-O', '0.5'];
  argv.push('-t', String(seconds), '-P', String(streams), ...(direction === 'down' ? ['-R'] : []));
  const result = await topology.sender.runAny(argv, { timeoutMs: 30_000 + seconds * 1000 });
  const report = JSON.parse(result.stdout) as IperfReport;
  const received = report.end?.sum_received?.bits_per_second;
  if (received === undefined) throw new Error(`iperf3 through ${variant.title}: ${report.error ?? result.stderr}`);
  return received / 1e9;
}

interface IperfReport {
  readonly error?: string;
  readonly end?: { readonly sum_received?: { readonly bits_per_second: number } };
}

/**
 * One UDP flood; whether datagrams leave singly or as super-packets is up to the sender's device.
 * @param isPinned the translator on core 0, the sender on core 1: the rate is that of one core
 * @returns million datagrams a second that arrived
 */
export async function measureUdp(
  topology: Topology,
  variant: Way,
  direction: Direction,
  seconds: number,
  isPinned: boolean,
): Promise<number> {
  const from = direction === 'up' ? topology.sender : topology.receiver;
  const to = direction === 'up' ? topology.receiver : topology.sender;
  const target = direction === 'up' ? receiverOf(variant) : await senderOf(topology, variant);
  if (isPinned) await pin(topology, variant, '0');
  const before = await arrived(to, variant.headerBytes[direction]);
  const { host, port, own } = target;
  const numbers = [seconds, UDP_PAYLOAD, UDP_BURST, port, own].map(String);
  const argv = ['python3', '-c', UDP_SENDER, host, ...numbers];
  const took = Number(await from.run(isPinned ? ['taskset', '-c', '1', ...argv] : argv, { timeoutMs: 60_000 }));
  const after = await arrived(to, variant.headerBytes[direction]);
  if (isPinned) await pin(topology, variant, '0,1');
  return (after - before) / took / 1e6;
}

/** Where a flood goes, and the port that it comes from; 0: any. */
interface Target {
  readonly host: string;
  readonly port: number;
  readonly own: number;
}

const receiverOf = ({ receiver }: Way): Target => ({ host: receiver, port: UDP_PORT, own: 0 });

/** How the receiver reaches the sender: at an address of its own, or by a session that the sender opens first. */
async function senderOf({ sender, receiver }: Topology, way: Way): Promise<Target> {
  if (way.sender !== null) return { host: way.sender, port: UDP_PORT, own: 0 };
  const listener = await receiver.start(['python3', '-c', OPENING_LISTENER]);
  await waitFor('the listener', () => listener.output().includes('ready'));
  await sender.run(['python3', '-c', OPENER, way.receiver]);
  const [, host, port] = await waitFor(
    `a datagram through ${way.title}`,
    () => /from (\S+) (\d+)\n/.exec(listener.output()) ?? undefined,
  );
  await listener.stop();
  return { host, port: Number(port), own: OPENING_PORT };
}

/** Datagrams counted so far. A super-packet counts once there, but its bytes tell how many it holds. */
async function arrived(end: Netns, headerBytes: number): Promise<number> {
  const { packets, bytes } = await readCounter(end);
  return (bytes - packets * (headerBytes + UDP_HEADER)) / UDP_PAYLOAD;
}

/** The same for datagrams that no super-packet holds. */
export const arrivedPackets = async (end: Netns): Promise<number> => (await readCounter(end)).packets;

async function readCounter(end: Netns): Promise<{ packets: number; bytes: number }> {
  const text = await end.run(['nft', 'list', 'counter', 'inet', 'bench', 'datagrams']);
  const [, packets, bytes] = /packets (\d+) bytes (\d+)/.exec(text) ?? [];
  if (packets === undefined || bytes === undefined) throw new Error(`no counter in: ${text}`);
  return { packets: Number(packets), bytes: Number(bytes) };
}

async function pin({ router }: Topology, variant: Way, cores: string): Promise<void> {
  const pid = variant.process?.child.pid;
  if (pid !== undefined) await router.run(['taskset', '-a', '-p', '-c', cores, String(pid)]);
}
