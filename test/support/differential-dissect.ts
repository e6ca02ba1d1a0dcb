// Takes packets apart into named fields, so that a difference has a name. Total: bytes that are not there read as 0, what is no
// IP packet gives null. Written apart from src/core/wire and the reference translator, which are what is tested.

import { read16, read32 } from '../reference/bytes.ts';
import { internetChecksum, pseudoHeader6 } from '../reference/checksum.ts';
import { text4, text6 } from './addresses.ts';
import { toHex } from './packets.ts';

/** A packet taken apart. */
export interface Dissection {
  readonly family: 4 | 6;
  /** Bytes that are there, link padding cut off. */
  readonly bytes: Uint8Array;
  /** Length that the header claims. */
  readonly claimed: number;
  readonly source: string;
  readonly destination: string;
  /** TTL or hop limit. */
  readonly hops: number;
  readonly df: boolean;
  /** Offset in bytes and more flag; a Fragment Header on a whole packet counts, an IPv4 packet that is whole has null. */
  readonly fragment: { readonly offset: number; readonly more: boolean } | null;
  /** IPv4 options. */
  readonly options: Uint8Array;
  /** Numbers of the IPv6 extension headers in front of the upper layer, and the largest Segments Left among them. */
  readonly extensions: readonly number[];
  readonly segmentsLeft: number;
  readonly protocol: number;
  readonly upper: Uint8Array;
  /** Present in an ICMP message that is no later fragment. */
  readonly icmp: { readonly type: number; readonly code: number } | null;
  /** The packet inside an ICMP error. */
  readonly inner: Dissection | null;
  /** Bytes of an ICMP error from its inner packet on, up to what the length attribute says; and those behind (RFC 4884). */
  readonly quote: Uint8Array;
  readonly extension: Uint8Array;
  /** All of it, by names, in the order of the packet. */
  readonly fields: ReadonlyMap<string, string>;
}

const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmp6: 58, udpLite: 136 } as const;
const CHECKSUM_AT: Readonly<Record<number, number>> = {
  [PROTOCOL.icmp]: 2,
  [PROTOCOL.icmp6]: 2,
  [PROTOCOL.tcp]: 16,
  [PROTOCOL.udp]: 6,
  [PROTOCOL.dccp]: 6,
  [PROTOCOL.udpLite]: 6,
};
const EXTENSION_HEADERS: readonly number[] = [0, 43, 44, 60];
const ICMP_HEADER = 8;

type Header = Pick<
  Dissection,
  | 'family'
  | 'bytes'
  | 'claimed'
  | 'source'
  | 'destination'
  | 'hops'
  | 'df'
  | 'fragment'
  | 'options'
  | 'extensions'
  | 'segmentsLeft'
  | 'protocol'
  | 'upper'
> & { readonly fields: readonly (readonly [string, string])[] };

/** Takes a packet apart; null when there is not even an IP header. Never throws. */
export function dissect(bytes: Uint8Array): Dissection | null {
  const version = (bytes[0] ?? 0) >>> 4;
  const header = version === 4 ? dissect4(bytes) : version === 6 ? dissect6(bytes) : null;
  return header === null ? null : withUpper(header);
}

const yesNo = (value: boolean): string => (value ? 'yes' : 'no');
const rightWrong = (value: boolean): string => (value ? 'right' : 'wrong');

function dissect4(all: Uint8Array): Header | null {
  const length = ((all[0] ?? 0) & 15) * 4;
  if (length < 20 || all.length < length) return null;
  const claimed = read16(all, 2);
  const bytes = all.slice(0, Math.max(length, claimed));
  const word = read16(bytes, 6);
  const offset = (word & 0x1fff) * 8;
  const [df, more] = [(word & 0x4000) !== 0, (word & 0x2000) !== 0];
  const options = bytes.slice(20, length);
  const source = text4(read32(bytes, 12));
  const destination = text4(read32(bytes, 16));
  const common = {
    family: 4 as const,
    bytes,
    claimed,
    source,
    destination,
    hops: bytes[8],
    df,
    options,
    segmentsLeft: 0,
  };
  return {
    ...common,
    fragment: offset !== 0 || more ? { offset, more } : null,
    extensions: [],
    protocol: bytes[9],
    upper: bytes.slice(length),
    fields: [
      ['TOS', hexByte(bytes[1])],
      ['total length', String(claimed)],
      ['identification', String(read16(bytes, 4))],
      ['DF', yesNo(df)],
      ['MF', yesNo(more)],
      ['fragment offset', String(offset)],
      ['TTL', String(bytes[8])],
      ['protocol', String(bytes[9])],
      ['header checksum', rightWrong(internetChecksum(bytes.slice(0, length)) === 0)],
      ['source', source],
      ['destination', destination],
      ['options', toHex(options)],
    ],
  };
}

