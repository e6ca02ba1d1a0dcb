// A log whose lines are also the daemon's events, for the control API.

import type { LogLevel } from '../contract/log-parts.ts';
import type { EventLog } from '../control/event-log.ts';
import type { DaemonLog } from './log.ts';

/** Writes to `log` and adds everything but debug lines to `events`. */
export function recordingLog(log: DaemonLog, events: EventLog): DaemonLog {
  const both =
    (level: Exclude<LogLevel, 'debug'>): DaemonLog['info'] =>
    (code, fields, text) => {
      log[level](code, fields, text);
      events.add({ timeMs: Date.now(), level, code, fields, text });
    };
  return { debug: log.debug, info: both('info'), warn: both('warn'), error: both('error'), flush: log.flush };
}
