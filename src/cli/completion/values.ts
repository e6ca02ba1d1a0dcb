// What may stand where a value is expected: the same for every shell.

import type { ArgumentOutline, OptionOutline } from '../outline.ts';

/** What a shell offers. */
export type Values =
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'file' | 'interface' | 'anything' };

const INTERFACE_OPTIONS = ['--interface', '--uplink'];

/** What an option takes; null: it takes no value. */
export function valuesOfOption({ value, long, choices }: OptionOutline): Values | null {
  if (value === null) return null;
  if (INTERFACE_OPTIONS.includes(long ?? '')) return { kind: 'interface' };
  return valuesOf(value, choices);
}

/** What an argument takes. */
export const valuesOfArgument = ({ name, choices }: ArgumentOutline): Values => valuesOf(name, choices);

function valuesOf(name: string, choices: readonly string[]): Values {
  if (choices.length > 0) return { kind: 'words', words: choices };
  return { kind: name === 'file' || name === 'files' ? 'file' : 'anything' };
}

/** The words of an option, short one first. */
export const wordsOf = ({ short, long }: OptionOutline): readonly string[] =>
  [short, long].filter((word) => word !== null);
