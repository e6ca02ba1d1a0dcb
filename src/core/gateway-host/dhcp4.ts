// DHCPv4 on the LAN with option 108, IPv6-Only Preferred (RFC 8925), rule O-01: what is lent, and how each of the known servers is
// told so. Pure. The option goes to those clients alone that ask for it in their parameter request list (option 55); a server
// takes a client without such a list for one that wants everything, which is why the list itself is a condition below.

import { text4, textPrefix4 } from '../address/text.ts';

/** DHCPv4 on one interface, as the operator wants it. */
export interface Dhcp4Settings {
  /** Name of the interface. */
  readonly link: string;
  /** Addresses to lend, unsigned, both inclusive; null: the upper half of the interface's network. */
  readonly range: { readonly first: number; readonly last: number } | null;
  readonly leaseSeconds: number;
  /** V6ONLY_WAIT, RFC 8925 §3.4; null: the option is not sent. */
  readonly v6OnlyWaitSeconds: number | null;
  /** Whether the interface's own address answers DNS, and clients are told so. */
  readonly isResolver: boolean;
}

/** The same on the interface as it is. */
export interface Dhcp4Plan extends Omit<Dhcp4Settings, 'range'> {
  /** The router's own address, unsigned, and the length of its network. */
  readonly own: number;
  readonly length: number;
  readonly first: number;
  readonly last: number;
}

/** Why there is no plan. */
interface Dhcp4Refusal {
  readonly refused: string;
  readonly advice: string;
}

/** A DHCP server that a snippet can be had for. */
export type DhcpEngine = 'dnsmasq' | 'kea' | 'isc';

/** RFC 8925 §3.4: what clients use where a server says less. */
export const MIN_V6ONLY_WAIT_SECONDS = 300;

/** Longest network that has an address to lend beside the router's. */
const LENGTH_MAX = 30;

const maskOf = (length: number): number => (0xffffffff << (32 - length)) >>> 0;

/**
 * Fits the settings to the interface.
 * @param own its address, unsigned, and prefix length; null: it has none
 */
export function planDhcp4(
  settings: Dhcp4Settings,
  own: { readonly address: number; readonly length: number } | null,
): Dhcp4Plan | Dhcp4Refusal {
  const { link, range } = settings;
  if (own === null || own.length > LENGTH_MAX) {
    const what = own === null ? 'no IPv4 address' : `a network of only one or two addresses (/${own.length})`;
    return {
      refused: `${link} has ${what}`,
      advice: `give it one, such as 192.168.64.1/24, before the gateway starts`,
    };
  }
  const size = 2 ** (32 - own.length);
  const network = own.address - (own.address % size);
  const first = range?.first ?? network + Math.max(size / 2, 1);
  const last = range?.last ?? network + size - 2;
  if (first <= network || last >= network + size - 1 || first > last) {
    const text = `${text4(first)}-${text4(last)}`;
    return {
      refused: `the range ${text} does not lie in the network of ${link}, ${textPrefix4({ address: network, length: own.length })}`,
      advice: 'choose addresses of that network, or none at all',
    };
  }
  return { ...settings, own: own.address, length: own.length, first, last };
}

/** Four bytes, as dnsmasq takes them: a number it would write in as few as fit. */
const hexBytes = (value: number): string =>
  [24, 16, 8, 0].map((by) => ((value >>> by) & 255).toString(16).padStart(2, '0')).join(':');

/** dnsmasq(8)'s options without the leading dashes, as they also stand in its configuration file. */
export function dnsmasqOptions(plan: Dhcp4Plan): string[] {
  const { link, own, first, last, length, leaseSeconds, v6OnlyWaitSeconds } = plan;
  return [
    'port=0',
    `interface=${link}`,
    'bind-dynamic',
    'dhcp-authoritative',
    `dhcp-range=${[text4(first), text4(last), text4(maskOf(length)), String(leaseSeconds)].join(',')}`,
    `dhcp-option=option:router,${text4(own)}`,
    plan.isResolver ? `dhcp-option=option:dns-server,${text4(own)}` : 'dhcp-option=option:dns-server',
    ...(v6OnlyWaitSeconds === null
      ? []
      : ['dhcp-match=set:asks,55', `dhcp-option=tag:asks,108,${hexBytes(v6OnlyWaitSeconds)}`]),
  ];
}

function keaSnippet(plan: Dhcp4Plan): string {
  const option = (name: string, data: string) => ({ name, data });
  const subnet = {
    id: 1,
    subnet: textPrefix4({ address: (plan.own & maskOf(plan.length)) >>> 0, length: plan.length }),
    pools: [{ pool: `${text4(plan.first)} - ${text4(plan.last)}` }],
    'option-data': [
      option('routers', text4(plan.own)),
      ...(plan.isResolver ? [option('domain-name-servers', text4(plan.own))] : []),
      // Without "always-send", Kea sends it to those that ask for it.
      ...(plan.v6OnlyWaitSeconds === null ? [] : [option('v6-only-preferred', String(plan.v6OnlyWaitSeconds))]),
    ],
  };
  const dhcp4 = {
    'interfaces-config': { interfaces: [plan.link] },
    'valid-lifetime': plan.leaseSeconds,
    subnet4: [subnet],
  };
  return `${JSON.stringify({ Dhcp4: dhcp4 }, null, 2)}\n`;
}

function iscSnippet(plan: Dhcp4Plan): string {
  const network = text4((plan.own & maskOf(plan.length)) >>> 0);
  const lines = [
    ...(plan.v6OnlyWaitSeconds === null ? [] : ['option v6-only-preferred code 108 = unsigned integer 32;', '']),
    `subnet ${network} netmask ${text4(maskOf(plan.length))} {`,
    `  range ${text4(plan.first)} ${text4(plan.last)};`,
    `  default-lease-time ${plan.leaseSeconds};`,
    `  max-lease-time ${plan.leaseSeconds};`,
    `  option routers ${text4(plan.own)};`,
    ...(plan.isResolver ? [`  option domain-name-servers ${text4(plan.own)};`] : []),
    ...(plan.v6OnlyWaitSeconds === null
      ? []
      : [
          '  if exists dhcp-parameter-request-list {',
          `    option v6-only-preferred ${plan.v6OnlyWaitSeconds};`,
          '  }',
        ]),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

/** What to put into the configuration of a DHCP server that is there already. */
export function dhcpSnippet(engine: DhcpEngine, plan: Dhcp4Plan): string {
  switch (engine) {
    case 'dnsmasq':
      return `${dnsmasqOptions(plan)
        .filter((line) => line !== 'port=0' && line !== 'bind-dynamic')
        .join('\n')}\n`;
    case 'kea':
      return keaSnippet(plan);
    case 'isc':
      return iscSnippet(plan);
    default:
      return engine satisfies never;
  }
}
