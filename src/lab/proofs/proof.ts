// What a proof is: one row of the lab's table. Each can be run on its own against a lab that is up.

import { XlatError } from '../../contract/errors.ts';
import type { FarSide, Lab } from '../environment.ts';

/** Says how far a longer proof is, for the line that is overwritten. */
export type Progress = (text: string) => void;

/** One row. */
export interface Proof {
  /** Short name for `--only`. */
  readonly name: string;
  /** What is shown, in a few words. */
  readonly title: string;
  /** Before our client runs, while it runs, or to end it. */
  readonly phase: 'before' | 'running' | 'after';
  /** Only with this far side; left out: with each. */
  readonly farSide?: FarSide;
  /** @returns the evidence in a few words. @throws XlatError when it does not hold */
  run(lab: Lab, progress: Progress): Promise<string>;
}

/** The error of a proof that does not hold. */
export function failed(what: string): XlatError {
  return new XlatError('LAB_FAILED', 'prove', what);
}
