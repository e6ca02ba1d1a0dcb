// One packet through the engine and through the reference, and everything that must hold for what comes out.

import { IcmpSources } from '../../src/core/translate/icmp-sources.ts';
import type { TranslatorSettings } from '../../src/core/translate/settings.ts';
import type { ReferenceEnvironment, ReferenceResult } from '../reference/model.ts';
import { referenceTranslate } from '../reference/translate.ts';
import { Engine, type EngineResult } from '../support/engine.ts';
import { toHex } from '../support/packets.ts';
import { faultsOf, hasRightChecksums, twoZeroPlaces } from './invariants.ts';

/** The same settings twice: engine and reference. `complaint` may be called any number of times. */
export class Comparison {
  readonly engine: Engine;
  private readonly settings: TranslatorSettings;
  private readonly sources: IcmpSources;

  constructor(settings: TranslatorSettings, canary = 0xa5) {
    this.settings = settings;
    this.engine = new Engine(settings, { seed: 0xfff0, canary });
    this.sources = new IcmpSources(settings);
  }

  /** What is wrong about this packet, in words; null if nothing is. Exceptions count. */
  complaint(packet: Uint8Array): string | null {
    try {
      const expected = referenceTranslate(packet, this.settings, this.environment());
      const actual = this.engine.run(packet);
      return difference(actual, expected) ?? damage(packet, actual);
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }

  /** The verdict of the last resort, for statistics. */
  verdict(packet: Uint8Array): string {
    return this.engine.run(packet).verdict;
  }

  /** Generator and pool choices are not the reference's to know: it takes those that the engine would make next. */
  environment(): ReferenceEnvironment {
    let identification = this.engine.translator.nextIdentification(0);
    const { map } = this.engine.translator;
    return {
      nextIdentification: () => identification++ & 0xffff,
      icmpPoolPick: (source) => {
        const view = new DataView(source.buffer, source.byteOffset, 16);
        const words = [0, 4, 8, 12].map((at) => view.getInt32(at)) as [number, number, number, number];
        return this.sources.pickIpv4(...words) >>> 0;
      },
      icmpPoolPick6: (source) => {
        this.sources.pickIpv6(source | 0, map);
        const view = new DataView(new ArrayBuffer(16));
        [map.w0, map.w1, map.w2, map.w3].forEach((w, i) => {
          view.setInt32(i * 4, w);
        });
        return new Uint8Array(view.buffer);
      },
    };
  }
}

/** Where engine and reference differ, or null. */
function difference(actual: EngineResult, expected: ReferenceResult): string | null {
  if (actual.verdict !== expected.verdict) return `verdict ${actual.verdict}, the reference says ${expected.verdict}`;
  const a = [...actual.out, ...(actual.reply === null ? [] : [actual.reply])];
  const e = [...expected.out, ...(expected.reply === null ? [] : [expected.reply])];
  const isSame = a.length === e.length && a.every((packet, i) => isEqual(packet, e[i] as Uint8Array));
  if (isSame) return null;
  return `${actual.verdict}: not what the reference makes of it\n  engine    ${a.map(toHex).join('\n            ')}\n  reference ${e.map(toHex).join('\n            ')}`;
}

/** Byte for byte; but a checksum of 0 is the same as one of 0xffff (two zeros of one's complement) where it stands. */
function isEqual(actual: Uint8Array, expected: Uint8Array): boolean {
  if (Buffer.compare(actual, expected) === 0) return true;
  if (actual.length !== expected.length) return false;
  return Buffer.compare(normalised(actual), normalised(expected)) === 0;
}

/** A packet with each checksum of 0xffff as 0 where that is the same: two zeros of one's complement. */
export function normalised(packet: Uint8Array): Uint8Array {
  const copy = packet.slice();
  for (const at of twoZeroPlaces(packet)) if (copy[at] === 0xff && copy[at + 1] === 0xff) copy.set([0, 0], at);
  return copy;
}

/** What is wrong with the packets themselves, whatever the reference says. */
function damage(packet: Uint8Array, result: EngineResult): string | null {
  for (const out of result.out) {
    const fault = faultsOf(out);
    if (fault !== null) return `${result.verdict}: emitted a packet with ${fault}\n  ${toHex(out)}`;
  }
  if (result.reply !== null) {
    const fault = faultsOf(result.reply) ?? (hasRightChecksums(result.reply) === true ? null : 'a wrong checksum');
    if (fault !== null) return `${result.verdict}: replied with ${fault}\n  ${toHex(result.reply)}`;
  }
  const only = result.out.length === 1 ? result.out[0] : undefined;
  if (only !== undefined && hasRightChecksums(packet) === true && hasRightChecksums(only) === false) {
    return `${result.verdict}: a right checksum became wrong\n  ${toHex(only)}`;
  }
  return null;
}
