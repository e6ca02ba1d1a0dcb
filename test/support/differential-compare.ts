// Compares what two translators made of one packet, field by field. Owns the list of what does not count, each with its reason.

import { type Dissection, dissect } from './differential-dissect.ts';
import { type Case, NETWORK } from './differential-network.ts';
import { toHex } from './packets.ts';

/** One field in which the two differ, or `answer`: how many packets of which kind they sent. */
export interface Difference {
  readonly case: Case;
  /** The packet that was sent; null where it is none. */
  readonly input: Dissection | null;
  readonly field: string;
  readonly ours: string;
  readonly tayga: string;
}

/** What came out of one translator, in order. */
export type Output = readonly Uint8Array[];

/** Compares two outputs. @returns one difference for each field; empty when they are the same */
export function compare(each: Case, ours: Output, tayga: Output): Difference[] {
  const input = dissect(each.packet);
  const difference = (field: string, a: string, b: string): Difference => ({
    case: each,
    input,
    field,
    ours: a,
    tayga: b,
  });
  const [answerA, answerB] = [ours, tayga].map(
    (output) => output.map((packet) => kindOf(packet, input)).join(' + ') || 'nothing',
  );
  if (answerA !== answerB) return [difference('answer', answerA, answerB)];
  return ours.flatMap((packet, i) => {
    const a = comparable(packet, input);
    const b = comparable(tayga[i], input);
    const names = new Set([...a.keys(), ...b.keys()]);
    const differing = [...names].filter((name) => a.get(name) !== b.get(name));
    return differing.map((name) => difference(name, a.get(name) ?? 'absent', b.get(name) ?? 'absent'));
  });
}

const isOwn = ({ source }: Dissection): boolean => source === NETWORK.ownIpv4 || source === NETWORK.ownIpv6;

/** Of which kind a packet is that came out: translated, or sent back by the translator itself. */
function kindOf(packet: Uint8Array, input: Dissection | null): string {
  const output = dissect(packet);
  if (output === null) return 'no packet';
  if (output.family !== input?.family) return `IPv${output.family} packet`;
  if (!isOwn(output)) return 'turned round';
  const { type = 0, code = 0 } = output.icmp ?? {};
  return output.inner === null ? 'echo reply' : `error ${type}/${code}`;
}

/** The fields that count. */
function comparable(packet: Uint8Array, input: Dissection | null): Map<string, string> {
  const output = dissect(packet);
  if (output === null) return new Map([['bytes', toHex(packet)]]);
  const fields = new Map(output.fields);
  const isSentHere = isOwn(output) && output.family === input?.family;
  // Follows from the rest of the packet; it only has to be right.
  const claimed = output.claimed === packet.length ? 'right' : 'wrong';
  fields.set(output.family === 4 ? 'total length' : 'payload length', claimed);
  // RFC 6864 §4.1: the identification of a packet that is no fragment has no meaning; RFC 7915 §5.1: DF=0 takes any fresh one.
  const isWhole = output.family === 4 && output.fragment === null;
  if (isWhole && (input?.fragment ?? null) === null) fields.delete('identification');
  if (output.inner?.family === 4 && output.inner.fragment === null && input?.inner?.fragment === null) {
    if (!isSentHere) fields.delete('quoted identification');
  }
  // RFC 1812 §4.3.2 leaves DF open in the translator's own ICMP messages, which fit every link.
  if (isSentHere) fields.delete('DF');
  return fields;
}

/** A packet as hex with the names of its fields, for messages. */
export function describe(packet: Uint8Array): string {
  const fields = dissect(packet)?.fields ?? new Map<string, string>();
  const lines = (toHex(packet).match(/.{1,64}/g) ?? ['']).map(
    (line) => `    ${line.replaceAll(/(.{4})/g, '$1 ').trimEnd()}`,
  );
  const named = [...fields]
    .filter(([name]) => !/data|bytes|padding/.test(name))
    .map(([name, value]) => `${name} ${value}`);
  return `    # ${named.join(', ') || 'no IP packet'}\n${lines.join('\n')}`;
}
