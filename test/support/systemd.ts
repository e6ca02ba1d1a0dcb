// A systemd that really runs, as process 1 of namespaces of its own, with this host's files as its root: what it and its services
// write goes into memory and is gone with it. It starts nothing but its journal and what a test asks for, has a network namespace of
// the test, sees a /dev with little more than /dev/net/tun, and can change no setting of the kernel outside of its network.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type CommandResult, type Netns, type NetnsSet, type Running, runAny, start, waitFor } from './netns.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SYSTEMD = '/usr/lib/systemd/systemd';
const TARGETS = ['sysinit', 'basic', 'local-fs', 'sockets', 'timers', 'paths', 'multi-user', 'network-pre'];

/** Where the repository is on that host: a service finds nothing below /tmp or in a home directory. */
export const MOUNTED = '/opt/x464';

/** Runs in new mount, process, cgroup, IPC and host name namespaces. Its arguments: a scratch directory, the repository. */
const SCRIPT = `
mount -t tmpfs tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
root="$1/root"
mkdir -p "$root${MOUNTED}"
mount --bind -o ro "$2" "$root${MOUNTED}"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount --bind "$root/proc/sys/net" "$root/proc/sys/net"
mount -o remount,ro,bind "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
for directory in run dev; do mount -t tmpfs -o mode=755 tmpfs "$root/$directory"; done
mount -t tmpfs tmpfs "$root/tmp"
mkdir "$root/dev/net" "$root/dev/shm" "$root/dev/pts"
for device in null zero full random urandom tty net/tun; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/run/no-generators"
mount --bind "$root/run/no-generators" "$root/usr/lib/systemd/system-generators"
: > "$root/etc/fstab"
: > "$root/etc/machine-id"
units="$root/etc/systemd/system"
for target in ${TARGETS.join(' ')}; do
  for unit in "$root"/usr/lib/systemd/system/$target.target.wants/* "$units"/$target.target.wants/*; do
    name="\${unit##*/}"
    case "$name" in systemd-journald*|'*') ;; *) ln -sf /dev/null "$units/$name" ;; esac
  done
done
printf '[Unit]\\nDefaultDependencies=no\\nWants=systemd-journald.service\\n' > "$units/x464.target"
exec env -i container=x464 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  chroot "$root" ${SYSTEMD} --unit=x464.target
`;

/** A systemd, and the host around it. */
export interface Booted {
  /** Runs a program on that host. */
  run(...argv: string[]): Promise<CommandResult>;
  /** Writes a file there. */
  write(path: string, text: string): Promise<void>;
}

/** Why none can be booted here; null: it can. */
export const cannotBoot = (): string | null =>
  existsSync(SYSTEMD) ? (cgroups() === null ? 'no cgroup2 is mounted' : null) : `${SYSTEMD} is not installed`;

/** Boots it in a network namespace. It ends with the set at the latest. */
export async function boot(t: TestContext, set: NetnsSet, ns: Netns): Promise<Booted> {
  const cgroup = join(cgroups() ?? '', `x464-${process.pid}`);
  const scratch = join(set.directory, 'systemd');
  mkdirSync(scratch);
  mkdirSync(cgroup, { recursive: true });
  const unshare = ['unshare', '--cgroup', '--mount', '--pid', '--uts', '--ipc', '--fork', '--kill-child'];
  const inside = [...unshare, '--propagation', 'private', 'bash', '-ec', SCRIPT, 'boot', scratch, ROOT];
  // Into the cgroup first, for it becomes the root of the new cgroup namespace; later its directory is out of sight.
  const enterCgroup = ['sh', '-ec', `echo $$ > '${cgroup}/cgroup.procs'; exec "$@"`, 'sh'];
  const running = await start([...enterCgroup, ...ns.command(inside)]);
  t.after(async () => {
    await running.stop('SIGKILL');
    await waitFor('the cgroups to go', () => removeCgroup(cgroup));
  });
  const enter = await entrance(running);
  const run = (...argv: string[]): Promise<CommandResult> => runAny([...enter, ...argv]);
  await waitFor('systemd', async () => {
    if (running.hasEnded()) throw new Error(running.output());
    return /^(running|degraded)/.test((await run('systemctl', 'is-system-running')).stdout);
  });
  const write = async (path: string, text: string): Promise<void> => {
    await runAny([...enter, 'sh', '-ec', 'mkdir -p "$(dirname "$1")"; cat > "$1"', 'sh', path], { input: text });
  };
  return { run, write };
}

/** What runs a program in all of its namespaces, once process 1 is systemd. */
async function entrance(running: Running): Promise<readonly string[]> {
  const pid = await waitFor('process 1', () => {
    if (running.hasEnded()) throw new Error(running.output());
    const { pid: parent } = running.child;
    const [child] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
    if (child === undefined || child === '') return false;
    return readFileSync(`/proc/${child}/comm`, 'utf8') === 'systemd\n' && child;
  });
  const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return ['nsenter', '--target', pid, '--all', `--root=/proc/${pid}/root`, '--wd=/', 'env', '-i', path, 'LC_ALL=C'];
}

/** Where cgroup2 is mounted, or null. */
function cgroups(): string | null {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return mounts.map((line) => line.split(' ')).find(([, , type]) => type === 'cgroup2')?.[1] ?? null;
}

/** @returns whether it is gone */
function removeCgroup(directory: string): boolean {
  if (!existsSync(directory)) return true;
  const below = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  if (!below.every((entry) => removeCgroup(join(directory, entry.name)))) return false;
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false; // its processes are still ending
    throw error;
  }
}
