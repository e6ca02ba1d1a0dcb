// `xlat464 config import`: foreign configurations → one file of ours. Owns the order: read all files, fill in what no file says,
// write, and check what was written as if the operator had written it. Read first: draft.ts.

import { isNonGlobal4 } from '../../core/address/special.ts';
import { parseIpv4 } from '../addresses.ts';
import { ConfigError, type ConfigIssue } from '../issues.ts';
import { parseConfig } from '../load.ts';
import { detectFormat, IMPORT_FORMATS, type ImportFormat, readFormat } from './detect.ts';
import { Draft, type ImportedRole, type Note } from './draft.ts';
import type { Source } from './source.ts';
import { finishTranslator } from './translator.ts';
import { yamlText } from './yaml-text.ts';

/** What the operator says beside the files. */
export interface ImportChoices {
  /** null: each file's format is told from its content. */
  readonly from: ImportFormat | null;
  /** Interfaces; empty: those that the files name. */
  readonly lan: readonly string[];
  readonly wan: readonly string[];
}

/** What became of the files. */
export interface Imported {
  readonly role: ImportedRole;
  /** The configuration; it loads as it is. */
  readonly text: string;
  /** What the configuration does not hold, and what it holds and will surprise. */
  readonly notes: readonly Note[];
}

const OPERATION = 'import a configuration';

/** Stands in for a LAN interface that no file names. */
const PLACEHOLDER = 'eth1';

/**
 * Reads the files into one configuration.
 * @throws ConfigError with every finding, at its place in the files
 */
export function importConfig(sources: readonly Source[], choices: ImportChoices): Imported {
  const draft = new Draft();
  for (const source of sources) readSource(source, choices.from, draft);
  const { role } = draft;
  if (role === null && draft.issues.length === 0) draft.issues.push(nothingIn(sources));
  if (role === null || draft.issues.length > 0) throw new ConfigError(OPERATION, draft.issues);
  if (role === 'gateway') finishGateway(draft, choices);
  else finishTranslator(draft);
  if (draft.issues.length > 0) throw new ConfigError(OPERATION, draft.issues);
  const names = sources.map(({ name }) => name);
  draft.sortNotes(names);
  const text = yamlText(draft, role, names);
  const surprises = check(text, draft).map((reason): Note => ({ kind: 'warning', at: null, text: '', reason }));
  return { role, text, notes: [...draft.notes, ...surprises] };
}

/** Why nothing is left: a finding for each statement. */
const nothingOf = ({ notes }: Draft): ConfigIssue[] =>
  notes.map(({ at, text, reason }) => ({
    at,
    path: '',
    text,
    problem: reason,
    advice: 'nothing is left that a gateway does',
  }));

function readSource(source: Source, from: ImportFormat | null, draft: Draft): void {
  const format = from ?? detectFormat(source.text);
  if (format !== null) readFormat(format, source, draft);
  else {
    draft.issues.push({
      at: { file: source.name, line: 1, column: 1 },
      path: '',
      text: '',
      problem: 'is of no format that is known here',
      advice: `say which one it is: --from ${IMPORT_FORMATS.join('|')}`,
    });
  }
}

const nothingIn = (sources: readonly Source[]): ConfigIssue => ({
  at: null,
  path: '',
  text: sources.map(({ name }) => name).join(', '),
  problem: 'holds no statement',
  advice: 'name the files with the configuration',
});

/** Sections of which a gateway has at least one. */
const SECTIONS = ['nat64', 'dns64', 'advertise', 'nat66', 'npt', 'nat44'];

function finishGateway(draft: Draft, { lan, wan }: ImportChoices): void {
  if (!SECTIONS.some((section) => draft.hasSection(section))) draft.issues.push(...nothingOf(draft));
  if (lan.length > 0) draft.replace('lan', lan);
  if (wan.length > 0) draft.replace('wan', wan);
  if (!draft.has('lan')) {
    draft.replace('lan', [PLACEHOLDER]);
    draft.remark('lan', 'No file names the interface with your hosts: write it here.');
    draft.warn(null, `no file names the LAN interface, so it is ${PLACEHOLDER}: change it, or use --lan`);
  }
  finishNat64(draft);
  if (draft.hasSection('dns64') && !draft.has('nat64.prefix') && !draft.has('dns64.prefixes')) {
    draft.set('dns64.prefixes', ['64:ff9b::/96'], null);
    draft.remark('dns64.prefixes', 'The one that Unbound and PowerDNS take where none is written.');
  }
  const parts: readonly (readonly [section: string, what: string])[] = [
    ['nat64', 'NAT64'],
    ['dns64', 'DNS64'],
    ['advertise', 'router advertisements'],
  ];
  for (const [section, what] of parts) {
    if (draft.hasSection(section)) continue;
    draft.set(section, 'none', null);
    draft.remark(section, `The imported files have no ${what}; remove this line to have it done here.`);
  }
}

/** What the well-known prefix may lead to is stricter here (rule A-03) than in Jool, which VyOS uses, too. */
function finishNat64(draft: Draft): void {
  if (!draft.hasSection('nat64')) return;
  const pool = draft.entries().get('nat64.pool')?.value;
  if (pool === undefined) {
    draft.set('nat64.pool', 'shared', null);
    draft.remark('nat64.pool', "Without a pool Jool takes ports of this router's own address.");
  }
  const addresses = Array.isArray(pool) ? pool.map((line) => parseIpv4(String(line).split(/[\s/]/)[0] ?? '')) : [];
  const isWellKnown = draft.entries().get('nat64.prefix')?.value === '64:ff9b::/96';
  if (isWellKnown && addresses.some((address) => address.ok && isNonGlobal4(address.value))) {
    draft.set('nat64.allow-non-global', true, null);
    draft.remark(
      'nat64.allow-non-global',
      'The pool is private, so the IPv4 side is: the well-known prefix leads there by this switch only (RFC 6052 §3.1).',
    );
  }
}

/** Loads the text as any configuration; findings are about the lines that their values come from. @returns its warnings */
function check(text: string, draft: Draft): readonly string[] {
  try {
    const config = parseConfig(text, 'imported.yaml');
    return config.role === 'client' ? [] : config.warnings;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError(
      OPERATION,
      error.issues.map((issue) => ({ ...issue, at: draft.placeOf(issue.path) ?? issue.at })),
    );
  }
}
