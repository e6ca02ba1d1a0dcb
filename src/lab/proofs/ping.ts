// Proofs with ping: nothing without us, an IPv4 literal with us, and every size around each MTU.

import { describeEnd } from '../command.ts';
import type { Lab } from '../environment.ts';
import { ADDRESS } from '../topology.ts';
import { failed, type Proof } from './proof.ts';

/** IPv4 header and ICMP header. */
const HEADERS = 28;
/** The smallest IPv6 MTU and Ethernet's, as seen by IPv4: 20 bytes less. */
const LEAST = 1260;
const FULL = 1480;

async function ping(lab: Lab, totalBytes: number, fragmentation: 'do' | 'dont', count = 1): Promise<string> {
  const size = String(totalBytes - HEADERS);
  const argv = [
    'ping',
    '-n',
    '-c',
    String(count),
    '-i',
    '0.1',
    '-W',
    '2',
    '-M',
    fragmentation,
    '-s',
    size,
    ADDRESS.server,
  ];
  const result = await lab.net.client.runAny(argv);
  if (result.code !== 0) throw failed(`${totalBytes} bytes, DF ${fragmentation}: ${describeEnd(result)}`);
  return result.stdout;
}

/** Without our client an IPv4 literal is unreachable: the lab shows the effect of our program and of nothing else. */
export const withoutClient: Proof = {
  name: 'before',
  title: 'IPv4 without us',
  phase: 'before',
  run: async (lab) => {
    const result = await lab.net.client.runAny(['ping', '-n', '-c', '1', '-W', '1', ADDRESS.server]);
    if (result.code === 0) throw failed('the client namespace has IPv4 of its own');
    return 'unreachable, as it must be';
  },
};

export const pingLiteral: Proof = {
  name: 'ping',
  title: 'ping an IPv4 literal',
  phase: 'running',
  run: async (lab) => {
    const output = await ping(lab, 84, 'do', 3);
    const times = [...output.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1]));
    if (times.length !== 3) throw failed(output.trim());
    return `3/3 replies, first ${times[0]} ms, then ${Math.min(...times.slice(1))} ms`;
  },
};

export const pingSizes: Proof = {
  name: 'sizes',
  title: 'ping with every size',
  phase: 'running',
  run: async (lab) => {
    const withDf = [HEADERS, HEADERS + 1, LEAST - 1, LEAST, LEAST + 1, FULL - 1, FULL];
    const withoutDf = [HEADERS, LEAST - 1, LEAST];
    await Promise.all([
      ...withDf.map((size) => ping(lab, size, 'do')),
      ...withoutDf.map((size) => ping(lab, size, 'dont')),
    ]);
    const tooLong = await lab.net.client.runAny([
      'ping',
      '-n',
      '-c',
      '1',
      '-W',
      '1',
      '-M',
      'do',
      '-s',
      String(FULL + 1 - HEADERS),
      ADDRESS.server,
    ]);
    const mtu = /mtu\s*=\s*(\d+)/i.exec(tooLong.stdout + tooLong.stderr)?.[1];
    if (mtu !== String(FULL)) throw failed(`${FULL + 1} bytes with DF: ${describeEnd(tooLong)}`);
    return `${HEADERS}–${FULL} bytes pass, ${FULL + 1} with DF: MTU ${mtu}`;
  },
};
