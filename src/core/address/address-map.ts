// One address from one family to the other: explicit mappings first (RFC 7757 §3.2), then the dynamic pool, then the
// prefix (RFC 6052). Owns the order and the refusals; the results stay in fields, so that a packet allocates nothing.

import type { TranslatorSettings } from '../translate/settings.ts';
import { DynamicPool } from './dynamic-pool.ts';
import { MappingTable } from './eam.ts';
import {
  type EmbeddingPrefix,
  embedWord1,
  embedWord2,
  embedWord3,
  extract,
  isInside,
  makeEmbeddingPrefix,
} from './rfc6052.ts';
import { isNonGlobal4, isWellKnownPrefix } from './special.ts';

/** How an address was mapped, or why not (negative). */
export const BY_PREFIX = 0;
export const BY_MAPPING = 1;
export const BY_POOL = 2;
export const UNMAPPED = -1;
export const REFUSED_NON_GLOBAL = -2;
export const REFUSED_POOL = -3;

/** Which mappings a look-up may use. Hairpinning (RFC 7757 §4.2) has to leave the explicit ones out for one address. */
export const ALL = 0;
export const PREFIX_ONLY = 1;

/** Address mapping of one translator. One thread uses it. */
export class AddressMap {
  /** The IPv6 address of the last `toIpv6`, as four signed words. */
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  /** The IPv4 address of the last `toIpv4`, signed. */
  ipv4 = 0;
  readonly pool: DynamicPool;
  private readonly prefix: EmbeddingPrefix | null;
  private readonly mappings: MappingTable;
  private readonly mappingCount: number;
  private readonly refusesNonGlobal: boolean;

  /** Throws RangeError for a prefix or pool that cannot be; configuration checks that before. */
  constructor(settings: TranslatorSettings) {
    this.prefix = settings.prefix === null ? null : makeEmbeddingPrefix(settings.prefix);
    this.mappings = new MappingTable(settings.mappings);
    this.mappingCount = settings.mappings.length;
    this.pool = new DynamicPool(settings.dynamicPool, settings.dynamicLeaseMs);
    this.refusesNonGlobal = settings.prefix !== null && isWellKnownPrefix(settings.prefix) && !settings.allowNonGlobal;
  }

  /** Maps an IPv4 address; the result is in w0…w3. @returns BY_* or a negative reason. Never throws. */
  toIpv6(ipv4: number, which: number): number {
    if (which === ALL) {
      const how = this.toIpv6Explicit(ipv4);
      if (how !== UNMAPPED) return how;
    }
    const p = this.prefix;
    if (p === null) return UNMAPPED;
    if (this.refusesNonGlobal && isNonGlobal4(ipv4)) return REFUSED_NON_GLOBAL;
    this.w0 = p.p0;
    this.w1 = embedWord1(p, ipv4);
    this.w2 = embedWord2(p, ipv4);
    this.w3 = embedWord3(p, ipv4);
    return BY_PREFIX;
  }

  /** Maps an IPv6 address given in words; the result is in `ipv4`. `nowMs` ≥ 0 allows a new lease of the pool. */
  toIpv4(w0: number, w1: number, w2: number, w3: number, which: number, nowMs: number): number {
    const mappings = this.mappings;
    if (which === ALL && this.mappingCount !== 0) {
      const entry = mappings.findIpv6(w0, w1, w2, w3);
      if (entry >= 0) {
        this.ipv4 = mappings.toIpv4(entry, w0, w1, w2, w3);
        return BY_MAPPING;
      }
    }
    const p = this.prefix;
    if (p !== null && isInside(p, w0, w1, w2)) {
      this.ipv4 = extract(p, w1, w2, w3);
      return this.refusesNonGlobal && isNonGlobal4(this.ipv4) ? REFUSED_NON_GLOBAL : BY_PREFIX;
    }
    return this.pool.isEmpty ? UNMAPPED : this.toIpv4Pool(w0, w1, w2, w3, nowMs);
  }

  /** Whether an explicit mapping names this IPv4 address. */
  hasMapping(ipv4: number): boolean {
    return this.mappingCount !== 0 && this.mappings.findIpv4(ipv4) >= 0;
  }

  private toIpv6Explicit(ipv4: number): number {
    const mappings = this.mappings;
    const entry = this.mappingCount === 0 ? -1 : mappings.findIpv4(ipv4);
    if (entry >= 0) {
      this.w0 = mappings.toIpv6Word(entry, ipv4, 0);
      this.w1 = mappings.toIpv6Word(entry, ipv4, 1);
      this.w2 = mappings.toIpv6Word(entry, ipv4, 2);
      this.w3 = mappings.toIpv6Word(entry, ipv4, 3);
      return BY_MAPPING;
    }
    return this.pool.isEmpty ? UNMAPPED : this.toIpv6Pool(ipv4);
  }

  private toIpv6Pool(ipv4: number): number {
    const pool = this.pool;
    const slot = pool.slotOf(ipv4);
    if (slot < 0) return UNMAPPED;
    if (!pool.isLeased(slot)) return REFUSED_POOL;
    this.w0 = pool.word(slot, 0);
    this.w1 = pool.word(slot, 1);
    this.w2 = pool.word(slot, 2);
    this.w3 = pool.word(slot, 3);
    return BY_POOL;
  }

  private toIpv4Pool(w0: number, w1: number, w2: number, w3: number, nowMs: number): number {
    const pool = this.pool;
    this.ipv4 = nowMs < 0 ? pool.leaseOf(w0, w1, w2, w3) : pool.lease(w0, w1, w2, w3, nowMs);
    if (this.ipv4 !== 0) return BY_POOL;
    return nowMs < 0 ? UNMAPPED : REFUSED_POOL;
  }
}
