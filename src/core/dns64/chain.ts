// Aliases: where the CNAME and DNAME records of an answer lead to (RFC 1034 §3.6.2, RFC 6672 §3.1).

import type { DnsRecord } from './message.ts';
import { isSameName, replaceEnding } from './name.ts';
import { TYPE } from './numbers.ts';

/** A longer chain is taken to lead nowhere. */
const LINKS_MAX = 32;

/** Where one name leads to, or null for its end. */
function nextName(name: Uint8Array, records: readonly DnsRecord[]): Uint8Array | null {
  const alias = records.find((record) => record.type === TYPE.CNAME && isSameName(record.name, name));
  if (alias !== undefined) return alias.data;
  for (const record of records) {
    const next = record.type === TYPE.DNAME ? replaceEnding(name, record.name, record.data) : null;
    if (next !== null) return next;
  }
  return null;
}

/** The name that `name` finally stands for by these records; null where they lead in a circle. */
export function endOfChain(name: Uint8Array, records: readonly DnsRecord[]): Uint8Array | null {
  let end = name;
  for (let i = 0; i < LINKS_MAX; i++) {
    const next = nextName(end, records);
    if (next === null) return end;
    end = next;
  }
  return null;
}
