// The reference translator: RFC 7915 slow and plain, written from the RFCs and not from the engine, so that the two can be
// compared packet by packet. Read first: model.ts, then v4-to-v6.ts and v6-to-v4.ts. It keeps no state: the dynamic pool and
// the rate limit of errors are not here.

import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import { ownError4, ownError6 } from './errors.ts';
import { type Context, type ReferenceEnvironment, type ReferenceResult, Refusal } from './model.ts';
import { parseIpv4, parseIpv6 } from './parse.ts';
import { ipv4ToIpv6 } from './v4-to-v6.ts';
import { ipv6ToIpv4 } from './v6-to-v4.ts';

export type { ReferenceEnvironment, ReferenceResult } from './model.ts';

/**
 * Translates one packet by the rules.
 * @param packet the bytes from the IP header on; link padding may follow
 * @returns the verdict's name, the packets that go on, and what goes back to the sender. Never throws, whatever the bytes.
 */
export function referenceTranslate(
  packet: Uint8Array,
  settings: TranslatorSettings,
  env: ReferenceEnvironment,
): ReferenceResult {
  const context: Context = { settings, env, isHairpin: false };
  try {
    if (packet.length === 0) throw new Refusal('too-short');
    const version = packet[0] >> 4;
    if (version === 4) return ipv4ToIpv6(packet, context);
    if (version === 6) return ipv6ToIpv4(packet, context);
    throw new Refusal('bad-version');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { verdict: error.verdict, out: [], reply: errorAbout(packet, error, settings) };
  }
}

/** The ICMP error that a refusal leads to, or null. A refusal with a problem is about a packet with a sound header. */
function errorAbout(packet: Uint8Array, refusal: Refusal, settings: TranslatorSettings): Uint8Array | null {
  const { problem } = refusal;
  if (problem === null) return null;
  if (packet[0] >> 4 === 4) {
    return ownError4(packet, parseIpv4(packet, { isQuoted: true }), problem, settings);
  }
  return ownError6(packet, upperLayerOf(packet), problem, settings);
}

/** What stands behind the extension headers. */
function upperLayerOf(packet: Uint8Array) {
  const parsed = parseIpv6(packet, { isQuoted: true });
  const isFirst = parsed.fragment === null || parsed.fragment.offset === 0;
  return { protocol: parsed.protocol, type: parsed.payload[0], isFirst };
}
