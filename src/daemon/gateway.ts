// The role `gateway`: NAT64, DNS64, router advertisements, DHCPv4 and the kernel's own NAT from one file, changed while they run,
// and an end that leaves the host as it was.
//
//     configuration ─┐
//     this machine ──┴► plan ─► parts start ─► ready ─┬► SIGHUP, `reload`: configuration anew ─► plan ─► parts change
//                                                     ├► an address, route or interface changed ─► plan ─► parts change
//                                                     └► SIGTERM, Ctrl-C, or the data path failed ─► teardown
//
// A failed start runs the same teardown as a stop. A data path that fails ends the gateway: hosts are told that this router is none
// any more, nothing passes untranslated, and whoever watches the process starts it anew. Read next: gateway-plan.ts, gateway-parts.ts.

import { formatPrefix6 } from '../config/addresses.ts';
import type { GatewayConfig } from '../config/gateway.ts';
import { loadRole } from '../config/load.ts';
import { EXIT, XlatError } from '../contract/errors.ts';
import type { RoleOptions } from '../contract/role-options.ts';
import { EventLog } from '../control/event-log.ts';
import type { ControlServer } from '../control/server.ts';
import { prepareGatewayHost } from '../gateway/host.ts';
import { selectGatewayPlatform, selectTunPlatform } from '../platform/select.ts';
import type { Controlled } from './control.ts';
import { GatewayFollower } from './gateway-follower.ts';
import { gatewayName } from './gateway-nat64.ts';
import { GatewayParts } from './gateway-parts.ts';
import { planGateway, readSurroundings } from './gateway-plan.ts';
import type { DaemonLog } from './log.ts';
import { openCaptureTarget } from './open-capture.ts';
import { stateDir } from './role.ts';
import { listenToEnd } from './role-end.ts';
import { openRoleLog } from './role-log.ts';
import { END_WORDS, type Signals } from './signals.ts';
import { Teardown } from './teardown.ts';

interface Session {
  readonly file: string;
  readonly config: GatewayConfig;
  readonly capture: string | undefined;
  readonly events: EventLog;
  readonly log: DaemonLog;
  /** The same without events. */
  readonly plainLog: DaemonLog;
}

/**
 * Runs the gateway of a configuration file until a signal ends it.
 * @returns the exit code
 * @throws XlatError when it cannot start, or when the data path fails; everything has been taken down by then
 */
export async function runGateway(file: string, options: RoleOptions): Promise<number> {
  const events = new EventLog();
  const { log, plainLog } = openRoleLog(options, events);
  try {
    const config = loadRole(file, 'gateway');
    await runSession({ file, config, capture: options.capture, events, log, plainLog });
    log.info('gateway-stopped', {}, 'stopped; everything on this host is as it was');
    return EXIT.done;
  } finally {
    await log.flush();
  }
}

async function runSession(session: Session): Promise<void> {
  const teardown = new Teardown();
  let reload = (): void => undefined; // until there is something to change
  const signals = listenToEnd(() => reload(), session.log);
  teardown.add(() => signals.close());
  try {
    const running = await start(session, teardown).catch(explained);
    reload = () => void running.follower.reload();
    await untilStopped(running, signals, session);
  } catch (error) {
    const failed = (trouble: Error): void => session.log.error('host-trouble', {}, trouble.message);
    await teardown.run().catch(failed); // what went wrong first is told last
    throw error;
  }
  await teardown.run();
}

/**
 * The file has been read, so a setting that cannot be had is a matter of this machine, and may come with its next address: who
 * watches the process may try again.
 */
function explained(error: unknown): never {
  if (!(error instanceof XlatError) || error.code !== 'CONFIG_INVALID') throw error;
  const { operation, message, advice } = error;
  throw new XlatError('HOST_UNFIT', operation, message, { ...(advice === undefined ? {} : { advice }), cause: error });
}

/** A gateway that has started. */
interface Running {
  readonly parts: GatewayParts;
  readonly follower: GatewayFollower;
  /** Rejects when the data path has failed. */
  readonly failed: Promise<never>;
}

