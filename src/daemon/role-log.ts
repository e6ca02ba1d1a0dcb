// The log of a role: written, kept as events for the control API, and told what the process does to its host.

import type { RoleOptions } from '../contract/role-options.ts';
import type { EventLog } from '../control/event-log.ts';
import { traceHost } from '../platform/select.ts';
import { type DaemonLog, openLog } from './log.ts';
import { recordingLog } from './recording-log.ts';

/** Both ways of writing a role's log. */
export interface RoleLog {
  /** Its lines are events, too. */
  readonly log: DaemonLog;
  /** Its lines are not: for what comes in numbers. */
  readonly plainLog: DaemonLog;
}

/** Opens the log of this process' role. */
export function openRoleLog(options: RoleOptions, events: EventLog): RoleLog {
  const plainLog = openLog(options);
  traceHost(({ kind, what, failure, ms }) => {
    const code = kind === 'command' ? 'command-ran' : 'setting-written';
    const outcome = failure === null ? '' : `: ${failure}`;
    plainLog.debug(code, { ok: failure === null, ms }, `${what}${outcome}`);
  });
  return { log: recordingLog(plainLog, events), plainLog };
}
