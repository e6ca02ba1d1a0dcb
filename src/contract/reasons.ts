// Why something was started, stopped, chosen or refused (rule D-15): one stable code per decision, shown by log and status.
// Codes are only added; their texts may be improved.

/** One row per reason: its code and what it means to a person. The log line adds the particulars. */
export const REASONS = {
  'client-starting': 'the client starts',
  'client-ready': 'translation is on',
  'client-stopping': 'the client was asked to stop',
  'client-asked': 'who asked the client to stop',
  'client-stopped': 'everything on this host is as it was',
  'client-failed': 'the client gave up',
  'uplink-chosen': 'the interface that leads to the NAT64',
  'uplink-changed': 'the way to the NAT64 changed',
  'uplink-lost': 'no interface leads to the NAT64 any more; waiting for one',
  'uplink-waiting': 'no interface leads to the NAT64 yet; waiting for one',
  'uplink-elsewhere': 'the way to the NAT64 leads through an interface that did not offer its prefix',
  'link-waiting': 'the interface toward the NAT64 is down; waiting for it',
  'address-waiting': 'the uplink has no global IPv6 address yet; waiting for one',
  'network-too-small': "the uplink's network has no room for another address",
  'network-looking': 'looking at the interfaces, addresses and routes of this host',
  'network-unreadable': 'the state of this host could not be read; trying again',
  'prefix-waiting': 'no router and no resolver has named a NAT64 prefix yet; asking them',
  'prefix-chosen': 'the NAT64 prefix that the translated traffic goes to',
  'prefix-changed': 'the NAT64 prefix changed',
  'prefix-lost': 'the NAT64 prefix was withdrawn or has expired; waiting for one',
  'prefix-reachable': 'the connectivity check through a NAT64 prefix succeeded',
  'prefix-unreachable': 'the connectivity check through a NAT64 prefix failed',
  'prefix-refused': 'prefixes on offer were not kept: unusable as a NAT64 prefix, or more than are kept',
  'discovery-trouble': 'a part of the discovery does not work',
  'router-flood': 'a flood of router advertisements; those beyond what is looked at each second are dropped',
  'redirect-unavailable': 'packets cannot be redirected here; the kernel forwards them instead',
  'address-chosen': 'the IPv6 address that carries the translated traffic',
  'address-checking': 'duplicate address detection goes on for the address that is to carry the translated traffic',
  'address-not-neutral': 'this prefix length makes checksums change; they are updated in every packet',
  'address-duplicate': 'another node has this address; taking another one',
  'address-conflict':
    'another node goes on claiming the address that carries the translated traffic; looking for another one',
  'address-contested': 'another node claims the address that carries the translated traffic; it is kept and defended',
  'address-uncontested': 'nobody claims the address that carries the translated traffic any more',
  'address-unique': 'duplicate address detection found nobody else',
  'address-detection-skipped': 'the interface has no neighbour discovery, so no duplicate can exist',
  'ipv4-chosen': 'the IPv4 address that programs on this host use',
  'native-ipv4': 'there is a native IPv4 default route; it keeps precedence over the translated one',
  'other-clat': 'another CLAT runs on this host; this one stays out of its way',
  'host-slept': 'this host slept; the network may be another one',
  'host-attaching': 'the virtual interface and the routes are being set up',
  'client-off': 'switched off by the user',
  'client-retrying': 'it failed; waiting before the next attempt',
  'forward-policy': 'a firewall on this host drops forwarded IPv6, the translated packets among it',
  'host-changed': 'a setting of this host was changed; stop and clean-up undo it',
  'host-restored': 'a setting of this host was put back',
  'host-repaired': 'a change of this host that somebody undid was made again',
  'host-left': 'a setting of this host was not put back, because someone else changed it meanwhile',
  'host-trouble': 'a setting of this host could not be put back',
  'crash-cleaned': 'a run that ended without cleaning up was cleaned up after',
  'events-lost': 'the kernel dropped change notifications; looking at everything anew',
  advertising: 'router advertisements go out on an interface',
  'advertise-waiting': 'an interface is down, missing, or has no link-local address; its router advertisements wait',
  'advertise-yielded': 'another program of this host sends router advertisements on an interface; ours are off there',
  'advertise-forged': "somebody on an interface sends router advertisements with this router's own address; ours go on",
  'advertise-differs': 'another router of the link advertises something else than this one',
  'advertise-trouble': 'a router advertisement could not be sent, or an interface not be looked at',
  'dhcp-trouble': 'the DHCPv4 server ended by itself; it is started again',
  'dhcp-said': 'a line from the DHCPv4 server',
  'pool-warning': 'what to know about the IPv4 pool on this host',
  'data-path-failed': 'the data path ended by itself',
  'internal-error': 'a bug of this program, which puts everything back and ends',
  'dns-ready': 'DNS64 answers',
  'dns-changed': 'DNS64 goes on with other settings',
  'dns-stopped': 'DNS64 has ended',
  'dns-query': 'one query and its answer',
  'dns-forwarder-lost': 'a resolver that queries are passed on to does not answer; the others are asked first',
  'dns-forwarder-back': 'a resolver that did not answer does so again',
  'dns-forwarder-untrusted': 'a resolver did not prove by its certificate who it is; nothing is asked of it',
  'dns-loop': 'a query came back to this server: one of its resolvers asks this server itself',
  'dns-overload': 'too many queries wait for resolvers; more are not taken',
  'dns-listener-failed': 'an address on which queries are taken failed',
} as const;

/** One of the stable reason codes. */
export type Reason = keyof typeof REASONS;

/** What a part of the daemon does on its way to a decision: lines that only --verbose and --log-level debug show. */
export const STEPS = {
  'link-watched': 'an interface on which routers and resolvers are asked',
  'router-heard': 'a router advertisement that says something new',
  'resolver-answered': 'a resolver was asked for ipv4only.arpa, and what came of it',
  'prefix-checked': 'the connectivity check through a NAT64 prefix had an outcome',
  'lifecycle-step': 'an event, the state that it led to, and what is done then',
  'gateway-looked': 'the interfaces, addresses and routes were looked at',
  'command-ran': 'a command of the system, what came of it, and how long it took',
  'setting-written': 'a kernel setting was written',
  'journal-written': 'a change of this host is in the journal, or settled there',
  'datapath-started': 'packets are taken from the virtual interface',
  'datapath-changed': 'the data path works by other settings from now on',
  'datapath-ended': 'no packet is taken from the virtual interface any more',
  'control-connected': 'somebody said hello on a control socket',
  'control-called': 'somebody asked for something',
  'control-refused': 'somebody asked for something and did not get it',
  'control-closed': 'a control connection has ended',
  'nat64-planned': 'pool and routes of the NAT64',
  'dns-listening': 'an address on which queries are taken from now on, or no more',
  'dns-unanswered': 'a resolver failed in another way than before',
  'advertise-state': 'the state of the advertisements on an interface',
  'advertise-sent': 'a router advertisement went out',
  'dhcp-planned': 'what the DHCPv4 server lends, and on which interface',
} as const;

/** One of the codes of such lines. */
export type Step = keyof typeof STEPS;

/** Particulars of one log line: short, named values. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Where decisions are written to. Implemented by the daemon's log and by tests. */
export interface Log {
  /** Details, of which a flood of packets or requests must not make a flood. */
  debug(step: Step | Reason, fields: LogFields, text: string): void;
  info(reason: Reason, fields: LogFields, text: string): void;
  warn(reason: Reason, fields: LogFields, text: string): void;
  error(reason: Reason, fields: LogFields, text: string): void;
}
