// The control API of a running role: the way from its methods to the role. Loaded when the role runs, or while it waits, so
// that it costs nothing until then.

import { parseIpv4, parseIpv6 } from '../config/addresses.ts';
import { XlatError } from '../contract/errors.ts';
import type { Captured, Params, Result } from '../contract/methods.ts';
import { endpointIn } from '../control/endpoint.ts';
import type { EventLog } from '../control/event-log.ts';
import type { CaptureReceiver, ControlHost, GatewayRequests } from '../control/host.ts';
import { type ControlServer, openControlServer } from '../control/server.ts';
import { isDrop, VERDICTS } from '../core/translate/verdict.ts';
import type { CaptureCounters, CaptureFilter } from '../dataplane/capture.ts';
import type { CaptureSink } from '../dataplane/capture-sink.ts';
import type { DataPlane } from '../dataplane/dataplane.ts';
import { identityOf } from './identity.ts';
import type { DaemonLog } from './log.ts';
import { logFailure } from './open-capture.ts';
import { stateDir } from './role.ts';
import type { Signals } from './signals.ts';
import { type RoleFacts, StatusBoard } from './status-board.ts';

/** What a role gives to its control API. */
export interface Controlled {
  readonly role: 'client' | 'translator' | 'gateway';
  /** The configured name of its virtual interface. */
  readonly tun: string;
  /** Reads what it knows now. */
  readonly facts: () => RoleFacts;
  readonly events: EventLog;
  readonly log: DaemonLog;
  /** What ends it. */
  readonly signals: Pick<Signals, 'end'>;
  /** Reads the configuration again. @returns what was wrong */
  readonly reload: () => Promise<readonly string[]>;
  /** What the changes since the last call cost, one sentence each. */
  readonly takeNotes?: () => readonly string[];
  /** Switches it on or off; left out: it cannot be switched. */
  readonly switchTo?: (isOn: boolean) => void;
  /** What a gateway is asked; left out: it is none. */
  readonly gateway?: GatewayRequests | null;
}

/**
 * Opens the control API. A role that cannot have one runs all the same, because IPv4 matters more; the log says so.
 * @returns the server, or null. Never throws.
 */
export async function openControl(controlled: Controlled): Promise<ControlServer | null> {
  const { role, tun, facts, events, log } = controlled;
  try {
    const board = new StatusBoard(identityOf(role, tun), facts);
    // A change of state comes with a line in the log, in the same turn.
    events.listen(() => queueMicrotask(() => board.look()));
    return await openControlServer(endpointIn(stateDir(), board.identity.name), hostOf(board, controlled));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const advice = error instanceof XlatError && error.advice !== undefined ? `. ${error.advice}` : '';
    log.warn('control-unavailable', {}, `there is no control API: ${message}${advice}`);
    return null;
  }
}

function hostOf(
  board: StatusBoard,
  { events, log, signals, reload, takeNotes = () => [], switchTo = notSwitched(board), gateway = null }: Controlled,
): ControlHost {
  const { name, role, version } = board.identity;
  return {
    name,
    role,
    version,
    events,
    log,
    status: () => board.status(),
    startCapture: (request, receiver) => startCapture(dataPlaneOf(board), request, receiver, log),
    stopCapture: async () => capturedOf(await dataPlaneOf(board).stopCapture()),
    reload: async (): Promise<Result<'reload'>> => {
      takeNotes(); // of changes before
      const problems = await reload();
      return { isReloaded: problems.length === 0, problems, notes: takeNotes() };
    },
    switchTo,
    gateway,
    stop: () => signals.end('control-api'),
  };
}

const notSwitched =
  ({ identity }: StatusBoard) =>
  (): never => {
    const advice = `"xlat464 stop --name ${identity.name}" ends it.`;
    throw new XlatError('USAGE', 'switch the daemon', `a ${identity.role} is not switched on and off`, { advice });
  };

function dataPlaneOf({ dataPath }: StatusBoard): DataPlane {
  if (dataPath !== null) return dataPath.dataPlane;
  throw new XlatError('CONTROL_FAILED', 'capture', 'nothing is translated yet, so there is nothing to capture');
}

async function startCapture(
  dataPlane: DataPlane,
  { snaplenBytes, ...filter }: Params<'capture.start'>,
  receiver: CaptureReceiver,
  log: DaemonLog,
): Promise<void> {
  const sink: CaptureSink = {
    append: (bytes, soFar, done) => receiver.append(bytes, capturedOf(soFar), done),
    close: () => receiver.close(),
  };
  const snaplen = snaplenBytes === undefined ? {} : { snaplenBytes };
  await dataPlane.startCapture({ sink, filter: filterOf(filter), onFailure: logFailure(log), ...snaplen });
}

const capturedOf = ({ recorded, lost }: CaptureCounters): Captured => ({
  recorded: recorded[0] + recorded[1],
  lost: lost[0] + lost[1],
});

const DROPS: ReadonlySet<number> = new Set(VERDICTS.map((_, verdict) => verdict).filter(isDrop));

function filterOf({ family, dropsOnly, addresses }: Params<'capture.start'>): CaptureFilter {
  return {
    ...(family === undefined ? {} : { family }),
    ...(dropsOnly === true ? { verdicts: DROPS } : {}),
    ...(addresses === undefined ? {} : { addresses: addresses.map(addressBytes) }),
  };
}

function addressBytes(text: string): Uint8Array {
  const ipv4 = parseIpv4(text);
  if (ipv4.ok) return Uint8Array.of(ipv4.value >>> 24, ipv4.value >>> 16, ipv4.value >>> 8, ipv4.value);
  const ipv6 = parseIpv6(text);
  if (ipv6.ok) return ipv6.value;
  throw new XlatError('USAGE', 'start a capture', `"${text.slice(0, 64)}" is no IPv4 or IPv6 address`);
}
