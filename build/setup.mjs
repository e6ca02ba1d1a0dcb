// Makes a clone ready for a purpose: `node build/setup.mjs lab|test|bench`. npm packages, Debian packages, native addon,
// compiled TypeScript, bundle. Says nothing when nothing is to be done, otherwise one line per step. Downloads nothing but packages
// from the npm and Debian registries. Owns the list of Debian packages.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Oldest Node that runs this project. */
const NODE = [20, 19];

const LAB = ['lab', 'test', 'bench'];
const TEST = ['test', 'bench'];

/** Every Debian package: a program of it (or a header) that shows that it is there, the purposes that need it, and why. */
export const PACKAGES = [
  { name: 'gcc', shows: 'cc', for: LAB, why: 'compiles the native addon' },
  { name: 'libc6-dev', shows: '/usr/include/stdio.h', for: LAB, why: 'headers for the native addon' },
  { name: 'iproute2', shows: 'ip', for: LAB, why: 'namespaces, links, routes; ss and nstat' },
  { name: 'procps', shows: 'sysctl', for: LAB, why: 'compares the sysctls before and after' },
  { name: 'util-linux', shows: 'unshare', for: LAB, why: 'the lab without root' },
  { name: 'iputils-ping', shows: 'ping', for: LAB, why: 'ping proofs' },
  { name: 'curl', shows: 'curl', for: LAB, why: 'HTTP proofs and large transfers' },
  { name: 'traceroute', shows: 'traceroute', for: LAB, why: 'path proof' },
  { name: 'mtr-tiny', shows: 'mtr', for: LAB, why: 'path proof' },
  { name: 'socat', shows: 'socat', for: LAB, why: 'UDP without checksum, SCTP and ESP proofs' },
  { name: 'tayga', shows: 'tayga', for: LAB, why: 'the NAT64 on the far side, and the peer of the comparison' },
  { name: 'unbound', shows: 'unbound', for: LAB, why: 'the DNS64 on the far side' },
  { name: 'nftables', shows: 'nft', for: LAB, why: 'masquerading on the far side' },
  { name: 'ethtool', shows: 'ethtool', for: LAB, why: 'checksum offload on and off' },
  { name: 'iperf3', shows: 'iperf3', for: TEST, why: 'throughput' },
  { name: 'dnsperf', shows: 'dnsperf', for: ['bench'], why: 'DNS queries, as many as the server answers' },
  {
    name: 'python3-scapy',
    shows: '/usr/lib/python3/dist-packages/scapy',
    for: TEST,
    why: 'independent packet encoder',
  },
  { name: 'radvd', shows: 'radvd', for: TEST, why: 'router advertisements while the client runs' },
  { name: 'bind9', shows: 'named', for: TEST, why: 'a second DNS64 for the discovery of prefixes' },
  { name: 'dnsmasq-base', shows: 'dnsmasq', for: TEST, why: 'DHCPv4 with and without option 108' },
  { name: 'conntrack', shows: 'conntrack', for: TEST, why: 'what the kernel tracks of a gateway, and what not' },
  { name: 'udhcpc', shows: 'udhcpc', for: TEST, why: 'the DHCPv4 client beside ours' },
  { name: 'tshark', shows: 'tshark', for: TEST, why: 'reads our pcapng captures, comments included' },
  { name: 'systemd', shows: 'systemd-analyze', for: TEST, why: 'runs the service in namespaces, checks its unit' },
  { name: 'zsh', shows: 'zsh', for: TEST, why: 'reads its completion' },
  { name: 'fish', shows: 'fish', for: TEST, why: 'runs its completion' },
  { name: 'groff-base', shows: 'groff', for: TEST, why: 'reads the manual page' },
  { name: 'mandoc', shows: 'mandoc', for: TEST, why: 'checks the manual page' },
  { name: 'bpftool', shows: 'bpftool', for: TEST, why: "the kernel's listing of the redirect programs" },
  { name: 'tcpdump', shows: 'tcpdump', for: LAB, why: 'looking around in a lab that is kept' },
];

/** Ends with one sentence. */
function fail(sentence) {
  console.error(`setup: ${sentence}`);
  process.exit(1);
}

function say(sentence) {
  console.log(`setup: ${sentence}`);
}

