// VyOS: service router-advert, service dns forwarding, and which interfaces they and the rules of NAT (vyos-nat.ts) speak of. Every
// statement is handled or listed. https://docs.vyos.io/en/latest/configuration/

import { addListener, endpointText } from './dns-text.ts';
import type { Draft } from './draft.ts';
import { type RaKey, type RaPrefixKey, RouterAdvertisements } from './router-advert.ts';
import { dispatch, type Given, type Pattern, type Source, type Statement } from './source.ts';
import { finishNat, NAT_PATTERNS, type NatState, newNatState } from './vyos-nat.ts';
import { readVyos } from './vyos-read.ts';

interface State extends NatState {
  readonly advertisements: RouterAdvertisements;
  readonly nameServers: Map<string, Given & { port: string }>;
  readonly interfaces: Map<string, Statement>;
}

/** Reads a configuration in either form. */
export function importVyos(source: Source, draft: Draft): void {
  const state: State = {
    ...newNatState(draft),
    advertisements: new RouterAdvertisements(draft),
    nameServers: new Map(),
    interfaces: new Map(),
  };
  const statements = readVyos(source, draft);
  const [first] = statements;
  if (first !== undefined) draft.claim('gateway', first);
  for (const statement of statements) {
    if (!dispatch(PATTERNS, state, statement)) refuse(statement, draft);
  }
  finishNat(state);
  for (const { value, port, from } of state.nameServers.values()) {
    draft.add('dns64.forwarders', endpointText(value, port), from);
  }
  state.advertisements.write();
  findInterfaces(state);
}

const raValue = (words: string, key: RaKey): Pattern<State> => [
  `service router-advert interface * ${words}`,
  ({ advertisements }, [link = '', value = ''], from) => advertisements.set(link, key, { value, from }),
];

const raPrefix = (words: string, key: RaPrefixKey, is?: string) =>
  [
    `service router-advert interface * prefix * ${words}`,
    ({ advertisements }, [link = '', prefix = '', value = ''], from) => {
      advertisements.setOfPrefix(link, prefix, key, { value: is ?? value, from });
    },
  ] satisfies Pattern<State>;

const ROUTER_ADVERT: readonly Pattern<State>[] = [
  [
    'service router-advert interface *',
    ({ advertisements }, [link = ''], from) => void advertisements.link(link, from),
  ],
  raValue('default-lifetime *', 'routerLifetime'),
  raValue('default-preference *', 'preference'),
  raValue('hop-limit *', 'hopLimit'),
  raValue('link-mtu *', 'mtu'),
  raValue('interval max *', 'maxInterval'),
  raValue('interval min *', 'minInterval'),
  raValue('managed-flag', 'isManaged'),
  raValue('other-config-flag', 'hasOther'),
  raValue('no-send-advert', 'isSilent'),
  [
    'service router-advert interface * name-server *',
    ({ advertisements }, [link = '', value = ''], from) => advertisements.addDns(link, { value, from }),
  ],
  [
    'service router-advert interface * dnssl *',
    ({ advertisements }, [link = '', value = ''], from) => advertisements.addSearch(link, { value, from }),
  ],
  [
    'service router-advert interface * prefix *',
    ({ advertisements }, [link = '', prefix = ''], from) => void advertisements.prefix(link, prefix, from),
  ],
  raPrefix('valid-lifetime *', 'valid'),
  raPrefix('preferred-lifetime *', 'preferred'),
  raPrefix('no-on-link-flag', 'isOnLink', 'off'),
  raPrefix('no-autonomous-flag', 'isAutonomous', 'off'),
  [
    'service router-advert interface * nat64prefix *',
    ({ advertisements }, [link = '', prefix = ''], from) => advertisements.addPref64(link, prefix, null, from),
  ],
  [
    'service router-advert interface * nat64prefix * valid-lifetime *',
    ({ advertisements }, [link = '', prefix = '', value = ''], from) =>
      advertisements.addPref64(link, prefix, { value, from }, from),
  ],
];

const FORWARDING: readonly Pattern<State>[] = [
  [
    'service dns forwarding dns64-prefix *',
    ({ draft }, [prefix = ''], from) => draft.add('dns64.prefixes', prefix, from),
  ],
  [
    'service dns forwarding listen-address *',
    ({ draft }, [address = ''], from) => addListener(draft, address, '53', from),
  ],
  ['service dns forwarding allow-from *', ({ draft }, [net = ''], from) => draft.add('dns64.clients', net, from)],
  [
    'service dns forwarding name-server *',
    ({ nameServers }, [value = ''], from) => {
      if (!nameServers.has(value)) nameServers.set(value, { value, from, port: '53' });
    },
  ],
  [
    'service dns forwarding name-server * port *',
    ({ nameServers }, [value = '', port = ''], from) => nameServers.set(value, { value, from, port }),
  ],
  [
    'service dns forwarding system',
    ({ draft }, _args, from) => draft.leave(from, "the host's own resolvers are the forwarders where none are named"),
  ],
  [
    'service dns forwarding dnssec *',
    ({ draft }, [mode = ''], from) => {
      if (!/^(off|process-no-validate)$/.test(mode)) draft.warn(from, 'validation is left to the forwarders');
    },
  ],
];

const INTERFACES: readonly Pattern<State>[] = [
  [
    'interfaces * * **',
    ({ draft, interfaces }, [kind = '', name = ''], from) => {
      if (kind !== 'loopback' && !interfaces.has(name)) interfaces.set(name, from);
      draft.leave(from, 'interfaces and addresses are set on the host');
    },
  ],
];

const PATTERNS: readonly Pattern<State>[] = [...NAT_PATTERNS, ...ROUTER_ADVERT, ...FORWARDING, ...INTERFACES];

/** What a router does beside the gateway. The firewall is not among it: what it lets through decides what the gateway is worth. */
const OF_THE_HOST =
  /^(system|protocols|service (ssh|ntp|snmp|lldp|https|mdns|console-server|event-handler)|vpn|pki|qos) /;

function refuse(statement: Statement, draft: Draft): void {
  const path = statement.words.join(' ');
  if (OF_THE_HOST.test(path)) draft.leave(statement, 'is not a matter of the gateway');
  else draft.warn(statement, 'has no counterpart here');
}

/** The LAN is where router advertisements go; the WAN is where NAT goes out. */
function findInterfaces({ draft, rules, interfaces, advertisements }: State): void {
  const outs = [...rules.values()].flatMap(({ values }) => values.get('out') ?? []);
  for (const { value, from } of outs) draft.add('wan', value, from);
  for (const [name, from] of advertisements.links()) draft.add('lan', name, from);
  if (draft.has('lan') || outs.length === 0) return;
  for (const [name, from] of interfaces) if (!outs.some((out) => out.value === name)) draft.add('lan', name, from);
}
