// How long an answer may be kept: RFC 1035 §3.2.1 for what there is, RFC 2308 for what there is not, RFC 9520 for failures.

import { type DnsMessage, type DnsRecord, rcodeOf } from './message.ts';
import { RCODE, TYPE } from './numbers.ts';
import type { DnsCacheSettings } from './settings.ts';

/** RFC 9520 §3.2: at least one second, at most five minutes. */
const FAILURE_SECONDS = 5;
/** MINIMUM is the last word of an SOA record's data. */
const MINIMUM_SIZE = 4;

/** The time for which a message says that there is nothing (RFC 2308 §5: the lesser of the SOA's TTL and its MINIMUM); null: no SOA. */
export function negativeTtl(message: DnsMessage): number | null {
  const soa = message.authority.find((record) => record.type === TYPE.SOA);
  return soa === undefined ? null : Math.min(soa.ttl, minimumOf(soa));
}

function minimumOf(soa: DnsRecord): number {
  const { data } = soa;
  return new DataView(data.buffer, data.byteOffset, data.length).getUint32(data.length - MINIMUM_SIZE);
}

/** Whether a message says that there is no such name or no such record. */
function isNegative(message: DnsMessage): boolean {
  const type = message.question?.type;
  if (rcodeOf(message) === RCODE.NXDOMAIN) return true;
  return !message.answers.some((record) => record.type === type || type === TYPE.ANY);
}

/** A message whose TTLs are within the bounds, and for how many seconds it may be kept; 0: not at all. */
export interface Bounded {
  readonly message: DnsMessage;
  readonly lifetimeS: number;
}

/** Brings all TTLs of a message into the bounds of the settings (S-10). */
export function boundTtls(message: DnsMessage, settings: DnsCacheSettings): Bounded {
  const rcode = rcodeOf(message);
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return { message, lifetimeS: FAILURE_SECONDS };
  const { minTtlSeconds, maxTtlSeconds, maxNegativeTtlSeconds } = settings;
  const clamp = (ttl: number): number => Math.min(Math.max(ttl, minTtlSeconds), maxTtlSeconds);
  const negative = isNegative(message) ? negativeTtl(message) : null;
  const soaTtl = negative === null ? null : Math.min(clamp(negative), maxNegativeTtlSeconds);
  const bound = (record: DnsRecord): DnsRecord => ({
    ...record,
    ttl: record.type === TYPE.SOA && soaTtl !== null ? soaTtl : clamp(record.ttl),
  });
  const bounded: DnsMessage = {
    ...message,
    answers: message.answers.map(bound),
    authority: message.authority.map(bound),
    additional: message.additional.map(bound),
  };
  // RFC 2308 §5: without an SOA, nothing is not to be kept.
  if (isNegative(message) && soaTtl === null) return { message: bounded, lifetimeS: 0 };
  const records = [...bounded.answers, ...bounded.authority, ...bounded.additional];
  return { message: bounded, lifetimeS: Math.min(...records.map((record) => record.ttl)) };
}
