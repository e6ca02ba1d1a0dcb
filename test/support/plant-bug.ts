// Loaded into a role with `node --import`: makes it a role with a bug, on demand. SIGUSR2 throws where nobody catches, SIGWINCH rejects
// a promise that nobody has.

import { isMainThread } from 'node:worker_threads';

if (isMainThread) {
  process.on('SIGUSR2', () => {
    throw new Error('a planted bug');
  });
  process.on('SIGWINCH', () => {
    void Promise.reject(new Error('a planted bug'));
  });
}
