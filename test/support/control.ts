// What the tests of the control API share: a status, a daemon that is none, a clock that stands still, a raw connection.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Status } from '../../src/contract/status.ts';
import type { Clock } from '../../src/control/clock.ts';
import { type Endpoint, endpointIn } from '../../src/control/endpoint.ts';
import { EventLog } from '../../src/control/event-log.ts';
import type { CaptureReceiver, ControlHost } from '../../src/control/host.ts';
import { type ControlServer, openControlServer } from '../../src/control/server.ts';

/** A status with something in every section. */
export const SAMPLE: Status = {
  daemon: { version: '0.1.0', role: 'client', name: 'client-clat0', pid: 4711, startedMs: 1_700_000_000_000 },
  state: {
    name: 'running',
    reason: 'client-ready',
    text: 'translation is on',
    sinceMs: 1_700_000_002_000,
  },
  prefix: { prefix: '64:ff9b::/96', source: 'configuration', validUntilMs: null },
  addresses: { ipv4: '192.0.0.1', ipv6: '2001:db8:1:0:a1b2:c3d4:e5f6:1234' },
  mappings: { explicit: 1, poolAddresses: 0 },
  device: {
    name: 'clat0',
    ipv4MtuBytes: 1480,
    ipv6MtuBytes: 1500,
    queues: 1,
    offload: { vnetHeader: true, tcpSegmentation: true, udpSegmentation: false },
    isCoalescing: true,
    notes: ['no UDP segmentation offload: this kernel is older than 6.2'],
  },
  offers: null,
  gateway: null,
  uplink: { name: 'wlan0', kind: 'redirect', mtuBytes: 1500, source: '2001:db8:1::10' },
  counters: {
    packetsIn: { ipv4: 1_234_567, ipv6: 7_654_321 },
    bytesIn: { ipv4: 98_765_432, ipv6: 9_876_543_210 },
    packetsOut: { ipv4: 7_654_300, ipv6: 1_234_500 },
    bytesOut: { ipv4: 9_876_543_000, ipv6: 98_765_000 },
    writesRefused: 3,
    packetsMerged: 45_678,
    superPacketsMade: 1234,
    verdicts: [
      {
        name: 'translated',
        rule: 'RFC 7915',
        text: 'translated and passed on',
        isDrop: false,
        ipv4: 1_234_500,
        ipv6: 1,
      },
      {
        name: 'hop-limit',
        rule: 'RFC 7915 §4.1, §5.1',
        text: 'TTL or hop limit used up',
        isDrop: true,
        ipv4: 60,
        ipv6: 20,
      },
      {
        name: 'udp-zero-checksum',
        rule: 'RFC 7915 §4.5',
        text: 'UDP without a checksum, and it could or should not be computed, which is told here at such length that it needs a second line',
        isDrop: true,
        ipv4: 7,
        ipv6: 1,
      },
    ],
  },
  rates: {
    intervalMs: 1000,
    packetsIn: { ipv4: 1234, ipv6: 12_345.6 },
    bytesIn: { ipv4: 100_000, ipv6: 18_000_000 },
    packetsOut: { ipv4: 12_345, ipv6: 1234 },
    bytesOut: { ipv4: 17_000_000, ipv6: 120_000 },
    drops: { ipv4: 0.5, ipv6: 0 },
  },
};

/** A clock that moves when it is told to. */
export class StillClock implements Clock {
  #now = 0;
  #alarms: { readonly at: number; readonly call: () => void }[] = [];

  nowMs(): number {
    return this.#now;
  }

  after(ms: number, call: () => void): () => void {
    const alarm = { at: this.#now + ms, call };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((other) => other !== alarm);
    };
  }

  /** Alarms that are set. */
  get pending(): number {
    return this.#alarms.length;
  }

  /** Lets time pass, alarms in their order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#alarms.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.call();
    }
    this.#now = end;
  }
}

/** A daemon without a data path behind it. */
export class PretendedDaemon implements ControlHost {
  readonly name = 'client-clat0';
  readonly version = '0.1.0';
  readonly role = 'client';
  readonly events = new EventLog();
  current: Status = SAMPLE;
  receiver: CaptureReceiver | null = null;
  capturesStopped = 0;
  stops = 0;
  isOn = true;
  gateway: ControlHost['gateway'] = null;
  statusReads = 0;

  status(): Omit<Status, 'rates'> {
    this.statusReads += 1;
    const { rates: _, ...status } = this.current;
    return status;
  }

  async startCapture(_request: object, receiver: CaptureReceiver): Promise<void> {
    this.receiver = receiver;
  }

  async stopCapture(): Promise<{ readonly recorded: number; readonly lost: number }> {
    await this.receiver?.close();
    this.receiver = null;
    this.capturesStopped += 1;
    return { recorded: 5, lost: 2 };
  }

  async reload(): Promise<{ readonly isReloaded: boolean; readonly problems: readonly string[] }> {
    return { isReloaded: false, problems: ['this is for a test'] };
  }

  switchTo(isOn: boolean): void {
    this.isOn = isOn;
  }

  stop(): void {
    this.stops += 1;
  }
}

/** A directory that goes with the test. */
export function scratch(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'x464-control-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A server with a pretended daemon, for one test. */
export interface Served {
  readonly daemon: PretendedDaemon;
  readonly endpoint: Endpoint;
  readonly server: ControlServer;
}

/** Serves a pretended daemon in a directory of the test. */
export async function serve(t: TestContext): Promise<Served> {
  const daemon = new PretendedDaemon();
  const endpoint = endpointIn(scratch(t), daemon.name);
  const server = await openControlServer(endpoint, daemon);
  t.after(() => server.close());
  return { daemon, endpoint, server };
}

/** A connection that sends what it likes. */
export interface RawConnection {
  readonly socket: Socket;
  /** Complete lines that came, read as JSON. */
  readonly lines: Record<string, unknown>[];
  /** Resolves when there are so many lines. */
  line(count: number): Promise<Record<string, unknown>>;
  readonly ended: Promise<void>;
}

/** Connects without saying anything. */
export async function raw(t: TestContext, path: string): Promise<RawConnection> {
  const socket = connect(path);
  t.after(() => socket.destroy());
  socket.on('error', () => undefined); // being cut off is what many of these tests are about
  const lines: Record<string, unknown>[] = [];
  const waiting: { readonly count: number; readonly resolve: () => void }[] = [];
  let rest = '';
  socket.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) lines.push(JSON.parse(part));
    for (const { count, resolve } of waiting) if (lines.length >= count) resolve();
  });
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve());
    socket.once('error', reject);
  });
  const line = async (count: number): Promise<Record<string, unknown>> => {
    if (lines.length < count) {
      const gone = ended.then(() => {
        if (lines.length < count) throw new Error(`the connection ended after ${lines.length} lines`);
      });
      await Promise.race([new Promise<void>((resolve) => waiting.push({ count, resolve })), gone]);
    }
    return lines[count - 1] as Record<string, unknown>;
  };
  return { socket, lines, line, ended };
}

/** A request as a line. */
export const requestLine = (id: number, method: string, params: object = {}): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`;

/** The handshake as a line. */
export const HELLO = requestLine(0, 'hello', { protocol: { major: 1, minor: 0 } });
