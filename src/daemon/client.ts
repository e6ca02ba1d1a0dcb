// The role `client`: the client of src/client with this machine's platform, a TUN interface and the data plane on it.

import { startClient } from '../client/client.ts';
import type { DataPlaneRequest, RunningDataPlane } from '../client/data-plane.ts';
import type { RunningClient } from '../client/running-client.ts';
import type { ClientConfig } from '../config/client.ts';
import { EXIT, XlatError } from '../contract/errors.ts';
import type { RoleOptions } from '../contract/role-options.ts';
import { EventLog } from '../control/event-log.ts';
import type { ControlServer } from '../control/server.ts';
import type { TranslatorSettings } from '../core/translate/settings.ts';
import { startDataPlane } from '../dataplane/dataplane.ts';
import {
  selectDiscoveryPlatform,
  selectPlatform,
  selectTunPlatform,
  type TunDevice,
  type TunPlatform,
} from '../platform/select.ts';
import { makeClientReload } from './client-reload.ts';
import type { ClientDataPath } from './client-status.ts';
import type { Controlled } from './control.ts';
import { sayChanged, sayEnded, sayStarted } from './datapath-log.ts';
import type { DaemonLog } from './log.ts';
import { type CaptureTarget, openCaptureTarget } from './open-capture.ts';
import { startThread } from './packet-thread.ts';
import { secretDir, stateDir } from './role.ts';
import { listenToEnd, type RoleEnd } from './role-end.ts';
import { openRoleLog } from './role-log.ts';
import { END_WORDS, type EndCause } from './signals.ts';

/**
 * Runs the client until a signal ends it or it fails.
 * @param file where its configuration came from; null: the command line
 * @returns the exit code
 * @throws XlatError when it cannot start or fails; the host is as it was by then
 */
export async function runClient(config: ClientConfig, options: RoleOptions, file: string | null): Promise<number> {
  const events = new EventLog();
  const { log } = openRoleLog(options, events);
  const { reload, takeNotes } = makeClientReload(file, config, log);
  const end = listenToEnd(reload, log);
  const capture = await openCaptureTarget(options.capture, log);
  try {
    const [platform, tuns] = await Promise.all([selectPlatform(), selectTunPlatform()]);
    // Without a configured prefix it is discovered.
    const discovery = config.prefix === null ? { discoveryPlatform: await selectDiscoveryPlatform() } : {};
    const path: ClientDataPath = { settings: null, dataPath: null };
    const client = startClient(config, {
      platform,
      startDataPlane: (request) => openDataPlane(tuns, request, capture, path, log),
      log,
      stateDir: stateDir(),
      secretDir: secretDir(),
      ...discovery,
      ...(options.waits === true ? { waitsForUplink: true } : {}),
    });
    const control = loadControl(client, path, {
      role: 'client',
      tun: config.tunName,
      events,
      log,
      signals: end,
      reload: async () => reload(),
      takeNotes,
      switchTo: (isOn) => (isOn ? client.switchOn() : client.switchOff()),
    });
    try {
      await untilEnded(client, end, log);
    } finally {
      await (await control)?.close();
    }
    return EXIT.done;
  } finally {
    end.close();
    await capture.discard();
    await log.flush();
  }
}

async function untilEnded(client: RunningClient, end: RoleEnd, log: DaemonLog): Promise<void> {
  const stop = (): Promise<void> => client.stop();
  const asked = (cause: EndCause): Promise<void> => {
    log.info('client-asked', { cause }, `stopping ${END_WORDS[cause]}`);
    return stop();
  };
  void end.stop.then(asked, stop).catch(() => undefined); // `ended` below has the failure
  await client.ready;
  sayReady(log, client.state);
  await log.flush();
  await client.ended;
  end.check();
}

async function loadControl(
  client: RunningClient,
  path: ClientDataPath,
  role: Omit<Controlled, 'facts'>,
): Promise<ControlServer | null> {
  const modules = Promise.all([import('./control.ts'), import('./client-status.ts')]);
  try {
    await client.opened; // another client may have this host, and the API of this one would be in its way
  } catch {
    return null; // `ready` has the failure
  }
  const [{ openControl }, { clientFacts }] = await modules;
  return openControl({ ...role, facts: () => clientFacts(client, path) });
}

/** A client that waits has said what for; it is ready only when IPv4 works. */
function sayReady(log: DaemonLog, state: RunningClient['state']): void {
  if (state.state !== 'running') return;
  const readyMs = Math.round(performance.now());
  log.info('ready', { readyMs }, `ready in ${readyMs} ms`);
}

/** Opens the TUN interface and starts one worker on it: a host's own traffic needs no more. */
async function openDataPlane(
  tuns: TunPlatform,
  request: DataPlaneRequest,
  capture: CaptureTarget,
  path: ClientDataPath,
  log: DaemonLog,
): Promise<RunningDataPlane> {
  const device = openTun(tuns, request);
  try {
    return await startOn(device, request, capture, path, log);
  } catch (error) {
    device.close();
    throw error;
  }
}

function openTun(tuns: TunPlatform, { tunName, offload }: DataPlaneRequest): TunDevice {
  try {
    return tuns.openTun({ name: tunName, queues: 1, offload: offload ? 'auto' : 'off' });
  } catch (cause) {
    if (!(cause instanceof XlatError) || cause.code !== 'TUN_BUSY') throw cause;
    const advice = 'Stop the program that it belongs to, or give this one another interface with --tun NAME.';
    throw new XlatError(cause.code, cause.operation, cause.message, { advice, cause });
  }
}

async function startOn(
  device: TunDevice,
  { settings, coalesce }: DataPlaneRequest,
  target: CaptureTarget,
  path: ClientDataPath,
  log: DaemonLog,
): Promise<RunningDataPlane> {
  const { queues } = device;
  const dataPlane = await startDataPlane({ queues, wake: (q) => device.wake(q), startThread, settings, coalesce });
  try {
    await target.start(dataPlane);
  } catch (error) {
    await dataPlane.stop(); // its worker must not outlive the interface
    throw error;
  }
  let settle: { resolve: () => void; reject: (failure: unknown) => void };
  const ended = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
    dataPlane.onFailure(reject);
  });
  path.settings = settings;
  path.dataPath = { device, dataPlane, coalesce };
  sayStarted(log, device, coalesce, settings);
  const close = async (): Promise<void> => {
    path.dataPath = null;
    sayEnded(log, device);
    try {
      await dataPlane.stop();
    } finally {
      device.close();
      settle.resolve();
    }
  };
  const update = async (next: TranslatorSettings): Promise<void> => {
    await dataPlane.reconfigure(next);
    path.settings = next;
    sayChanged(log, device, next);
  };
  return { tunName: device.name, ended, update, close };
}
