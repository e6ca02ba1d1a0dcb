// Proof that the checksums are right and not merely overlooked: a veth hands packets over without any, so checksum offload is
// switched off at every link end, and the kernels at both ends count what they find wrong.

import type { Lab } from '../environment.ts';
import type { Netns } from '../netns.ts';
import { linkEnds } from '../topology.ts';
import { failed, type Proof } from './proof.ts';
import { download, upload } from './transfer.ts';

const BYTES = 20_000_000;

async function setOffload(lab: Lab, state: 'on' | 'off'): Promise<void> {
  const ends = linkEnds(lab.net);
  await Promise.all(ends.map(([ns, device]) => ns.run(['ethtool', '-K', device, 'tx', state, 'rx', state])));
}

/** All checksum error counters of a namespace that are not zero. */
async function checksumErrors(ns: Netns): Promise<string[]> {
  const lines = (await ns.run(['nstat', '-asz', '*InCsumErrors'])).split('\n');
  const counters = lines.filter((line) => line.includes('InCsumErrors'));
  if (counters.length === 0) throw failed('nstat shows no checksum counters');
  return counters.filter((line) => !/\s0\s/.test(line)).map((line) => `${ns.name}: ${line.split(/\s+/, 2).join(' ')}`);
}

export const checksums: Proof = {
  name: 'checksums',
  title: 'checksums without offload',
  phase: 'running',
  run: async (lab, progress) => {
    await setOffload(lab, 'off');
    try {
      const up = await upload(lab, BYTES, progress);
      const down = await download(lab, BYTES, progress);
      const errors = (await Promise.all([lab.net.client, lab.net.server].map(checksumErrors))).flat();
      if (errors.length > 0) throw failed(errors.join(', '));
      return `InCsumErrors 0; up ${up.split(', ')[2]}, down ${down.split(', ')[2]}`;
    } finally {
      await setOffload(lab, 'on');
    }
  },
};
