// A client in a process of its own, so that it runs inside a test's namespace and can be killed. Its argument is JSON
// (ChildOptions); each log line goes to standard output as JSON; SIGTERM stops it, SIGUSR2 lets it sleep, SIGUSR1
// switches it off and on. Its data plane holds a real TUN device, logs
// what comes and translates nothing: what is under test is the host around it.

import { readSync } from 'node:fs';
import { startClient } from '../../src/client/client.ts';
import type { StartDataPlane } from '../../src/client/data-plane.ts';
import type { ClientConfig } from '../../src/config/client.ts';
import { clientConfigFromOptions } from '../../src/config/client.ts';
import type { XlatError } from '../../src/contract/errors.ts';
import type { Log } from '../../src/contract/reasons.ts';
import { type Clock, systemClock } from '../../src/discovery/clock.ts';
import { linuxDiscoveryPlatform } from '../../src/platform/linux/discovery-platform.ts';
import type { CrashPoint } from '../../src/platform/linux/host.ts';
import { linuxPlatform } from '../../src/platform/linux/linux-platform.ts';
import { loadLinuxShim } from '../../src/platform/native.ts';
import { cleanUpHost } from '../../src/platform/select.ts';

/** What the child is told. */
export interface ChildOptions {
  readonly stateDir: string;
  /** Only undo what the journal in `stateDir` names, and end. */
  readonly cleanUp?: boolean;
  /** No prefix is configured: it discovers one. */
  readonly discovers?: boolean;
  /** Options of the client as on its command line. */
  readonly client?: Readonly<Record<string, string | boolean | number>>;
  readonly forwarding?: 'auto' | 'interface' | 'host';
  readonly waitsForUplink?: boolean;
  readonly retransMs?: number;
  readonly nativeLastsMs?: number;
  /** Ends the process by SIGKILL, or throws, at the n-th (from 0) point of that kind. */
  readonly fault?: {
    readonly when: 'journalled' | 'made' | 'half-undone' | 'undone';
    readonly at: number;
    readonly how: 'kill' | 'throw';
  };
}

const IFF_TUN_NO_PI = 0x1001;

const log: Log = { debug: () => undefined, info: write, warn: write, error: write };

function write(reason: string, fields: object, text: string): void {
  console.log(JSON.stringify({ reason, fields, text }));
}

/** A fault at one point of the host's changes. */
function faultPoint(fault: ChildOptions['fault']): CrashPoint {
  let count = 0;
  return (when) => {
    if (fault === undefined || when !== fault.when) return;
    count += 1;
    if (count !== fault.at + 1) return;
    if (fault.how === 'kill') process.kill(process.pid, 'SIGKILL');
    throw new Error('a fault for the test');
  };
}

/** Logs the packets that are there. */
function logPackets(fd: number): void {
  const packet = new Uint8Array(65_536);
  for (;;) {
    try {
      const length = readSync(fd, packet);
      write('test-packet', { version: (packet[0] ?? 0) >> 4, length }, '');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EAGAIN') return;
      throw cause;
    }
  }
}

/** What a sleep looks like to a program: the clock has jumped. SIGUSR2 is a minute of it. */
function sleepyClock(): Clock {
  let sleptMs = 0;
  process.on('SIGUSR2', () => {
    sleptMs += 60_000;
  });
  return { now: () => systemClock.now() + sleptMs, after: systemClock.after };
}

const holdTun: StartDataPlane = async ({ tunName, settings }) => {
  const shim = loadLinuxShim();
  const { handle, name } = shim.tunOpen(tunName, IFF_TUN_NO_PI);
  const watch = shim.watch(handle.fd, () => {
    logPackets(handle.fd);
    watch.rearm();
  });
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  write('test-settings', { ipv6Mtu: settings.ipv6Mtu }, '');
  return {
    tunName: name,
    ended,
    update: async (next) => write('test-settings', { ipv6Mtu: next.ipv6Mtu }, ''),
    close: async () => {
      watch.close();
      handle.close();
      end();
    },
  };
};

async function runClient(options: ChildOptions): Promise<void> {
  const config: ClientConfig = clientConfigFromOptions({
    ...(options.discovers === true ? {} : { prefix: '64:ff9b::/96' }),
    'uplink-mode': 'forwarding',
    ...options.client,
  });
  const { stateDir, forwarding = 'auto', waitsForUplink = false, retransMs = 50, nativeLastsMs = 0 } = options;
  const client = startClient(config, {
    platform: linuxPlatform(faultPoint(options.fault)),
    startDataPlane: holdTun,
    log,
    stateDir,
    secretDir: `${stateDir}-secret`,
    forwarding,
    waitsForUplink,
    retransMs,
    nativeLastsMs,
    clock: sleepyClock(),
    ...(options.discovers === true ? { discoveryPlatform: linuxDiscoveryPlatform() } : {}),
  });
  process.on('SIGTERM', () => void client.stop().catch(() => undefined));
  process.on('SIGUSR1', () => (client.state.state === 'stopped' ? client.switchOn() : client.switchOff()));
  await client.ready;
  await client.ended;
}

async function main(options: ChildOptions): Promise<void> {
  try {
    if (options.cleanUp === true) write('test-cleaned', { changes: await cleanUpHost(options.stateDir, log) }, '');
    else await runClient(options);
  } catch (error) {
    write('test-failed', { code: (error as XlatError).code ?? '' }, (error as Error).message);
    process.exitCode = 1;
  }
}

await main(JSON.parse(process.argv[2] ?? '{}') as ChildOptions);
