// The chain of IPv6 extension headers, RFC 8200 §4: what a translator skips, and what stops it.
//
//     +---------------+---------------+-------------------------------+
//     |  Next Header  |  Hdr Ext Len  |  (Routing: Type, Segments Left)
//     +---------------+---------------+-------------------------------+
//
// Hop-by-Hop, Destination Options and Routing are skipped; the first Fragment Header ends the chain, and so does anything else.

import { FRAGMENT_HEADER, IPV6_HEADER, nextHeader } from './ipv6.ts';
import { DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING } from './protocol.ts';
import type { Slab } from './slab.ts';

/** More headers than this are refused: no honest packet has them, and each costs time. */
const MAX_HEADERS = 8;

/** Where a walk along the chain ended; one object, reused for every packet. */
export interface ExtensionChain {
  /** Protocol after the last header that was skipped. */
  protocol: number;
  /** Offset of the upper-layer header, or of the fragment's data. */
  upper: number;
  /** Offset of the Fragment Header, or -1. */
  fragment: number;
  /** Offset of the Segments Left octet of the first unfinished Routing Header, or 0. */
  segmentsLeft: number;
}

export const CHAIN_OK = 0;
export const CHAIN_BAD = -1;
export const CHAIN_SEGMENTS_LEFT = -2;

/** Makes the object that walkChain fills. */
export const makeChain = (): ExtensionChain => ({ protocol: 0, upper: 0, fragment: -1, segmentsLeft: 0 });

/**
 * Walks from the fixed header at `at` to the upper layer; no header may cross `end`.
 * @returns CHAIN_OK or CHAIN_SEGMENTS_LEFT with `chain` filled in; CHAIN_BAD when it is too long or runs off. Never throws.
 */
export function walkChain(s: Slab, at: number, end: number, chain: ExtensionChain): number {
  let next = nextHeader(s, at);
  let header = at + IPV6_HEADER;
  chain.fragment = -1;
  chain.segmentsLeft = 0;
  for (let n = 0; next === HOP_BY_HOP || next === DESTINATION_OPTIONS || next === ROUTING; n++) {
    if (n === MAX_HEADERS || header + 8 > end) return CHAIN_BAD;
    const length = (s.view.getUint8(header + 1) + 1) << 3;
    if (header + length > end) return CHAIN_BAD;
    if (next === ROUTING && chain.segmentsLeft === 0 && s.view.getUint8(header + 3) !== 0)
      chain.segmentsLeft = header + 3;
    next = s.view.getUint8(header);
    header += length;
  }
  if (next === FRAGMENT) {
    if (header + FRAGMENT_HEADER > end) return CHAIN_BAD;
    chain.fragment = header;
    next = s.view.getUint8(header);
    header += FRAGMENT_HEADER;
  }
  chain.protocol = next;
  chain.upper = header;
  return chain.segmentsLeft === 0 ? CHAIN_OK : CHAIN_SEGMENTS_LEFT;
}
