// Transport checksums under a changed pseudo-header (RFC 7915 §4.5, §5.5), and the special case of UDP without one.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { bytes16, read16, withBytes } from './bytes.ts';
import { carriedChecksum, internetChecksum } from './checksum.ts';
import { DCCP, Refusal, TCP, UDP, UDP_LITE } from './model.ts';

/** Where the checksum stands. */
const TRANSPORTS: Readonly<Record<number, { readonly checksumAt: number }>> = {
  [TCP]: { checksumAt: 16 },
  [UDP]: { checksumAt: 6 },
  [DCCP]: { checksumAt: 6 },
  [UDP_LITE]: { checksumAt: 6 },
};

/** Only these two write a result of zero as 0xffff: RFC 768, RFC 3828 §3.1. */
const avoidsZero = (protocol: number): boolean => protocol === UDP || protocol === UDP_LITE;

/** A whole packet must hold its transport header at least up to the checksum. Throws Refusal. */
export function checkTransport(payload: Uint8Array, protocol: number): void {
  const transport = TRANSPORTS[protocol];
  if (transport !== undefined && payload.length < transport.checksumAt + 2) throw new Refusal('bad-transport');
}

/** T-4.5-01, T-4.5-04: carries the checksum over; T-4.5-05: bytes in which none is reachable pass as they are. */
export function moveTransport(
  payload: Uint8Array,
  protocol: number,
  before: Uint8Array,
  after: Uint8Array,
): Uint8Array {
  const transport = TRANSPORTS[protocol];
  if (transport === undefined || payload.length < transport.checksumAt + 2) return payload;
  const old = read16(payload, transport.checksumAt);
  const moved = carriedChecksum(old, [before], [after]);
  return withBytes(payload, transport.checksumAt, bytes16(moved === 0 && avoidsZero(protocol) ? 0xffff : moved));
}

/** Whether this is UDP that came without a checksum (RFC 768). */
export const isUdpWithoutChecksum = (payload: Uint8Array, protocol: number): boolean =>
  protocol === UDP && payload.length >= 8 && read16(payload, 6) === 0;

/**
 * T-4.5-02, T-4.5-03: a datagram without a checksum on its way to IPv6.
 * @param pseudoHeader makes the IPv6 pseudo-header for a UDP length
 */
export function supplyUdpChecksum(
  payload: Uint8Array,
  isPiece: boolean,
  policy: TranslatorSettings['udpZeroChecksum'],
  pseudoHeader: (length: number) => Uint8Array,
): Uint8Array {
  if (isPiece || policy === 'drop') throw new Refusal('udp-zero-checksum');
  if (policy === 'forward') return payload;
  const length = read16(payload, 4);
  if (length < 8 || length > payload.length) throw new Refusal('udp-zero-checksum');
  const checksum = internetChecksum(pseudoHeader(length), payload.slice(0, length));
  return withBytes(payload, 6, bytes16(checksum === 0 ? 0xffff : checksum));
}
