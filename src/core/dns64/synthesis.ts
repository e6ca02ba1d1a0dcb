// Synthesis, RFC 6147 §5.1: what the answer to an AAAA question means, and the answer that A records make.
//
//     AAAA answer ──judgeAaaa──► it is the answer
//                        └─────► A is needed ──► A answer ──decide──► synthetic, or what there was

import { embedAddress } from '../address/rfc6052.ts';
import { endOfChain } from './chain.ts';
import { type DnsMessage, type DnsQuestion, type DnsRecord, rcodeOf } from './message.ts';
import { isSameName } from './name.ts';
import { FLAG, RCODE, TYPE } from './numbers.ts';
import { isExcludedAaaa, isIgnoredName, prefixesFor, type SynthesisRules } from './rules.ts';
import { negativeTtl } from './ttl.ts';

/** RFC 6147 §5.1.7: where the AAAA answer has no SOA. */
const TTL_WITHOUT_SOA = 600;
/** Synthetic records of one answer; a name with more addresses than that is of no use. */
const SYNTHETIC_MAX = 512;

/** What an AAAA answer leads to. */
export interface AaaaVerdict {
  /** Whether `message` is the answer, so that no A question is needed. */
  readonly isFinal: boolean;
  /** The answer without what counts as none; null: there was no answer that can be given. */
  readonly message: DnsMessage | null;
  /** Whether `message` has usable addresses. */
  readonly hasAddresses: boolean;
  /** Upper bound of a synthetic record's TTL, in seconds. */
  readonly ttlMax: number;
  /** AAAA records that count as none. */
  readonly excluded: readonly DnsRecord[];
}

/** One synthetic record's origin. */
export interface SynthesisStep {
  /** 4 bytes. */
  readonly from: Uint8Array;
  /** 16 bytes. */
  readonly to: Uint8Array;
}

/** What an A answer leads to. */
export interface Decision {
  readonly message: DnsMessage;
  readonly steps: readonly SynthesisStep[];
}

/** Whether a record signs records of a type (RFC 4034 §3.1.1). */
const isSignatureOf = (record: DnsRecord, type: number): boolean =>
  record.type === TYPE.RRSIG && ((record.data[0] << 8) | record.data[1]) === type;

const NO_ANSWER: AaaaVerdict = {
  isFinal: false,
  message: null,
  hasAddresses: false,
  ttlMax: TTL_WITHOUT_SOA,
  excluded: [],
};

/**
 * Judges the upstream's answer to an AAAA question (S-02, S-03).
 * @param message null: none came (RFC 6147 §5.1.3 treats a timeout as an empty answer)
 */
export function judgeAaaa(rules: SynthesisRules, message: DnsMessage | null): AaaaVerdict {
  if (message === null || message.question === null) return NO_ANSWER;
  const rcode = rcodeOf(message);
  if (rcode === RCODE.NXDOMAIN) return { ...NO_ANSWER, isFinal: true, message };
  if (rcode !== RCODE.NOERROR) return NO_ANSWER;
  const { name } = message.question;
  const isIgnored = isIgnoredName(rules, name);
  const isExcluded = (record: DnsRecord): boolean =>
    record.type === TYPE.AAAA && (isIgnored || isExcludedAaaa(rules, record.data));
  const excluded = message.answers.filter(isExcluded);
  const left = excluded.length === 0 ? message : withoutRecords(message, TYPE.AAAA, isExcluded);
  const end = endOfChain(name, left.answers);
  const hasAddresses = left.answers.some((r) => r.type === TYPE.AAAA && end !== null && isSameName(r.name, end));
  const ttlMax = negativeTtl(message) ?? TTL_WITHOUT_SOA;
  return { isFinal: hasAddresses && !rules.isAlways, message: left, hasAddresses, ttlMax, excluded };
}

/** A message without some of its answers and the signatures over their type, which do not hold for what is left. */
function withoutRecords(message: DnsMessage, type: number, isGone: (record: DnsRecord) => boolean): DnsMessage {
  const answers = message.answers.filter((record) => !isGone(record) && !isSignatureOf(record, type));
  return { ...message, answers, flags: message.flags & ~FLAG.AD };
}

/**
 * Decides by the upstream's answer to the A question.
 * @param question the AAAA question
 * @param verdict {@link judgeAaaa}'s, not final
 * @param message RCODE NOERROR or NXDOMAIN; other answers are failures and never come here
 */
export function decide(
  rules: SynthesisRules,
  question: DnsQuestion,
  verdict: AaaaVerdict,
  message: DnsMessage,
): Decision {
  const end = endOfChain(question.name, message.answers);
  const steps: SynthesisStep[] = [];
  const answers = message.answers.flatMap((record) => {
    if (isSignatureOf(record, TYPE.A)) return [];
    if (record.type !== TYPE.A) return [record];
    if (end === null || !isSameName(record.name, end)) return [];
    const made = synthesise(rules, record, verdict.ttlMax).slice(0, SYNTHETIC_MAX - steps.length);
    steps.push(...made.map(({ data }) => ({ from: record.data, to: data })));
    return made;
  });
  if (steps.length > 0) return { message: { ...message, question, answers, flags: message.flags & ~FLAG.AD }, steps };
  return { message: verdict.message ?? withoutAddresses(question, message), steps };
}

/** S-05, RFC 6147 §5.1.7: one AAAA for each prefix. */
function synthesise(rules: SynthesisRules, record: DnsRecord, ttlMax: number): DnsRecord[] {
  const ttl = Math.min(record.ttl, ttlMax);
  return prefixesFor(rules, record.data).map(({ prefix }) => ({
    ...record,
    type: TYPE.AAAA,
    ttl,
    data: embedAddress(prefix, new DataView(record.data.buffer, record.data.byteOffset).getInt32(0)),
  }));
}

/** The A answer as the answer to an AAAA question: it says that there is nothing. */
const withoutAddresses = (question: DnsQuestion, message: DnsMessage): DnsMessage => ({
  ...withoutRecords(message, TYPE.A, (record) => record.type === TYPE.A),
  question,
});
