// One translator: settings made ready for the packet path, and the registers that its steps share. Read first: translate.ts
// (which packet goes where); it and v4-to-v6.ts, v6-to-v4.ts and their neighbours work on what is kept here.
//
// The fields below are registers, not state between packets: each packet writes those it reads. What does last from
// packet to packet is the identification counter, the two limits of errors and the leases of the dynamic pool.

import {
  AddressMap,
  ALL,
  BY_POOL,
  BY_PREFIX,
  PREFIX_ONLY,
  REFUSED_NON_GLOBAL,
  REFUSED_POOL,
} from '../address/address-map.ts';
import { type AddressPair, makePairCache, pairPlace4, pairPlace6 } from '../address/pair-cache.ts';
import { addressWord } from '../address/rfc6052.ts';
import { isGroup4, isMartian4, isMartian6 } from '../address/special.ts';
import type { Nat64Path } from '../nat64/packet-path.ts';
import { sumWord } from '../wire/checksum.ts';
import { type ExtensionChain, makeChain } from '../wire/extension.ts';
import type { ErrorParts } from '../wire/icmp-extension.ts';
import { IPV6_DESTINATION, IPV6_SOURCE } from '../wire/ipv6.ts';
import { makeOffloadFields, type OffloadFields } from '../wire/offload.ts';
import type { Slab } from '../wire/slab.ts';
import { ErrorLimit } from './error-limit.ts';
import { IcmpSources } from './icmp-sources.ts';
import type { TranslatorSettings } from './settings.ts';
import {
  BOTH_EMBEDDED,
  MARTIAN_DESTINATION,
  MARTIAN_SOURCE,
  NO_MAPPING_DESTINATION,
  NO_MAPPING_SOURCE,
  NON_GLOBAL,
  POOL_EXHAUSTED,
  TRANSLATED,
  type Verdict,
} from './verdict.ts';

/** One's complement of the 16-bit halves of a word, summed. */
const sumWordComplement = (word: number): number => sumWord(~word);

/** A translator for one thread. Never throws after construction. */
export class Translator {
  readonly settings: TranslatorSettings;
  readonly map: AddressMap;
  readonly icmpSources: IcmpSources;
  readonly errorLimit4: ErrorLimit;
  readonly errorLimit6: ErrorLimit;

  /** Own addresses in words; IPv4 0: none. */
  readonly ownIpv4: number;
  readonly own0: number;
  readonly own1: number;
  readonly own2: number;
  readonly own3: number;
  /** Stateful NAT64 (RFC 6146) in place of the explicit mappings and the dynamic pool; null: stateless. */
  readonly nat64: Nat64Path | null;
  /** Whether packets to the own IPv6 address are the translator's; false where it has none or shares it with a host. */
  private readonly hearsOwn6: boolean;
  /** What a TTL or hop limit loses: 1 or 0. */
  readonly hopCost: number;
  readonly ipv4Mtu: number;
  readonly ipv6Mtu: number;
  /** Largest IPv6 packet that comes of an IPv4 packet with DF=0. */
  readonly fragmentLimit6: number;
  /** Largest ICMPv4 error in bytes, own or translated: what the settings allow and the link takes. */
  readonly errorSize4: number;
  /** Fixed TOS octet, or -1: copy. */
  readonly fixedTos: number;
  readonly copiesTrafficClass: boolean;

  /** Address pairs mapped lately, for fast-path.ts; see ../address/pair-cache.ts. */
  readonly pairs4 = makePairCache();
  readonly pairs6 = makePairCache();

