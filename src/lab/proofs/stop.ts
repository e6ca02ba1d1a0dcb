// Proof that our client undoes what it did: the namespace is compared with what it was before the start.

import { compareSnapshots, takeSnapshot } from '../snapshot.ts';
import { failed, type Proof } from './proof.ts';

export const cleanStop: Proof = {
  name: 'stop',
  title: 'stop leaves nothing behind',
  phase: 'after',
  run: async (lab) => {
    const client = lab.client;
    if (client === undefined) throw failed('the client does not run');
    const code = await client.stop('SIGTERM');
    if (code !== 0) throw failed(`the client ended with ${code ?? 'a signal'}: ${client.output().trim().slice(-300)}`);
    lab.client = undefined;
    const changes = compareSnapshots(lab.clientBefore, await takeSnapshot(lab.net.client));
    if (changes.length > 0) throw failed(`left behind: ${changes.slice(0, 5).join(' | ')}`);
    return 'links, addresses, routes, nft, sysctls as before';
  },
};
