// The web servers of a test's internet: `node web.js ADDRESS…` greets on port 80 of each address (the lab's server), and writes one
// line for each caller: `[ADDRESS]:PORT`.

import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { makeHttpServer } from '../../src/lab/peers/http.ts';
import { type Netns, type Running, waitFor } from './netns.ts';

const PROGRAM = fileURLToPath(import.meta.url);

/** Starts them in a namespace, whose addresses are there already. */
export async function startWeb(ns: Netns, ...addresses: readonly string[]): Promise<Running> {
  const running = await ns.start([process.execPath, PROGRAM, ...addresses]);
  await waitFor('the web servers', () => {
    if (running.hasEnded()) throw new Error(running.output());
    return running.output().includes('ready');
  });
  return running;
}

/** Who called, in order. */
export const callersOf = (web: Running): { readonly address: string; readonly port: number }[] =>
  [...web.output().matchAll(/^\[(.*)\]:(\d+)$/gm)].map(([, address = '', port]) => ({ address, port: Number(port) }));

async function serve(addresses: readonly string[]): Promise<void> {
  const servers = addresses.map((address) => makeHttpServer().listen(80, address));
  for (const server of servers) {
    server.on('connection', ({ remoteAddress, remotePort }) => console.log(`[${remoteAddress}]:${remotePort}`));
  }
  await Promise.all(servers.map((server) => once(server, 'listening')));
  console.log('ready');
}

if (process.argv[1] === PROGRAM) await serve(process.argv.slice(2));
