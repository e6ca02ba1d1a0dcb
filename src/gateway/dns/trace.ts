// Steps on the way to an answer, for a person (`dns query`), and records as text.

import type { Dns64Step } from '../../contract/dns64.ts';
import type { DnsRecord } from '../../core/dns64/message.ts';
import { nameText } from '../../core/dns64/name.ts';
import { TYPE, typeName } from '../../core/dns64/numbers.ts';
import { dataLayout } from '../../core/dns64/record-data.ts';
import { addressText } from './endpoint.ts';

/** Takes one step. */
export type Trace = (step: Dns64Step['step'], text: string) => void;

/** Collects steps with their times. */
export function collectSteps(): { readonly steps: readonly Dns64Step[]; readonly trace: Trace } {
  const steps: Dns64Step[] = [];
  const startMs = performance.now();
  const atMs = (): number => Math.round((performance.now() - startMs) * 10) / 10;
  return { steps, trace: (step, text) => void steps.push({ atMs: atMs(), step, text }) };
}

/** An address record's data. */
export const addressOfRecord = ({ data }: Pick<DnsRecord, 'data'>): string =>
  data.length === 4 ? data.join('.') : addressText(data);

/** Data as in a zone file where it is addresses or one name; otherwise as RFC 3597 §5 writes what is unknown. */
function dataText(record: DnsRecord): string {
  const { type, data } = record;
  if (type === TYPE.A || type === TYPE.AAAA) return addressOfRecord(record);
  const layout = dataLayout(type);
  if (layout !== null && layout.names === 1 && layout.tail === 0 && layout.skip(data, 0, data.length) === 0) {
    return nameText(data);
  }
  return `\\# ${data.length} ${Buffer.from(data).toString('hex')}`;
}

/** `1 record`, `2 records`. */
export const recordsText = (count: number): string => `${count} record${count === 1 ? '' : 's'}`;

/** A record as one line of a zone file. */
export const recordText = (record: DnsRecord): string =>
  `${nameText(record.name)} ${record.ttl} IN ${typeName(record.type)} ${dataText(record)}`;
