// The levels of a log; the parts of a daemon, of which --verbose can be asked for some, and the part that each line of a log belongs to: a code
// without a part does not compile. Read first: reasons.ts.

import type { Reason, Step } from './reasons.ts';

/** Levels of log lines, from all to the worst. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** One of the log levels. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The commands that run a role, and what they have. */
type Role = 'client' | 'gateway' | 'translate';

const EVERYWHERE: readonly Role[] = ['client', 'gateway', 'translate'];

/** What each part does, for the help, and which roles have it. */
export const LOG_PARTS = {
  discovery: { roles: ['client'], about: 'what routers and resolvers say of the NAT64 prefix; its checks' },
  lifecycle: { roles: EVERYWHERE, about: 'each event, the state it leads to, what is done then; configuration' },
  host: { roles: EVERYWHERE, about: 'commands, kernel settings and the journal of changes' },
  datapath: { roles: EVERYWHERE, about: 'the virtual interface, its offloads, its settings' },
  control: { roles: EVERYWHERE, about: 'who connects to the control API and asks for what' },
  nat64: { roles: ['gateway'], about: 'the IPv4 pool, its routes, bindings' },
  dns: { roles: ['gateway'], about: 'the DNS64, where it listens, whom it asks' },
  advertise: { roles: ['gateway'], about: 'router advertisements' },
  dhcp: { roles: ['gateway'], about: 'DHCPv4 and option 108' },
} as const satisfies Readonly<Record<string, { readonly roles: readonly Role[]; readonly about: string }>>;

/** One of the parts. */
export type LogPart = keyof typeof LOG_PARTS;

/** The parts of a role. */
export const partsOfRole = (role: Role): readonly LogPart[] =>
  (Object.keys(LOG_PARTS) as LogPart[]).filter((part) => LOG_PARTS[part].roles.includes(role as never));

/** The part of each reason and step, and of the codes that only a daemon writes. */
const PART_OF = {
  'link-watched': 'discovery',
  'router-heard': 'discovery',
  'resolver-answered': 'discovery',
  'prefix-checked': 'discovery',
  'prefix-refused': 'discovery',
  'prefix-reachable': 'discovery',
  'prefix-unreachable': 'discovery',
  'discovery-trouble': 'discovery',
  'router-flood': 'discovery',

  'lifecycle-step': 'lifecycle',
  'lines-left-out': 'lifecycle', // of any part
  'client-starting': 'lifecycle',
  'client-ready': 'lifecycle',
  'client-stopping': 'lifecycle',
  'client-asked': 'lifecycle',
  'client-stopped': 'lifecycle',
  'client-failed': 'lifecycle',
  'client-off': 'lifecycle',
  'client-retrying': 'lifecycle',
  'client-unchanged': 'lifecycle',
  'internal-error': 'lifecycle',
  'not-cleaned-up': 'lifecycle',
  'client-reload-failed': 'lifecycle',
  'uplink-chosen': 'lifecycle',
  'uplink-changed': 'lifecycle',
  'uplink-lost': 'lifecycle',
  'uplink-waiting': 'lifecycle',
  'uplink-elsewhere': 'lifecycle',
  'link-waiting': 'lifecycle',
  'address-waiting': 'lifecycle',
  'network-too-small': 'lifecycle',
  'network-looking': 'lifecycle',
  'network-unreadable': 'lifecycle',
  'prefix-waiting': 'lifecycle',
  'prefix-chosen': 'lifecycle',
  'prefix-changed': 'lifecycle',
  'prefix-lost': 'lifecycle',
  'redirect-unavailable': 'lifecycle',
  'address-chosen': 'lifecycle',
  'address-checking': 'lifecycle',
  'address-not-neutral': 'lifecycle',
  'address-duplicate': 'lifecycle',
  'address-conflict': 'lifecycle',
  'address-contested': 'lifecycle',
  'address-uncontested': 'lifecycle',
  'address-unique': 'lifecycle',
  'address-detection-skipped': 'lifecycle',
  'ipv4-chosen': 'lifecycle',
  'native-ipv4': 'lifecycle',
  'other-clat': 'lifecycle',
  'host-slept': 'lifecycle',
  'host-attaching': 'lifecycle',
  'events-lost': 'lifecycle',
  ready: 'lifecycle',
  'config-warning': 'lifecycle',
  'translator-reloaded': 'lifecycle',
  'translator-reload-failed': 'lifecycle',
  'translator-stopping': 'lifecycle',
  'translator-stopped': 'lifecycle',
  'gateway-looked': 'lifecycle',
  'gateway-reloaded': 'lifecycle',
  'gateway-reload-failed': 'lifecycle',
  'gateway-replanned': 'lifecycle',
  'gateway-unchanged': 'lifecycle',
  'gateway-stopping': 'lifecycle',
  'gateway-stopped': 'lifecycle',

  'command-ran': 'host',
  'setting-written': 'host',
  'journal-written': 'host',
  'forward-policy': 'host',
  'forwarding-off': 'host',
  'host-changed': 'host',
  'host-restored': 'host',
  'host-repaired': 'host',
  'host-left': 'host',
  'host-trouble': 'host',
  'crash-cleaned': 'host',

  'datapath-started': 'datapath',
  'datapath-changed': 'datapath',
  'datapath-ended': 'datapath',
  'data-path-failed': 'datapath',
  'capture-failed': 'datapath',
  'leases-unreadable': 'datapath',
  'leases-unsaved': 'datapath',

  'control-connected': 'control',
  'control-called': 'control',
  'control-refused': 'control',
  'control-closed': 'control',
  'control-unavailable': 'control',
  'metrics-unavailable': 'control',

  'nat64-planned': 'nat64',
  'pool-warning': 'nat64',
  'bindings-dropped': 'nat64',
  'bindings-restored': 'nat64',
  'bindings-unreadable': 'nat64',
  'bindings-unsaved': 'nat64',
  mapping: 'nat64',
  'mapping-log-failed': 'nat64',

  'dns-listening': 'dns',
  'dns-unanswered': 'dns',
  'dns-ready': 'dns',
  'dns-changed': 'dns',
  'dns-stopped': 'dns',
  'dns-query': 'dns',
  'dns-forwarder-lost': 'dns',
  'dns-forwarder-back': 'dns',
  'dns-forwarder-untrusted': 'dns',
  'dns-loop': 'dns',
  'dns-overload': 'dns',
  'dns-listener-failed': 'dns',

  'advertise-state': 'advertise',
  'advertise-sent': 'advertise',
  advertising: 'advertise',
  'advertise-waiting': 'advertise',
  'advertise-yielded': 'advertise',
  'advertise-forged': 'advertise',
  'advertise-differs': 'advertise',
  'advertise-trouble': 'advertise',

  'dhcp-planned': 'dhcp',
  'dhcp-trouble': 'dhcp',
  'dhcp-said': 'dhcp',
} as const satisfies Readonly<Record<Reason | Step, LogPart>> & Readonly<Record<string, LogPart>>;

/** The code of a line of a daemon's log. */
export type LogCode = Reason | Step | keyof typeof PART_OF;

/** The part that a line belongs to. */
export const partOf = (code: LogCode): LogPart => PART_OF[code];
