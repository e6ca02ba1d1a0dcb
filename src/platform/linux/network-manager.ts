// Option 108 by NetworkManager: the property ipv4.dhcp-ipv6-only-preferred of a connection, nm-settings-nmcli(5), since 1.52. It is
// kept with the connection, and `device reapply` brings it into use without taking the connection down.

import { XlatError } from '../../contract/errors.ts';
import type { DhcpProgram, Option108Link, Option108Setting } from '../option108.ts';
import { ask, CommandError, run } from './commands.ts';

const PROPERTY = 'ipv4.dhcp-ipv6-only-preferred';
/** The first version that has it. */
const SINCE = [1, 52] as const;

/** NMSettingIP4DhcpIpv6OnlyPreferred. */
const VALUES: Readonly<Record<Option108Setting, string>> = { default: '-1', off: '0', on: '1', auto: '2' };

/** An active connection. */
interface Active {
  readonly uuid: string;
  readonly device: string;
}

/** NetworkManager of this host. */
export const networkManager: DhcpProgram = {
  async links() {
    const version = (await ask('nmcli', ['-t', '-f', 'VERSION', 'general']))?.trim();
    if (version === undefined) return [];
    const active = parseActive(
      await run('nmcli', ['-t', '-e', 'no', '-f', 'UUID,DEVICE', 'connection', 'show', '--active']),
    );
    const links = await Promise.all(active.map((each) => linkOf(each, version)));
    return links.filter((link) => link !== null);
  },

  async set({ profile, interfaceName }, choice) {
    await change(['connection', 'modify', 'uuid', profile, PROPERTY, VALUES[choice]]);
    await change(['device', 'reapply', interfaceName]);
  },
};

/** Lines of UUID:DEVICE; a connection without a device has an empty one. */
const parseActive = (text: string): readonly Active[] =>
  text.split('\n').flatMap((line) => {
    const [, uuid, device] = /^([0-9a-f-]{36}):(.+)$/.exec(line) ?? [];
    return uuid === undefined || device === undefined ? [] : [{ uuid, device }];
  });

/** Whether a version has the property. */
function hasProperty(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > SINCE[0] || (major === SINCE[0] && minor >= SINCE[1]);
}

/** @returns null for a connection that does not use DHCP */
async function linkOf({ uuid, device }: Active, version: string): Promise<Option108Link | null> {
  const isNew = hasProperty(version);
  const fields = isNew ? `ipv4.method,${PROPERTY}` : 'ipv4.method';
  const [method, value = ''] = (await run('nmcli', ['-g', fields, 'connection', 'show', 'uuid', uuid])).split('\n');
  if (method !== 'auto') return null;
  const obstacle = isNew ? null : `it knows option 108 from version ${SINCE.join('.')} on`;
  const setting = isNew ? settingOf(value) : 'off';
  return { interfaceName: device, program: 'NetworkManager', version, profile: uuid, setting, obstacle };
}

const settingOf = (value: string): Option108Setting =>
  (Object.keys(VALUES) as Option108Setting[]).find((setting) => VALUES[setting] === value.trim()) ?? 'default';

async function change(args: readonly string[]): Promise<void> {
  try {
    await run('nmcli', args);
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    if (/Insufficient privileges|not authorized/i.test(cause.stderr)) {
      throw new XlatError('NOT_PERMITTED', 'set option 108', cause.message, { advice: 'Use sudo.', cause });
    }
    throw new XlatError('HOST_CHANGE_FAILED', 'set option 108', cause.message, { cause });
  }
}
