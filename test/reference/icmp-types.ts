// The tables of RFC 7915 §4.2 and §5.2: ICMP type, code, pointer and MTU of one family → those of the other.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { bytes16, concat, ipv4Bytes, read16, read32 } from './bytes.ts';
import { type IcmpHeader, Refusal } from './model.ts';

const UNUSED = new Uint8Array(4);
const error = (type: number, code: number, rest: Uint8Array = UNUSED): IcmpHeader => ({ type, code, rest });

/** ICMPv4 echo, reply (T-4.2-01) and their ICMPv6 types. */
const ECHO_4_TO_6: Readonly<Record<number, number>> = { 8: 128, 0: 129 };
/** T-5.2-01 */
const ECHO_6_TO_4: Readonly<Record<number, number>> = { 128: 8, 129: 0 };

/** The ICMPv6 type of an ICMPv4 echo message, undefined for others; and the other way round. */
export const echoTypeTo6 = (type: number): number | undefined => ECHO_4_TO_6[type];
export const echoTypeTo4 = (type: number): number | undefined => ECHO_6_TO_4[type];

/**
 * RFC 7915 §4.2, errors. Throws Refusal.
 * @param innerTotalLength Total Length of the packet in the error, for T-4.2-06
 */
export function errorTo6(header: IcmpHeader, innerTotalLength: number, settings: TranslatorSettings): IcmpHeader {
  if (header.type === 3) return unreachableTo6(header, innerTotalLength, settings);
  if (header.type === 11) {
    if (header.code > 1) throw new Refusal('icmp-code');
    return error(3, header.code); // T-4.2-09
  }
  if (header.type === 12) return parameterProblemTo6(header);
  throw new Refusal('icmp-type'); // T-4.2-02
}

function unreachableTo6(header: IcmpHeader, innerTotalLength: number, settings: TranslatorSettings): IcmpHeader {
  const { code } = header;
  if ([0, 1, 5, 6, 7, 8, 11, 12].includes(code)) return error(1, 0); // T-4.2-03
  if (code === 2) return error(4, 1, ipv4Bytes(6)); // T-4.2-04
  if (code === 3) return error(1, 4); // T-4.2-05
  if (code === 4) return error(2, 0, ipv4Bytes(mtuTo6(read16(header.rest, 2), innerTotalLength, settings)));
  if ([9, 10, 13, 15].includes(code)) return error(1, 1); // T-4.2-07
  throw new Refusal('icmp-code'); // T-4.2-08
}

/** T-4.2-06 */
function mtuTo6(reported: number, innerTotalLength: number, settings: TranslatorSettings): number {
  const plateau = settings.plateaus.find((mtu) => mtu < innerTotalLength) ?? 0;
  const mtu = reported === 0 ? plateau : reported;
  return Math.max(1280, Math.min(mtu + 20, settings.ipv6Mtu, settings.ipv4Mtu + 20));
}

/** T-4.2-10: RFC 7915 figure 3, IPv4 header octet → IPv6 header octet. */
const POINTER_4_TO_6: Readonly<Record<number, number>> = {
  ...{ 0: 0, 1: 1, 2: 4, 3: 4, 8: 7, 9: 6 },
  ...{ 12: 8, 13: 8, 14: 8, 15: 8, 16: 24, 17: 24, 18: 24, 19: 24 },
};

function parameterProblemTo6(header: IcmpHeader): IcmpHeader {
  const pointer = POINTER_4_TO_6[header.rest[0]];
  // T-4.2-11
  if ((header.code !== 0 && header.code !== 2) || pointer === undefined) throw new Refusal('icmp-code');
  return error(4, 0, ipv4Bytes(pointer));
}

/** RFC 7915 §5.2, errors. Throws Refusal. */
export function errorTo4(header: IcmpHeader, settings: TranslatorSettings): IcmpHeader {
  if (header.type === 1) return unreachableTo4(header.code);
  if (header.type === 2) {
    // T-5.2-06; the code is ignored on reception, RFC 4443 §3.2.
    const mtu = Math.min(read32(header.rest, 0) - 20, settings.ipv4Mtu, settings.ipv6Mtu - 20);
    return error(3, 4, concat(bytes16(0), bytes16(Math.max(mtu, MINIMUM_IPV4_MTU))));
  }
  if (header.type === 3) {
    if (header.code > 1) throw new Refusal('icmp-code');
    return error(11, header.code); // T-5.2-07
  }
  if (header.type === 4) return parameterProblemTo4(header);
  throw new Refusal('icmp-type'); // T-5.2-02
}

/** RFC 791 §3.2: every link carries 68 bytes; 0 in an ICMPv4 error would mean "unknown". */
const MINIMUM_IPV4_MTU = 68;

function unreachableTo4(code: number): IcmpHeader {
  if ([0, 2, 3].includes(code)) return error(3, 1); // T-5.2-03
  if (code === 1) return error(3, 10); // T-5.2-04
  if (code === 4) return error(3, 3); // T-5.2-05
  throw new Refusal('icmp-code');
}

function parameterProblemTo4(header: IcmpHeader): IcmpHeader {
  if (header.code === 1) return error(3, 2); // T-5.2-09
  const pointer = pointerTo4(read32(header.rest, 0));
  if (header.code !== 0 || pointer === null) throw new Refusal('icmp-code');
  return error(12, 0, Uint8Array.of(pointer, 0, 0, 0));
}

/** T-5.2-08: RFC 7915 figure 6, IPv6 header octet → IPv4 header octet. */
function pointerTo4(pointer: number): number | null {
  if (pointer === 0 || pointer === 1) return pointer;
  if (pointer === 4 || pointer === 5) return 2;
  if (pointer === 6) return 9;
  if (pointer === 7) return 8;
  if (pointer >= 8 && pointer <= 23) return 12;
  if (pointer >= 24 && pointer <= 39) return 16;
  return null;
}
