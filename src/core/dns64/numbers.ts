// Numbers of the DNS that this server knows by name (IANA "Domain Name System (DNS) Parameters"). Types and RCODEs that are not
// here pass through all the same.

/** Types of records and questions. */
export const TYPE = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  AAAA: 28,
  DNAME: 39,
  OPT: 41,
  RRSIG: 46,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

/** The Internet class. */
export const CLASS_IN = 1;

/** RFC 1035 §4.1.1, RFC 6891 §6.1.3. */
export const RCODE = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;

const RCODE_NAMES: ReadonlyMap<number, string> = new Map(Object.entries(RCODE).map(([name, code]) => [code, name]));
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  ...Object.entries(TYPE).map(([name, code]) => [code, name] as const),
  [15, 'MX'],
  [16, 'TXT'],
  [33, 'SRV'],
  [43, 'DS'],
  [48, 'DNSKEY'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
]);

/** An RCODE for a person: `NXDOMAIN`, `RCODE 23`. */
export const rcodeName = (rcode: number): string => RCODE_NAMES.get(rcode) ?? `RCODE ${rcode}`;

/** A type for a person: `AAAA`, or `TYPE65280` as RFC 3597 §5 has it. */
export const typeName = (type: number): string => TYPE_NAMES.get(type) ?? `TYPE${type}`;

/** The type of a name, or of RFC 3597's `TYPE…`; −1 if it is none of those. */
export function typeNumber(name: string): number {
  const upper = name.toUpperCase();
  for (const [code, known] of TYPE_NAMES) if (known === upper) return code;
  const digits = /^TYPE(\d{1,5})$/.exec(upper)?.[1];
  return digits !== undefined && Number(digits) <= 0xffff ? Number(digits) : -1;
}

/** Flags of the second header word, RFC 1035 §4.1.1, RFC 4035 §3.2. */
export const FLAG = {
  QR: 0x8000,
  AA: 0x0400,
  TC: 0x0200,
  RD: 0x0100,
  RA: 0x0080,
  AD: 0x0020,
  CD: 0x0010,
} as const;

/** In the second header word. */
export const OPCODE_MASK = 0x7800;
/** In the second header word. */
export const RCODE_MASK = 0x000f;

/** Bytes of the header. */
export const HEADER = 12;

/** RFC 8914: why, beside the RCODE; −1: nothing to say. */
export const EXTENDED_ERROR = { none: -1, stale: 3, bogus: 6, noReachableAuthority: 22 } as const;