function dissect6(all: Uint8Array): Header | null {
  if (all.length < 40) return null;
  const claimed = 40 + read16(all, 4);
  const bytes = all.slice(0, claimed);
  const chain = walk(bytes);
  const source = text6(bytes.slice(8, 24));
  const destination = text6(bytes.slice(24, 40));
  const { fragment, identification } = chain;
  const common = { family: 6 as const, bytes, claimed, source, destination, hops: bytes[7], df: true };
  return {
    ...common,
    ...{ fragment, options: new Uint8Array(), extensions: chain.extensions, segmentsLeft: chain.segmentsLeft },
    protocol: chain.protocol,
    upper: bytes.slice(chain.upper),
    fields: [
      ['traffic class', hexByte((read16(bytes, 0) >>> 4) & 0xff)],
      ['flow label', String(read32(bytes, 0) & 0xfffff)],
      ['payload length', String(claimed - 40)],
      ['extension headers', chain.extensions.join(' ')],
      ['identification', String(identification)],
      ['MF', yesNo(fragment?.more ?? false)],
      ['fragment offset', String(fragment?.offset ?? 0)],
      ['hop limit', String(bytes[7])],
      ['next header', String(chain.protocol)],
      ['source', source],
      ['destination', destination],
    ],
  };
}

const hexByte = (value: number): string => value.toString(16).padStart(2, '0');

/** Follows the extension headers as far as they are there; the first Fragment Header gives the fragment's fields. */
function walk(bytes: Uint8Array) {
  let [protocol, upper, segmentsLeft, identification] = [bytes[6], 40, 0, 0];
  let fragment: Dissection['fragment'] = null;
  const extensions: number[] = [];
  while (EXTENSION_HEADERS.includes(protocol) && upper + 8 <= bytes.length) {
    extensions.push(protocol);
    if (protocol === 43) segmentsLeft = Math.max(segmentsLeft, bytes[upper + 3]);
    if (protocol === 44 && fragment === null) {
      const field = read16(bytes, upper + 2);
      fragment = { offset: field & 0xfff8, more: (field & 1) !== 0 };
      identification = read32(bytes, upper + 4);
    }
    const length = protocol === 44 ? 8 : (bytes[upper + 1] + 1) * 8;
    protocol = bytes[upper];
    upper += length;
    if (fragment !== null && fragment.offset !== 0) break;
  }
  return { protocol, upper, segmentsLeft, fragment, identification, extensions };
}

/** Whether the packet carries the beginning of its upper layer. */
const isFirst = (header: Header): boolean => (header.fragment?.offset ?? 0) === 0;

const isIcmpError = (family: 4 | 6, type: number): boolean =>
  family === 4 ? [3, 4, 5, 11, 12].includes(type) : type < 128;

function withUpper(header: Header): Dissection {
  const { family, upper } = header;
  const isIcmp =
    header.protocol === (family === 4 ? PROTOCOL.icmp : PROTOCOL.icmp6) && upper.length > 0 && isFirst(header);
  const icmp = isIcmp ? { type: upper[0], code: upper[1] ?? 0 } : null;
  const isError = icmp !== null && isIcmpError(family, icmp.type) && upper.length >= ICMP_HEADER;
  if (!isError) {
    const rest = { icmp, inner: null, quote: new Uint8Array(), extension: new Uint8Array() };
    return { ...header, ...rest, fields: new Map([...header.fields, ...upperFields(header)]) };
  }
  const { quote, extension } = splitError(header);
  const inner = dissect(quote);
  const fields = new Map([...header.fields, ...errorFields(header, extension), ...quotedFields(quote, inner)]);
  return { ...header, icmp, inner, quote, extension, fields };
}

function upperFields({ protocol, upper, ...header }: Header): [string, string][] {
  const at = CHECKSUM_AT[protocol];
  const isThere = at !== undefined && upper.length >= at + 2 && (header.fragment?.offset ?? 0) === 0;
  if (!isThere) return [['data', toHex(upper)]];
  const data = upper.slice();
  data.fill(0, at, at + 2);
  return [
    ['checksum', hexByte(upper[at]) + hexByte(upper[at + 1])],
    ['data', toHex(data)],
  ];
}

/** RFC 4884 §4: the length attribute, in 32-bit words in ICMPv4 and in 64-bit words in ICMPv6. */
function splitError({ family, upper }: Header): { quote: Uint8Array; extension: Uint8Array } {
  const hasAttribute = family === 4 ? [3, 11, 12].includes(upper[0]) : [1, 3].includes(upper[0]);
  const length = !hasAttribute ? 0 : family === 4 ? upper[5] * 4 : upper[4] * 8;
  const data = upper.slice(ICMP_HEADER);
  if (length === 0 || length > data.length) return { quote: data, extension: new Uint8Array() };
  return { quote: data.slice(0, length), extension: data.slice(length) };
}

function errorFields(header: Header, extension: Uint8Array): [string, string][] {
  const { family, upper, bytes } = header;
  const pseudo =
    family === 4 ? [] : [pseudoHeader6(bytes.slice(8, 24), bytes.slice(24, 40), PROTOCOL.icmp6, upper.length)];
  return [
    ['ICMP type', String(upper[0])],
    ['ICMP code', String(upper[1])],
    ['ICMP checksum', rightWrong(internetChecksum(...pseudo, upper) === 0)],
    ['ICMP second word', toHex(upper.slice(4, 8))],
    ['ICMP extension', toHex(extension)],
  ];
}

/** The fields of the inner packet, and what stands behind its end in the quote. */
function quotedFields(quote: Uint8Array, inner: Dissection | null): [string, string][] {
  if (inner === null) return [['quoted bytes', toHex(quote)]];
  const fields = [...inner.fields].map(([name, value]): [string, string] => [`quoted ${name}`, value]);
  return [...fields, ['quoted padding', toHex(quote.slice(inner.bytes.length))]];
}
