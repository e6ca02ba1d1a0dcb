// The keys of a flat table as command-line options.

import type { Fields } from './fields.ts';

/** One option. */
export interface KeyOption {
  readonly key: string;
  readonly description: string;
  /** A switch: its value when it is not given. null: it takes a value. */
  readonly flagDefault: boolean | null;
  /** As text; undefined when there is none. */
  readonly byDefault: string | undefined;
  /** The words that it takes; empty: others, too. */
  readonly choices: readonly string[];
}

/** All keys but `role`, which the command's name says. */
export function optionsOf(fields: Fields): KeyOption[] {
  const keys = Object.entries(fields).filter(([key]) => key !== 'role');
  return keys.map(([key, { shape, byDefault, description }]) => ({
    key,
    description,
    flagDefault: shape.kind === 'flag' ? byDefault === true : null,
    byDefault: byDefault === undefined ? undefined : String(byDefault),
    choices: shape.kind === 'choice' ? shape.values : [],
  }));
}
