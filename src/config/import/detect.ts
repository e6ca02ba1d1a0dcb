// Which program a configuration is for, from what it looks like.

import type { Draft } from './draft.ts';
import { importJool } from './jool.ts';
import { importJoolJson } from './jool-json.ts';
import { importPdns } from './pdns.ts';
import { importRadvd } from './radvd.ts';
import type { Source } from './source.ts';
import { importTayga } from './tayga.ts';
import { importUnbound } from './unbound.ts';
import { importVyos } from './vyos.ts';

/** A reader of one format: takes a file's statements into the draft. Never throws. */
type Importer = (source: Source, draft: Draft) => void;

interface Format {
  /** What only this format has. */
  readonly signs: readonly RegExp[];
  readonly importer: Importer;
}

/** By the names that `--from` takes. The first format with a sign is it, so those with plainer signs stand last. */
const FORMATS = {
  jool: {
    signs: [/^\s*\{/, /^[^#\n]*\bjool(_siit)?\s/m],
    importer: (source, draft) => (/^\s*\{/.test(source.text) ? importJoolJson : importJool)(source, draft),
  },
  vyos: {
    signs: [
      /^[ \t]*(\S+@\S+[#$][ \t]*)?set[ \t]+(nat|nat64|nat66|service|interfaces|system|firewall)\s/m,
      /^(nat|nat64|nat66|service|interfaces|system|firewall)[ \t]*\{/m,
    ],
    importer: importVyos,
  },
  radvd: { signs: [/^[ \t]*Adv[A-Z]\w+\s/m, /^[ \t]*interface[ \t]+\S+[ \t]*\{?[ \t]*$/m], importer: importRadvd },
  unbound: { signs: [/^[ \t]*(server|forward-zone):/m], importer: importUnbound },
  tayga: { signs: [/^[ \t]*(tun-device|dynamic-pool|ipv4-addr)\s/m], importer: importTayga },
  pdns: {
    signs: [
      /^[ \t]*(dns64-prefix|local-address|allow-from|forward-zones(-recurse)?)[ \t]*=/m,
      /^(recursor|incoming):/m,
    ],
    importer: importPdns,
  },
} as const satisfies Readonly<Record<string, Format>>;

/** A format that can be imported. */
export type ImportFormat = keyof typeof FORMATS;

/** Names of all formats. */
export const IMPORT_FORMATS = Object.keys(FORMATS) as readonly ImportFormat[];

/** The format of this name; null: none of them. */
export const formatOf = (name: string | null): ImportFormat | null =>
  IMPORT_FORMATS.find((format) => format === name) ?? null;

/** The format of a text, or null where nothing gives it away. */
export const detectFormat = (text: string): ImportFormat | null =>
  IMPORT_FORMATS.find((name) => FORMATS[name].signs.some((sign) => sign.test(text))) ?? null;

/** Reads a file of a known format. */
export const readFormat = (format: ImportFormat, source: Source, draft: Draft): void =>
  FORMATS[format].importer(source, draft);
