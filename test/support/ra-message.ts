// A Router Advertisement as a test orders it, byte for byte. Read next: ra-sender.ts, which sends it.

import { emitNdp, type NdpOption } from '../../src/core/wire/ndp.ts';
import { emitPref64, emitRdnss } from '../../src/core/wire/ndp-options.ts';
import { ip6, prefix6 } from './addresses.ts';

/** What to send. */
export interface RaOrder {
  readonly device: string;
  /** Default: the device's own link-local address. */
  readonly source?: string;
  /** 1, 0 or −1. */
  readonly preference?: number;
  readonly lifetimeSeconds?: number;
  readonly pref64?: readonly { readonly prefix: string; readonly lifetimeSeconds: number }[];
  readonly rdnss?: readonly string[];
  /** Of all of them; default 1800. */
  readonly rdnssLifetimeSeconds?: number;
  /** More options, each as hex from its type octet on, their length octets true or not; or a whole ICMPv6 message instead of all of the above. */
  readonly rawOptions?: readonly string[];
  readonly rawMessage?: string;
  readonly hopLimit?: number;
  readonly breaksChecksum?: boolean;
  /** How many to send at once; default 1. In each but the first the source's last two octets are counted up if `floods`. */
  readonly count?: number;
  readonly floods?: boolean;
  /** Goes on, and sends one for each solicitation. */
  readonly answers?: boolean;
  /** While it goes on, sends one so often without being asked as well. */
  readonly everySeconds?: number;
}

const fromHex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

/** The well-formed options of an order. */
function optionsOf(order: Omit<RaOrder, 'device'>): NdpOption[] {
  const pref64 = (order.pref64 ?? []).map(({ prefix, lifetimeSeconds }) =>
    emitPref64({ prefix: prefix6(prefix), lifetimeSeconds }),
  );
  const { rdnss: named, rdnssLifetimeSeconds: lifetimeSeconds = 1800 } = order;
  const rdnss = named === undefined ? [] : [emitRdnss({ lifetimeSeconds, addresses: named.map(ip6) })];
  return [...rdnss, ...pref64];
}

/** The ICMPv6 message that an order asks for, checksum zero. */
export function messageOf(order: Omit<RaOrder, 'device'>): Uint8Array {
  if (order.rawMessage !== undefined) return fromHex(order.rawMessage);
  const message = emitNdp({
    kind: 'router',
    hopLimit: 64,
    isManaged: false,
    isOther: false,
    preference: order.preference ?? 0,
    lifetimeSeconds: order.lifetimeSeconds ?? 1800,
    reachableMs: 0,
    retransMs: 0,
    options: optionsOf(order),
  });
  return Uint8Array.from([...message, ...(order.rawOptions ?? []).flatMap((hex) => [...fromHex(hex)])]);
}
