// Keeps the dynamic pool's leases over a restart: read at the start, saved now and then and at the end. A file that cannot be
// read or written never stops the translator; it is said in the log.

import type { Lease } from '../core/address/dynamic-pool.ts';
import { readLeases, writeLeases } from './lease-file.ts';
import type { DaemonLog } from './log.ts';

/** At most so much is lost by a crash. */
const SAVE_EVERY_MS = 60_000;

/** Saves leases while the translator runs. */
export interface LeaseKeeper {
  /** Saves now. Never throws. */
  save(): Promise<void>;
  /** Ends the regular saving. */
  close(): void;
}

/** The leases of the last run; none without a file. An unreadable file is logged. Never throws. */
export function loadLeases(file: string | null, log: DaemonLog): readonly Lease[] {
  if (file === null) return [];
  try {
    return readLeases(file);
  } catch (error) {
    log.warn('leases-unreadable', { file }, `the leases of the last run are lost: ${messageOf(error)}`);
    return [];
  }
}

/** Saves leases every minute when they changed. @param current reads them from the data plane */
export function keepLeases(file: string | null, current: () => Promise<readonly Lease[]>, log: DaemonLog): LeaseKeeper {
  if (file === null) return { save: async () => undefined, close: () => undefined };
  let saved = '';
  const write = async (isFinal: boolean): Promise<void> => {
    try {
      const leases = await current();
      // When a lease was last used changes with every packet; who has which address does not.
      const owners = JSON.stringify(leases.map(({ ipv4, ipv6 }) => [ipv4, ipv6]));
      if (isFinal || owners !== saved) writeLeases(file, leases);
      saved = owners;
    } catch (error) {
      log.warn('leases-unsaved', { file }, `the leases could not be saved: ${messageOf(error)}`);
    }
  };
  const timer = setInterval(() => void write(false), SAVE_EVERY_MS);
  return { save: () => write(true), close: () => clearInterval(timer) };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
