// A transfer of many bytes by curl, hashed on both sides. Used by several proofs.

import { createHash } from 'node:crypto';
import { describeEnd } from '../command.ts';
import type { Lab } from '../environment.ts';
import type { UploadReceipt } from '../peers/http.ts';
import { pattern, patternHash } from '../peers/pattern.ts';
import { ADDRESS } from '../topology.ts';
import { failed, type Progress } from './proof.ts';

const LIMIT_MS = 60_000;
const MEGA = 1_000_000;

/** Counts bytes and says how far a transfer is. */
function meter(bytes: number, progress: Progress): { add(count: number): void; rate(): string } {
  const start = performance.now();
  let done = 0;
  return {
    add: (count) => {
      done += count;
      progress(`${Math.floor(done / MEGA)} of ${bytes / MEGA} MB`);
    },
    rate: () => `${((done * 8) / (performance.now() - start) / MEGA).toFixed(2)} Gbit/s`,
  };
}

/** Downloads from the IPv4 literal. @returns the evidence. @throws XlatError when a byte is wrong or missing */
export async function download(lab: Lab, bytes: number, progress: Progress): Promise<string> {
  const hash = createHash('sha256');
  const { add, rate } = meter(bytes, progress);
  const result = await lab.net.client.runAny(['curl', '-sS', '--fail', `http://${ADDRESS.server}/bytes/${bytes}`], {
    timeoutMs: LIMIT_MS,
    onOutput: (chunk) => {
      hash.update(chunk);
      add(chunk.length);
    },
  });
  const evidence = `${bytes / MEGA} MB, sha256 ok, ${rate()}`;
  if (result.code !== 0) throw failed(`curl: ${describeEnd(result)}`);
  if (hash.digest('hex') !== patternHash(bytes)) throw failed(`${bytes / MEGA} MB arrived with a wrong sha256`);
  return evidence;
}

async function* metered(bytes: number, add: (count: number) => void): AsyncGenerator<Uint8Array> {
  for (const block of pattern(bytes)) {
    yield block;
    add(block.length);
  }
}

/** Uploads to the IPv4 literal. @returns the evidence. @throws XlatError when a byte is wrong or missing */
export async function upload(lab: Lab, bytes: number, progress: Progress): Promise<string> {
  const { add, rate } = meter(bytes, progress);
  const argv = ['curl', '-sS', '--fail', '-H', 'Expect:', '-T', '-', `http://${ADDRESS.server}/upload`];
  const text = await lab.net.client.run(argv, { timeoutMs: LIMIT_MS, input: metered(bytes, add) });
  const evidence = `${bytes / MEGA} MB, sha256 ok, ${rate()}`;
  const receipt = JSON.parse(text) as UploadReceipt;
  if (receipt.bytes !== bytes) throw failed(`${receipt.bytes} of ${bytes} bytes arrived`);
  if (receipt.sha256 !== patternHash(bytes)) throw failed(`${bytes / MEGA} MB arrived with a wrong sha256`);
  return evidence;
}
