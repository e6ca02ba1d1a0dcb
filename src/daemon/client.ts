// The role `client`: the client of src/client with this machine's platform, a TUN interface and the data plane on it.

import { startClient } from '../client/client.ts';
import type { DataPlaneRequest, RunningDataPlane } from '../client/data-plane.ts';
import type { ClientConfig } from '../config/client.ts';
import { EXIT } from '../contract/errors.ts';
import { startDataPlane } from '../dataplane/dataplane.ts';
import { selectPlatform, selectTunPlatform, type TunPlatform } from '../platform/select.ts';
import { type DaemonLog, openLog } from './log.ts';
import { startThread } from './packet-thread.ts';
import { type RoleOptions, secretDir, stateDir } from './role.ts';
import { listenToSignals } from './signals.ts';

/**
 * Runs the client until a signal ends it or it fails.
 * @returns the exit code
 * @throws XlatError when it cannot start or fails; the host is as it was by then
 */
export async function runClient(config: ClientConfig, options: RoleOptions): Promise<number> {
  const log = openLog(options);
  try {
    const [platform, tuns] = await Promise.all([selectPlatform(), selectTunPlatform()]);
    const client = startClient(config, {
      platform,
      startDataPlane: (request) => openDataPlane(tuns, request, options.capture),
      log,
      stateDir: stateDir(),
      secretDir: secretDir(),
    });
    // Its configuration is its command line: there is nothing to read again.
    const signals = listenToSignals(() =>
      log.info('client-unchanged', {}, 'SIGHUP: the client has nothing to read again'),
    );
    void signals.stop.then(() => client.stop()).catch(() => undefined); // `ended` below has the failure
    try {
      await client.ready;
      sayReady(log);
      await log.flush();
      await client.ended;
    } finally {
      signals.close();
    }
    return EXIT.done;
  } finally {
    await log.flush();
  }
}

function sayReady(log: DaemonLog): void {
  const readyMs = Math.round(performance.now());
  log.info('ready', { readyMs }, `ready in ${readyMs} ms`);
}

/** Opens the TUN interface and starts one worker on it: a host's own traffic needs no more. */
async function openDataPlane(
  tuns: TunPlatform,
  { tunName, settings, offload, coalesce }: DataPlaneRequest,
  capture: string | undefined,
): Promise<RunningDataPlane> {
  const device = tuns.openTun({ name: tunName, queues: 1, offload: offload ? 'auto' : 'off' });
  try {
    const dataPlane = await startDataPlane({
      queues: device.queues,
      wake: (queue) => device.wake(queue),
      startThread,
      settings,
      coalesce,
    });
    if (capture !== undefined) await dataPlane.startCapture({ file: capture });
    let settle: { resolve: () => void; reject: (failure: unknown) => void };
    const ended = new Promise<void>((resolve, reject) => {
      settle = { resolve, reject };
      dataPlane.onFailure(reject);
    });
    const close = async (): Promise<void> => {
      await dataPlane.stop();
      device.close();
      settle.resolve();
    };
    return { tunName: device.name, ended, update: (next) => dataPlane.reconfigure(next), close };
  } catch (error) {
    device.close();
    throw error;
  }
}
