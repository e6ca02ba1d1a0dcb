// The DNS64 server as a process of its own, so that it runs in a namespace: `node dns64-child.js SETTINGS SOCKET`. Tests speak to it
// over a Unix socket: one request and one answer per connection, as JSON lines.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Dns64Explanation, Dns64Report } from '../../src/contract/dns64.ts';
import type { Log } from '../../src/contract/reasons.ts';
import { DEFAULT_DNS64, type Dns64Settings } from '../../src/core/dns64/settings.ts';
import { type Dns64Service, startDns64 } from '../../src/gateway/dns/dns64.ts';
import { prefix4, prefix6 } from './addresses.ts';
import { type Netns, type Running, waitFor } from './netns.ts';

type PrefixKey = 'prefixes' | 'excludeAaaa' | 'excludeA' | 'onlyA' | 'clients';

/** Settings with prefixes as text; what is left out has its default. */
export type Dns64Text = Partial<Omit<Dns64Settings, PrefixKey | 'cache'>> &
  Partial<Record<PrefixKey, readonly string[]>> & { readonly cache?: Partial<Dns64Settings['cache']> };

/** Settings from text. */
export function dns64Settings(text: Dns64Text): Dns64Settings {
  const either = (p: string) => (p.includes(':') ? prefix6(p) : prefix4(p));
  return {
    ...DEFAULT_DNS64,
    listen: [],
    forwarders: [],
    ...text,
    prefixes: (text.prefixes ?? ['64:ff9b::/96']).map(prefix6),
    clients: (text.clients ?? ['::/0', '0.0.0.0/0']).map(either),
    excludeAaaa: (text.excludeAaaa ?? []).map(prefix6),
    excludeA: (text.excludeA ?? []).map(prefix4),
    onlyA: (text.onlyA ?? []).map(prefix4),
    cache: { ...DEFAULT_DNS64.cache, ...text.cache },
  };
}

interface Request {
  readonly call: 'report' | 'explain' | 'reconfigure';
  readonly args: readonly unknown[];
}

function answer(service: Dns64Service, { call, args }: Request): unknown {
  switch (call) {
    case 'report':
      return service.report();
    case 'explain':
      return service.explain(String(args[0]), String(args[1]));
    case 'reconfigure':
      return service.reconfigure(dns64Settings(args[0] as Dns64Text));
  }
}

const log: Log = {
  debug: () => undefined,
  info: (reason, fields) => console.log('info', reason, JSON.stringify(fields)),
  warn: (reason, fields, text) => console.log('warn', reason, JSON.stringify(fields), text),
  error: (reason, fields, text) => console.log('error', reason, JSON.stringify(fields), text),
};

async function serve(settings: Dns64Text, path: string): Promise<void> {
  const service = await startDns64(dns64Settings(settings), { log });
  const server = createServer(async (socket) => {
    for await (const line of createInterface(socket)) {
      const result = await Promise.resolve(answer(service, JSON.parse(line) as Request)).catch((error: Error) => ({
        error: error.message,
      }));
      socket.end(`${JSON.stringify(result ?? null)}\n`);
    }
  });
  server.listen(path, () => console.log('ready'));
  process.once('SIGTERM', async () => {
    server.close();
    await service.close();
  });
}

const PROGRAM = fileURLToPath(import.meta.url);
let started = 0;

/** A DNS64 server in a namespace. */
export interface Dns64Child {
  readonly running: Running;
  report(): Promise<Dns64Report>;
  explain(name: string, type: string): Promise<Dns64Explanation>;
  /** @returns what went wrong, or null */
  reconfigure(settings: Dns64Text): Promise<{ error: string } | null>;
}

/** Starts one, and waits until it answers or has failed. */
export async function startDns64Child(
  ns: Netns,
  directory: string,
  settings: Dns64Text,
  env: Readonly<Record<string, string>> = {},
): Promise<Dns64Child> {
  started += 1;
  const path = `${directory}/dns64-${started}.sock`;
  const running = await ns.start([process.execPath, PROGRAM, JSON.stringify(settings), path], env);
  await waitFor('the DNS64 server', () => running.output().includes('ready\n') || running.hasEnded());
  const call = async (name: Request['call'], ...args: unknown[]): Promise<never> => {
    const socket = connect(path);
    socket.write(`${JSON.stringify({ call: name, args })}\n`);
    const [line] = await once(createInterface(socket), 'line');
    return JSON.parse(String(line)) as never;
  };
  return {
    running,
    report: () => call('report'),
    explain: (name, type) => call('explain', name, type),
    reconfigure: (changed) => call('reconfigure', changed),
  };
}

if (process.argv[1] === PROGRAM) {
  serve(JSON.parse(process.argv[2] ?? '{}') as Dns64Text, process.argv[3] ?? '').catch((error) => {
    console.log(`failed ${error.code}: ${error.message}`);
    process.exitCode = 1;
  });
}
