// `xlat464 config dhcp4`: what an operator who has a DHCP server already puts into its configuration, so that it gives option 108 to
// those who ask for it (rule O-01). The options of the command are the keys of the table below.

import { type DhcpEngine, dhcpSnippet, planDhcp4 } from '../core/gateway-host/dhcp4.ts';
import { checkFields, Findings } from './check.ts';
import { choice, field, flag, type Plain, required, type Values } from './fields.ts';
import { DHCP4_FIELDS } from './gateway-fields.ts';
import { ConfigError } from './issues.ts';
import { interfaceAddress, interfaceName } from './scalars.ts';
import { treeOf } from './tree.ts';

const ENGINES = ['dnsmasq', 'kea', 'isc'] as const satisfies readonly DhcpEngine[];

/** The command's keys. */
export const DHCP4_SNIPPET_FIELDS = {
  for: required(choice(ENGINES), 'The DHCP server.'),
  interface: field(interfaceName, 'eth1', 'Its interface on the LAN.'),
  address: required(interfaceAddress, 'Its own address there, with the prefix length of the network.'),
  range: field(DHCP4_FIELDS.range.shape, 'auto', 'Addresses that are lent; auto: the upper half of the network.'),
  'lease-time': DHCP4_FIELDS['lease-time'],
  'option-108': DHCP4_FIELDS['option-108'],
  resolver: field(flag, false, 'Name that address as the resolver, too.'),
};

/**
 * The text for a DHCP server's configuration.
 * @param options values by key of {@link DHCP4_SNIPPET_FIELDS}
 * @throws ConfigError with every finding; its paths are the options' names
 */
export function dhcp4Snippet(options: { readonly [key: string]: Plain }): string {
  const findings = new Findings();
  const values = checkFields(DHCP4_SNIPPET_FIELDS, treeOf(options), '', findings);
  const text = values === undefined ? null : snippetOf(values, findings);
  if (text !== null && findings.issues.length === 0) return text;
  const issues = findings.issues.map((issue) => ({ ...issue, path: `--${issue.path}` }));
  throw new ConfigError('read the options', issues);
}

function snippetOf(values: Values<typeof DHCP4_SNIPPET_FIELDS>, findings: Findings): string | null {
  const { address } = values;
  if (address.family !== 4) {
    findings.addAt('address', 'is not an IPv4 address', 'write one with its prefix length, such as 192.168.64.1/24');
    return null;
  }
  const plan = planDhcp4(
    {
      link: values.interface,
      range: values.range,
      leaseSeconds: values['lease-time'] / 1000,
      v6OnlyWaitSeconds: values['option-108'] === null ? null : values['option-108'] / 1000,
      isResolver: values.resolver,
    },
    { address: address.address, length: address.length },
  );
  if (!('refused' in plan)) return dhcpSnippet(values.for, plan);
  findings.addAt('range', plan.refused, plan.advice);
  return null;
}