  // Registers of the packet at work.
  readonly offload: OffloadFields = makeOffloadFields();
  readonly chain: ExtensionChain = makeChain();
  readonly parts: ErrorParts = { innerEnd: 0, extension: 0, extensionLength: 0 };
  /** IPv6 addresses of the result of mapToIpv6. */
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
  /** IPv4 addresses of the result of mapToIpv4. */
  source4 = 0;
  destination4 = 0;
  /** Sum of the new addresses' words; with the pseudo-header's rest it begins an ICMP checksum. */
  newSum = 0;
  /** Sum of the new addresses and of the complements of the old: what a transport checksum changes by. */
  difference = 0;
  /** Offset in the transport header of the port or identifier that NAT64 writes; -1: none is changed. */
  portField = -1;
  /** What is written there, and what the checksum changes by for it; 0 where nothing is written. */
  port = 0;
  portDifference = 0;
  /** Whether mapToIpv4 found the source by the prefix. */
  isSourceEmbedded = false;
  /** Whether mapToIpv4 found the destination by the prefix, and an explicit mapping names it: RFC 7757 §4.2. */
  isHairpin = false;
  /** Whether the last refusal of mapToIpv6 or mapToIpv4 was about the source. */
  isSourceRefused = false;
  /** Set while the second half of a hairpinned packet is translated. */
  isSecondPass = false;
  /** Which mappings may name the source in the second half: ALL or PREFIX_ONLY. */
  secondPassSource = PREFIX_ONLY;

  private identification: number;
  private readonly refusesBothEmbedded: boolean;
  private readonly toleratesMartians: boolean;

  /**
   * @param seed initial IPv4 identification (rule T-5.1-02), any number
   * @param nat64 the tables of a stateful translator
   * Throws RangeError for settings that cannot be; src/config refuses those with a message.
   */
  constructor(settings: TranslatorSettings, seed: number, nat64: Nat64Path | null = null) {
    this.settings = settings;
    this.nat64 = nat64;
    this.map = new AddressMap(settings);
    this.icmpSources = new IcmpSources(settings);
    this.errorLimit4 = new ErrorLimit(settings.errorsPerSecond);
    this.errorLimit6 = new ErrorLimit(settings.errorsPerSecond);
    this.ownIpv4 = settings.ownIpv4 | 0;
    this.own0 = settings.ownIpv6 === null ? 0 : addressWord(settings.ownIpv6, 0);
    this.own1 = settings.ownIpv6 === null ? 0 : addressWord(settings.ownIpv6, 1);
    this.own2 = settings.ownIpv6 === null ? 0 : addressWord(settings.ownIpv6, 2);
    this.own3 = settings.ownIpv6 === null ? 0 : addressWord(settings.ownIpv6, 3);
    this.hearsOwn6 = settings.ownIpv6 !== null && !settings.ownIpv6IsShared;
    this.hopCost = settings.decrementHopLimit ? 1 : 0;
    this.ipv4Mtu = settings.ipv4Mtu;
    this.ipv6Mtu = settings.ipv6Mtu;
    this.fragmentLimit6 = Math.min(settings.ipv6Mtu, settings.lowestIpv6Mtu);
    this.errorSize4 = Math.min(settings.icmpv4ErrorSize, settings.ipv4Mtu);
    this.fixedTos = settings.tos === 'copy' ? -1 : settings.tos;
    this.copiesTrafficClass = settings.trafficClass === 'copy';
    this.identification = seed & 0xffff;
    this.refusesBothEmbedded = !settings.allowBothEmbedded;
    this.toleratesMartians = settings.tolerate.martians;
  }

  /** Writes the new port or identifier into the transport header of `length` bytes at `upper`, when NAT64 changes it. */
  writePort(s: Slab, upper: number, length: number): void {
    if (this.portField >= 0 && this.portField + 2 <= length) s.view.setUint16(upper + this.portField, this.port);
  }

  /** Continues the rate limits of the translator that this one replaces, so that a new configuration refills nothing. */
  continueLimits(before: Translator): void {
    this.errorLimit4.continueFrom(before.errorLimit4);
    this.errorLimit6.continueFrom(before.errorLimit6);
  }

  /** Whether ownIpv6 is set. */
  get hasOwnIpv6(): boolean {
    return (this.own0 | this.own1 | this.own2 | this.own3) !== 0;
  }

  /** The next IPv4 identification; `packets` many are used up (a super-packet takes one a segment). */
  nextIdentification(packets: number): number {
    const id = this.identification;
    this.identification = (id + packets) & 0xffff;
    return id;
  }

