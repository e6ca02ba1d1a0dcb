// SIGHUP and the API's reload for a client: its file is read and checked again, and what is wrong with it is said at once, not at the
// next start of the machine. The client goes on with the settings that it has; others take effect at its next start.

import type { ClientConfig } from '../config/client.ts';
import { loadRole } from '../config/load.ts';
import type { DaemonLog } from './log.ts';

const NO_FILE = 'the client reads its settings at its start only; restart it to change them';
const SAME = 'the configuration is the one in use';
const LATER = 'the configuration has changed; it takes effect at the next start of the client';

/** Whether two configurations are the same. */
const isSame = (a: ClientConfig, b: ClientConfig): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What reads again. */
interface ClientReload {
  /** Logs what it finds. @returns what is wrong with the file, or that there is none. Never throws */
  readonly reload: () => readonly string[];
  /** What else there is to know of the calls since the last one: that the file is sound, and not in use yet. */
  readonly takeNotes: () => readonly string[];
}

/**
 * Makes what reads again.
 * @param file null: the settings are those of the command line
 */
export function makeClientReload(file: string | null, current: ClientConfig, log: DaemonLog): ClientReload {
  let notes: readonly string[] = [];
  const reload = (): readonly string[] => {
    if (file === null) {
      log.info('client-unchanged', {}, NO_FILE);
      return [NO_FILE];
    }
    try {
      const found = isSame(loadRole(file, 'client'), current) ? SAME : LATER;
      log.info('client-unchanged', {}, found);
      notes = found === LATER ? [LATER] : [];
      return [];
    } catch (error) {
      const problems = (error instanceof Error ? error.message : String(error)).split('\n');
      for (const line of problems) {
        log.error('client-reload-failed', { file }, `the new configuration is not used: ${line}`);
      }
      return problems;
    }
  };
  const takeNotes = (): readonly string[] => {
    const taken = notes;
    notes = [];
    return taken;
  };
  return { reload, takeNotes };
}
