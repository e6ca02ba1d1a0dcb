// The kernel's own translations, NAT66, NPTv6 and NAT44, out of its connection tracking table. A line as nf_conntrack_standalone.c
// writes it (ct_seq_show):
//
//     ipv6 10 tcp 6 431999 ESTABLISHED src=2001:… dst=2001:… sport=50000 dport=80 src=2001:… dst=… sport=80 dport=… [ASSURED] mark=0 …
//                     └ seconds        └ as it came                              └ as the answer comes: dst is what the far end sees
//
// Pure. Lines that say something else are left out.

import { formatIpv6, parseIpv6 } from '../config/addresses.ts';
import type { Session } from '../contract/gateway.ts';

/** `key=value` words of one direction. */
interface Direction {
  readonly src: string;
  readonly dst: string;
  readonly sport: number | null;
  readonly dport: number | null;
}

const PORT = /^\d{1,5}$/;
const portOf = (text: string | undefined): number | null =>
  text !== undefined && PORT.test(text) ? Number(text) : null;

/** The two directions of a line; null: it has not both. */
function directionsOf(words: readonly string[]): readonly [Direction, Direction] | null {
  const found: Record<string, string>[] = [];
  for (const word of words) {
    const [key = '', value] = word.split('=', 2);
    if (value === undefined) continue;
    if (key === 'src') found.push({});
    const last = found.at(-1);
    if (last !== undefined && last[key] === undefined) last[key] = value;
  }
  const [there, back] = found.slice(0, 2).map(directionOf);
  return there === undefined || back === undefined ? null : [there, back];
}

/** The kernel writes all eight groups; everywhere else it is RFC 5952. */
function shortened(address: string): string {
  const parsed = address.includes(':') ? parseIpv6(address) : null;
  return parsed?.ok === true ? formatIpv6(parsed.value) : address;
}

/** An echo identifier stands for both ports. */
const directionOf = ({ src = '', dst = '', sport, dport, id }: Record<string, string>): Direction => ({
  src: shortened(src),
  dst: shortened(dst),
  sport: portOf(sport ?? id),
  dport: portOf(dport ?? id),
});

const PROTOCOLS: Readonly<Record<string, string>> = {
  tcp: 'tcp',
  udp: 'udp',
  icmp: 'icmp',
  icmpv6: 'icmp',
  'ipv6-icmp': 'icmp',
};

/** One line's session; null: it is not translated at its source, or no connection. */
function sessionOf(line: string): Session | null {
  const words = line.trim().split(/\s+/);
  const [family, , name = '', , seconds = ''] = words;
  const directions = directionsOf(words);
  if (directions === null || !/^\d+$/.test(seconds)) return null;
  const [there, back] = directions;
  if (there.src === back.dst && there.sport === back.dport) return null;
  const protocol = PROTOCOLS[name] ?? name;
  return {
    kind: family === 'ipv6' ? 'nat66' : 'nat44',
    protocol,
    state: protocol === 'tcp' ? (words[5] ?? '').toLowerCase() : null,
    host: { address: there.src, port: there.sport },
    mapped: { address: back.dst, port: back.dport },
    remote: { address: there.dst, port: there.dport },
    expiresInMs: Number(seconds) * 1000,
  };
}

/** Lines of a table that are looked at. */
const LINES_MAX = 200_000;

/** The translated connections of a table. Never throws. @param text what the kernel wrote */
export function translatedConnections(text: string): Session[] {
  const sessions: Session[] = [];
  for (const line of text.split('\n', LINES_MAX)) {
    const session = sessionOf(line);
    if (session !== null) sessions.push(session);
  }
  return sessions;
}