  /** Rule A-04 for both addresses of an IPv4 packet. @returns TRANSLATED or the martian verdict */
  checkMartians4(src: number, dst: number): Verdict {
    if (this.isRefused4(src)) return MARTIAN_SOURCE;
    return this.isRefused4(dst) ? MARTIAN_DESTINATION : TRANSLATED;
  }

  /** Rule A-04 for both addresses of the IPv6 packet at `at`. */
  checkMartians6(s: Slab, at: number): Verdict {
    if (isMartianAt(s, at + IPV6_SOURCE)) return MARTIAN_SOURCE;
    return isMartianAt(s, at + IPV6_DESTINATION) ? MARTIAN_DESTINATION : TRANSLATED;
  }

  /**
   * Whether packets to this IPv4 address are the translator's alone. Its own may also be one of NAT64's, of the pool or of a binding
   * that was made by hand a moment ago; NAT64 answers then what it has no binding for.
   */
  isOwn4(ipv4: number): boolean {
    return ipv4 === this.ownIpv4 && ipv4 !== 0 && this.nat64?.state.isOwn4(ipv4) !== true;
  }

  /** Whether the address at `at` is the translator's own IPv6 address, and not a host's as well. */
  isOwn6(s: Slab, at: number): boolean {
    const v = s.view;
    if (v.getInt32(at + 12) !== this.own3 || v.getInt32(at) !== this.own0) return false;
    return v.getInt32(at + 4) === this.own1 && v.getInt32(at + 8) === this.own2 && this.hearsOwn6;
  }

  /**
   * Maps source and destination of an IPv4 packet into the registers s0…d3, newSum and difference.
   * @param anySource an ICMP error: a source without an IPv6 form is replaced (RFC 6791)
   * @param isInner the packet inside an ICMP error: for hairpinning its two roles are exchanged
   * @returns TRANSLATED or why not
   */
  mapToIpv6(src: number, dst: number, anySource: boolean, isInner: boolean): Verdict {
    const map = this.map;
    const second = this.isSecondPass;
    this.isSourceRefused = true;
    let how = map.toIpv6(src, second && !isInner ? this.secondPassSource : ALL);
    if (how < 0) {
      if (!anySource || !this.icmpSources.pickIpv6(src, map)) return sourceRefusal(how);
      how = BY_POOL;
    }
    this.isSourceRefused = false;
    this.s0 = map.w0;
    this.s1 = map.w1;
    this.s2 = map.w2;
    this.s3 = map.w3;
    const howDst = map.toIpv6(dst, second && isInner ? PREFIX_ONLY : ALL);
    if (howDst < 0) return destinationRefusal(howDst);
    if (this.refusesBothEmbedded && how === BY_PREFIX && howDst === BY_PREFIX) return BOTH_EMBEDDED;
    this.d0 = map.w0;
    this.d1 = map.w1;
    this.d2 = map.w2;
    this.d3 = map.w3;
    this.newSum =
      sumWord(this.s0) +
      sumWord(this.s1) +
      sumWord(this.s2) +
      sumWord(this.s3) +
      sumWord(this.d0) +
      sumWord(this.d1) +
      sumWord(this.d2) +
      sumWord(this.d3);
    this.difference = this.newSum + sumWordComplement(src) + sumWordComplement(dst);
    // Leases are refreshed packet by packet, a replaced source belongs to an ICMP error, and inner packets were not checked for
    // martians: those pairs are not kept.
    if (!second && !isInner && how !== BY_POOL && howDst !== BY_POOL) this.rememberPair4(src, dst);
    return TRANSLATED;
  }

