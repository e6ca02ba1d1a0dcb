// Option 108 by systemd-networkd: `IPv6OnlyMode=` in [DHCPv4] of a .network file, systemd.network(5), since 255. Set by a drop-in of
// our own beside the file, so that nobody's file is changed; `networkctl reload` brings it into use.

import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { XlatError } from '../../contract/errors.ts';
import type { DhcpProgram, Option108Choice, Option108Link, Option108Setting } from '../option108.ts';
import { ask, CommandError, run } from './commands.ts';
import { objects, text } from './facts.ts';

/** The administrator's files; a drop-in here also counts for a file below /run or /usr/lib. */
const DIRECTORY = '/etc/systemd/network';
const DROP_IN = '90-xlat464-option108.conf';
/** The first version that has it. */
const SINCE = 255;

/** An interface that networkd manages, and the files that it goes by, in their order. */
interface Managed {
  readonly name: string;
  readonly file: string;
  readonly dropIns: readonly string[];
}

/** systemd-networkd of this host. @param directory where its drop-ins go; tests have one of their own */
export const makeNetworkd = (directory = DIRECTORY): DhcpProgram => ({
  async links() {
    const [version, list] = await Promise.all([
      ask('networkctl', ['--version']),
      ask('networkctl', ['--json=short', 'list']),
    ]);
    if (version === null || list === null) return [];
    return parseManaged(JSON.parse(list)).flatMap((each) => linkOf(each, parseVersion(version)) ?? []);
  },

  async set({ profile }, choice) {
    changeDropIn(join(directory, `${basename(profile)}.d`), choice);
    try {
      await run('networkctl', ['reload']);
    } catch (cause) {
      if (!(cause instanceof CommandError)) throw cause;
      throw new XlatError('HOST_CHANGE_FAILED', 'set option 108', cause.message, { cause });
    }
  },
});

/** "systemd 257 (257.13-1~deb13u1)" → 257. */
const parseVersion = (text: string): number => Number(/^systemd (\d+)/.exec(text)?.[1] ?? 0);

const isFile = (value: unknown): value is string => typeof value === 'string' && value.startsWith('/');

/** The interfaces of `networkctl --json=short list` that networkd has set up; none while it does not run. */
function parseManaged(answer: unknown): readonly Managed[] {
  const { Interfaces: all } = (answer ?? {}) as { readonly Interfaces?: unknown };
  return objects(all).flatMap(
    ({ Name: name, NetworkFile: file, NetworkFileDropins: dropIns, AdministrativeState: state }) => {
      if (!isFile(file) || state === 'unmanaged') return [];
      return [{ name: text(name), file, dropIns: Array.isArray(dropIns) ? dropIns.filter(isFile) : [] }];
    },
  );
}

/** @returns null for an interface that does not use DHCP for IPv4 */
function linkOf({ name, file, dropIns }: Managed, version: number): Option108Link | null {
  const texts = [file, ...dropIns].map(readIfThere);
  if (!usesDhcp(lastValue(texts, 'Network', 'DHCP'))) return null;
  const value = lastValue(texts, 'DHCPv4', 'IPv6OnlyMode');
  const obstacle = version >= SINCE ? null : `it knows option 108 from version ${SINCE} on`;
  const setting: Option108Setting = value === null || value === '' ? 'default' : isTrue(value) ? 'on' : 'off';
  const program = 'systemd-networkd';
  return { interfaceName: name, program, version: String(version), profile: file, setting, obstacle };
}

/** A file that is gone meanwhile says nothing. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const isTrue = (value: string): boolean => /^(1|yes|y|true|t|on)$/i.test(value);
const usesDhcp = (value: string | null): boolean =>
  value !== null && (isTrue(value) || /^(ipv4|v4|both)$/i.test(value));

/** The value that counts for a key: the last one of all files, systemd.syntax(7). null: it is nowhere. */
function lastValue(texts: readonly string[], section: string, key: string): string | null {
  let [current, found] = ['', null as string | null];
  for (const line of texts.flatMap((each) => [...each.split('\n'), '[]'])) {
    const head = /^\s*\[(.*)\]\s*$/.exec(line);
    if (head !== null) current = head[1] ?? '';
    const [, name, value] = /^\s*([\w]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (current === section && name === key) found = value ?? '';
  }
  return found;
}

/** The drop-in's text; null: none. */
const dropInText = (choice: Option108Choice): string | null =>
  choice === 'default'
    ? null
    : `# Made by "xlat464 option108 ${choice}"; "xlat464 option108 default" takes it away.\n[DHCPv4]\nIPv6OnlyMode=${choice === 'on' ? 'yes' : 'no'}\n`;

function changeDropIn(directory: string, choice: Option108Choice): void {
  const file = join(directory, DROP_IN);
  const content = dropInText(choice);
  try {
    if (content === null) {
      rmSync(file, { force: true });
      removeIfEmpty(directory);
      return;
    }
    mkdirSync(directory, { recursive: true });
    writeFileSync(file, content, { mode: 0o644 });
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isRefused = code === 'EACCES' || code === 'EPERM';
    const advice = isRefused ? { advice: 'Use sudo.' } : {};
    throw new XlatError(isRefused ? 'NOT_PERMITTED' : 'HOST_CHANGE_FAILED', 'set option 108', message, {
      ...advice,
      cause,
    });
  }
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    // Others keep drop-ins in it, or it never was.
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}
