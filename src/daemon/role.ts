// What all roles share.

import { defaultSecretDir, defaultStateDir } from '../platform/state-dir.ts';
import type { LogOptions } from './log.ts';

/** What a role can be told beside its configuration. */
export interface RoleOptions extends LogOptions {
  /** Path of a pcapng file for both sides of the translation. */
  readonly capture?: string;
  /** A client with a configured prefix waits for a network, instead of failing with NO_UPLINK. */
  readonly waits?: boolean;
}

/** Where a client keeps its journal. XLAT464_STATE_DIR chooses another place, so that tests and labs keep to themselves. */
export const stateDir = (): string => process.env.XLAT464_STATE_DIR ?? defaultStateDir();

/** Where a client keeps its secret; beside the journal where that was chosen. */
export const secretDir = (): string => process.env.XLAT464_STATE_DIR ?? defaultSecretDir();
