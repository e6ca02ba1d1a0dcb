// The keys of a `role: translator` file: what they may hold, their defaults, what they mean. docs/configuration.md and the
// JSON Schema are made from these texts.

import { nat64Prefix, prefix4, prefix6 } from './addresses.ts';
import { choice, field, flag, integer, list, required, section, type Values, wordOr } from './fields.ts';
import { duration, interfaceAddress, interfaceName, path, route } from './scalars.ts';
import { TRANSLATION_FIELDS } from './translation-fields.ts';

/** One explicit address mapping. */
const MAPPING_FIELDS = {
  ipv4: required(prefix4, 'The IPv4 side, an address or a prefix.'),
  ipv6: required(
    prefix6,
    'The IPv6 side, an address or a prefix; its suffix is at least as long as that of the IPv4 side.',
  ),
};

const DYNAMIC_POOL_FIELDS = {
  ranges: field(
    list(prefix4),
    [],
    'IPv4 prefixes whose addresses are lent, one to one, to IPv6 hosts that no mapping names.',
  ),
  'lease-time': field(duration, '2h', 'A lease ends after this long without a packet.'),
  'lease-file': field(wordOr('none', null, path), 'none', 'Where leases are kept over a restart.'),
};

const TUN_FIELDS = {
  name: field(interfaceName, 'xlat0', 'Name of the virtual interface.'),
  mtu: field(
    wordOr('auto', null, integer(1280, 65535)),
    'auto',
    'Its MTU in bytes; auto: the larger of ipv4-mtu and ipv6-mtu.',
  ),
  queues: field(
    integer(1, 64),
    1,
    'Queues, each with a worker thread of its own; more than one for routers with cores to spare.',
  ),
  offload: field(flag, true, 'Take and give whole super-packets where the kernel offers it.'),
  coalesce: field(flag, true, 'Merge consecutive segments of a flow that come in unmerged.'),
  attach: field(flag, false, 'Use an existing persistent interface and leave its MTU, addresses and routes alone.'),
  persist: field(flag, false, 'Leave the interface behind when the program ends.'),
  addresses: field(list(interfaceAddress), [], 'Addresses that this host gets on the interface.'),
  routes: field(
    wordOr('none', [], list(route)),
    ['auto'],
    'Routes into the interface; auto: the prefix, the IPv4 side of the mappings, the dynamic pool and the own addresses.',
  ),
};

/** All keys of the role. */
export const TRANSLATOR_FIELDS = {
  role: required(choice(['translator']), 'What this file configures.'),
  prefix: field(
    wordOr('none', null, nat64Prefix),
    'none',
    'The NAT64 prefix (RFC 6052 §2.2) that stands for the IPv4 world.',
  ),
  mappings: field(
    list(section(MAPPING_FIELDS)),
    [],
    'Explicit address mappings (RFC 7757). The longest prefix wins, and they win over the prefix.',
  ),
  'mappings-file': field(
    wordOr('none', null, path),
    'none',
    'More mappings, one a line: IPv4 prefix, blanks, IPv6 prefix; # starts a comment. Read again on SIGHUP.',
  ),
  force: field(flag, false, 'Accept mappings that overlap (RFC 7757 §3.1 asks to refuse them).'),
  'dynamic-pool': field(section(DYNAMIC_POOL_FIELDS), {}, 'Dynamic one-to-one mappings.'),
  ...TRANSLATION_FIELDS,
  tun: field(section(TUN_FIELDS), {}, 'The virtual interface.'),
};

/** The checked keys of the role. */
export type TranslatorValues = Values<typeof TRANSLATOR_FIELDS>;

/** The checked keys of its interface. */
export type TunValues = Values<typeof TUN_FIELDS>;
