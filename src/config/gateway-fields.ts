// The keys of a `role: gateway` file: what they may hold, their defaults, what they mean. docs/configuration.md and the JSON
// Schema are made from these texts. The large sections have files of their own.

import { prefix6 } from './addresses.ts';
import { ADVERTISE_FIELDS } from './advertise-fields.ts';
import { DNS64_FIELDS } from './dns64-fields.ts';
import { choice, field, flag, list, required, section, type Values, wordOr } from './fields.ts';
import { ipv4Range, metricsEndpoint } from './gateway-scalars.ts';
import { NAT64_FIELDS } from './nat64-fields.ts';
import { duration, interfaceName } from './scalars.ts';

const OUT = 'Interface that leads outside; auto: the first one of wan.';

/** The keys of its DHCPv4. */
export const DHCP4_FIELDS = {
  interface: field(wordOr('auto', null, interfaceName), 'auto', 'One of the LAN interfaces; auto: the first one.'),
  range: field(
    wordOr('auto', null, ipv4Range),
    'auto',
    "Addresses that are lent; auto: the upper half of the interface's own IPv4 network.",
  ),
  'lease-time': field(duration, '1h', 'How long an address is lent.'),
  'option-108': field(
    wordOr('none', null, duration),
    '30min',
    'Tell hosts that ask for it to do without IPv4 for so long (RFC 8925), at least 5 min; none: not told.',
  ),
};

const NAT66_FIELDS = {
  source: required(prefix6, 'What leaves from here gets the own address of the interface.'),
  out: field(wordOr('auto', null, interfaceName), 'auto', OUT),
};

const NPT_FIELDS = {
  inside: required(prefix6, 'The prefix of the LAN.'),
  outside: required(prefix6, 'The prefix that stands for it outside, of the same length.'),
  out: field(wordOr('auto', null, interfaceName), 'auto', OUT),
};

const METRICS_FIELDS = {
  listen: field(metricsEndpoint, '[::1]:9464', 'Where http://…/metrics is answered, in the text format of Prometheus.'),
};

/** All keys of the role. */
export const GATEWAY_FIELDS = {
  role: required(choice(['gateway']), 'What this file configures.'),
  lan: required(list(interfaceName), 'Interfaces of the hosts that are served.'),
  wan: field(
    wordOr('auto', null, list(interfaceName)),
    'auto',
    'Interfaces that lead outside; auto: those of the default routes.',
  ),
  nat64: field(wordOr('none', null, section(NAT64_FIELDS)), {}, 'Stateful translation from IPv6 to IPv4 (RFC 6146).'),
  dns64: field(wordOr('none', null, section(DNS64_FIELDS)), {}, 'The name server that makes AAAA of A (RFC 6147).'),
  advertise: field(
    wordOr('none', null, section(ADVERTISE_FIELDS)),
    {},
    'Router advertisements (RFC 4861, 8106, 8781).',
  ),
  dhcp4: field(
    wordOr('none', null, section(DHCP4_FIELDS)),
    'none',
    'IPv4 for hosts that cannot do without, and option 108 for the others (RFC 8925); dnsmasq does it.',
  ),
  nat66: field(
    list(section(NAT66_FIELDS)),
    [],
    'IPv6 masquerade, for LAN prefixes that nobody outside has a route to.',
  ),
  npt: field(list(section(NPT_FIELDS)), [], 'Prefix translation, host by host (NPTv6, RFC 6296).'),
  nat44: field(flag, false, 'IPv4 masquerade for the IPv4 networks of the LAN interfaces.'),
  metrics: field(wordOr('none', null, section(METRICS_FIELDS)), 'none', 'Metrics for Prometheus.'),
};

/** The checked keys of the role. */
export type GatewayValues = Values<typeof GATEWAY_FIELDS>;
/** The checked keys of its DHCPv4. */
export type Dhcp4Values = Values<typeof DHCP4_FIELDS>;
