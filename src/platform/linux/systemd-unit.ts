// The systemd unit of a role, as text. Pure. systemd.service(5), systemd.exec(5); what each right is for stands in docs/service.md.
//
// Left out on purpose, each because something stops working with it:
//   MemoryDenyWriteExecute   V8 compiles JavaScript to machine code
//   PrivateDevices           it hides /dev/net/tun; DeviceAllow shuts out all other devices
//   ProtectKernelTunables    forwarding and its defence are settings below /proc/sys/net, which only CAP_NET_ADMIN may change
//   ProtectProc              it hides other instances, and a second client would take the first one for dead
//   ProcSubset               it hides /proc/sys and /proc/net
//   Type=notify              Node has no datagram sockets of the Unix kind
//   RuntimeDirectory without Preserve   the last of several roles to stop would take the sockets and journals of the others

import type { ServiceRole, ServiceSpec } from '../service.ts';

/** What tells a unit of ours from somebody else's: the beginning of its first line. */
export const MARK = '# Made by "xlat464 service install"';

/** The unit's name. */
export const unitName = (role: ServiceRole): string => `xlat464-${role}.service`;

const ABOUT: Readonly<Record<ServiceRole, string>> = {
  client: 'xlat464 client: IPv4 on IPv6-only networks (CLAT)',
  gateway: 'xlat464 gateway: NAT64, DNS64, router advertisements',
  translate: 'xlat464 translator between IPv4 and IPv6 (SIIT)',
};

/** Interfaces, routes and sockets; packet and raw sockets; the redirect programs; the group of the control socket. */
const COMMON_RIGHTS = ['CAP_NET_ADMIN', 'CAP_NET_RAW', 'CAP_BPF', 'CAP_CHOWN'];

/**
 * A client allocates little, so it can do with small and few heaps: after floods and an hour of roaming some 15 MiB less. A gateway's
 * DNS64 would pay for them with time.
 */
const LEAN_OPTIONS = ['--max-semi-space-size=1', '--v8-pool-size=1'];
const LEAN_ENVIRONMENT = ['MALLOC_ARENA_MAX=1', 'UV_THREADPOOL_SIZE=2'];

/** The unit's text. */
export function serviceUnit(spec: ServiceSpec): string {
  const { role } = spec;
  return [
    `${MARK}, which replaces it. For changes: systemctl edit ${unitName(role)}`,
    ...section('Unit', unitLines(spec)),
    ...section('Service', [...runLines(spec), ...directoryLines(spec), ...rightLines(role), ...HARDENING]),
    ...section('Install', ['WantedBy=multi-user.target']),
  ].join('\n');
}

const section = (name: string, lines: readonly string[]): readonly string[] =>
  ['', `[${name}]`, ...lines, ''].slice(0, -1);

const unitLines = ({ role }: ServiceSpec): readonly string[] => [
  `Description=${ABOUT[role]}`,
  'Documentation=man:xlat464(1)',
  // Networks come and go while it runs; it needs none at its start. A resolver is wanted before who asks it.
  'After=network-pre.target dbus.service systemd-sysctl.service',
  'Wants=network-pre.target',
  ...(role === 'gateway' ? ['Before=nss-lookup.target'] : []),
];

function runLines({ role, config, node, program, logging = [] }: ServiceSpec): readonly string[] {
  const command = [node, program].map(quote).join(' ');
  const lean = role === 'client' ? [node, ...LEAN_OPTIONS, program].map(quote).join(' ') : command;
  const file = config === null ? '' : ` -c ${quote(config)}`;
  const options = logging.map((word) => ` ${quote(word)}`).join('');
  return [
    'Type=exec',
    // A client with a configured prefix waits for its network, as one without does.
    ...(role === 'client' ? LEAN_ENVIRONMENT.map((assignment) => `Environment=${assignment}`) : []),
    `ExecStart=${lean} ${role}${role === 'client' ? ' --wait' : ''}${file}${options}`,
    // Without a file there is nothing to read again.
    ...(config === null ? [] : ['ExecReload=kill -HUP $MAINPID']),
    // After a crash as well. A translator's interface goes with its process, and there is nothing else.
    ...(role === 'translate' ? [] : [`ExecStopPost=${command} cleanup`]),
    'Restart=on-failure',
    'RestartSec=5',
    // A bad configuration and missing rights do not mend themselves.
    'RestartPreventExitStatus=2 3',
    'KillMode=mixed',
    'TimeoutStopSec=30',
    '',
  ];
}

function directoryLines({ node, program, config, writes }: ServiceSpec): readonly string[] {
  const isAtHome = [node, program, config ?? '/'].some((path) => /^\/(home|root|run\/user)\//.test(path));
  return [
    'StateDirectory=xlat464',
    'StateDirectoryMode=0700',
    'RuntimeDirectory=xlat464',
    'RuntimeDirectoryPreserve=yes',
    'UMask=0077',
    'ProtectSystem=strict',
    `ProtectHome=${isAtHome ? 'read-only' : 'yes'}`,
    ...writes.map((directory) => `ReadWritePaths=-${escapeSpecifiers(directory)}`),
    'PrivateTmp=yes',
    'DevicePolicy=closed',
    'DeviceAllow=/dev/net/tun rw',
    '',
  ];
}

function rightLines(role: ServiceRole): readonly string[] {
  const rights = role === 'gateway' ? [...COMMON_RIGHTS, 'CAP_NET_BIND_SERVICE'] : COMMON_RIGHTS;
  return [
    `CapabilityBoundingSet=${rights.join(' ')}`,
    'NoNewPrivileges=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET',
    'SystemCallArchitectures=native',
    'SystemCallFilter=@system-service',
    'SystemCallFilter=~@privileged @resources',
    'SystemCallFilter=bpf @chown',
    'SystemCallErrorNumber=EPERM',
    '',
  ];
}

const HARDENING = [
  'KeyringMode=private',
  'LockPersonality=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'RemoveIPC=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
];

/** `%` begins a specifier, systemd.unit(5). */
const escapeSpecifiers = (text: string): string => text.replaceAll('%', '%%');

/** One word of a command line, systemd.service(5): `$` begins a variable, `\` an escape, quotes keep blanks. */
function quote(word: string): string {
  const escaped = escapeSpecifiers(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('$', '$$$$');
  return /^[\w./@:+,=%$-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}