  /**
   * Maps source and destination of the IPv6 header at `at` into source4, destination4, newSum, difference and isHairpin.
   * @param anySource an ICMP error: a source without an IPv4 form is replaced (RFC 6791); it gets no lease of the dynamic pool
   * @param nowMs allows a lease of the dynamic pool for the source; -1: none (inner packets)
   */
  mapToIpv4(s: Slab, at: number, anySource: boolean, nowMs: number): Verdict {
    const v = s.view;
    const map = this.map;
    const a = v.getInt32(at + IPV6_SOURCE);
    const b = v.getInt32(at + IPV6_SOURCE + 4);
    const c = v.getInt32(at + IPV6_SOURCE + 8);
    const d = v.getInt32(at + IPV6_SOURCE + 12);
    const e = v.getInt32(at + IPV6_DESTINATION);
    const f = v.getInt32(at + IPV6_DESTINATION + 4);
    const g = v.getInt32(at + IPV6_DESTINATION + 8);
    const h = v.getInt32(at + IPV6_DESTINATION + 12);
    this.isSourceRefused = true;
    const how = map.toIpv4(a, b, c, d, ALL, anySource ? -1 : nowMs);
    if (how >= 0) this.source4 = map.ipv4;
    else if (!anySource) return sourceRefusal(how);
    else {
      this.source4 = this.icmpSources.pickIpv4(a, b, c, d);
      if (this.source4 === 0) return sourceRefusal(how);
    }
    if (this.isRefused4(this.source4)) return MARTIAN_SOURCE;
    this.isSourceRefused = false;
    this.isSourceEmbedded = how === BY_PREFIX;
    const howDst = map.toIpv4(e, f, g, h, ALL, -1);
    if (howDst < 0) return destinationRefusal(howDst);
    this.destination4 = map.ipv4;
    if (this.isRefused4(this.destination4)) return MARTIAN_DESTINATION;
    if (this.refusesBothEmbedded && how === BY_PREFIX && howDst === BY_PREFIX) return BOTH_EMBEDDED;
    this.isHairpin = howDst === BY_PREFIX && map.hasMapping(this.destination4);
    this.newSum = sumWord(this.source4) + sumWord(this.destination4);
    this.difference =
      this.newSum +
      sumWordComplement(a) +
      sumWordComplement(b) +
      sumWordComplement(c) +
      sumWordComplement(d) +
      sumWordComplement(e) +
      sumWordComplement(f) +
      sumWordComplement(g) +
      sumWordComplement(h);
    if (nowMs >= 0 && how >= 0 && how !== BY_POOL && howDst !== BY_POOL && !this.isHairpin) {
      const pair = pairPlace6(this.pairs6, c, d, g, h);
      pair.s0 = a;
      pair.s1 = b;
      pair.s2 = c;
      pair.s3 = d;
      pair.d0 = e;
      pair.d1 = f;
      pair.d2 = g;
      pair.d3 = h;
      this.finishPair(pair, this.source4, this.destination4);
    }
    return TRANSLATED;
  }

  private rememberPair4(src: number, dst: number): void {
    const pair = pairPlace4(this.pairs4, src, dst);
    pair.s0 = this.s0;
    pair.s1 = this.s1;
    pair.s2 = this.s2;
    pair.s3 = this.s3;
    pair.d0 = this.d0;
    pair.d1 = this.d1;
    pair.d2 = this.d2;
    pair.d3 = this.d3;
    this.finishPair(pair, src, dst);
  }

  private finishPair(pair: AddressPair, src: number, dst: number): void {
    pair.source4 = src;
    pair.destination4 = dst;
    pair.difference = this.difference;
    pair.isUsed = true;
  }

  private isRefused4(ipv4: number): boolean {
    if (!isMartian4(ipv4)) return false;
    return !this.toleratesMartians || isGroup4(ipv4);
  }
}

function isMartianAt(s: Slab, at: number): boolean {
  const v = s.view;
  return isMartian6(v.getInt32(at), v.getInt32(at + 4), v.getInt32(at + 8), v.getInt32(at + 12));
}

function sourceRefusal(how: number): Verdict {
  if (how === REFUSED_NON_GLOBAL) return NON_GLOBAL;
  return how === REFUSED_POOL ? POOL_EXHAUSTED : NO_MAPPING_SOURCE;
}

const destinationRefusal = (how: number): Verdict => (how === REFUSED_NON_GLOBAL ? NON_GLOBAL : NO_MAPPING_DESTINATION);
