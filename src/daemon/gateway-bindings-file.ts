// Keeps the NAT64's bindings over a restart (nat64.save-file): read at the start, saved now and then and at the end. A file that
// cannot be read or written never stops the gateway; the log says so.

import { readFileSync, statSync } from 'node:fs';
import type { DataPlane } from '../dataplane/dataplane.ts';
import type { DaemonLog } from './log.ts';
import { replaceFile } from './replace-file.ts';

/** At most so much is lost by a crash. */
const SAVE_EVERY_MS = 120_000;
/** Sixteen million bindings. */
const LARGEST_BYTES = 400_000_009;

/** Saves bindings while the NAT64 runs. */
export interface BindingsKeeper {
  /** Saves now. Never throws. */
  save(): Promise<void>;
  /** Ends the regular saving. */
  close(): void;
}

/** The bindings of the last run; undefined: none are kept, or there are none. Never throws. */
export function loadBindings(file: string | null, log: DaemonLog): Uint8Array | undefined {
  if (file === null) return undefined;
  try {
    const { size } = statSync(file);
    if (size > LARGEST_BYTES) throw new Error(`${file} has ${size} bytes, which is no file of bindings`);
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    log.warn('bindings-unreadable', { file }, `the bindings of the last run are lost: ${(error as Error).message}`);
    return undefined;
  }
}

/** What came of the bindings of the last run. */
export function sayRestored({ restored }: DataPlane, file: string | null, log: DaemonLog): void {
  if (restored === null || file === null) return;
  const { restored: kept, refused } = restored;
  const lost = refused === 0 ? '' : `, ${refused} do not fit any more`;
  log.info('bindings-restored', { file, restored: kept, refused }, `${kept} bindings of the last run go on${lost}`);
}

/** Saves bindings now and then. */
export function keepBindings(file: string | null, { nat64 }: Pick<DataPlane, 'nat64'>, log: DaemonLog): BindingsKeeper {
  if (file === null) return { save: async () => undefined, close: () => undefined };
  const save = async (): Promise<void> => {
    try {
      replaceFile(file, await nat64.save());
    } catch (error) {
      log.warn('bindings-unsaved', { file }, `the bindings could not be saved: ${(error as Error).message}`);
    }
  };
  const timer = setInterval(() => void save(), SAVE_EVERY_MS);
  return { save, close: () => clearInterval(timer) };
}
