// A NAT64 prefix that a network, or the user, offers: where it came from and until when it holds. Owns also which prefixes
// cannot be one. Read next: table.ts, which keeps them, and choose.ts.

import { addressWord, isEmbeddingPrefix } from '../address/rfc6052.ts';
import { isMartian6 } from '../address/special.ts';
import type { Prefix6 } from '../translate/settings.ts';

/** Where a prefix came from: configuration, a Router Advertisement (RFC 8781), a DNS answer (RFC 7050). Best first: rule D-07. */
export const PREF64_SOURCES = ['static', 'ra', 'dns'] as const;

/** One of the sources. */
export type Pref64Source = (typeof PREF64_SOURCES)[number];

/** A prefix on offer. */
export interface Candidate {
  readonly source: Pref64Source;
  readonly prefix: Prefix6;
  /** The interface that it came in on; null: it holds on all (configuration). */
  readonly interfaceName: string | null;
  /** Who says so: the router's or the resolver's address as text, or "configuration". */
  readonly origin: string;
  /** Router preference, RFC 4191 §2.2: 1 high, 0 medium, −1 low; 0 for other sources. */
  readonly preference: number;
  /** Whether the router is a default router; true for other sources. One that is none counts less: RFC 4191 §2.2. */
  readonly isDefaultRouter: boolean;
  /** Whether the router was solicited and did not answer; false for other sources. */
  readonly isSilent: boolean;
  /** Whether the router, when it was asked last, named it beside or instead of others; true for other sources. */
  readonly isNamed: boolean;
  /** When the router named it last, on the caller's clock; 0 for other sources. */
  readonly namedAtMs: number;
  /** Rises with each new candidate, so that it tells which was seen first. */
  readonly order: number;
  /** Deadline on the caller's clock; Infinity: it does not expire. */
  readonly validUntilMs: number;
  /** Outcome of the connectivity check (rule D-08); null: none was made. */
  readonly isReachable: boolean | null;
}

/**
 * Whether a prefix heard from a network may be a NAT64's: a form that RFC 6052 §2.2 knows, and no range that no translated packet
 * may have (rule A-04) or that stands for IPv4 in another way (::/64: IPv4-mapped and IPv4-translated addresses).
 */
export function isUsablePref64(prefix: Prefix6): boolean {
  if (!isEmbeddingPrefix(prefix)) return false;
  const [w0, w1] = [addressWord(prefix.address, 0), addressWord(prefix.address, 1)];
  if ((w0 | w1) === 0) return false;
  return !isMartian6(w0, w1, addressWord(prefix.address, 2), addressWord(prefix.address, 3));
}
