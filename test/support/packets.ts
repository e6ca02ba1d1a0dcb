// Packet builders for tests. Lengths and checksums are right unless a field says otherwise; every field can be overridden, and
// `mutate` damages what is built. Layers nest: ipv4({ …, payload: udp({ …, data: hex`01 02` }) }).

import { bytes16, concat, ipv4Bytes, withBytes } from '../reference/bytes.ts';
import { internetChecksum, pseudoHeader4, pseudoHeader6 } from '../reference/checksum.ts';
import { ip4, ip6 } from './addresses.ts';

/** Bytes from a dump: hex digits with any white space; `# …` and `// …` are comments up to the end of the line. */
export function hex(strings: TemplateStringsArray | string, ...values: readonly unknown[]): Uint8Array {
  const text = typeof strings === 'string' ? strings : String.raw(strings, ...values);
  const digits = text.replace(/(#|\/\/).*$/gm, '').replace(/\s+/g, '');
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) throw new Error(`not a hex dump: ${text}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes as hex digits, for messages and vectors. */
export const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A copy of a packet with bytes from `at` on replaced. */
export const mutate = (packet: Uint8Array, at: number, ...values: readonly number[]): Uint8Array =>
  withBytes(packet, at, values);

/** `length` bytes 0, 1, 2 … */
export const counting = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i & 0xff);

/** An upper layer: its protocol number, and its bytes given the pseudo-header for a protocol and length. */
export interface Layer {
  readonly protocol: number;
  emit(pseudoHeader: (protocol: number, length: number) => Uint8Array): Uint8Array;
}

/** Fields of an IPv4 packet. Offsets and lengths in bytes. */
export interface Ipv4Fields {
  readonly src?: string;
  readonly dst?: string;
  readonly tos?: number;
  readonly id?: number;
  readonly df?: boolean;
  readonly mf?: boolean;
  readonly fragmentOffset?: number;
  readonly ttl?: number;
  readonly protocol?: number;
  readonly options?: Uint8Array;
  readonly payload?: Layer | Uint8Array;
  readonly version?: number;
  readonly ihl?: number;
  readonly totalLength?: number;
  readonly checksum?: number;
}

const IPV4_DEFAULTS = {
  ...{ src: '192.0.2.33', dst: '198.51.100.7', tos: 0, id: 0x1234, df: true, mf: false, fragmentOffset: 0, ttl: 64 },
  ...{ options: new Uint8Array(), payload: new Uint8Array(), version: 4 },
};

/** RFC 791 §3.1. Options are filled up with End of Option List. */
export function ipv4(fields: Ipv4Fields = {}): Uint8Array {
  const f = { ...IPV4_DEFAULTS, ...fields };
  const options = concat(f.options, new Uint8Array((4 - (f.options.length % 4)) % 4));
  const source = ip4(f.src);
  const destination = ip4(f.dst);
  const payload = emitPayload(f.payload, (protocol, length) => pseudoHeader4(source, destination, protocol, length));
  const flags = (f.df ? 0x4000 : 0) | (f.mf ? 0x2000 : 0) | (f.fragmentOffset / 8);
  const header = concat(
    Uint8Array.of((f.version << 4) | (f.ihl ?? 5 + options.length / 4), f.tos),
    bytes16(f.totalLength ?? 20 + options.length + payload.length),
    bytes16(f.id),
    bytes16(flags),
    Uint8Array.of(f.ttl, f.protocol ?? protocolOf(f.payload), 0, 0),
    ipv4Bytes(source),
    ipv4Bytes(destination),
    options,
  );
  return concat(withBytes(header, 10, bytes16(f.checksum ?? internetChecksum(header))), payload);
}

const protocolOf = (payload: Layer | Uint8Array): number => (payload instanceof Uint8Array ? 253 : payload.protocol);

const emitPayload = (payload: Layer | Uint8Array, pseudo: (protocol: number, length: number) => Uint8Array) =>
  payload instanceof Uint8Array ? payload : payload.emit(pseudo);

/** Fields of an IPv6 packet. `extensions` stand between header and payload, in order. */
export interface Ipv6Fields {
  readonly src?: string;
  readonly dst?: string;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  readonly hopLimit?: number;
  readonly extensions?: readonly ExtensionHeader[];
  readonly nextHeader?: number;
  readonly payload?: Layer | Uint8Array;
  readonly version?: number;
  readonly payloadLength?: number;
}

/** An extension header: its own number, and its bytes after the Next Header octet. */
export interface ExtensionHeader {
  readonly number: number;
  readonly rest: Uint8Array;
}

const IPV6_DEFAULTS = {
  ...{ src: '2001:db8::1', dst: '2001:db8:64::c633:6407', trafficClass: 0, flowLabel: 0, hopLimit: 64, version: 6 },
  ...{ extensions: [] as readonly ExtensionHeader[], payload: new Uint8Array() },
};

/** RFC 8200 §3. `nextHeader` is the upper layer's number, behind all extension headers. */
export function ipv6(fields: Ipv6Fields = {}): Uint8Array {
  const f = { ...IPV6_DEFAULTS, ...fields };
  const source = ip6(f.src);
  const destination = ip6(f.dst);
  const payload = emitPayload(f.payload, (protocol, length) => pseudoHeader6(source, destination, protocol, length));
  const upper = f.nextHeader ?? protocolOf(f.payload);
  const chain = f.extensions.map((e, i) => concat(Uint8Array.of(f.extensions[i + 1]?.number ?? upper), e.rest));
  const length = payload.length + chain.reduce((sum, header) => sum + header.length, 0);
  return concat(
    ipv4Bytes(((f.version << 28) | (f.trafficClass << 20) | f.flowLabel) >>> 0),
    bytes16(f.payloadLength ?? length),
    Uint8Array.of(f.extensions[0]?.number ?? upper, f.hopLimit),
    source,
    destination,
    ...chain,
    payload,
  );
}

/** Hop-by-Hop (0) or Destination Options (60) with `eights` × 8 bytes of padding. */
export const optionsHeader = (number: 0 | 60, eights = 1): ExtensionHeader => ({
  number,
  rest: concat(Uint8Array.of(eights - 1, 1, eights * 8 - 4), new Uint8Array(eights * 8 - 4)),
});

/** A Routing header of type 0 with `segmentsLeft`. */
export const routingHeader = (segmentsLeft: number): ExtensionHeader => ({
  number: 43,
  rest: Uint8Array.of(0, 0, segmentsLeft, 0, 0, 0, 0),
});

/** A Fragment Header; the offset in bytes. */
export const fragmentHeader = (offset: number, more: boolean, identification = 0x8765_4321): ExtensionHeader => ({
  number: 44,
  rest: concat(Uint8Array.of(0), bytes16(offset | (more ? 1 : 0)), ipv4Bytes(identification)),
});

/** Writes the checksum over the pseudo-header at `at`, or `given`. */
function finish(
  bytes: Uint8Array,
  at: number,
  given: number | undefined,
  pseudo: Uint8Array,
  avoidsZero: boolean,
): Uint8Array {
  const computed = internetChecksum(pseudo, bytes);
  return withBytes(bytes, at, bytes16(given ?? (computed === 0 && avoidsZero ? 0xffff : computed)));
}

interface PortFields {
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly data?: Uint8Array;
  readonly checksum?: number;
}

/** RFC 768. `checksum: 0` means none. */
export const udp = (fields: PortFields & { readonly length?: number } = {}): Layer => ({
  protocol: 17,
  emit(pseudo) {
    const data = fields.data ?? new Uint8Array();
    const length = 8 + data.length;
    const ports = concat(bytes16(fields.srcPort ?? 40000), bytes16(fields.dstPort ?? 53));
    const bytes = concat(ports, bytes16(fields.length ?? length), bytes16(0), data);
    return finish(bytes, 6, fields.checksum, pseudo(17, length), true);
  },
});

/** RFC 3828, with the whole datagram covered unless `coverage` says otherwise. */
export const udpLite = (fields: PortFields & { readonly coverage?: number } = {}): Layer => ({
  protocol: 136,
  emit(pseudo) {
    const data = fields.data ?? new Uint8Array();
    const coverage = fields.coverage ?? 0;
    const ports = concat(bytes16(fields.srcPort ?? 40000), bytes16(fields.dstPort ?? 53));
    const bytes = concat(ports, bytes16(coverage), bytes16(0), data);
    const covered = bytes.slice(0, coverage === 0 ? bytes.length : coverage);
    const checksum = fields.checksum ?? internetChecksum(pseudo(136, bytes.length), covered);
    return withBytes(bytes, 6, bytes16(checksum === 0 ? 0xffff : checksum));
  },
});

/** RFC 9293 §3.1. `flags` is the octet CWR … FIN. */
export const tcp = (
  fields: PortFields & {
    readonly sequence?: number;
    readonly acknowledgment?: number;
    readonly flags?: number;
    readonly options?: Uint8Array;
  } = {},
): Layer => ({
  protocol: 6,
  emit(pseudo) {
    const options = fields.options ?? new Uint8Array();
    const bytes = concat(
      bytes16(fields.srcPort ?? 40000),
      bytes16(fields.dstPort ?? 80),
      ipv4Bytes(fields.sequence ?? 0x01020304),
      ipv4Bytes(fields.acknowledgment ?? 0x0a0b0c0d),
      Uint8Array.of((5 + options.length / 4) << 4, fields.flags ?? 0x10, 0x20, 0, 0, 0, 0, 0),
      options,
      fields.data ?? new Uint8Array(),
    );
    return finish(bytes, 16, fields.checksum, pseudo(6, bytes.length), false);
  },
});

/** RFC 4340 §5.1, 16-byte generic header with a Request's service code left out: enough for a checksum at 6. */
export const dccp = (fields: PortFields = {}): Layer => ({
  protocol: 33,
  emit(pseudo) {
    const ports = concat(bytes16(fields.srcPort ?? 40000), bytes16(fields.dstPort ?? 5001));
    const bytes = concat(ports, Uint8Array.of(4, 0, 0, 0, 0x11, 0, 0, 0, 0, 0, 0, 1), fields.data ?? new Uint8Array());
    return finish(bytes, 6, fields.checksum, pseudo(33, bytes.length), false);
  },
});

/** Any other protocol. */
export const raw = (protocol: number, data: Uint8Array): Layer => ({ protocol, emit: () => data });

/** Fields of an ICMP message. `rest` is bytes 4–7, `data` all behind them. */
export interface IcmpFields {
  readonly type: number;
  readonly code?: number;
  readonly rest?: Uint8Array | readonly number[];
  readonly data?: Uint8Array;
  readonly checksum?: number;
}

const icmpBytes = (f: IcmpFields): Uint8Array =>
  concat(Uint8Array.of(f.type, f.code ?? 0, 0, 0), Uint8Array.from(f.rest ?? [0, 0, 0, 0]), f.data ?? new Uint8Array());

/** RFC 792 */
export const icmp4 = (fields: IcmpFields): Layer => ({
  protocol: 1,
  emit: () => finish(icmpBytes(fields), 2, fields.checksum, new Uint8Array(), false),
});

/** RFC 4443 §2.1 */
export const icmp6 = (fields: IcmpFields): Layer => ({
  protocol: 58,
  emit(pseudo) {
    const bytes = icmpBytes(fields);
    return finish(bytes, 2, fields.checksum, pseudo(58, bytes.length), false);
  },
});

/** RFC 4884 §7: an extension structure with one object (class 1, type 1: an MPLS label stack entry) and its checksum. */
export function icmpExtension(object: Uint8Array = hex`00 01 41 ff`): Uint8Array {
  const bytes = concat(hex`20 00 00 00`, bytes16(4 + object.length), Uint8Array.of(1, 1), object);
  return withBytes(bytes, 2, bytes16(internetChecksum(bytes)));
}
