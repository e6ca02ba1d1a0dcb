// Whole ICMP messages (RFC 7915 §4.2, §5.2): checks, then echo or error, then the checksum with or without pseudo-header.

import { bytes16, read16, withBytes } from './bytes.ts';
import { carriedChecksum, isChecksumRight, pseudoHeader6 } from './checksum.ts';
import {
  attribute4,
  attribute6,
  hasAttribute6,
  icmpMessage,
  joinBody,
  splitBody,
  withoutChecksum,
} from './extensions.ts';
import { echoTypeTo4, echoTypeTo6, errorTo4, errorTo6 } from './icmp-types.ts';
import { innerTo4, innerTo6 } from './inner.ts';
import { type Context, errorSize4, ICMPV6, type IcmpHeader, type Ipv6Packet, Refusal } from './model.ts';

const EXTENSION_UNIT4 = 4;
const EXTENSION_UNIT6 = 8;

/** Types with a counterpart: T-4.2-02, T-5.2-02 refuse the others whatever their checksum. */
const TYPES4: readonly number[] = [0, 3, 8, 11, 12];
const TYPES6: readonly number[] = [1, 2, 3, 4, 128, 129];

/** T-4.2-14: length, type, checksum and code of an ICMPv4 message. Throws Refusal. */
export function checkIcmp4(message: Uint8Array, context: Context): void {
  if (message.length < 8) throw new Refusal('bad-transport');
  if (!TYPES4.includes(message[0])) throw new Refusal('icmp-type');
  if (!context.settings.tolerate.icmpChecksum && !isChecksumRight(message)) throw new Refusal('bad-icmp-checksum');
  if (echoTypeTo6(message[0]) === undefined) errorTo6(headerOf(message), 0, context.settings);
}

/** The same for ICMPv6, whose checksum covers the pseudo-header. Throws Refusal. */
export function checkIcmp6(packet: Ipv6Packet, context: Context): void {
  const message = packet.payload;
  if (message.length < 8) throw new Refusal('bad-transport');
  if (!TYPES6.includes(message[0])) throw new Refusal('icmp-type');
  const pseudo = pseudoHeader6(packet.source, packet.destination, ICMPV6, packet.payload.length);
  const isRight = isChecksumRight(pseudo, packet.payload);
  if (!context.settings.tolerate.icmpChecksum && !isRight) throw new Refusal('bad-icmp-checksum');
  if (echoTypeTo4(message[0]) === undefined) errorTo4(headerOf(message), context.settings);
}

const headerOf = (message: Uint8Array): IcmpHeader => ({
  type: message[0],
  code: message[1],
  rest: message.slice(4, 8),
});

/** An ICMPv4 message between two IPv6 addresses. Throws Refusal. */
export function icmpTo6(
  message: Uint8Array,
  source: Uint8Array,
  destination: Uint8Array,
  context: Context,
): Uint8Array {
  const echo = echoTypeTo6(message[0]);
  const out = echo === undefined ? icmpErrorTo6(message, context) : withBytes(withoutChecksum(message), 0, [echo]);
  const pseudo = pseudoHeader6(source, destination, ICMPV6, out.length);
  const checksum = carriedChecksum(read16(message, 2), [withoutChecksum(message)], [pseudo, out]);
  return withBytes(out, 2, bytes16(checksum));
}

function icmpErrorTo6(message: Uint8Array, context: Context): Uint8Array {
  const { datagram, extension } = splitBody(message.slice(8), attribute4(message), EXTENSION_UNIT4);
  const header = errorTo6(headerOf(message), datagram.length >= 4 ? read16(datagram, 2) : 0, context.settings);
  const room = context.settings.icmpv6ErrorSize - 48;
  const body = {
    datagram: innerTo6(datagram, context),
    extension: hasAttribute6(header.type) ? extension : null,
  };
  const joined = joinBody(body, EXTENSION_UNIT6, room);
  const rest = joined.attribute > 0 ? withBytes(header.rest, 0, [joined.attribute]) : header.rest;
  return icmpMessage({ ...header, rest }, 0, joined.bytes);
}

/** An ICMPv4 message, and whether it goes back (RFC 7757 §4.2.2, condition B). */
export interface Icmp4Message {
  readonly message: Uint8Array;
  readonly isHairpin: boolean;
}

/** The ICMPv6 message of a packet. Throws Refusal. */
export function icmpTo4(packet: Ipv6Packet, context: Context): Icmp4Message {
  const message = packet.payload;
  const echo = echoTypeTo4(message[0]);
  const out =
    echo === undefined
      ? icmpErrorTo4(message, context)
      : { message: withBytes(withoutChecksum(message), 0, [echo]), isHairpin: false };
  const pseudo = pseudoHeader6(packet.source, packet.destination, ICMPV6, message.length);
  const checksum = carriedChecksum(read16(message, 2), [pseudo, withoutChecksum(message)], [out.message]);
  return { ...out, message: withBytes(out.message, 2, bytes16(checksum)) };
}

function icmpErrorTo4(message: Uint8Array, context: Context): Icmp4Message {
  const { datagram, extension } = splitBody(message.slice(8), attribute6(message), EXTENSION_UNIT6);
  const header = errorTo4(headerOf(message), context.settings);
  const inner = innerTo4(datagram, context);
  const room = errorSize4(context.settings) - 28;
  const joined = joinBody({ datagram: inner.datagram, extension }, EXTENSION_UNIT4, room);
  const rest = joined.attribute > 0 ? withBytes(header.rest, 1, [joined.attribute]) : header.rest;
  return { message: icmpMessage({ ...header, rest }, 0, joined.bytes), isHairpin: inner.isHairpin };
}