/** Starts everything; what has been started is in the teardown, also when it throws. */
async function start(session: Session, teardown: Teardown): Promise<Running> {
  const { config, log, plainLog, file } = session;
  const capture = await openCaptureTarget(session.capture, log);
  teardown.add(() => capture.discard());
  const [platform, tuns] = await Promise.all([selectGatewayPlatform(), selectTunPlatform()]);
  const reading = readSurroundings(config.lan, platform);
  reading.catch(() => undefined); // below, if nothing else fails before
  const host = await prepareGatewayHost(platform, stateDir(), log);
  const failure = promiseOfFailure(log);
  teardown.add(() => host.close());
  const plan = planGateway(config, await reading);
  const context = { platform, tuns, host, stateDir: stateDir(), log, plainLog };
  const parts = new GatewayParts(context, plan, failure.fail);
  teardown.add(() => parts.close());
  await Promise.all([parts.start(), log.flush()]);
  if (parts.nat64 !== null) await capture.start(parts.nat64.dataPlane);
  const follower = new GatewayFollower({ file, parts, platform, log });
  teardown.add(() => follower.close());
  sayReady(parts, log);
  return { parts, follower, failed: failure.promise };
}

/** A promise that the data path's failure rejects, which may be before anybody waits for it. */
function promiseOfFailure(log: DaemonLog): {
  readonly promise: Promise<never>;
  readonly fail: (error: XlatError) => void;
} {
  let fail: (error: XlatError) => void = () => undefined;
  const promise = new Promise<never>((_, reject) => {
    fail = (error) => {
      log.error('data-path-failed', {}, `${error.message}; the gateway ends, and nothing passes untranslated`);
      reject(error);
    };
  });
  promise.catch(() => undefined); // whoever waits gets it
  return { promise, fail };
}

async function untilStopped({ parts, follower, failed }: Running, signals: Signals, session: Session): Promise<void> {
  const { log } = session;
  await log.flush();
  const control = await loadControl(follower, parts, signals, session);
  try {
    const cause = await Promise.race([signals.stop, failed]);
    log.info('gateway-stopping', { cause }, `stopping ${END_WORDS[cause]}`);
  } finally {
    await control?.close();
  }
}

async function loadControl(
  follower: GatewayFollower,
  parts: GatewayParts,
  signals: Signals,
  { events, log }: Session,
): Promise<ControlServer | null> {
  const [{ openControl }, { gatewayFacts }, { gatewayRequests }] = await Promise.all([
    import('./control.ts'),
    import('./gateway-status.ts'),
    import('./gateway-requests.ts'),
  ]);
  const controlled: Controlled = {
    role: 'gateway',
    tun: gatewayName(parts.plan.config),
    facts: () => gatewayFacts(parts),
    events,
    log,
    signals,
    reload: () => follower.reload(),
    takeNotes: () => parts.nat64?.takeNotes() ?? [],
    gateway: gatewayRequests(parts),
  };
  return openControl(controlled);
}

function sayReady(parts: GatewayParts, log: DaemonLog): void {
  const { plan } = parts;
  const { config } = plan;
  const readyMs = Math.round(performance.now());
  const { nat64, dns64 } = parts;
  const what = [
    ...(nat64 === null ? [] : [`NAT64 of ${config.prefixes.map(formatPrefix6).join(', ')} on ${nat64.device.name}`]),
    ...(dns64 === null ? [] : ['DNS64']),
    ...(parts.advertising === null ? [] : ['router advertisements']),
    ...(parts.dhcp4 === null ? [] : ['DHCPv4']),
  ];
  const [lan, wan] = [config.lan.join(', '), plan.wan.join(', ')];
  const text = `serving ${lan}: ${what.join(', ')}; out by ${wan || 'nothing yet'}; ready in ${readyMs} ms`;
  log.info('ready', { lan, wan, parts: what.join(', '), readyMs }, text);
  for (const note of nat64?.device.notes ?? []) log.info('config-warning', {}, note);
  for (const warning of [...config.warnings, ...plan.warnings]) log.warn('config-warning', {}, warning);
}
