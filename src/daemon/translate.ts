// The role `translate`: a TUN interface, the data plane on it, reload, leases, and an end that leaves nothing behind.
//
//     configuration ─► open TUN ─► workers start     ┐
//                                  addresses, routes ┴─► ready ─► SIGHUP: reload ─► … ─► SIGTERM or failure ─► teardown
//
// A failed start runs the same teardown as a stop.

import { formatPrefix6 } from '../config/addresses.ts';
import { loadRole } from '../config/load.ts';
import type { TranslatorConfig } from '../config/translator.ts';
import { EXIT } from '../contract/errors.ts';
import type { RoleOptions } from '../contract/role-options.ts';
import { EventLog } from '../control/event-log.ts';
import type { ControlServer } from '../control/server.ts';
import { type DataPlane, startDataPlane } from '../dataplane/dataplane.ts';
import { selectTunPlatform, type TunDevice, type TunPlatform } from '../platform/select.ts';
import type { Controlled } from './control.ts';
import { sayChanged, sayEnded, sayStarted } from './datapath-log.ts';
import { describeOffload } from './describe.ts';
import { keepLeases, loadLeases } from './leases.ts';
import type { DaemonLog } from './log.ts';
import { type CaptureTarget, openCaptureTarget } from './open-capture.ts';
import { startThread } from './packet-thread.ts';
import { makeReload } from './reload.ts';
import { listenToEnd } from './role-end.ts';
import { openRoleLog } from './role-log.ts';
import { END_WORDS } from './signals.ts';
import type { RoleFacts } from './status-board.ts';
import { openConfiguredTun, setupOf } from './tun.ts';

interface Session {
  readonly platform: TunPlatform;
  readonly device: TunDevice;
  readonly file: string;
  readonly config: TranslatorConfig;
  readonly capture: CaptureTarget;
  readonly log: DaemonLog;
  readonly events: EventLog;
}

/**
 * Runs the translator of a configuration file until a signal ends it.
 * @returns the exit code
 * @throws XlatError when it cannot start, or when the data path fails; everything has been taken down by then
 */
export async function runTranslate(file: string, options: RoleOptions): Promise<number> {
  const events = new EventLog();
  const { log } = openRoleLog(options, events);
  try {
    const config = loadRole(file, 'translator');
    const platform = await selectTunPlatform();
    const capture = await openCaptureTarget(options.capture, log);
    try {
      const device = openConfiguredTun(platform, config.tun);
      try {
        await runOn({ platform, device, file, config, capture, log, events });
      } finally {
        device.close();
      }
    } finally {
      await capture.discard();
    }
    log.info('translator-stopped', {}, 'stopped');
    return EXIT.done;
  } finally {
    await log.flush();
  }
}

async function runOn(session: Session): Promise<void> {
  const { config, capture, log } = session;
  const dataPlane = await startOn(session);
  const leases = keepLeases(config.leaseFile, () => dataPlane.leases(), log);
  try {
    await capture.start(dataPlane);
    await untilStopped(session, dataPlane);
    // Not after a failure: a worker that ended has no leases to tell, and the file keeps those of the last time.
    await leases.save();
  } finally {
    leases.close();
    await dataPlane.stop();
    sayEnded(log, session.device);
  }
}

/** Starts the workers, sets the interface up and loads the log, all at the same time. When one of the two fails, the other is taken down. */
async function startOn({ platform, device, config, log }: Session): Promise<DataPlane> {
  const { settings, tun, leaseFile } = config;
  const starting = startDataPlane({
    queues: device.queues,
    wake: (queue) => device.wake(queue),
    startThread,
    settings,
    coalesce: tun.coalesce,
    leases: loadLeases(leaseFile, log),
  });
  const setup = tun.attach ? Promise.resolve() : platform.setUpTun(tun.name, setupOf(tun), !device.wasCreated);
  const [started, wasSetUp] = await Promise.allSettled([starting, setup, log.flush()]);
  if (started.status === 'rejected') throw started.reason;
  if (wasSetUp.status === 'fulfilled') return started.value;
  await started.value.stop();
  throw wasSetUp.reason;
}

async function untilStopped(session: Session, dataPlane: DataPlane): Promise<void> {
  const { log, events, config, device } = session;
  let { settings } = config;
  const reloaded = (next: TranslatorConfig): void => {
    settings = next.settings;
    sayChanged(log, device, settings);
  };
  const dataPath = { device, dataPlane, coalesce: config.tun.coalesce };
  const state = { name: 'running', reason: 'ready', text: `translating on ${device.name}` };
  const facts = (): RoleFacts => ({ state, addresses: null, uplink: null, settings, dataPath });
  const reload = makeReload({ ...session, dataPlane, reloaded }, session.config);
  const signals = listenToEnd(() => void reload(), log);
  const failure = failureOf(dataPlane);
  try {
    sayStarted(log, device, config.tun.coalesce, settings);
    sayReady(session);
    const [, control] = await Promise.all([
      log.flush(),
      loadControl({ role: 'translator', tun: device.name, facts, events, log, signals, reload }),
    ]);
    try {
      const cause = await Promise.race([signals.stop, failure]);
      log.info('translator-stopping', { cause }, `stopping ${END_WORDS[cause]}`);
    } finally {
      await control?.close();
    }
  } finally {
    signals.close();
  }
}

/** Rejects when the data plane fails, which may be before anybody waits for it. */
export function failureOf(dataPlane: Pick<DataPlane, 'onFailure'>): Promise<never> {
  const failure = new Promise<never>((_, reject) => dataPlane.onFailure(reject));
  failure.catch(() => undefined); // whoever waits gets it
  return failure;
}

const loadControl = async (role: Controlled): Promise<ControlServer | null> =>
  (await import('./control.ts')).openControl(role);

function sayReady({ config, device, platform, log }: Session): void {
  const { settings } = config;
  const readyMs = Math.round(performance.now());
  const prefix = settings.prefix === null ? 'mappings only' : formatPrefix6(settings.prefix);
  const offload = describeOffload(device.capabilities);
  const fields = { interface: device.name, prefix, mappings: settings.mappings.length, queues: device.queues.length };
  log.info('ready', { ...fields, offload, readyMs }, `translating on ${device.name}, ready in ${readyMs} ms`);
  for (const note of device.notes) log.info('config-warning', {}, note);
  for (const warning of config.warnings) log.warn('config-warning', {}, warning);
  for (const setting of platform.missingForwarding()) {
    log.warn(
      'forwarding-off',
      { setting },
      `this host forwards nothing from other hosts; set ${setting}=1 if it should`,
    );
  }
}
