// Explained differences in ICMP messages and in the packets inside them.

import { read32 } from '../reference/bytes.ts';
import type { Dissection } from './differential-dissect.ts';
import type { Explanation } from './differential-explanations.ts';
import { ERROR, isAnswer, isTransportCutShort, isZeroUdp, TRANSLATED } from './differential-facts.ts';

/** Whether the packet is an ICMP message of this family and type, of one of these codes if there are any. */
const isIcmp = (packet: Dissection | null, family: 4 | 6, type: number, ...codes: readonly number[]): boolean =>
  packet?.family === family && packet.icmp?.type === type && (codes.length === 0 || codes.includes(packet.icmp.code));

const isEchoReply = (packet: Dissection | null | undefined): boolean =>
  packet?.icmp?.type === (packet?.family === 4 ? 0 : 129);

const MESSAGES: readonly Explanation[] = [
  {
    name: 'Parameter Problem with a pointer',
    rfc: 'RFC 7915 §4.2, §5.2',
    tayga: 'drops every one',
    ours: 'translates those whose pointer has a counterpart',
    right: 'ours',
    matches: (d) => (isIcmp(d.input, 4, 12) || isIcmp(d.input, 6, 4, 0)) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'Time Exceeded with a code above 1',
    rfc: 'RFC 7915 §4.2, §5.2; RFC 792; RFC 4443 §3.3',
    tayga: 'translates it, the code unchanged',
    ours: 'drops it: no such code exists',
    right: 'both',
    matches: (d) =>
      (isIcmp(d.input, 4, 11) || isIcmp(d.input, 6, 3)) &&
      (d.input?.icmp?.code ?? 0) > 1 &&
      isAnswer(d, 'nothing', TRANSLATED),
  },
  {
    name: 'address unreachable (1/3)',
    rfc: 'RFC 7915 §5.2',
    tayga: 'drops it',
    ours: 'translates it to 3/1',
    right: 'ours',
    matches: (d) => isIcmp(d.input, 6, 1, 3) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'error from an IPv6 router without an IPv4 form',
    rfc: 'RFC 7915 §5.2, RFC 6791 §3.1',
    tayga: 'gives 1/0, 1/2 and 2/0 its own address as source, and drops the others, Time Exceeded among them',
    ours: 'gives every error a source of the pool, or its own',
    right: 'ours',
    matches: (d) =>
      d.input?.source === '2001:db8:9::9' &&
      (isIcmp(d.input, 6, 3) || isIcmp(d.input, 6, 1, 1, 4) || isIcmp(d.input, 6, 4, 1)) &&
      isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'Packet Too Big with an MTU below 88',
    rfc: 'RFC 1191 §3',
    tayga: 'drops it below 68, and else reports 20 bytes less',
    ours: 'reports 68, below which no host may go',
    right: 'both',
    matches: (d) =>
      isIcmp(d.input, 6, 2) &&
      read32(d.input?.upper ?? new Uint8Array(8), 4) < 88 &&
      (d.field === 'ICMP second word' || isAnswer(d, TRANSLATED, 'nothing')),
  },
  {
    name: 'ICMP error about an echo reply',
    rfc: 'RFC 1122 §3.2.2, RFC 4443 §2.4 (e)',
    tayga: 'sends errors about echo requests only',
    ours: 'sends errors about every ICMP message that is no error',
    right: 'ours',
    matches: (d) => isEchoReply(d.input) && d.input?.hops !== 0 && isAnswer(d, ERROR, 'nothing'),
  },
];

const INNER: readonly Explanation[] = [
  {
    name: 'quoted transport header cut short',
    rfc: 'RFC 7915 §4.3, §5.3; RFC 792',
    tayga: 'drops the error when fewer than 20 bytes of TCP or 8 of UDP or ICMP are quoted',
    ours: 'translates what is there; eight bytes are all that RFC 792 promises',
    right: 'ours',
    matches: (d) => isTransportCutShort(d.input?.inner) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'quoted UDP without a checksum',
    rfc: 'RFC 7915 §4.3, §5.3',
    tayga: 'drops the error',
    ours: 'translates it; the quoted checksum stays zero',
    right: 'ours',
    matches: (d) => isZeroUdp(d.input?.inner) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'quoted echo reply',
    rfc: 'RFC 7915 §4.3, §5.3',
    tayga: 'drops the error',
    ours: 'translates it',
    right: 'ours',
    matches: (d) =>
      isEchoReply(d.input?.inner) && !isTransportCutShort(d.input?.inner) && isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'quoted IPv4 fragment',
    rfc: 'RFC 7915 §4.3',
    tayga: 'leaves the Fragment Header out, so that a later fragment looks like a whole packet',
    ours: 'translates it as any packet, with a Fragment Header',
    right: 'ours',
    matches: (d) => d.input?.inner?.family === 4 && d.input.inner.fragment !== null && d.field.startsWith('quoted '),
  },
  {
    name: 'quoted fragment cut short',
    rfc: 'RFC 7915 §4.3, §5.3',
    tayga: 'drops the error when the quoted part of a fragment with more to come is no multiple of 8 long',
    ours: 'translates it: a quote may be cut anywhere',
    right: 'ours',
    matches: (d) =>
      d.input?.inner?.fragment?.more === true &&
      d.input.inner.upper.length % 8 !== 0 &&
      !isTransportCutShort(d.input.inner) &&
      isAnswer(d, TRANSLATED, 'nothing'),
  },
  {
    name: 'multi-part message',
    rfc: 'RFC 7915 §4.2, §5.2; RFC 4884 §4, §5',
    tayga: 'removes the extension',
    ours: 'keeps it, and converts the length attribute and the padding',
    right: 'ours',
    matches: (d) =>
      (d.input?.extension.length ?? 0) > 0 &&
      ['ICMP extension', 'ICMP second word', 'quoted padding'].includes(d.field),
  },
  {
    name: 'length attribute beyond the message',
    rfc: 'RFC 4884 §5, RFC 7915 §4.2',
    tayga: 'drops the error',
    ours: 'ignores the attribute and translates the error',
    right: 'ours',
    matches: (d) => isLengthBeyond(d.input) && isAnswer(d, TRANSLATED, 'nothing'),
  },
];

function isLengthBeyond(packet: Dissection | null): boolean {
  if (packet === null) return false;
  const isWithAttribute = isIcmp(packet, 4, 3) || isIcmp(packet, 4, 11) || isIcmp(packet, 6, 1) || isIcmp(packet, 6, 3);
  const length = packet.family === 4 ? packet.upper[5] * 4 : packet.upper[4] * 8;
  return isWithAttribute && length > packet.upper.length - 8;
}

/** All rows of this file. */
export const ICMP_EXPLANATIONS: readonly Explanation[] = [...MESSAGES, ...INNER];
