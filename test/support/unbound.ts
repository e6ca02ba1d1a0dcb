// unbound for tests: as the network's resolver with DNS64, and as the name's own server behind it.

import { writeFileSync } from 'node:fs';
import type { Netns, Running } from './netns.ts';

/** The name's own records (RFC 7050 §2.2), for the resolvers in front, which forward to it. */
export const IPV4ONLY_RECORDS = `  interface: ::1@5300
  local-zone: "ipv4only.arpa." static
  local-data: "ipv4only.arpa. 300 IN A 192.0.0.170"
  local-data: "ipv4only.arpa. 300 IN A 192.0.0.171"
`;

/** A resolver on an address (`ADDRESS[@PORT]`) that synthesises with a prefix and asks {@link IPV4ONLY_RECORDS} for everything. */
export const dns64Resolver = (address: string, prefix: string): string => `  interface: ${address}
  module-config: "dns64 iterator"
  dns64-prefix: ${prefix}
forward-zone:
  name: "."
  forward-addr: ::1@5300
`;

/**
 * Starts unbound, open to everyone in its namespace; it may not listen yet.
 * @param directory for its file, NAME.conf
 * @param lines further lines of the section `server`, and sections after it
 */
export async function startUnbound(ns: Netns, directory: string, name: string, lines: string): Promise<Running> {
  const file = `${directory}/${name}.conf`;
  writeFileSync(file, common(directory) + lines);
  return ns.start(['unbound', '-d', '-c', file]);
}

const common = (directory: string): string => `server:
  directory: "${directory}"
  username: ""
  chroot: ""
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-not-query-localhost: no
  access-control: ::/0 allow
  access-control: 0.0.0.0/0 allow
remote-control:
  control-enable: no
server:
`;
