// The file that `xlat464 config init gateway` writes: what was chosen, what each section does, and the switches that the machine
// gives a reason to think about, as comments. It loads as it is. Read first: init-gateway.ts.

import { isNonGlobal4 } from '../core/address/special.ts';
import type { MachineFacts, MachineLink } from '../core/host/machine.ts';
import { parseIpv4 } from './addresses.ts';
import { chooseLinks, type LinkChoices } from './init-gateway.ts';

/** A first file, and what the operator should look at before using it, one sentence each. */
export interface GatewayFile {
  readonly text: string;
  readonly doubts: readonly string[];
}

/**
 * Writes the file.
 * @throws XlatError USAGE when the operator names an interface that there is not
 */
export function gatewayFile(facts: MachineFacts, choices: LinkChoices): GatewayFile {
  const { lan, wan, doubts: unclear } = chooseLinks(facts, choices);
  const doubts = [...unclear, ...lan.flatMap(lacksOf)];
  if (facts.resolvers.length === 0) {
    doubts.push('this machine has no resolver that DNS64 could ask: name some in dns64.forwarders');
  }
  const lines = [
    '# Configuration of xlat464, role gateway, written for this machine by "xlat464 config init gateway".',
    '# Check it with: xlat464 config check FILE. Run it with: xlat464 gateway -c FILE',
    ...doubts.map((doubt) => `# Look at this: ${doubt}.`),
    '',
    'role: gateway',
    ...interfaceLines(lan, wan),
    ...nat64Lines(wan),
    ...dns64Lines(facts.resolvers),
    ...advertiseLines(lan),
    ...nat66Lines(lan, wan),
    ...ipv4Lines(lan),
  ];
  return { text: `${lines.join('\n')}\n`, doubts };
}

const ipv6Of = ({ addresses }: MachineLink): string[] => addresses.filter((address) => address.includes(':'));
const ipv4Of = ({ addresses }: MachineLink): string[] => addresses.filter((address) => !address.includes(':'));

function lacksOf(link: MachineLink): string[] {
  const ipv6 = ipv6Of(link);
  if (ipv6.length === 0) {
    return [`${link.name} has no IPv6 address, and hosts take theirs from its prefix: give it one, a /64`];
  }
  if (ipv6.some((address) => address.endsWith('/64'))) return [];
  return [`${link.name} has no IPv6 prefix of 64 bits (${ipv6.join(', ')}), so hosts make no addresses from it`];
}

const described = ({ name, isUp, addresses }: MachineLink): string =>
  `# ${name}: ${addresses.length === 0 ? 'no address' : addresses.join(', ')}${isUp ? '' : ', down'}`;

/** A name that YAML could take for something else is quoted. */
const nameText = ({ name }: MachineLink): string => (/^[A-Za-z]+\d[\w.-]*$/.test(name) ? name : JSON.stringify(name));

const listed = (links: readonly MachineLink[]): string => `[${links.map(nameText).join(', ')}]`;

const interfaceLines = (lan: readonly MachineLink[], wan: readonly MachineLink[]): string[] => [
  '',
  '# Interfaces of the hosts that are served.',
  ...lan.map(described),
  `lan: ${listed(lan)}`,
  '',
  '# Interfaces that lead outside; auto: those of the default routes.',
  ...wan.map(described),
  `wan: ${wan.length === 0 ? 'auto' : listed(wan)}`,
];

function nat64Lines(wan: readonly MachineLink[]): string[] {
  const addresses = wan.flatMap(ipv4Of).map((address) => address.split('/')[0] ?? '');
  const isPrivate = addresses.some((address) => {
    const parsed = parseIpv4(address);
    return parsed.ok && isNonGlobal4(parsed.value);
  });
  const [first] = addresses;
  const reason = isPrivate
    ? ['  # The IPv4 side is private. To reach private addresses through 64:ff9b::/96, against RFC 6052 §3.1:']
    : ['  # Private IPv4 addresses stay out of reach through 64:ff9b::/96 (RFC 6052 §3.1), unless:'];
  return [
    '',
    '# IPv6 hosts reach IPv4 through this prefix.',
    'nat64:',
    '  prefix: 64:ff9b::/96',
    '  # masquerade needs no address of its own. Others: shared, or a list of addresses with ports such as',
    `  # pool: ["${first ?? '192.0.2.10'} 61001-65535"]`,
    '  pool: masquerade',
    ...reason,
    '  # allow-non-global: true',
  ];
}

const dns64Lines = (resolvers: readonly string[]): string[] => [
  '',
  '# Names that have IPv4 addresses only get IPv6 ones inside the prefix. Answers the hosts of lan.',
  'dns64:',
  resolvers.length === 0
    ? '  # auto: the resolvers of this machine. It has none that can be asked. Write, for example:'
    : `  # auto: the resolvers of this machine, now ${resolvers.join(', ')}. Others, also over TLS:`,
  '  # forwarders: ["2001:db8:53::53", "tls://192.0.2.53#dns.example"]',
  '  forwarders: auto',
];

const advertiseLines = (lan: readonly MachineLink[]): string[] => [
  '',
  '# Router advertisements: prefix, resolver and NAT64 prefix for the hosts.',
  'advertise:',
  ...lan.flatMap((link) => ipv6Of(link).map((address) => `  # ${link.name} has ${address}`)),
  '  prefixes: auto',
];

/** Unique local prefixes are routed nowhere, so hosts with such addresses alone need NAT66. */
function nat66Lines(lan: readonly MachineLink[], wan: readonly MachineLink[]): string[] {
  const own = lan.flatMap(ipv6Of);
  const local = own.filter((address) => /^f[cd]/i.test(address));
  const [way] = wan;
  const out = way === undefined ? '' : `, out: ${nameText(way)}`;
  const isNeeded = local.length > 0 && local.length === own.length;
  return [
    '',
    '# IPv6 masquerade, for prefixes of the LAN that nobody outside has a route to.',
    ...(isNeeded
      ? [`nat66: [{ source: "fc00::/7"${out} }]`]
      : ['# Unique local ones, for example:', `# nat66: [{ source: "fc00::/7"${out} }]`]),
  ];
}

function ipv4Lines(lan: readonly MachineLink[]): string[] {
  const ipv4 = lan.flatMap(ipv4Of);
  const [first] = lan.filter((link) => ipv4Of(link).length > 0);
  return [
    '',
    '# Hosts that cannot do without IPv4, and option 108 for those that can (RFC 8925). Needs an IPv4 address on the LAN',
    `# interface${ipv4.length === 0 ? ', which there is none of now' : ` (${ipv4.join(', ')})`}, and dnsmasq.`,
    `# dhcp4: { interface: ${(first === undefined ? lan : [first]).slice(0, 1).map(nameText).join('')} }`,
    '# nat44: true',
  ];
}
