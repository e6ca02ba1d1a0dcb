// Proofs with curl and the DNS: a literal, a name by DNS64, large transfers both ways.

import { type Lab, withResolver } from '../environment.ts';
import { ZONE } from '../peers/dns.ts';
import { ADDRESS } from '../topology.ts';
import { failed, type Proof } from './proof.ts';
import { download, upload } from './transfer.ts';

const LARGE = 100_000_000;

function checkGreeting(text: string): string {
  const caller = /^hello (\S+) from/.exec(text)?.[1];
  if (caller !== ADDRESS.nat64Ipv4) throw failed(`the server answered: ${text.trim()}`);
  return caller;
}

export const httpLiteral: Proof = {
  name: 'http',
  title: 'curl an IPv4 literal',
  phase: 'running',
  run: async (lab) => {
    const text = await lab.net.client.run(['curl', '-sS', '--fail', '--max-time', '10', `http://${ADDRESS.server}/`]);
    return `http://${ADDRESS.server}/ sees ${checkGreeting(text)}`;
  },
};

/** The AAAA records that the client's resolver gets for a name. */
async function lookUp(lab: Lab, name: string): Promise<string> {
  const argv = ['getent', 'ahostsv6', name];
  const text = await lab.net.client.run(withResolver(lab, argv));
  return text.split(/\s/)[0] ?? '';
}

export const dns64: Proof = {
  name: 'dns64',
  title: 'curl a name with DNS64',
  phase: 'running',
  run: async (lab) => {
    const made = await lookUp(lab, 'web.lab.example');
    if (!made.startsWith('2001:db8:64::')) throw failed(`DNS64 made ${made} of an IPv4-only name`);
    const native = await lookUp(lab, 'both.lab.example');
    if (native !== ZONE['both.lab.example']?.aaaa) throw failed(`DNS64 changed a native AAAA record to ${native}`);
    const curl = ['curl', '-6', '-sS', '--fail', '--max-time', '10', 'http://web.lab.example/'];
    checkGreeting(await lab.net.client.run(withResolver(lab, curl)));
    return `web.lab.example → ${made}, native AAAA kept`;
  },
};

export const largeDownload: Proof = {
  name: 'download',
  title: 'large download',
  phase: 'running',
  run: (lab, progress) => download(lab, LARGE, progress),
};

export const largeUpload: Proof = {
  name: 'upload',
  title: 'large upload',
  phase: 'running',
  run: (lab, progress) => upload(lab, LARGE, progress),
};
