// Which address stands for which in the other family: explicit mappings first, then the prefix (RFC 7757 §3.2), with what is
// refused on the way and the ICMP errors that say so.

import { type TranslatorSettings, WELL_KNOWN_PREFIX } from '../../src/core/translate/settings.ts';
import type { VerdictName } from '../../src/core/translate/verdict.ts';
import { eam4To6, eam6To4, embed, extract, isMartian4, isNonGlobal } from './addresses.ts';
import { concat, sameBytes } from './bytes.ts';
import { type Context, type IcmpHeader, Refusal } from './model.ts';

/** Source or destination: they fail differently. */
export type Role = 'source' | 'destination';

const NOTHING = new Uint8Array(4);
/** RFC 4443 §3.1 and RFC 1812 §5.2.7.1: what the sender is told. */
const PROBLEM4: Record<Role, IcmpHeader> = {
  source: { type: 3, code: 13, rest: NOTHING },
  destination: { type: 3, code: 1, rest: NOTHING },
};
const PROBLEM6: Record<Role, IcmpHeader> = {
  source: { type: 1, code: 5, rest: NOTHING },
  destination: { type: 1, code: 0, rest: NOTHING },
};

const NO_MAPPING: Record<Role, VerdictName> = { source: 'no-mapping-source', destination: 'no-mapping-destination' };
const MARTIAN: Record<Role, VerdictName> = { source: 'martian-source', destination: 'martian-destination' };

/** the well-known prefix carries global addresses only, unless allowed. */
export function isRefusedAsNonGlobal(address: number, settings: TranslatorSettings): boolean {
  const { prefix, allowNonGlobal } = settings;
  if (prefix === null || allowNonGlobal || prefix.length !== WELL_KNOWN_PREFIX.length) return false;
  return sameBytes(prefix.address, WELL_KNOWN_PREFIX.address) && isNonGlobal(address);
}

/** An IPv6 address and how it was found. */
export interface Mapped6 {
  readonly address: Uint8Array;
  /** By RFC 6052. */
  readonly isEmbedded: boolean;
}

/** IPv4 → IPv6. `usesEam` false: by the prefix alone (RFC 7757 §4.2). Throws Refusal. */
export function mapTo6(address: number, role: Role, context: Context, usesEam = true): Mapped6 {
  const { settings } = context;
  const explicit = usesEam ? eam4To6(settings.mappings, address) : null;
  if (explicit !== null) return { address: explicit, isEmbedded: false };
  if (settings.prefix === null) throw new Refusal(NO_MAPPING[role], PROBLEM4[role]);
  if (isRefusedAsNonGlobal(address, settings)) throw new Refusal('non-global', PROBLEM4[role]);
  return { address: embed(settings.prefix, address), isEmbedded: true };
}

/** An IPv4 address and how it was found. */
export interface Mapped4 {
  readonly address: number;
  /** By RFC 6052. */
  readonly isEmbedded: boolean;
  /** By RFC 6052, although an explicit mapping holds the address: the packet goes back (RFC 7757 §4.2). */
  readonly isHairpin: boolean;
}

/** IPv6 → IPv4. Throws Refusal. */
export function mapTo4(address: Uint8Array, role: Role, context: Context): Mapped4 {
  const { settings } = context;
  const explicit = eam6To4(settings.mappings, address);
  const embedded = explicit === null && settings.prefix !== null ? extract(settings.prefix, address) : null;
  const found = explicit ?? embedded;
  if (found === null) throw new Refusal(NO_MAPPING[role], PROBLEM6[role]);
  if (isMartian4(found, settings.tolerate.martians)) throw new Refusal(MARTIAN[role]);
  if (embedded !== null && isRefusedAsNonGlobal(found, settings)) throw new Refusal('non-global', PROBLEM6[role]);
  const isEmbedded = embedded !== null;
  return { address: found, isEmbedded, isHairpin: isEmbedded && eam4To6(settings.mappings, found) !== null };
}

const hasNoForm = (error: unknown): error is Refusal =>
  error instanceof Refusal && (error.verdict === 'no-mapping-source' || error.verdict === 'non-global');

/** T-5.2-10: the source of an ICMPv6 error; one without an IPv4 form gets one from the pool (RFC 6791 §3.1). */
export function mapErrorSourceTo4(address: Uint8Array, context: Context): Mapped4 {
  try {
    return mapTo4(address, 'source', context);
  } catch (error) {
    if (!hasNoForm(error)) throw error;
    const { settings, env } = context;
    const picked = settings.icmpPoolIpv4.length > 0 ? env.icmpPoolPick?.(address) : undefined;
    const substitute = picked ?? settings.icmpPoolIpv4[0]?.address ?? settings.ownIpv4;
    if (substitute === 0) throw error;
    return { address: substitute, isEmbedded: false, isHairpin: false };
  }
}

/** The same for the source of an ICMPv4 error. */
export function mapErrorSourceTo6(address: number, context: Context, usesEam = true): Mapped6 {
  try {
    return mapTo6(address, 'source', context, usesEam);
  } catch (error) {
    if (!hasNoForm(error)) throw error;
    const { settings, env } = context;
    const picked = settings.icmpPoolIpv6 === null ? undefined : env.icmpPoolPick6?.(address);
    const own = settings.ownIpv6IsShared ? null : settings.ownIpv6;
    const substitute = picked ?? settings.icmpPoolIpv6?.address ?? own;
    if (substitute === null) throw error;
    return { address: concat(substitute), isEmbedded: false };
  }
}

/** RFC 6877 §6: a CLAT speaks for one host only; one of the addresses must be its own. Throws Refusal. */
export function refuseBothEmbedded(
  source: Mapped4 | Mapped6,
  destination: Mapped4 | Mapped6,
  settings: TranslatorSettings,
): void {
  if (settings.allowBothEmbedded || !source.isEmbedded || !destination.isEmbedded) return;
  const isIpv6 = typeof source.address === 'number';
  throw new Refusal('both-embedded', isIpv6 ? PROBLEM6.source : PROBLEM4.source);
}
