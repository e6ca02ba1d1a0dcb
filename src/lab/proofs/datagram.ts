// Proofs with single packets: UDP with and without a checksum, fragments both ways, and protocols other than TCP and UDP.

import { describeEnd } from '../command.ts';
import type { Lab } from '../environment.ts';
import { pattern } from '../peers/pattern.ts';
import { checkInit, INIT_ACK, makeInit } from '../peers/sctp.ts';
import { ADDRESS } from '../topology.ts';
import { failed, type Proof } from './proof.ts';

const ANSWER_MS = 3_000;

/**
 * Sends one packet from the client namespace through socat and waits for one answer.
 * @param address socat's address: protocol, destination, options
 */
async function exchange(lab: Lab, address: string, packet: Uint8Array): Promise<Uint8Array> {
  let answered: () => void = () => undefined;
  const answer = new Promise<void>((resolve) => {
    answered = resolve;
    setTimeout(resolve, ANSWER_MS).unref();
  });
  // Standard input stays open until the answer is there, because socat ends when it closes.
  const input = (async function* () {
    yield packet;
    await answer;
  })();
  const chunks: Uint8Array[] = [];
  let received = 0;
  const onOutput = (chunk: Uint8Array) => {
    chunks.push(chunk);
    received += chunk.length;
    if (received >= packet.length) answered();
  };
  const result = await lab.net.client.runAny(['socat', '-b', '65536', '-t', '0.05', '-', address], { input, onOutput });
  if (received === 0) throw failed(`${packet.length} bytes to ${address}: no answer (${describeEnd(result)})`);
  return Buffer.concat(chunks);
}

/** The first `size` bytes of the pattern. */
const payload = (size: number): Uint8Array => pattern(size).next().value ?? new Uint8Array();

async function udpEcho(lab: Lab, size: number, options = ''): Promise<void> {
  const sent = payload(size);
  const got = await exchange(lab, `UDP4:${ADDRESS.server}:7${options}`, sent);
  if (Buffer.compare(got, sent) !== 0) throw failed(`${size} bytes of UDP came back as ${got.length} other ones`);
}

export const udp: Proof = {
  name: 'udp',
  title: 'UDP echo',
  phase: 'running',
  run: async (lab) => {
    const sizes = [1, 2, 3, 512, 1232, 1233, 1452];
    await Promise.all(sizes.map((size) => udpEcho(lab, size)));
    return `${sizes.length}/${sizes.length} answers, ${sizes[0]}–${sizes.at(-1)} bytes`;
  },
};

export const udpWithoutChecksum: Proof = {
  name: 'udp-zero',
  title: 'UDP without a checksum',
  phase: 'running',
  run: async (lab) => {
    const sizes = [1, 64, 1200];
    await Promise.all(sizes.map((size) => udpEcho(lab, size, ',so-no-check=1')));
    return `${sizes.length}/${sizes.length} answers: the checksum was computed`;
  },
};

export const fragments: Proof = {
  name: 'fragments',
  title: 'fragments both ways',
  phase: 'running',
  run: async (lab) => {
    // Every answer is over the server's own MTU: a smaller one would go out whole, with DF, and be lost to PMTU discovery.
    const sizes = [1473, 1500, 4000, 9000, 20_000];
    for (const size of sizes) await udpEcho(lab, size);
    return `${sizes.length}/${sizes.length} UDP datagrams, ${sizes[0]}–${sizes.at(-1)} bytes`;
  },
};

export const sctp: Proof = {
  name: 'sctp',
  title: 'SCTP passes',
  phase: 'running',
  // RFC 6146 §1: a stateful NAT64 translates TCP, UDP and ICMP.
  farSide: 'interop',
  run: async (lab) => {
    const answer = await exchange(lab, `IP4-SENDTO:${ADDRESS.server}:132`, makeInit(5000, 5001));
    if (checkInit(answer) !== INIT_ACK) throw failed(`no valid INIT ACK: ${Buffer.from(answer).toString('hex')}`);
    return 'INIT answered by INIT ACK, CRC32c ok';
  },
};

/** An ESP packet (RFC 4303 §2) as the network sees it: SPI, sequence number, and bytes that nobody on the way understands. */
function makeEsp(): Uint8Array {
  const packet = payload(128).slice();
  const view = new DataView(packet.buffer);
  view.setUint32(0, 0x1234_5678);
  view.setUint32(4, 1);
  return packet;
}

export const esp: Proof = {
  name: 'esp',
  title: 'ESP passes',
  phase: 'running',
  // RFC 6146 §1: a stateful NAT64 translates TCP, UDP and ICMP.
  farSide: 'interop',
  run: async (lab) => {
    const sent = makeEsp();
    const got = await exchange(lab, `IP4-SENDTO:${ADDRESS.server}:50`, sent);
    if (Buffer.compare(got, sent) !== 0) throw failed('the ESP payload was changed');
    return `protocol 50 echoed, ${sent.length} bytes unchanged`;
  },
};
