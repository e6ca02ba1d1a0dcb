// Why something was started, stopped, chosen or refused (rule D-15): one stable code per decision, shown by log and status.
// Codes are only added; their texts may be improved.

/** One row per reason: its code and what it means to a person. The log line adds the particulars. */
export const REASONS = {
  'client-starting': 'the client starts',
  'client-ready': 'IPv4 works: translation is on',
  'client-stopping': 'the client was asked to stop',
  'client-stopped': 'everything on this host is as it was',
  'client-failed': 'the client gave up',
  'uplink-chosen': 'the interface that leads to the NAT64',
  'uplink-changed': 'the way to the NAT64 changed',
  'uplink-lost': 'no interface leads to the NAT64 any more; waiting for one',
  'uplink-waiting': 'no interface leads to the NAT64 yet; waiting for one',
  'redirect-unavailable': 'packets cannot be redirected here; the kernel forwards them instead',
  'address-chosen': 'the IPv6 address that carries the translated traffic',
  'address-not-neutral': 'this prefix length makes checksums change; they are updated in every packet',
  'address-duplicate': 'another node has this address; taking another one',
  'address-conflict': 'another node claims the address that carries the translated traffic; looking for another one',
  'address-unique': 'duplicate address detection found nobody else',
  'address-detection-skipped': 'the interface has no neighbour discovery, so no duplicate can exist',
  'ipv4-chosen': 'the IPv4 address that programs on this host use',
  'native-ipv4': 'there is a native IPv4 default route; it keeps precedence over the translated one',
  'forward-policy': 'a firewall on this host drops forwarded IPv6, the translated packets among it',
  'host-changed': 'a setting of this host was changed; stop and clean-up undo it',
  'host-restored': 'a setting of this host was put back',
  'host-left': 'a setting of this host was not put back, because someone else changed it meanwhile',
  'host-trouble': 'a setting of this host could not be put back',
  'crash-cleaned': 'a run that ended without cleaning up was cleaned up after',
  'events-lost': 'the kernel dropped change notifications; looking at everything anew',
  'data-path-failed': 'the data path ended by itself',
} as const;

/** One of the stable reason codes. */
export type Reason = keyof typeof REASONS;

/** Particulars of one log line: short, named values. */
export type LogFields = Readonly<Record<string, string | number | boolean | null>>;

/** Where decisions are written to. Implemented by the daemon's log and by tests. */
export interface Log {
  info(reason: Reason, fields: LogFields, text: string): void;
  warn(reason: Reason, fields: LogFields, text: string): void;
  error(reason: Reason, fields: LogFields, text: string): void;
}
