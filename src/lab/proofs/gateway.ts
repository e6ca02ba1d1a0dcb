// Proofs of our own gateway: a host without a translator of its own reaches IPv4-only names, a client finds everything by itself,
// and the gateway says who did what.

import { type Lab, withResolver } from '../environment.ts';
import { isolated, PROGRAM } from '../program.ts';
import { ADDRESS, DEVICE } from '../topology.ts';
import { failed, type Proof } from './proof.ts';

/** Runs our program beside one that runs in a namespace, so that it finds its control socket. @returns the parsed `--json` */
async function ask(lab: Lab, where: 'client' | 'nat64', ...argv: readonly string[]): Promise<unknown> {
  const ns = lab.net[where];
  const directory = where === 'client' ? 'client' : ns.name;
  return JSON.parse(await ns.run(isolated(lab.set, directory, [...PROGRAM, ...argv, '--json'])));
}

export const withoutClat: Proof = {
  name: 'names',
  title: 'an IPv4-only name without a CLAT',
  phase: 'before',
  farSide: 'gateway',
  run: async (lab) => {
    const curl = ['curl', '-6', '-sS', '--fail', '--max-time', '10', 'http://web.lab.example/'];
    const text = await lab.net.client.run(withResolver(lab, curl));
    const caller = /^hello (\S+) from/.exec(text)?.[1];
    if (caller !== ADDRESS.nat64Ipv4) throw failed(`the server answered: ${text.trim()}`);
    return 'DNS64 and NAT64 alone are enough for a name';
  },
};

export const discovered: Proof = {
  name: 'discover',
  title: 'the PREF64 by router advertisement',
  phase: 'running',
  farSide: 'gateway',
  run: async (lab) => {
    const { status } = (await ask(lab, 'client', 'status')) as {
      readonly status: { readonly prefix: { readonly prefix: string; readonly source: string } | null };
    };
    const { prefix } = status;
    if (prefix?.prefix !== ADDRESS.pref64 || prefix.source !== 'router-advertisement') {
      throw failed(`the client has ${JSON.stringify(prefix)}`);
    }
    return `${prefix.prefix} by router advertisement on ${DEVICE.client}`;
  },
};

export const sessions: Proof = {
  name: 'sessions',
  title: 'the gateway lists the sessions',
  phase: 'running',
  farSide: 'gateway',
  run: async (lab) => {
    const answer = JSON.stringify(await ask(lab, 'nat64', 'sessions', '--limit', '1000'));
    if (!answer.includes(ADDRESS.server)) throw failed(`no session with ${ADDRESS.server}: ${answer.slice(0, 200)}`);
    return `sessions with ${ADDRESS.server} are listed`;
  },
};
