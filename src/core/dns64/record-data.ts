// Which types of records have names inside their data, and where. RFC 3597 §4: names inside the types below are read compressed
// from anyone who sends them so; only those of RFC 1035 itself may be written compressed. All other data is opaque.

import { TYPE } from './numbers.ts';

/** The form of one type's data: octets, then names, then octets. */
export interface DataLayout {
  /** Bytes of data that has no names; −1: it has names. */
  readonly size: number;
  /** Names one after another. */
  readonly names: number;
  /** Bytes behind the names; −1: any number. */
  readonly tail: number;
  /** Whether the names may be written compressed. */
  readonly isCompressible: boolean;
  /** Offset of the first name; −1 when the data ends before. */
  skip(bytes: Uint8Array, start: number, end: number): number;
}

const fixed = (size: number): DataLayout => ({ size, names: 0, tail: 0, isCompressible: false, skip: (_, at) => at });

const withNames = (head: number, names: number, tail: number, isCompressible: boolean): DataLayout => ({
  size: -1,
  names,
  tail,
  isCompressible,
  skip: (_, start, end) => (start + head <= end ? start + head : -1),
});

/** NAPTR, RFC 3403 §4.1: two numbers and three character-strings before the name. */
function skipNaptr(bytes: Uint8Array, start: number, end: number): number {
  let at = start + 4;
  for (let i = 0; i < 3; i++) {
    if (at >= end) return -1;
    at += 1 + bytes[at];
  }
  return at <= end ? at : -1;
}

const LAYOUTS: ReadonlyMap<number, DataLayout> = new Map([
  [TYPE.A, fixed(4)],
  [TYPE.AAAA, fixed(16)],
  // NS, MD, MF, CNAME, MB, MG, MR, PTR
  ...[TYPE.NS, 3, 4, TYPE.CNAME, 7, 8, 9, TYPE.PTR].map((type) => [type, withNames(0, 1, 0, true)] as const),
  [TYPE.SOA, withNames(0, 2, 20, true)],
  [14, withNames(0, 2, 0, true)], // MINFO
  [15, withNames(2, 1, 0, true)], // MX
  [17, withNames(0, 2, 0, false)], // RP
  [18, withNames(2, 1, 0, false)], // AFSDB
  [21, withNames(2, 1, 0, false)], // RT
  [24, withNames(18, 1, -1, false)], // SIG
  [26, withNames(2, 2, 0, false)], // PX
  [30, withNames(0, 1, -1, false)], // NXT
  [33, withNames(6, 1, 0, false)], // SRV
  [35, { ...withNames(0, 1, 0, false), skip: skipNaptr }],
  [36, withNames(2, 1, 0, false)], // KX
  [TYPE.DNAME, withNames(0, 1, 0, false)],
]);

/** The form of a type's data; null: opaque. */
export const dataLayout = (type: number): DataLayout | null => LAYOUTS.get(type) ?? null;
