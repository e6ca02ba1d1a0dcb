// From a file on disk to a checked configuration. The only file of this folder that reads files.

import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { XlatError } from '../contract/errors.ts';
import { authoritiesIn } from './authorities.ts';
import { Findings } from './check.ts';
import { type ClientConfig, clientConfig } from './client.ts';
import { bad } from './fields.ts';
import { type GatewayConfig, gatewayConfig } from './gateway.ts';
import type { AuthoritiesReader } from './gateway-dns64.ts';
import { ConfigError, type ConfigIssue } from './issues.ts';
import { parseMappings } from './mappings-file.ts';
import { nearest } from './nearest.ts';
import { readFailure } from './read-failure.ts';
import { type MappingsReader, type TranslatorConfig, translatorConfig } from './translator.ts';
import type { Tree } from './tree.ts';
import { parseYaml } from './yaml-document.ts';

/** A checked configuration of any role. */
export type Config = TranslatorConfig | ClientConfig | GatewayConfig;

/** The roles that a file may configure. */
const ROLES = ['translator', 'client', 'gateway'] as const;

/** The command that runs each role's file. */
const COMMANDS = { translator: 'translate', client: 'client', gateway: 'gateway' } as const;

/** Bytes of a configuration, and of certificates: a person writes less, and checking more takes long. */
const CONFIG_MAX_BYTES = 1_000_000;
/** Bytes of a mappings file: a million lines. */
const MAPPINGS_MAX_BYTES = 64_000_000;
const CHUNK_BYTES = 65_536;

const OPERATION = 'read the configuration';

/**
 * Reads and checks a configuration file. Relative paths in it count from its folder.
 * @throws XlatError CONFIG_NOT_FOUND when it cannot be read, ConfigError with every finding when it cannot be used
 */
export function loadConfig(file: string): Config {
  return parseConfig(readText(file, CONFIG_MAX_BYTES), file);
}

/** As {@link loadConfig}, from text; `file` is its name in errors and what relative paths start from. */
export function parseConfig(text: string, file: string): Config {
  const { tree, issues } = parseYaml(text, file);
  const findings = new Findings(tree?.at);
  findings.issues.push(...issues);
  const config = tree === null ? null : configOf(tree, findings, file);
  if (config === null || findings.issues.length > 0) throw new ConfigError(OPERATION, findings.issues);
  return absolute(config, file);
}

/** As {@link loadConfig}, for one role only. */
export function loadRole<R extends Config['role']>(file: string, role: R): Extract<Config, { role: R }> {
  const config = loadConfig(file);
  if (config.role === role) return config as Extract<Config, { role: R }>;
  throw new XlatError('CONFIG_INVALID', OPERATION, `${file} configures the role ${config.role}, not ${role}`, {
    advice: `Run xlat464 ${COMMANDS[config.role]} -c ${file}.`,
  });
}

function configOf(tree: Tree, findings: Findings, file: string): Config | null {
  if (tree.kind !== 'map') {
    findings.add(tree, '', 'is not a section', 'start with "role: translator"');
    return null;
  }
  const role = tree.entries.find((entry) => entry.key === 'role');
  const name = role?.value.kind === 'scalar' ? role.value.text : '';
  if (name === 'client') return clientConfig(tree, findings);
  if (name === 'gateway') return gatewayConfig(tree, findings, authoritiesReader(file));
  if (name === 'translator') return translatorConfig(tree, findings, mappingsReader(file));
  const guess = nearest(name, ROLES);
  const advice = guess === null ? `write one of ${ROLES.join(', ')}` : `did you mean "${guess}"?`;
  const problem = role === undefined ? 'is missing' : 'is not a role';
  findings.issues.push({ at: role?.value.at ?? tree.at, path: 'role', text: name, problem, advice });
  return null;
}

const besides = (file: string, path: string): string => resolve(dirname(file), path);

const mappingsReader =
  (file: string): MappingsReader =>
  (path) => {
    try {
      return parseMappings(readText(besides(file, path), MAPPINGS_MAX_BYTES), path);
    } catch (error) {
      if (!(error instanceof XlatError)) throw error;
      const issue: ConfigIssue = {
        at: null,
        path: 'mappings-file',
        text: path,
        problem: error.message,
        advice: error.advice ?? '',
      };
      return { mappings: [], issues: [issue] };
    }
  };

const authoritiesReader =
  (file: string): AuthoritiesReader =>
  (path) => {
    try {
      return authoritiesIn(readText(besides(file, path), CONFIG_MAX_BYTES));
    } catch (error) {
      if (!(error instanceof XlatError)) throw error;
      return bad(`cannot be used: ${error.message}`, 'check the path');
    }
  };

function absolute(config: Config, file: string): Config {
  const fromHere = (path: string | null): string | null => (path === null ? null : besides(file, path));
  switch (config.role) {
    case 'translator':
      return { ...config, leaseFile: fromHere(config.leaseFile), mappingsFile: fromHere(config.mappingsFile) };
    case 'gateway': {
      const { nat64 } = config;
      if (nat64 === null) return config;
      const paths = { saveFile: fromHere(nat64.saveFile), mappingLogFile: fromHere(nat64.mappingLogFile) };
      return { ...config, nat64: { ...nat64, ...paths } };
    }
    case 'client':
      return config;
    default:
      return config satisfies never;
  }
}

function readText(file: string, maxBytes: number): string {
  const bytes = readAtMost(file, maxBytes);
  if (bytes !== null) return bytes.toString('utf8');
  throw new XlatError('CONFIG_INVALID', OPERATION, `${file} has more than ${maxBytes} bytes`, {
    advice: 'Check the path; long lists of mappings go into a mappings-file.',
  });
}

/** What a file holds; null: more than that. */
function readAtMost(file: string, maxBytes: number): Buffer | null {
  try {
    const fd = openSync(file, 'r');
    try {
      return readChunks(fd, maxBytes);
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    throw readFailure(OPERATION, file, cause, 'Check the path; "xlat464 config init" writes a first file.');
  }
}

function readChunks(fd: number, maxBytes: number): Buffer | null {
  const chunks: Buffer[] = [];
  for (let total = 0; total <= maxBytes; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const length = readSync(fd, chunk);
    if (length === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, length));
    total += length;
  }
  return null;
}
