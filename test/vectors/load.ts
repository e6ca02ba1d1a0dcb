// Golden packets: what goes in and what must come out, encoded by others than the code under test. Three sources, one shape:
// rfc.ts (the RFCs' own examples, as commented hex), ip-packet.ts (the npm package of that name), scapy.json (make-scapy.py).

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_SETTINGS, type TranslatorSettings } from '../../src/core/translate/settings.ts';
import type { VerdictName } from '../../src/core/translate/verdict.ts';
import { ip4, ip6, mapping, prefix4, prefix6 } from '../support/addresses.ts';
import { hex } from '../support/packets.ts';
import { ipPacketVectors } from './ip-packet.ts';
import { rfcVectors } from './rfc.ts';

/** Settings as a vector writes them: addresses as text, defaults for what is left out. */
export type SettingsText = Partial<
  Omit<
    TranslatorSettings,
    'prefix' | 'mappings' | 'dynamicPool' | 'ownIpv4' | 'ownIpv6' | 'icmpPoolIpv4' | 'icmpPoolIpv6'
  >
> & {
  readonly prefix?: string | null;
  readonly mappings?: readonly (readonly [ipv4: string, ipv6: string])[];
  readonly ownIpv4?: string;
  readonly ownIpv6?: string;
  readonly icmpPoolIpv4?: readonly string[];
  readonly icmpPoolIpv6?: string;
};

/** A vector as it is written down: bytes as hex, with comments where it is source code. */
export interface VectorText {
  readonly id: string;
  /** The rule that it shows, an id of the specification. */
  readonly rule: string;
  readonly title: string;
  readonly settings: SettingsText;
  readonly in: string;
  readonly out: readonly string[];
  readonly verdict: VerdictName;
  readonly reply: string | null;
}

/** A vector ready for use. */
export interface Vector {
  readonly id: string;
  readonly rule: string;
  readonly title: string;
  readonly settings: TranslatorSettings;
  readonly in: Uint8Array;
  readonly out: readonly Uint8Array[];
  readonly verdict: VerdictName;
  readonly reply: Uint8Array | null;
}

/** What the Fragment Identification generator returns in every vector. */
export const VECTOR_IDENTIFICATION = 0x4711;

/** Settings from their text. Throws on bad addresses. */
export function settingsFrom(text: SettingsText): TranslatorSettings {
  const { prefix, mappings, ownIpv4, ownIpv6, icmpPoolIpv4, icmpPoolIpv6, ...others } = text;
  return {
    ...DEFAULT_SETTINGS,
    ...others,
    prefix: prefix === undefined || prefix === null ? null : prefix6(prefix),
    mappings: (mappings ?? []).map(([four, six]) => mapping(four, six)),
    ownIpv4: ownIpv4 === undefined ? 0 : ip4(ownIpv4),
    ownIpv6: ownIpv6 === undefined ? null : ip6(ownIpv6),
    icmpPoolIpv4: (icmpPoolIpv4 ?? []).map(prefix4),
    icmpPoolIpv6: icmpPoolIpv6 === undefined ? null : prefix6(icmpPoolIpv6),
  };
}

const ready = (text: VectorText): Vector => ({
  ...text,
  settings: settingsFrom(text.settings),
  in: hex(text.in),
  out: text.out.map((packet) => hex(packet)),
  reply: text.reply === null ? null : hex(text.reply),
});

/** All vectors. Throws if the JSON file cannot be read. */
export function loadVectors(): Vector[] {
  const scapy = JSON.parse(readFileSync(join(sourceFolder(), 'scapy.json'), 'utf8')) as VectorText[];
  return [...rfcVectors, ...ipPacketVectors(), ...scapy].map(ready);
}

/** This folder among the sources, also when the compiled file runs from dist/. */
function sourceFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.replace(/([\\/])dist([\\/]test[\\/]vectors)$/, '$2');
}