/** Runs a step; its output is shown only when it fails. */
function step(argv, what, options = {}) {
  const result = spawnSync(argv[0], argv.slice(1), { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26, ...options });
  if (result.status === 0) return result.stdout;
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`.trim();
  return fail(`${what} failed: ${argv.join(' ')}\n${result.error?.message ?? output}`);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE[0] || (major === NODE[0] && minor >= NODE[1])) return;
  fail(`Node ${NODE.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

/** npm writes node_modules/.package-lock.json at the end of each install. */
function installNpmPackages() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const lock = join(root, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  if (existsSync(installed) && hasSamePackages(lock, installed)) return;
  say('installing the npm packages (npm ci)');
  // The addon has a step of its own below, after its compiler is there.
  step(['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], 'npm ci');
}

/** A checkout touches package-lock.json without changing it. Optional packages of other systems are not installed. */
function hasSamePackages(lock, installed) {
  const wanted = JSON.parse(readFileSync(lock, 'utf8')).packages;
  const present = JSON.parse(readFileSync(installed, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([name, entry]) => name === '' || entry.optional || present[name]?.integrity === entry.integrity,
  );
}

const searchPath = `${process.env.PATH ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`.split(delimiter).filter(Boolean);

function isInstalled({ shows }) {
  return shows.startsWith('/') ? existsSync(shows) : searchPath.some((directory) => existsSync(join(directory, shows)));
}

/** How to become root here: nothing in front for root, `sudo -n` where that works, undefined otherwise. */
function becomeRoot() {
  if (process.geteuid() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function installDebianPackages(purpose) {
  const missing = PACKAGES.filter((entry) => entry.for.includes(purpose) && !isInstalled(entry)).map(
    ({ name }) => name,
  );
  if (missing.length === 0) return;
  const install = ['apt-get', 'install', '-y', '-q', '--no-install-recommends', ...missing];
  const privilege = existsSync('/usr/bin/apt-get') ? becomeRoot() : undefined;
  if (privilege === undefined) {
    fail(`these Debian packages are missing; install them and start again: sudo ${install.join(' ')}`);
  }
  say(`installing the Debian packages ${missing.join(' ')}`);
  withoutServices(privilege, () => installOrUpdate(privilege, install));
}

/** Fresh machines have no package lists, and old lists name packages that are gone: only then they are read again. */
function installOrUpdate(privilege, install) {
  const apt = [...privilege, 'env', 'DEBIAN_FRONTEND=noninteractive'];
  if (spawnSync(apt[0], [...apt, ...install].slice(1), { stdio: 'ignore' }).status === 0) return;
  step([...apt, 'apt-get', 'update', '-q'], 'reading the package lists');
  step([...apt, ...install], 'installing the Debian packages');
}

const POLICY = '/usr/sbin/policy-rc.d';
const MARK = '# xlat464 setup: for the time of one installation';
const POLICY_TEXT = `#!/bin/sh\n${MARK}\nexit 101\n`;

/**
 * tayga and unbound bring services that Debian starts when they are installed. invoke-rc.d asks policy-rc.d first, and 101
 * means "do not start". A policy of somebody else stays.
 */
function withoutServices(privilege, action) {
  if (existsSync(POLICY)) return action();
  const write = ['sh', '-c', `printf '%s' "$1" > ${POLICY} && chmod 755 ${POLICY}`, 'sh', POLICY_TEXT];
  const remove = () => removePolicy(privilege);
  process.on('exit', remove); // also when a step fails
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  if (privilege.length > 0) {
    step([...privilege, ...write], 'keeping the services from starting');
  } else {
    writeFileSync(POLICY, POLICY_TEXT);
    chmodSync(POLICY, 0o755);
  }
  action();
  remove();
}

function isOurPolicy() {
  try {
    return readFileSync(POLICY, 'utf8').includes(MARK);
  } catch {
    return false; // there is none, or it is not for all to read, as ours is
  }
}

function removePolicy(privilege) {
  if (privilege.length === 0) rmSync(POLICY, { force: true });
  else spawnSync(privilege[0], [...privilege.slice(1), 'rm', '-f', POLICY], { stdio: 'ignore' });
}

/** kill -9 during an installation leaves the policy behind, and no service of this host would start when it is installed. */
function removeStalePolicy() {
  if (!isOurPolicy()) return;
  const privilege = becomeRoot();
  if (privilege === undefined) return say(`please remove ${POLICY}, which an installation that was killed has left`);
  removePolicy(privilege);
  say(`removed ${POLICY}, which an installation that was killed has left`);
}

function buildAddon() {
  const output = step([process.execPath, join(root, 'build', 'native.mjs')], 'building the native addon').trim();
  if (output !== '') say('native addon built');
}

/** tsc itself knows what is up to date; the line is for the first time, which takes a while. */
function compile() {
  if (!existsSync(join(root, 'dist'))) say('compiling the TypeScript (tsc -b)');
  step([process.execPath, compilerPath(), '-b'], 'compiling the TypeScript');
  step([process.execPath, join(root, 'build', 'bundle.mjs')], 'bundling the program');
}

function compilerPath() {
  const { bin } = JSON.parse(readFileSync(join(root, 'node_modules', 'typescript', 'package.json'), 'utf8'));
  return join(root, 'node_modules', 'typescript', bin.tsc);
}

function main(purpose) {
  if (!LAB.includes(purpose)) fail('usage: node build/setup.mjs lab|test|bench');
  if (process.platform !== 'linux') fail('the lab, the tests and the benchmark need Linux.');
  checkNode();
  removeStalePolicy();
  installDebianPackages(purpose);
  installNpmPackages();
  buildAddon();
  compile();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv[2]);
