// Where all roles keep what outlives them.

import { defaultSecretDir, defaultStateDir } from '../platform/state-dir.ts';

/** Where a client keeps its journal. XLAT464_STATE_DIR chooses another place, so that tests and labs keep to themselves. */
export const stateDir = (): string => process.env.XLAT464_STATE_DIR ?? defaultStateDir();

/** Where a client keeps its secret; beside the journal where that was chosen. */
export const secretDir = (): string => process.env.XLAT464_STATE_DIR ?? defaultSecretDir();
