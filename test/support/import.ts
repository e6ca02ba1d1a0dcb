// Imports of the configurations in test/vectors/import, and what became of them.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { type ImportChoices, type Imported, importConfig } from '../../src/config/import/import.ts';
import type { Source } from '../../src/config/import/source.ts';

const FOLDER = fileURLToPath(new URL('../../../test/vectors/import/', import.meta.url));

/** All files. */
export const FIXTURES = [
  'vyos-commands.conf',
  'config.boot',
  'jool.sh',
  'jool-nat64.json',
  'jool_siit.sh',
  'jool-siit.json',
  'unbound.conf',
  'radvd.conf',
  'recursor.conf',
  'recursor.yml',
  'tayga.conf',
] as const;

/** The text of a file. */
export const fixture = (name: string): Source => ({ name, text: readFileSync(`${FOLDER}${name}`, 'utf8') });

const NOTHING: ImportChoices = { from: null, lan: [], wan: [] };

/** Imports texts; a text alone is called `x`. */
export function imported(sources: string | readonly Source[], choices: Partial<ImportChoices> = {}): Imported {
  const list = typeof sources === 'string' ? [{ name: 'x', text: sources }] : sources;
  return importConfig(list, { ...NOTHING, ...choices });
}

/** The keys and values of the file that an import led to. */
export const valuesOf = ({ text }: Imported): Record<string, unknown> => parse(text);

/** What an import could not take over: `line reason`. */
export const lostIn = ({ notes }: Imported): string[] =>
  notes.filter(({ kind }) => kind === 'warning').map(({ at, reason }) => `${at?.line ?? '-'} ${reason}`);
