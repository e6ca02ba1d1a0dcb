// The whole product in the lab: one network, our real client and gateway, and each row of the lab's table as a test of its own.

import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { buildLab, type FarSide, type Lab, startClient } from '../../src/lab/environment.ts';
import { PROOFS } from '../../src/lab/proofs/all.ts';
import { compareSnapshots, takeSnapshot } from '../../src/lab/snapshot.ts';

/** Rules of the translation that a row shows with real programs. */
const RULES: Readonly<Record<string, string>> = {
  ping: 'T-4.2-01 T-5.2-01',
  sizes: 'T-4.1-05',
  traceroute: 'T-4.1-02 T-5.2-07 T-5.2-10',
  mtr: 'T-5.2-07 T-5.2-10',
  udp: 'T-4.5-01',
  'udp-zero': 'T-4.5-02',
  fragments: 'T-4.1-07 T-5.1-03',
  sctp: 'T-4.1-09',
  esp: 'T-4.1-09',
  checksums: 'T-4.5-01 T-O-01',
  pmtud: 'T-5.2-06 T-5.2-10',
};

const USERS_DIRECTORY = path.join(tmpdir(), `x464-${process.pid}-user`);

/** All proofs of one lab, each a test of its own. */
function proveAll(farSide: FarSide): void {
  let lab: Lab;
  let hostBefore: string[];

  before(async () => {
    process.env.XLAT464_STATE_DIR = USERS_DIRECTORY; // which is none of the lab's
    hostBefore = await takeSnapshot();
    lab = await buildLab(farSide);
  });
  after(() => {
    lab?.set.close();
    rmSync(USERS_DIRECTORY, { recursive: true, force: true });
  });

  const inPhase = (phase: string) =>
    PROOFS.filter((proof) => proof.phase === phase && (proof.farSide ?? farSide) === farSide);
  const title = (name: string, text: string) => `${RULES[name] ?? ''} lab ${name}: ${text}`.trim();
  const silent = () => undefined;

  for (const proof of inPhase('before')) {
    it(title(proof.name, proof.title), async (t) => t.diagnostic(await proof.run(lab, silent)));
  }
  it('the client starts and makes an IPv4 default route', () => startClient(lab));
  for (const proof of [...inPhase('running'), ...inPhase('after')]) {
    it(title(proof.name, proof.title), async (t) => t.diagnostic(await proof.run(lab, silent)));
  }
  it('the host is as before once the lab is closed', async () => {
    lab.set.close();
    assert.deepEqual(compareSnapshots(hostBefore, await takeSnapshot()), []);
  });
}

describe('the lab with our own gateway', () => proveAll('gateway'));
describe('the lab with tayga and unbound', () => proveAll('interop'));
